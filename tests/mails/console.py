"""Operators of the console, made beside the server."""

from collections.abc import Mapping, Sequence

import httpx
import sqlalchemy as sa

from raindrop.accounts.models import Session, User
from raindrop.core.cookies import SessionSecret, cookie_name
from raindrop.core.db import db, utc_now
from raindrop.core.formats import new_id
from raindrop.core.secrets import digest, new_secret
from raindrop.core.tenancy import CONSOLE
from raindrop.core.tenancy import Project as ProjectRow
from raindrop.teams.models import Membership, Team
from tests.mails.writing import within
from tests.support.site import Site
from tests.support.v1 import Project, new_email

SESSION_FIELDS = (
    "osCode", "osName", "osVersion", "clientType", "clientCode", "clientName", "clientVersion",
    "clientEngine", "clientEngineVersion", "deviceName", "deviceBrand", "deviceModel",
)  # fmt: skip


def operator(
    site: Site,
    roles: Mapping[Project, Sequence[str]] | None = None,
    *,
    email: str = "",
    labels: Sequence[str] = (),
    has_mfa: bool = False,
) -> httpx.Client:
    """A browser that is signed in to the console.

    Args:
        roles: in the teams of projects.
    """

    def work() -> SessionSecret:
        console = _console()
        user = User(
            project_id=console.id,
            public_id=new_id(),
            email=email or new_email(),
            labels=list(labels),
            has_mfa=has_mfa,
            is_email_verified=has_mfa,  # by which the second factor can be asked for
        )
        db.session.add(user)
        db.session.flush()
        for project, names in (roles or {}).items():
            _join(console, project, user, names)
        secret = new_secret()
        session = Session(
            project_id=console.id,
            public_id=new_id(),
            user_id=user.id,
            secret_digest=digest(secret),
            provider="email",
            ip="127.0.0.1",
            user_agent="",
            client=dict.fromkeys(SESSION_FIELDS, ""),
            factors=["password"],
            expires_at=utc_now().replace(year=2099),
        )
        db.session.add(session)
        return SessionSecret(user.public_id, secret)

    held = within(site, work)
    return site.client(cookies={cookie_name(CONSOLE): held.encode()})


def _console() -> ProjectRow:
    console: ProjectRow | None = db.session.scalar(
        sa.select(ProjectRow).where(ProjectRow.public_id == CONSOLE)
    )
    if console is None:
        now = utc_now()
        console = ProjectRow(
            public_id=CONSOLE,
            name="Console",
            team_id="",
            details={},
            settings={},
            created_at=now,
            updated_at=now,
        )
        db.session.add(console)
        db.session.flush()
    return console


def _join(console: ProjectRow, project: Project, user: User, roles: Sequence[str]) -> None:
    team_id = db.session.scalar(
        sa.select(ProjectRow.team_id).where(ProjectRow.public_id == project.id)
    )
    team = db.session.scalar(sa.select(Team).where(Team.public_id == team_id))
    if team is None:
        team = Team(project_id=console.id, public_id=team_id, name="Team")
        db.session.add(team)
        db.session.flush()
    db.session.add(
        Membership(
            project_id=console.id,
            public_id=new_id(),
            team_id=team.id,
            user_id=user.id,
            roles=list(roles),
            is_confirmed=True,
            invited_at=utc_now(),
        )
    )
