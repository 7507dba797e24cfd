"""Projects as tenants: the row, its look-up, and the filter on every query of a tenant's rows."""

import dataclasses
import datetime
import json
from collections.abc import Mapping
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from raindrop.core.cache import get_cache
from raindrop.core.db import BigId, UtcDateTime, db, utc_now
from raindrop.core.errors import NotFound
from raindrop.core.formats import ID_MAX

CONSOLE = "console"
"""The project of the operators' own accounts."""

TENANT_TTL_MS = 60_000

AUTH_METHODS = ("email-password", "magic-url", "email-otp", "anonymous", "invites", "jwt", "phone")
"""Ways to sign in that a project can switch off, as the contract names them."""

SERVICES = (
    "account", "avatars", "databases", "tablesdb", "locale", "health", "storage", "teams",
    "users", "sites", "functions", "graphql", "messaging",
)  # fmt: skip
"""Services that a project can switch off for its clients."""

APIS = ("rest", "graphql", "realtime")


class ProjectNotFound(NotFound):
    """No such project, or none that the actor may see."""

    type = "project_not_found"
    message = "There is no project with this id; check the project's id in the client."


@dataclasses.dataclass(frozen=True)
class OAuthProvider:
    """A project's credentials at an OAuth2 provider; ``secret`` is encrypted (core/secrets.py)."""

    app_id: str = ""
    secret: str = ""
    is_enabled: bool = False


@dataclasses.dataclass(frozen=True)
class SmtpServer:
    """A project's own mail server; ``password`` is encrypted (core/secrets.py)."""

    is_enabled: bool = False
    sender_name: str = ""
    sender_email: str = ""
    reply_to: str = ""
    host: str = ""
    port: int = 587
    username: str = ""
    password: str = ""
    secure: str = ""


@dataclasses.dataclass(frozen=True)
class ProjectSettings:
    """What a project's owners decide; the row keeps it as JSON.

    Limits of 0 mean none. ``methods_off``, ``services_off`` and ``apis_off`` hold what is switched
    off, so that what a later release adds is on.
    """

    session_duration_s: int = 365 * 24 * 3600
    user_limit: int = 0
    session_limit: int = 10
    password_history: int = 0
    checks_password_dictionary: bool = False
    checks_personal_data: bool = False
    sends_session_alerts: bool = False
    invalidates_sessions: bool = True
    shows_member_name: bool = True
    shows_member_email: bool = True
    shows_member_mfa: bool = True
    methods_off: tuple[str, ...] = ()
    services_off: tuple[str, ...] = ()
    apis_off: tuple[str, ...] = ()
    oauth: Mapping[str, OAuthProvider] = dataclasses.field(default_factory=dict)
    smtp: SmtpServer = SmtpServer()

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "ProjectSettings":
        """The settings that a row keeps; names of other releases are passed over."""
        known = {field.name for field in dataclasses.fields(cls)}
        values = {name: value for name, value in stored.items() if name in known}
        for name in ("methods_off", "services_off", "apis_off"):
            values[name] = tuple(values.get(name, ()))
        providers = values.get("oauth", {}).items()
        values["oauth"] = {name: OAuthProvider(**provider) for name, provider in providers}
        values["smtp"] = SmtpServer(**values.get("smtp", {}))
        return cls(**values)

    def to_json(self) -> dict[str, Any]:
        """What the row keeps."""
        return dataclasses.asdict(self)


