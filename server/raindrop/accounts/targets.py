"""Where messages reach a user: the e-mail addresses and phone numbers of a user."""

from collections.abc import Sequence
from http import HTTPStatus

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from raindrop.accounts.models import Target, User
from raindrop.accounts.users import check_email, check_phone, dump_target, forget
from raindrop.core.access import Actor
from raindrop.core.db import db, utc_now
from raindrop.core.errors import AppError, NotFound
from raindrop.core.events import publish
from raindrop.core.queries import list_rows
from raindrop.core.tenancy import Tenant, rows_of

LISTED = {
    "providerId": Target.provider_id,
    "providerType": Target.provider_type,
    "identifier": Target.identifier,
    "name": Target.name,
}
"""What lists of targets can be asked for, by the contract's name."""

_CHECKS = {"email": check_email, "sms": check_phone}


class TargetNotFound(NotFound):
    """The user has no such target."""

    type = "user_target_not_found"
    message = "The user has no target with this id."


class TargetAlreadyExists(AppError):
    """The id or the address is a target's already."""

    type = "user_target_already_exists"
    status = HTTPStatus.CONFLICT
    message = "A target with the same id or address already exists in this project."


class ProviderNotFound(NotFound):
    """No such messaging provider."""

    type = "provider_not_found"
    message = "The project has no such messaging provider; this release has none for push messages."


def create_target(
    actor: Actor,
    user: User,
    public_id: str,
    *,
    provider_type: str,
    identifier: str,
    provider_id: str,
    name: str,
) -> Target:
    """Add where messages reach a user.

    Args:
        provider_type: ``email``, ``sms`` or ``push``.
        provider_id: empty for the project's default one.

    Raises:
        BadRequest: the identifier is no address of this kind.
        ProviderNotFound, TargetAlreadyExists
    """
    _check_provider(provider_type, provider_id)
    now = utc_now()
    target = Target(
        project_id=actor.tenant.id,
        public_id=public_id,
        user_id=user.id,
        provider_type=provider_type,
        identifier=_CHECKS[provider_type](identifier),
        name=name,
        created_at=now,
        updated_at=now,
    )
    db.session.add(target)
    _flush()
    _published(actor, user, target, "create")
    return target


def list_targets(
    tenant: Tenant, user: User, queries: Sequence[str], *, is_counted: bool
) -> tuple[Sequence[Target], int]:
    """The user's targets that fit the queries, and how many there are.

    Raises:
        QueryInvalid, CursorNotFound
    """
    mine = Target.user_id == user.id
    return list_rows(Target, tenant, queries, LISTED, where=[mine], is_counted=is_counted)


def get_target(tenant: Tenant, user: User, public_id: str, *, lock: bool = False) -> Target:
    """One of the user's targets.

    Raises:
        TargetNotFound
    """
    query = rows_of(Target, tenant).where(Target.user_id == user.id, Target.public_id == public_id)
    target: Target | None = db.session.scalar(query.with_for_update() if lock else query)
    if target is None:
        raise TargetNotFound
    return target


def change_target(
    actor: Actor,
    user: User,
    target: Target,
    *,
    identifier: str | None,
    provider_id: str | None,
    name: str | None,
) -> None:
    """Change what is given of a target.

    Raises:
        BadRequest, ProviderNotFound, TargetAlreadyExists
    """
    _check_provider(target.provider_type, provider_id or "")
    if identifier:
        target.identifier = _CHECKS[target.provider_type](identifier)
    if name is not None:
        target.name = name
    target.updated_at = utc_now()
    _flush()
    _published(actor, user, target, "update")


def delete_target(actor: Actor, user: User, target: Target) -> None:
    """Take a target away."""
    db.session.execute(sa.delete(Target).where(Target.id == target.id))
    _published(actor, user, target, "delete")


def _check_provider(provider_type: str, provider_id: str) -> None:
    if provider_id or provider_type not in _CHECKS:
        raise ProviderNotFound


def _flush() -> None:
    try:
        db.session.flush()  # the database decides whose it is
    except IntegrityError:
        raise TargetAlreadyExists from None


def _published(actor: Actor, user: User, target: Target, action: str) -> None:
    forget(actor.tenant, user)  # a user is shown with the targets
    publish(
        f"users.{user.public_id}.targets.{target.public_id}.{action}",
        resource=f"user/{user.public_id}",
        payload=dump_target(target, user),
        actor=actor,
    )
