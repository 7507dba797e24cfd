"""Projects: making, finding, changing, deleting.

A project belongs to a team of the console project. Its members see it; those with one of
``WRITING_ROLES`` change it; for anybody else it is not there.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from raindrop.core.access import WRITING_ROLES, Actor, ScopeMissing, Unauthorized
from raindrop.core.cache import get_cache
from raindrop.core.db import db, utc_now
from raindrop.core.errors import AppError
from raindrop.core.events import publish
from raindrop.core.queries import list_selected
from raindrop.core.tenancy import (
    CONSOLE,
    Project,
    ProjectNotFound,
    ProjectSettings,
    get_tenant,
    project_tag,
    tenant_of,
)
from raindrop.jobs.service import create_job
from raindrop.projects.shapes import dump_projects
from raindrop.teams.service import TeamNotFound

RESERVED = frozenset({CONSOLE, "site"})


class ProjectAlreadyExists(AppError):
    """The id is another project's, or one's that is being deleted."""

    type = "project_already_exists"
    status = HTTPStatus.CONFLICT
    message = "A project with this id exists already; choose another."


class ProjectReserved(AppError):
    """The id is the server's own."""

    type = "project_reserved_project"
    status = HTTPStatus.BAD_REQUEST
    message = "This id is reserved; choose another."


class RegionUnsupported(AppError):
    """There is one region."""

    type = "project_region_unsupported"
    status = HTTPStatus.BAD_REQUEST
    message = 'This server has one region, "default".'


def teams_of(actor: Actor) -> set[str]:
    """The teams of the console project in which an operator is."""
    if actor.identity is None:
        raise Unauthorized
    roles = [role.removeprefix("team:") for role in actor.identity.roles if role[:5] == "team:"]
    return {role for role in roles if "/" not in role}


def check_may_write(actor: Actor, team_id: str) -> None:
    """Whether the operator may change the projects of a team in which the operator is.

    Raises:
        ScopeMissing
    """
    roles = actor.identity.roles if actor.identity else ()
    if not any(f"team:{team_id}/{role}" in roles for role in WRITING_ROLES):
        raise ScopeMissing(
            f"Changing it needs one of these roles in its team: {', '.join(sorted(WRITING_ROLES))}."
        )


def get_project(actor: Actor, public_id: str) -> Project:
    """A project that the operator may see.

    Raises:
        ProjectNotFound
    """
    return _find(actor, public_id, lock=False)


def get_own_project(actor: Actor, public_id: str) -> Project:
    """A project that the operator may change, locked until the end of the transaction.

    Raises:
        ProjectNotFound: the operator is not of its team.
        ScopeMissing: the operator may only look.
    """
    project = _find(actor, public_id, lock=True)
    check_may_write(actor, project.team_id)
    return project


def every_project() -> Sequence[Project]:
    """All projects but the server's own, for whoever runs the server."""
    query = sa.select(Project).where(_is_there())
    return db.session.scalars(query.order_by(Project.id)).all()


def find_project(public_id: str) -> Project:
    """One of them.

    Raises:
        ProjectNotFound
    """
    project: Project | None = db.session.scalar(
        sa.select(Project).where(_is_there(), Project.public_id == public_id)
    )
    if project is None:
        raise ProjectNotFound("There is no project with this id.")
    return project


def list_projects(
    actor: Actor, queries: Sequence[str], *, search: str, is_counted: bool
) -> tuple[Sequence[Project], int]:
    """The operator's projects.

    Raises:
        QueryInvalid, CursorNotFound
    """
    return list_selected(
        sa.select(Project).where(_is_visible(actor)),
        Project,
        queries,
        {"name": Project.name, "teamId": Project.team_id},
        search=search,
        searched=(Project.public_id, Project.name),
        is_counted=is_counted,
    )


