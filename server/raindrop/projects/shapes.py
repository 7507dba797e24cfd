"""Projects, keys and platforms as the contract has them. No secret is in any of them."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from raindrop.core.db import db
from raindrop.core.formats import show_time
from raindrop.core.tenancy import (
    AUTH_METHODS,
    SERVICES,
    OAuthProvider,
    Platform,
    Project,
    ProjectSettings,
    SmtpServer,
)
from raindrop.projects.models import Key

PROVIDERS = {"github": "GitHub", "google": "Google", "oidc": "OpenID Connect"}
"""The OAuth2 providers that this release serves, with their names for people."""

DETAILS = (
    "description", "logo", "url", "legalName", "legalCountry", "legalState", "legalCity",
    "legalAddress", "legalTaxId",
)  # fmt: skip

_METHOD_FIELDS = dict(
    zip(
        AUTH_METHODS,
        (
            "authEmailPassword", "authUsersAuthMagicURL", "authEmailOtp", "authAnonymous",
            "authInvites", "authJWT", "authPhone",
        ),
        strict=True,
    )
)  # fmt: skip


def dump_projects(projects: Sequence[Project]) -> list[dict[str, Any]]:
    """Projects with their keys and platforms, by two queries however many they are."""
    ids = [project.id for project in projects]
    platforms: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for platform in db.session.scalars(
        sa.select(Platform).where(Platform.project_id.in_(ids)).order_by(Platform.id)
    ):
        platforms[platform.project_id].append(dump_platform(platform))
    keys: dict[tuple[int, bool], list[dict[str, Any]]] = defaultdict(list)
    for key in db.session.scalars(sa.select(Key).where(Key.project_id.in_(ids)).order_by(Key.id)):
        keys[key.project_id, key.is_dev].append(dump_key(key))
    return [
        {
            **_dump_row(project),
            **_dump_auth(settings := ProjectSettings.from_json(project.settings)),
            "oAuthProviders": _dump_providers(settings),
            "platforms": platforms[project.id],
            "webhooks": [],
            "keys": keys[project.id, False],
            "devKeys": keys[project.id, True],
            **_dump_smtp(settings.smtp),
            "pingCount": 0,
            "pingedAt": "",
            **_dump_switches(settings),
        }
        for project in projects
    ]


def dump_project(project: Project) -> dict[str, Any]:
    """One project."""
    return dump_projects([project])[0]


def dump_key(key: Key, secret: str = "") -> dict[str, Any]:
    """A key or dev key.

    Args:
        secret: told once, to whoever makes it.
    """
    shown = {
        "$id": key.public_id,
        "$createdAt": show_time(key.created_at),
        "$updatedAt": show_time(key.updated_at),
        "name": key.name,
        "expire": show_time(key.expires_at),
        "secret": secret,
        "accessedAt": show_time(key.accessed_at),
        "sdks": key.sdks,
    }
    return shown if key.is_dev else shown | {"scopes": key.scopes}


def dump_platform(platform: Platform) -> dict[str, Any]:
    """A platform."""
    return {
        "$id": platform.public_id,
        "$createdAt": show_time(platform.created_at),
        "$updatedAt": show_time(platform.updated_at),
        "name": platform.name,
        "type": platform.type,
        "key": platform.key,
        "store": platform.store,
        "hostname": platform.hostname,
        "httpUser": "",
        "httpPass": "",
    }


def _dump_row(project: Project) -> dict[str, Any]:
    return {
        "$id": project.public_id,
        "$createdAt": show_time(project.created_at),
        "$updatedAt": show_time(project.updated_at),
        "name": project.name,
        "teamId": project.team_id,
        **{name: project.details.get(name, "") for name in DETAILS},
    }


def _dump_auth(settings: ProjectSettings) -> dict[str, Any]:
    return {
        "authDuration": settings.session_duration_s,
        "authLimit": settings.user_limit,
        "authSessionsLimit": settings.session_limit,
        "authPasswordHistory": settings.password_history,
        "authPasswordDictionary": settings.checks_password_dictionary,
        "authPersonalDataCheck": settings.checks_personal_data,
        "authMockNumbers": [],
        "authSessionAlerts": settings.sends_session_alerts,
        "authMembershipsUserName": settings.shows_member_name,
        "authMembershipsUserEmail": settings.shows_member_email,
        "authMembershipsMfa": settings.shows_member_mfa,
        "authInvalidateSessions": settings.invalidates_sessions,
    }


def _dump_providers(settings: ProjectSettings) -> list[dict[str, Any]]:
    found = {name: settings.oauth.get(name, OAuthProvider()) for name in PROVIDERS}
    return [
        {
            "key": name,
            "name": PROVIDERS[name],
            "appId": provider.app_id,
            "secret": "",
            "enabled": provider.is_enabled,
        }
        for name, provider in found.items()
    ]


def _dump_smtp(smtp: SmtpServer) -> dict[str, Any]:
    return {
        "smtpEnabled": smtp.is_enabled,
        "smtpSenderName": smtp.sender_name,
        "smtpSenderEmail": smtp.sender_email,
        "smtpReplyTo": smtp.reply_to,
        "smtpHost": smtp.host,
        "smtpPort": smtp.port,
        "smtpUsername": smtp.username,
        "smtpPassword": "",
        "smtpSecure": smtp.secure,
    }


def _dump_switches(settings: ProjectSettings) -> dict[str, Any]:
    methods = {
        field: method not in settings.methods_off for method, field in _METHOD_FIELDS.items()
    }
    services = {
        f"serviceStatusFor{name.capitalize()}": name not in settings.services_off
        for name in SERVICES
    }
    return {**methods, **services}
