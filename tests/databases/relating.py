"""Two related collections to test with."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from tests.databases.places import Place

KINDS = ("oneToOne", "oneToMany", "manyToOne", "manyToMany")


def query(method: str, attribute: str | None, *values: Any) -> str:
    """A query as clients write it."""
    built: dict[str, Any] = {"method": method, "values": list(values)}
    return json.dumps(built if attribute is None else built | {"attribute": attribute})


def numbered(queries: Iterable[str]) -> dict[str, str]:
    """Queries as addresses carry them."""
    return {f"queries[{index}]": each for index, each in enumerate(queries)}


def select(*keys: str) -> str:
    """What is selected."""
    return query("select", None, *keys)


@dataclass
class Pair:
    """Collections related by ``kids`` of the parents, and ``folk`` of the children if two-way;
    documents of both have a ``name``."""

    place: Place
    parents: str
    children: str
    kind: str
    is_two_way: bool

    @classmethod
    def make(
        cls,
        place: Place,
        kind: str,
        *,
        is_two_way: bool,
        on_delete: str = "restrict",
        **fields: Any,
    ) -> "Pair":
        """Make both collections and relate them."""
        parents, children = (place.collection({"key": "name"}, **fields) for _ in range(2))
        return cls.relate(
            place, parents, children, kind, is_two_way=is_two_way, on_delete=on_delete
        )

    @classmethod
    def relate(
        cls,
        place: Place,
        parents: str,
        children: str,
        kind: str,
        *,
        is_two_way: bool,
        on_delete: str = "restrict",
    ) -> "Pair":
        """Relate two collections."""
        related = "relatedTableId" if place.service == "tablesdb" else "relatedCollectionId"
        body = {
            related: children,
            "type": kind,
            "twoWay": is_two_way,
            "key": "kids",
            "twoWayKey": "folk",
            "onDelete": on_delete,
        }
        made = place.key.post(f"{place.at(parents)}/{place.attributes}/relationship", json=body)
        assert made.status_code == 202, made.text
        place.wait(parents)
        return cls(place, parents, children, kind, is_two_way)

    @property
    def has_many(self) -> bool:
        """Whether a parent may have many children."""
        return self.kind in ("oneToMany", "manyToMany")

    def value(self, child: Any) -> Any:
        """A child as ``kids`` has it."""
        return [child] if self.has_many else child

    def parent(self, name: str, **data: Any) -> str:
        """Make a parent; its id."""
        return self._create(self.parents, {"name": name, **data})

    def child(self, name: str, **data: Any) -> str:
        """Make a child; its id."""
        return self._create(self.children, {"name": name, **data})

    def _create(self, collection: str, data: dict[str, Any]) -> str:
        made = self.place.create(self.place.key, collection, data)
        assert made.status_code == 201, made.text
        return str(made.json()["$id"])

    def change(self, parent: str, kids: Any) -> None:
        """Give a parent other children."""
        url = self.place.documents_of(self.parents, parent)
        changed = self.place.key.patch(url, json={"data": {"kids": kids}})
        assert changed.status_code == 200, changed.text

    def load(self, parent: str, *queries: str) -> Any:
        """A parent with its children."""
        return self._load(self.parents, parent, queries or (select("*", "kids.*"),))

    def kids(self, parent: str) -> list[str]:
        """The names of a parent's children."""
        return _names(self.load(parent)["kids"])

    def folk(self, child: str) -> list[str]:
        """The names of a child's parents."""
        return _names(self._load(self.children, child, (select("*", "folk.*"),))["folk"])

    def _load(self, collection: str, document: str, queries: tuple[str, ...]) -> Any:
        url = self.place.documents_of(collection, document)
        got = self.place.key.get(url, params=numbered(queries))
        assert got.status_code == 200, got.text
        return got.json()

    def list(self, *queries: str, client: Any = None) -> list[Any]:
        """Parents that fit."""
        url = self.place.documents_of(self.parents)
        got = (client or self.place.key).get(url, params=numbered(queries))
        assert got.status_code == 200, got.text
        found: list[Any] = got.json()[self.place.documents]
        return found

    def url(self, document: str) -> str:
        """The address of a parent or child, whichever it is."""
        mine = self.place.documents_of(self.parents, document)
        if self.place.key.get(mine).status_code == 200:
            return mine
        return self.place.documents_of(self.children, document)

    def delete(self, document: str) -> Any:
        """Delete a parent or child."""
        return self.place.key.delete(self.url(document))


def _names(found: Any) -> list[str]:
    every = found if isinstance(found, list) else [found] if found else []
    return [each["name"] for each in every]
