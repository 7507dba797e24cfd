"""OpenAPI 3.0 schemas as JSON Schema 2020-12, as strict as what the contract means."""

from typing import Any

import jsonschema_rs

Schema = dict[str, Any]

ROOT = "urn:raindrop:contract"
PROBLEMS_SHOWN = 5
PROBLEM_LENGTH = 240

_FORMATS = {"Email": "email", "Enum": "enum", "Url": "url", "Ip": "ip"}
_TYPES = {
    "Boolean": "boolean",
    "Integer": "integer",
    "Float": "double",
    "Datetime": "datetime",
    "Relationship": "relationship",
    "Point": "point",
    "Line": "linestring",
    "Polygon": "polygon",
}
_HASHES = {
    "Argon2": "argon2",
    "Bcrypt": "bcrypt",
    "Md5": "md5",
    "Phpass": "phpass",
    "Scrypt": "scrypt",
    "ScryptModified": "scryptMod",
    "Sha": "sha",
}


class Schemas:
    """The named schemas of an OpenAPI document, compiled when first used."""

    def __init__(self, named: dict[str, Schema]) -> None:
        self._named = named
        translated = {name: translate(schema) for name, schema in named.items()}
        document = {"$id": ROOT, "components": {"schemas": translated}}
        self._registry = jsonschema_rs.Registry([(ROOT, document)])
        self._compiled: dict[str, jsonschema_rs.Draft202012Validator] = {}

    def required(self, schema: Schema) -> set[str]:
        """The properties that a schema, or the one that it refers to, asks for."""
        name = schema.get("$ref", "").rsplit("/", 1)[-1]
        return set(self._named.get(name, schema).get("required", []))

    def problems(self, schema: Schema, value: Any) -> list[str]:
        """What is wrong with a value, a line each with the place; at most a handful."""
        key = repr(schema)
        if key not in self._compiled:
            self._compiled[key] = jsonschema_rs.Draft202012Validator(
                translate(schema), registry=self._registry
            )
        lines = dict.fromkeys(_line(error) for error in self._compiled[key].iter_errors(value))
        return list(lines)[:PROBLEMS_SHOWN]


def translate(schema: Schema) -> Schema:
    """An OpenAPI 3.0 schema as JSON Schema.

    Stricter than the letter of the document, where the letter says less than it means:
    an object has no properties but the declared ones; ``items`` of an object is the object's own
    schema; ``oneOf`` and ``anyOf`` over kinds of attributes, columns and hashes follow the value's
    ``type`` and ``format`` (by the letter, several of them fit nearly every value).
    """
    if "$ref" in schema:
        return {"$ref": ROOT + schema["$ref"]}
    plain = _alternatives(schema) or _plain(schema)
    return {"anyOf": [{"type": "null"}, plain]} if schema.get("nullable") else plain


def _alternatives(schema: Schema) -> Schema | None:
    branches = schema.get("oneOf") or schema.get("anyOf")
    if not branches:
        return None
    names = [branch["$ref"].rsplit("/", 1)[-1] for branch in branches]
    for prefix in ("attribute", "column", "algo"):
        if all(name.startswith(prefix) for name in names):
            return _by_kind(prefix)
    return {"anyOf": [translate(branch) for branch in branches]}


def _plain(schema: Schema) -> Schema:
    plain: Schema = {
        key: schema[key] for key in ("type", "enum", "additionalProperties") if key in schema
    }
    if "properties" in schema:
        plain["properties"] = {key: translate(x) for key, x in schema["properties"].items()}
        plain["required"] = schema.get("required", [])
        plain.setdefault("additionalProperties", False)
    if "items" in schema:
        inner = translate(schema["items"])
        plain |= {"allOf": [inner]} if schema.get("type") == "object" else {"items": inner}
    return plain


def _by_kind(prefix: str) -> Schema:
    """One of the schemas with this prefix: the one that the value's own fields name."""
    if prefix == "algo":
        conditions = {name: {"type": {"const": kind}} for name, kind in _HASHES.items()}
    else:
        conditions = {name: {"type": {"const": kind}} for name, kind in _TYPES.items()}
        conditions |= {
            name: {"type": {"const": "string"}, "format": {"const": kind}}
            for name, kind in _FORMATS.items()
        }
    kinds = [value["type"]["const"] for value in conditions.values()]
    rules = [
        {"if": {"properties": fields, "required": list(fields)}, "then": _named(prefix + name)}
        for name, fields in conditions.items()
    ]
    if prefix != "algo":
        rules.append({"if": _plain_string(), "then": _named(f"{prefix}String")})
    return {
        "type": "object",
        "required": ["type"],
        "properties": {"type": {"enum": sorted(set(kinds))}},
        "allOf": rules,
    }


def _plain_string() -> Schema:
    formatted = {
        "properties": {"format": {"enum": list(_FORMATS.values())}},
        "required": ["format"],
    }
    return {
        "properties": {"type": {"const": "string"}},
        "required": ["type"],
        "not": formatted,
    }


def _named(name: str) -> Schema:
    return {"$ref": f"{ROOT}#/components/schemas/{name}"}


def _line(error: jsonschema_rs.ValidationError) -> str:
    place = ".".join(str(part) for part in error.instance_path) or "body"
    text = error.message
    return f"{place}: {text if len(text) <= PROBLEM_LENGTH else text[:PROBLEM_LENGTH] + '…'}"
