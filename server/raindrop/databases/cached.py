"""Lists of documents from the cache, as the finished bytes of their answers.

A list depends on the project (its services may be off), the database, the collection (enabled,
permissions, attributes) and its rows; each has a tag that its writers raise. Who asks matters
only where permissions do not let everybody see all: an entry is for everyone, for whoever has
exactly these roles, or for keys and administrators.

A single document is not kept: finding it by its id costs the database what the cache would.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from raindrop.core.access import Actor, ActorKind
from raindrop.core.cache import BODY_MAX_BYTES, Entry, get_cache
from raindrop.databases import lists
from raindrop.databases.rules import reach
from raindrop.databases.schema import Schema, rows_tag

LIST_TTL_MS = 30_000
EDGE_TTL_MS = 700
"""How long nginx answers with a list before it asks again; it adds at most 0.3 s (``GRACE`` in
``etc/nginx/lua/edge.lua``)."""

_NEVER = frozenset({"orderRandom"})
"""Methods whose answer is another each time."""

Document = dict[str, Any]


class Bytes(NamedTuple):
    """An answer's body.

    Attributes:
        tags: what it depends on.
        entry: as the cache gave it; without a generation nobody else may keep it.
        is_for_edge: whether nginx may keep such an answer at all.
    """

    body: bytes
    tags: tuple[str, ...]
    entry: Entry
    is_for_edge: bool


def list_documents(
    actor: Actor,
    schema: Schema,
    queries: Sequence[str],
    *,
    is_counted: bool,
    name: str,
    form: str,
    show: Callable[[list[Document]], list[Document]],
    is_marked: bool = False,
) -> Bytes:
    """The documents that fit the queries and that the actor may read, and how many.

    Args:
        name: what the answer calls its documents.
        form: tells apart what ``show`` makes of the same documents.
        show: the documents as the answer has them.
        is_marked: nginx asks, to keep the answer for visitors.

    Raises:
        DatabaseNotFound, CollectionNotFound, Unauthorized, QueryInvalid, CursorNotFound
    """
    audience = _audience(actor, schema)

    def load() -> bytes:
        found, total = lists.list_documents(actor, schema, queries, is_counted=is_counted)
        answer = {"total": total, name: show(found)}
        return json.dumps(answer, ensure_ascii=False, separators=(",", ":")).encode()

    tags = _tags(schema)
    asked = _plain(schema, queries)
    if asked is None:
        return Bytes(load(), tags, Entry(None), is_for_edge=False)
    is_for_guests = actor.kind == ActorKind.GUEST
    key = f"{schema.id}:{form}:{audience}:{is_counted:d}:{digest(asked)}"
    entry = get_cache().get_or_load(
        f"list:{key}",
        tags=tags,
        ttl_ms=LIST_TTL_MS,
        load=load,
        is_marked=is_marked and is_for_guests,
        after=tags[:3],
    )
    body = entry.body or b""
    return Bytes(body, tags, entry, is_for_guests and len(body) <= BODY_MAX_BYTES)


def _tags(schema: Schema) -> tuple[str, ...]:
    """The tags of a list; by the first three the request has decided who may see what.

    With documents of a collection go those that it is related to: to delete one can change them.
    """
    related = {each.relation.collection_id for each in schema.relations.values() if each.relation}
    return (
        schema.project_tag,
        schema.database_tag,
        schema.tag,
        schema.rows_tag,
        *(rows_tag(number) for number in sorted(related - {schema.id})),
    )


def _audience(actor: Actor, schema: Schema) -> str:
    """Whom an entry is for.

    Raises:
        DatabaseNotFound, CollectionNotFound, Unauthorized
    """
    readable = reach(actor, schema, "read")
    if actor.is_privileged:
        return "privileged"
    return "all" if readable.is_all else digest(sorted(readable.roles))


def _plain(schema: Schema, queries: Sequence[str]) -> list[Any] | None:
    """The queries without differences of spelling; ``None``: the answer is not kept."""
    try:
        asked = [json.loads(query) for query in queries]
    except (ValueError, RecursionError):
        return None  # it will be refused
    return None if _is_excluded(asked, schema) else asked


def _is_excluded(asked: Any, schema: Schema) -> bool:
    """Whether a query is random, or reaches into documents of other collections, about which
    other permissions decide."""
    if isinstance(asked, list):
        return any(_is_excluded(each, schema) for each in asked)
    if isinstance(asked, dict):
        is_random = asked.get("method") in _NEVER
        return is_random or any(_is_excluded(each, schema) for each in asked.values())
    if not isinstance(asked, str) or not schema.relations:
        return False
    return asked.partition(".")[0] in schema.relations


def digest(value: Any) -> str:
    """A short name for a JSON value."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
