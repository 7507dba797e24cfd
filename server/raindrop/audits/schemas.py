"""Shapes of the audit trail: the contract's logs, and the console's lines."""

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, Field

from raindrop.accounts.clients import FIELDS
from raindrop.audits.models import Audit
from raindrop.core.access import ActorKind
from raindrop.core.formats import show_time
from raindrop.core.http import RequestModel, UrlInt
from raindrop.core.v1 import UrlBool, V1Model

PAGE_MAX = 100


class LogArguments(V1Model):
    """What lists of logs take: limit and offset as queries, and whether to count."""

    queries: list[str] = Field(default_factory=list)
    total: UrlBool = True


class ProjectPath(RequestModel):
    """The project in the address."""

    project_id: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,35}$")


class TrailQuery(RequestModel):
    """Which lines of a project's trail."""

    user: str = Field("", max_length=36, description="Only by the user or key with this id")
    resource: str = Field("", max_length=255, description="Only of this one, such as team/ID")
    event: str = Field("", max_length=400, description="Only events whose name begins so")
    before: UrlInt | None = Field(None, ge=1, description="Only lines before the one with this id")
    limit: UrlInt = Field(25, ge=1, le=PAGE_MAX)


class AuditAnswer(BaseModel):
    """A line of the trail. ``mode`` is ``guest``, ``user``, ``key``, ``admin`` or ``system``; times
    are ISO 8601, UTC."""

    id: str
    event: str
    resource: str
    user_id: str
    user_name: str
    user_email: str
    mode: str
    at: str
    ip: str
    osCode: str  # noqa: N815  # as the contract's logs have them
    osName: str  # noqa: N815
    osVersion: str  # noqa: N815
    clientType: str  # noqa: N815
    clientCode: str  # noqa: N815
    clientName: str  # noqa: N815
    clientVersion: str  # noqa: N815
    clientEngine: str  # noqa: N815
    clientEngineVersion: str  # noqa: N815
    deviceName: str  # noqa: N815
    deviceBrand: str  # noqa: N815
    deviceModel: str  # noqa: N815
    countryCode: str  # noqa: N815
    countryName: str  # noqa: N815


class TrailAnswer(BaseModel):
    """A page of the trail, newest first; ``next`` is the ``before`` of the next page."""

    audits: list[AuditAnswer]
    next: str | None


def dump_trail(audits: Sequence[Audit], limit: int) -> dict[str, Any]:
    """A page as its answer."""
    return {
        "audits": [dump_audit(audit) for audit in audits],
        "next": str(audits[-1].id) if len(audits) == limit else None,
    }


def dump_audit(audit: Audit) -> dict[str, Any]:
    """A line as the console has it."""
    return {
        "id": str(audit.id),
        "event": audit.event,
        "resource": audit.resource,
        "user_id": audit.user_id,
        "user_name": audit.user_name,
        "user_email": audit.user_email,
        "mode": audit.mode,
        "at": show_time(audit.at),
        **_place(audit),
    }


def dump_log(audit: Audit) -> dict[str, Any]:
    """A line as the contract has it."""
    return {
        "event": audit.event,
        "userId": audit.user_id,
        "userEmail": audit.user_email,
        "userName": audit.user_name,
        "mode": "admin" if audit.mode == ActorKind.ADMIN else "default",
        "time": show_time(audit.at),
        **_place(audit),
    }


def _place(audit: Audit) -> dict[str, str]:
    client = {name: audit.client.get(name, "") for name in FIELDS}
    return {"ip": audit.ip, **client, "countryCode": audit.country_code, "countryName": ""}
