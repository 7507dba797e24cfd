"""``/v1/projects/ID``: how people sign in, which services and APIs are on, OAuth2 providers."""

from typing import Any

from flask import Blueprint

from raindrop.core.access import allow
from raindrop.core.credentials import current_actor
from raindrop.core.tenancy import Project
from raindrop.core.v1 import not_served, parse_body
from raindrop.projects import schemas, settings
from raindrop.projects.service import replace_settings
from raindrop.projects.shapes import dump_project

blueprint = Blueprint("project_settings", __name__, url_prefix="/v1/projects/<project_id>")


@blueprint.patch("/api")
@allow("projects.write")
def switch_api(project_id: str) -> dict[str, Any]:
    """Switch one API."""
    body, actor = parse_body(schemas.ApiSwitch), current_actor()
    return dump_project(settings.switch_api(actor, project_id, body.api, is_on=body.status))


@blueprint.patch("/api/all")
@allow("projects.write")
def switch_all_apis(project_id: str) -> dict[str, Any]:
    """Switch all APIs."""
    body, actor = parse_body(schemas.Switch), current_actor()
    return dump_project(settings.switch_all_apis(actor, project_id, is_on=body.status))


@blueprint.patch("/service")
@allow("projects.write")
def switch_service(project_id: str) -> dict[str, Any]:
    """Switch one service."""
    body, actor = parse_body(schemas.ServiceSwitch), current_actor()
    return dump_project(settings.switch_service(actor, project_id, body.service, is_on=body.status))


@blueprint.patch("/service/all")
@allow("projects.write")
def switch_all_services(project_id: str) -> dict[str, Any]:
    """Switch all services."""
    body, actor = parse_body(schemas.Switch), current_actor()
    return dump_project(settings.switch_all_services(actor, project_id, is_on=body.status))


@blueprint.patch("/auth/duration")
@allow("projects.write")
def set_duration(project_id: str) -> dict[str, Any]:
    """How long sessions last."""
    body = parse_body(schemas.Duration)
    return _replace(project_id, "auth.duration", session_duration_s=body.duration)


@blueprint.patch("/auth/limit")
@allow("projects.write")
def set_user_limit(project_id: str) -> dict[str, Any]:
    """How many users there may be."""
    return _replace(project_id, "auth.limit", user_limit=parse_body(schemas.UserLimit).limit)


@blueprint.patch("/auth/max-sessions")
@allow("projects.write")
def set_session_limit(project_id: str) -> dict[str, Any]:
    """How many sessions a user may have."""
    body = parse_body(schemas.SessionLimit)
    return _replace(project_id, "auth.max-sessions", session_limit=body.limit)


@blueprint.patch("/auth/memberships-privacy")
@allow("projects.write")
def set_members_privacy(project_id: str) -> dict[str, Any]:
    """What members of a team see of each other."""
    body = parse_body(schemas.MembersPrivacy)
    return _replace(
        project_id,
        "auth.memberships-privacy",
        shows_member_name=body.userName,
        shows_member_email=body.userEmail,
        shows_member_mfa=body.mfa,
    )


@blueprint.patch("/auth/password-dictionary")
@allow("projects.write")
def set_password_dictionary(project_id: str) -> dict[str, Any]:
    """Whether common passwords are refused."""
    is_on = parse_body(schemas.Enabled).enabled
    return _replace(project_id, "auth.password-dictionary", checks_password_dictionary=is_on)


@blueprint.patch("/auth/password-history")
@allow("projects.write")
def set_password_history(project_id: str) -> dict[str, Any]:
    """How many former passwords are refused."""
    body = parse_body(schemas.PasswordHistory)
    return _replace(project_id, "auth.password-history", password_history=body.limit)


@blueprint.patch("/auth/personal-data")
@allow("projects.write")
def set_personal_data(project_id: str) -> dict[str, Any]:
    """Whether a password may hold the user's name, e-mail or phone."""
    is_on = parse_body(schemas.Enabled).enabled
    return _replace(project_id, "auth.personal-data", checks_personal_data=is_on)


@blueprint.patch("/auth/session-alerts")
@allow("projects.write")
def set_session_alerts(project_id: str) -> dict[str, Any]:
    """Whether a user gets a mail about a new session."""
    is_on = parse_body(schemas.Alerts).alerts
    return _replace(project_id, "auth.session-alerts", sends_session_alerts=is_on)


@blueprint.patch("/auth/session-invalidation")
@allow("projects.write")
def set_session_invalidation(project_id: str) -> dict[str, Any]:
    """Whether a new password ends the user's other sessions."""
    is_on = parse_body(schemas.Enabled).enabled
    return _replace(project_id, "auth.session-invalidation", invalidates_sessions=is_on)


@blueprint.patch("/auth/<method>")
@allow("projects.write")
def switch_method(project_id: str, method: str) -> dict[str, Any]:
    """Switch a way to sign in."""
    body, actor = parse_body(schemas.Switch), current_actor()
    return dump_project(settings.switch_method(actor, project_id, method, is_on=body.status))


@blueprint.patch("/oauth2")
@allow("projects.write")
def change_provider(project_id: str) -> dict[str, Any]:
    """Change an OAuth2 provider."""
    body = parse_body(schemas.OAuthChange)
    project = settings.change_provider(
        current_actor(),
        project_id,
        body.provider,
        app_id=body.appId,
        secret=body.secret,
        is_enabled=body.enabled,
    )
    return dump_project(project)


not_served(blueprint, "PATCH", "/auth/mock-numbers")


def _replace(project_id: str, what: str, **values: Any) -> dict[str, Any]:
    project: Project = replace_settings(current_actor(), project_id, what, **values)
    return dump_project(project)