def create_project(
    actor: Actor,
    public_id: str,
    name: str,
    *,
    team_id: str,
    region: str,
    details: Mapping[str, str],
) -> Project:
    """Make a project for one of the operator's teams.

    Raises:
        ProjectReserved, RegionUnsupported, TeamNotFound, ScopeMissing, ProjectAlreadyExists
    """
    if public_id in RESERVED:
        raise ProjectReserved
    if region != "default":
        raise RegionUnsupported
    _check_team(actor, team_id)
    now = utc_now()
    project = Project(
        public_id=public_id,
        name=name,
        team_id=team_id,
        details=dict(details),
        settings=ProjectSettings().to_json(),
        created_at=now,
        updated_at=now,
    )
    db.session.add(project)
    try:
        db.session.flush()  # the database decides who was first
    except IntegrityError:
        raise ProjectAlreadyExists from None
    changed(actor, project, "create")
    return project


def update_project(actor: Actor, public_id: str, name: str, details: Mapping[str, str]) -> Project:
    """Change a project's name and some of its details.

    Raises:
        ProjectNotFound, ScopeMissing
    """
    project = get_own_project(actor, public_id)
    project.name = name
    project.details = {**project.details, **details}
    changed(actor, project, "update")
    return project


def move_project(actor: Actor, public_id: str, team_id: str) -> Project:
    """Give a project to another of the operator's teams.

    Raises:
        ProjectNotFound, TeamNotFound, ScopeMissing
    """
    project = get_own_project(actor, public_id)
    _check_team(actor, team_id)
    project.team_id = team_id
    changed(actor, project, "update.team")
    return project


def change_settings(
    actor: Actor, public_id: str, change: Callable[[ProjectSettings], ProjectSettings], what: str
) -> Project:
    """Change a project's settings.

    Args:
        change: from what holds to what shall.
        what: the end of the event's name, such as ``auth.limit``.

    Raises:
        ProjectNotFound, ScopeMissing, and what ``change`` raises
    """
    project = get_own_project(actor, public_id)
    project.settings = change(ProjectSettings.from_json(project.settings)).to_json()
    changed(actor, project, f"update.{what}")
    return project


def replace_settings(actor: Actor, public_id: str, what: str, **values: Any) -> Project:
    """Change some fields of a project's settings; see :func:`change_settings`."""
    return change_settings(
        actor, public_id, lambda settings: dataclasses.replace(settings, **values), what
    )


def delete_project(actor: Actor, public_id: str) -> None:
    """Delete a project: from now on nobody finds it; a job deletes what it has.

    Raises:
        ProjectNotFound, ScopeMissing
    """
    project = get_own_project(actor, public_id)
    project.deleted_at = utc_now()
    changed(actor, project, "delete")
    create_job("projects.delete", queue="deletes", params={"project_id": project.id})


def changed(actor: Actor | None, project: Project, action: str) -> None:
    """What follows every change of a project: caches are dropped, and the event is left.

    Args:
        action: the end of the event's name.
    """
    project.updated_at = utc_now()
    (shown,) = dump_projects([project])
    leave_event(actor, project, action, shown)


def leave_event(
    actor: Actor | None, project: Project, action: str, payload: Mapping[str, Any]
) -> None:
    """Leave the event ``projects.ID.<action>`` in the trail of the project, and in that of the
    console, where operators see who did it after the project is gone."""
    get_cache().invalidate(project_tag(project.public_id))
    for tenant in (tenant_of(project), get_tenant(CONSOLE)):
        publish(
            f"projects.{project.public_id}.{action}",
            resource=f"project/{project.public_id}",
            payload=payload,
            actor=actor,
            tenant=tenant,
        )


def _find(actor: Actor, public_id: str, *, lock: bool) -> Project:
    query = sa.select(Project).where(_is_visible(actor), Project.public_id == public_id)
    project: Project | None = db.session.scalar(query.with_for_update() if lock else query)
    if project is None:
        raise ProjectNotFound
    return project


def _is_visible(actor: Actor) -> sa.ColumnElement[bool]:
    return sa.and_(Project.team_id.in_(teams_of(actor)), _is_there())


def _is_there() -> sa.ColumnElement[bool]:
    return sa.and_(Project.deleted_at.is_(None), Project.public_id != CONSOLE)


def _check_team(actor: Actor, team_id: str) -> None:
    if team_id not in teams_of(actor):
        raise TeamNotFound("There is no team with this id that you are a member of.")
    check_may_write(actor, team_id)