@dataclasses.dataclass(frozen=True)
class Tenant:
    """A project as every request sees it.

    Attributes:
        id: the internal number, in every tenant row's ``project_id``.
        public_id: the contract's ``$id``.
        team_id: the team of the console project whose members administer it.
        hostnames: of the project's web platforms; ``*.example.com`` stands for every name below.
    """

    id: int
    public_id: str
    name: str
    team_id: str
    settings: ProjectSettings
    hostnames: tuple[str, ...]

    @property
    def is_console(self) -> bool:
        """Whether it is the operators' own project."""
        return self.public_id == CONSOLE

    @property
    def tag(self) -> str:
        """The cache tag of everything that depends on the project's row, keys or platforms."""
        return project_tag(self.public_id)

    def to_json(self) -> dict[str, Any]:
        """For the cache."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Tenant":
        """From the cache."""
        values = dict(stored)
        values["settings"] = ProjectSettings.from_json(values["settings"])
        values["hostnames"] = tuple(values["hostnames"])
        return cls(**values)


class Project(db.Model):  # type: ignore[name-defined, misc]
    """A project. ``deleted_at``: nobody finds it any more, a job deletes what it has."""

    __tablename__ = "projects"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    public_id: Mapped[str] = mapped_column(sa.String(ID_MAX), unique=True)
    name: Mapped[str] = mapped_column(sa.String(128))
    team_id: Mapped[str] = mapped_column(sa.String(ID_MAX), index=True)
    details: Mapped[dict[str, Any]] = mapped_column(sa.JSON)
    settings: Mapped[dict[str, Any]] = mapped_column(sa.JSON)
    created_at: Mapped[datetime.datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime.datetime] = mapped_column(UtcDateTime)
    deleted_at: Mapped[datetime.datetime | None] = mapped_column(UtcDateTime)


class Platform(db.Model):  # type: ignore[name-defined, misc]
    """Where a project's client runs: an allowed origin and redirect target, or an app's name."""

    __tablename__ = "platforms"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    project_id: Mapped[int] = mapped_column(sa.ForeignKey(Project.id), index=True)
    public_id: Mapped[str] = mapped_column(sa.String(ID_MAX), unique=True)
    type: Mapped[str] = mapped_column(sa.String(32))
    name: Mapped[str] = mapped_column(sa.String(128))
    key: Mapped[str] = mapped_column(sa.String(256))
    store: Mapped[str] = mapped_column(sa.String(256))
    hostname: Mapped[str] = mapped_column(sa.String(256))
    created_at: Mapped[datetime.datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime.datetime] = mapped_column(UtcDateTime)


class TenantRow:
    """What every table of a project's rows has: the project, the public id, the two times.

    A public id is unique within its project and table (``uq_<table>_project_id_public_id``).
    """

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    project_id: Mapped[int] = mapped_column(sa.ForeignKey(Project.id))
    public_id: Mapped[str] = mapped_column(sa.String(ID_MAX))
    created_at: Mapped[datetime.datetime] = mapped_column(UtcDateTime, default=utc_now)
    updated_at: Mapped[datetime.datetime] = mapped_column(
        UtcDateTime, default=utc_now, onupdate=utc_now
    )


R = TypeVar("R", bound=TenantRow)


def rows_of(model: type[R], tenant: Tenant) -> "sa.Select[R]":
    """The rows of one project: where every query of tenant rows begins."""
    return sa.select(model).where(model.project_id == tenant.id)


def find_row(model: type[R], tenant: Tenant, public_id: str, *, lock: bool = False) -> R | None:
    """The project's row with this public id; another project's is not there.

    Args:
        lock: for an update of what was read.
    """
    query = rows_of(model, tenant).where(model.public_id == public_id)
    if lock:
        # The credentials' look-up may have read the row before the lock was ours.
        query = query.with_for_update().execution_options(populate_existing=True)
    return db.session.scalar(query)


def project_tag(public_id: str) -> str:
    """The cache tag of a project."""
    return f"project:{public_id}"


def get_tenant(public_id: str) -> Tenant:
    """The project with this id; one cache read.

    Raises:
        ProjectNotFound
    """
    if not 1 <= len(public_id) <= ID_MAX:
        raise ProjectNotFound
    entry = get_cache().get_or_load(
        f"tenant:{public_id}",
        tags=[project_tag(public_id)],
        ttl_ms=TENANT_TTL_MS,
        load=lambda: _to_bytes(load_tenant(public_id)),
    )
    if entry.body is None:
        raise ProjectNotFound
    return Tenant.from_json(json.loads(entry.body))


def load_tenant(public_id: str) -> Tenant | None:
    """The project with this id, from the database; ``None``: there is none."""
    query = sa.select(Project).where(Project.public_id == public_id, Project.deleted_at.is_(None))
    project = db.session.scalar(query)
    return None if project is None else tenant_of(project)


def tenant_of(project: Project) -> Tenant:
    """A project's row as a tenant."""
    names = sa.select(Platform.hostname).where(
        Platform.project_id == project.id, Platform.hostname != ""
    )
    return Tenant(
        id=project.id,
        public_id=project.public_id,
        name=project.name,
        team_id=project.team_id,
        settings=ProjectSettings.from_json(project.settings),
        hostnames=tuple(db.session.scalars(names)),
    )


def tenant_by_id(project_id: int) -> Tenant | None:
    """The project with this internal number, for tasks; ``None``: it is gone."""
    project = db.session.get(Project, project_id)
    return None if project is None or project.deleted_at else tenant_of(project)


def _to_bytes(tenant: Tenant | None) -> bytes | None:
    return None if tenant is None else json.dumps(tenant.to_json()).encode()
