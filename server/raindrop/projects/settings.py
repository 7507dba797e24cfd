"""What a project's owners decide: ways to sign in, services, OAuth2 providers."""

import dataclasses
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

from raindrop.core.access import Actor
from raindrop.core.errors import AppError, BadRequest
from raindrop.core.secrets import get_vault
from raindrop.core.tenancy import (
    APIS,
    AUTH_METHODS,
    SERVICES,
    OAuthProvider,
    Project,
    ProjectSettings,
)
from raindrop.projects.service import change_settings
from raindrop.projects.shapes import PROVIDERS


class ProviderUnsupported(AppError):
    """The contract knows the provider, this release does not."""

    type = "project_provider_unsupported"
    status = HTTPStatus.BAD_REQUEST
    message = f"This release signs in with: {', '.join(PROVIDERS)}."


def switch_method(actor: Actor, project_id: str, method: str, *, is_on: bool) -> Project:
    """Switch a way to sign in on or off.

    Raises:
        ProjectNotFound, ScopeMissing, BadRequest: there is no such way.
    """
    if method not in AUTH_METHODS:
        raise BadRequest(f"method: must be one of {', '.join(AUTH_METHODS)}")
    return _switch(actor, project_id, "methods_off", (method,), f"auth.{method}", is_on=is_on)


def switch_service(actor: Actor, project_id: str, service: str, *, is_on: bool) -> Project:
    """Switch a service on or off for the project's clients; keys and operators keep it.

    Raises:
        ProjectNotFound, ScopeMissing
    """
    return _switch(actor, project_id, "services_off", (service,), "service", is_on=is_on)


def switch_all_services(actor: Actor, project_id: str, *, is_on: bool) -> Project:
    """The same for all of them."""
    return _switch(actor, project_id, "services_off", SERVICES, "service", is_on=is_on)


def switch_api(actor: Actor, project_id: str, api: str, *, is_on: bool) -> Project:
    """Switch an API on or off for the project's clients; keys and operators keep it.

    Raises:
        ProjectNotFound, ScopeMissing
    """
    return _switch(actor, project_id, "apis_off", (api,), "api", is_on=is_on)


def switch_all_apis(actor: Actor, project_id: str, *, is_on: bool) -> Project:
    """The same for all of them."""
    return _switch(actor, project_id, "apis_off", APIS, "api", is_on=is_on)


def change_provider(
    actor: Actor,
    project_id: str,
    name: str,
    *,
    app_id: str | None,
    secret: str | None,
    is_enabled: bool | None,
) -> Project:
    """Change what is known of an OAuth2 provider; what is None stays.

    Args:
        secret: kept encrypted, never shown.

    Raises:
        ProjectNotFound, ScopeMissing, ProviderUnsupported
        BadRequest: it would be on without an id or a secret.
    """
    if name not in PROVIDERS:
        raise ProviderUnsupported

    def change(settings: ProjectSettings) -> ProjectSettings:
        given: dict[str, Any] = {
            "app_id": app_id,
            "secret": get_vault().encrypt(secret) if secret else secret,
            "is_enabled": is_enabled,
        }
        values = {field: value for field, value in given.items() if value is not None}
        provider = dataclasses.replace(settings.oauth.get(name, OAuthProvider()), **values)
        if provider.is_enabled and not (provider.app_id and provider.secret):
            raise BadRequest("enabled: a provider that is on needs an appId and a secret")
        return dataclasses.replace(settings, oauth={**settings.oauth, name: provider})

    return change_settings(actor, project_id, change, "oauth2")


def _switch(
    actor: Actor, project_id: str, field: str, names: Iterable[str], what: str, *, is_on: bool
) -> Project:
    """Take names out of, or into, one of the settings that hold what is off."""

    def change(settings: ProjectSettings) -> ProjectSettings:
        off = set(getattr(settings, field))
        off = off.difference(names) if is_on else off.union(names)
        values: dict[str, Any] = {field: tuple(sorted(off))}
        return dataclasses.replace(settings, **values)

    return change_settings(actor, project_id, change, what)
