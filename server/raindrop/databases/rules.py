"""Who may do what with a collection and its documents; the one place that decides.

A collection's permissions hold for every document; where the collection has document security, a
document's own permissions hold besides. Keys and administrators may do everything.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from raindrop.core.access import Actor, ActorKind, ScopeMissing, Unauthorized, parse_permissions
from raindrop.databases.errors import CollectionNotFound, DatabaseNotFound
from raindrop.databases.schema import Schema

ACTIONS = ("read", "update", "delete")
"""What a document's permissions are about."""


@dataclass(frozen=True)
class Reach:
    """Which documents an actor may do something with: all, or those with one of these roles."""

    is_all: bool
    roles: frozenset[str] = frozenset()


def check_open(actor: Actor, schema: Schema) -> None:
    """A database or collection that is switched off is there for keys and administrators only.

    Raises:
        DatabaseNotFound, CollectionNotFound
    """
    if actor.is_privileged:
        return
    if not schema.is_database_enabled:
        raise DatabaseNotFound
    if not schema.is_enabled:
        raise CollectionNotFound


def reach(actor: Actor, schema: Schema, action: str) -> Reach:
    """Which documents of the collection the actor may ``read``, ``update`` or ``delete``.

    Raises:
        DatabaseNotFound, CollectionNotFound
        Unauthorized: none, whatever the documents say.
    """
    check_open(actor, schema)
    if actor.may(action, schema.permissions):
        return Reach(is_all=True)
    if not schema.has_document_security:
        raise Unauthorized(f"You may not {action} documents of this collection.")
    return Reach(is_all=False, roles=actor.roles)


def check_create(actor: Actor, schema: Schema) -> None:
    """Whether the actor may create documents.

    Raises:
        DatabaseNotFound, CollectionNotFound, Unauthorized
    """
    check_open(actor, schema)
    if not actor.may("create", schema.permissions):
        raise Unauthorized("You may not create documents in this collection.")


def check_bulk(actor: Actor, schema: Schema) -> None:
    """Many documents at once are for keys and administrators.

    Raises:
        DatabaseNotFound, CollectionNotFound, ScopeMissing
    """
    check_open(actor, schema)
    if not actor.is_privileged:
        raise ScopeMissing("Many documents at once are for keys and administrators only.")


def own_permissions(actor: Actor, given: Sequence[str] | None, *, is_new: bool) -> list[str] | None:
    """The permissions that a document gets; ``None``: it keeps those that it has.

    A user's new document is that user's own unless the user says otherwise; users give permissions
    only to roles that they have.

    Raises:
        BadRequest: a string is no permission of a document.
        Unauthorized: it is for a role that the actor does not have.
    """
    if given is None:
        if not is_new:
            return None
        if actor.kind != ActorKind.USER:
            return []
        return [f'{action}("user:{actor.user_id}")' for action in ACTIONS]
    permissions = parse_permissions(given, ACTIONS)
    if not actor.is_privileged:
        for permission in permissions:
            role = permission.partition('"')[2].rpartition('"')[0]
            if role not in actor.roles:
                raise Unauthorized(
                    f"You may give permissions to roles of your own only, not {role}."
                )
    return permissions
