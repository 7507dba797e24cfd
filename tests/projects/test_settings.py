"""A project's settings: each one holds at once, bounded, its secrets never shown."""

from typing import Any

import pytest

from tests.support.operators import OwnedProject
from tests.support.v1 import PASSWORD, error_of, new_email

pytestmark = pytest.mark.contract

AUTH = [
    ("duration", {"duration": 3600}, {"authDuration": 3600}),
    ("duration", {"duration": 31_536_000}, {"authDuration": 31_536_000}),
    ("limit", {"limit": 0}, {"authLimit": 0}),
    ("limit", {"limit": 10_000}, {"authLimit": 10_000}),
    ("max-sessions", {"limit": 1}, {"authSessionsLimit": 1}),
    ("max-sessions", {"limit": 100}, {"authSessionsLimit": 100}),
    ("password-history", {"limit": 20}, {"authPasswordHistory": 20}),
    ("password-dictionary", {"enabled": True}, {"authPasswordDictionary": True}),
    ("personal-data", {"enabled": True}, {"authPersonalDataCheck": True}),
    ("session-alerts", {"alerts": True}, {"authSessionAlerts": True}),
    ("session-invalidation", {"enabled": False}, {"authInvalidateSessions": False}),
    (
        "memberships-privacy",
        {"userName": False, "userEmail": False, "mfa": True},
        {
            "authMembershipsUserName": False,
            "authMembershipsUserEmail": False,
            "authMembershipsMfa": True,
        },
    ),
    ("email-password", {"status": False}, {"authEmailPassword": False}),
    ("magic-url", {"status": False}, {"authUsersAuthMagicURL": False}),
    ("email-otp", {"status": False}, {"authEmailOtp": False}),
    ("anonymous", {"status": False}, {"authAnonymous": False}),
    ("invites", {"status": False}, {"authInvites": False}),
    ("jwt", {"status": False}, {"authJWT": False}),
    ("phone", {"status": False}, {"authPhone": False}),
]

BAD = [
    ("/auth/duration", {"duration": 0}),
    ("/auth/duration", {"duration": 31_536_001}),
    ("/auth/duration", {"duration": "60"}),
    ("/auth/duration", {}),
    ("/auth/limit", {"limit": -1}),
    ("/auth/limit", {"limit": 10_001}),
    ("/auth/max-sessions", {"limit": 0}),
    ("/auth/max-sessions", {"limit": 101}),
    ("/auth/password-history", {"limit": 21}),
    ("/auth/password-dictionary", {"enabled": "yes"}),
    ("/auth/personal-data", {}),
    ("/auth/session-alerts", {"alerts": 1}),
    ("/auth/session-invalidation", {"enabled": 7}),
    ("/auth/memberships-privacy", {"userName": True}),
    ("/auth/telepathy", {"status": True}),
    ("/auth/jwt", {"status": "on"}),
    ("/api", {"api": "soap", "status": True}),
    ("/api/all", {}),
    ("/service", {"service": "projects", "status": True}),
    ("/service/all", {"status": 7}),
    ("/oauth2", {"provider": "nobody"}),
    ("/oauth2", {"provider": "github", "enabled": True}),
    ("/oauth2", {"provider": "github", "appId": "x" * 257}),
    ("/smtp", {"enabled": "yes"}),
    ("/smtp", {"enabled": False, "port": 0}),
    ("/smtp", {"enabled": False, "port": 65536}),
    ("/smtp", {"enabled": False, "secure": "none"}),
    ("/smtp", {"enabled": False, "senderEmail": "nobody"}),
]


def change(project: OwnedProject, path: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = project.console.patch(f"{project.path}{path}", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize(("name", "body", "shown"), AUTH)
def test_auth_settings(
    project: OwnedProject, name: str, body: dict[str, Any], shown: dict[str, Any]
) -> None:
    before = project.get()
    after = change(project, f"/auth/{name}", body)
    assert after == before | shown | {"$updatedAt": after["$updatedAt"]}
    assert project.get() == after


def test_bad_settings_change_nothing(project: OwnedProject) -> None:
    before = project.get()
    for path, body in BAD:
        answer = project.console.patch(f"{project.path}{path}", json=body)
        assert error_of(answer) == (400, "general_argument_invalid"), path
    assert project.get() == before


def test_settings_hold_at_once(project: OwnedProject) -> None:
    client = project.sign_up()
    change(project, "/auth/limit", {"limit": 1})
    body = {"userId": "unique()", "email": new_email(), "password": PASSWORD}
    refused = project.guest().post("/v1/account", json=body)
    assert error_of(refused) == (400, "user_count_exceeded")
    change(project, "/auth/email-password", {"status": False})
    refused = project.guest().post("/v1/account", json=body)
    assert error_of(refused) == (501, "user_auth_method_unsupported")
    assert client.get("/v1/account").status_code == 200


def test_services_and_apis(project: OwnedProject) -> None:
    client = project.sign_up()
    key = project.guest(X_Appwrite_Key=project.key_secret("users.read"))
    shown = change(project, "/service", {"service": "account", "status": False})
    assert not shown["serviceStatusForAccount"]
    assert error_of(client.get("/v1/account")) == (403, "general_service_disabled")
    shown = change(project, "/service/all", {"status": False})
    assert not any(shown[name] for name in shown if name.startswith("serviceStatus"))
    assert key.get("/v1/users").status_code == 200
    shown = change(project, "/service/all", {"status": True})
    assert all(shown[name] for name in shown if name.startswith("serviceStatus"))
    assert client.get("/v1/account").status_code == 200
    for path, body in (("/api", {"api": "rest"}), ("/api/all", {})):
        change(project, path, body | {"status": False})
        assert error_of(client.get("/v1/account")) == (403, "general_api_disabled")
        change(project, path, body | {"status": True})
        assert client.get("/v1/account").status_code == 200


def test_oauth_secret_is_kept_encrypted(project: OwnedProject) -> None:
    body = {"provider": "github", "appId": "my-app", "secret": "hush-hush-7", "enabled": True}
    change(project, "/oauth2", body)
    shown = change(project, "/oauth2", {"provider": "github", "appId": "other-app"})
    (github,) = [each for each in shown["oAuthProviders"] if each["key"] == "github"]
    assert github == {
        "key": "github",
        "name": "GitHub",
        "appId": "other-app",
        "secret": "",
        "enabled": True,
    }
    (row,) = project.site.sql("SELECT settings FROM projects WHERE public_id = :id", id=project.id)
    assert "hush-hush" not in row["settings"]
    assert '"secret": "gAAAA' in row["settings"]
    events = project.site.sql("SELECT payload FROM events")
    assert not any("hush-hush" in event["payload"] for event in events)
    shown = change(project, "/oauth2", {"provider": "github", "enabled": False})
    assert not any(each["enabled"] for each in shown["oAuthProviders"])
    refused = project.console.patch(f"{project.path}/oauth2", json={"provider": "discord"})
    assert error_of(refused) == (400, "project_provider_unsupported")


def test_mail_server(project: OwnedProject) -> None:
    """Off, it may be anything; on, it must let us in, and private hosts do not."""
    body = {
        "enabled": False, "senderName": "Shop", "senderEmail": "shop@example.test",
        "host": "mail.example.test", "port": 587, "username": "shop", "password": "hush-hush-8",
        "secure": "tls",
    }  # fmt: skip
    shown = change(project, "/smtp", body)
    assert (shown["smtpHost"], shown["smtpPassword"]) == ("mail.example.test", "")
    assert "hush-hush" not in stored_settings(project)
    kept = stored_settings(project)
    change(project, "/smtp", {"enabled": False, "senderName": "Shop"})
    assert stored_settings(project) == kept
    # Whoever runs another host shall not learn the password.
    shown = change(project, "/smtp", {"enabled": False, "host": "evil.example.test"})
    assert '"password": ""' in stored_settings(project)
    for wrong in (
        {"enabled": True, "host": "127.0.0.1", "port": 2525},
        {"enabled": True, "host": ""},
        {"enabled": True, "host": "localhost"},
    ):
        answer = project.console.patch(f"{project.path}/smtp", json=wrong)
        assert error_of(answer) == (400, "project_smtp_config_invalid")
    assert project.get()["smtpHost"] == "evil.example.test"
    assert not project.get()["smtpEnabled"]


def test_trying_a_mail_server(project: OwnedProject) -> None:
    body = {
        "emails": ["ann@example.test"], "senderName": "Shop", "senderEmail": "shop@example.test",
        "host": "127.0.0.1", "port": 2525,
    }  # fmt: skip
    path = f"{project.path}/smtp/tests"
    answer = project.console.post(path, json=body)
    assert error_of(answer) == (400, "project_smtp_config_invalid")
    for wrong in (
        {"emails": []},
        {"emails": ["ann@example.test"] * 11},
        {"emails": ["nobody"]},
        {"senderEmail": "nobody"},
        {"host": None},
    ):
        answer = project.console.post(path, json=body | wrong)
        assert error_of(answer) == (400, "general_argument_invalid"), wrong


def stored_settings(project: OwnedProject) -> str:
    (row,) = project.site.sql("SELECT settings FROM projects WHERE public_id = :id", id=project.id)
    return row["settings"]


def test_mail_templates(project: OwnedProject) -> None:
    path = f"{project.path}/templates/email/verification/en"
    ours = project.console.get(path).json()
    assert ours["subject"]
    refused = project.console.delete(path)
    assert error_of(refused) == (401, "project_template_default_deletion")
    words = {"subject": "Hello", "message": "<p>{{redirect}}</p>", "senderName": "Shop"}
    changed = project.console.patch(path, json=words)
    assert changed.json()["subject"] == "Hello"
    assert project.console.get(path).json() == changed.json()
    assert project.console.delete(path).json() == ours
    assert project.console.get(path).json() == ours
    for bad in ({"subject": ""}, {"message": ""}, {"senderEmail": "nobody"}, {"subject": 7}):
        answer = project.console.patch(path, json=words | bad)
        assert error_of(answer) == (400, "general_argument_invalid"), bad
    unknown = project.console.get(f"{project.path}/templates/email/poem/en")
    assert error_of(unknown) == (400, "general_argument_invalid")
