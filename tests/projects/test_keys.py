"""Keys, dev keys and keys that end by themselves: shown once, bounded, revoked at once."""

import datetime
import json
import time
from pathlib import Path

import pytest

from raindrop.core.access import KEY_SCOPES
from tests.support.operators import OwnedProject
from tests.support.v1 import error_of

pytestmark = pytest.mark.contract

PAST, FUTURE = "2020-01-31T12:00:00.000+00:00", "2090-01-31T12:00:00.000+00:00"


def test_secret_is_shown_once(project: OwnedProject) -> None:
    body = {"name": "Server", "scopes": ["users.read", "users.read"], "expire": FUTURE}
    made = project.console.post(f"{project.path}/keys", json=body).json()
    assert made["secret"].startswith("standard_")
    assert (made["scopes"], made["expire"]) == (["users.read"], FUTURE)
    one = project.console.get(f"{project.path}/keys/{made['$id']}").json()
    assert one == made | {"secret": ""}
    listed = project.console.get(f"{project.path}/keys").json()
    assert listed == {"total": 1, "keys": [one]}
    assert project.console.get(f"{project.path}/keys?total=false").json()["total"] == 0
    assert project.get()["keys"] == [one]
    stored = project.site.sql("SELECT * FROM `keys` WHERE public_id = :id", id=made["$id"])
    events = project.site.sql("SELECT payload, origin FROM events")
    logs = "".join(path.read_text() for path in Path(project.site.settings.log).glob("*.jsonl"))
    for text in (str([dict(row) for row in stored]), str([dict(row) for row in events]), logs):
        assert made["secret"] not in text


def test_scopes_expiry_and_change(project: OwnedProject) -> None:
    body = {"name": "Server", "scopes": ["users.read"]}
    made = project.console.post(f"{project.path}/keys", json=body).json()
    path = f"{project.path}/keys/{made['$id']}"
    key = project.guest(X_Appwrite_Key=made["secret"])
    assert made["expire"] == ""
    assert key.get("/v1/users").status_code == 200
    with key.case("missing scope"):
        answer = key.get("/v1/teams")
        assert error_of(answer) == (401, "general_unauthorized_scope")
    changed = project.console.put(path, json=body | {"name": "Other", "scopes": ["teams.read"]})
    assert (changed.json()["name"], changed.json()["secret"]) == ("Other", "")
    assert key.get("/v1/teams").status_code == 200
    assert key.get("/v1/users").status_code == 401
    project.console.put(path, json=body | {"expire": PAST})
    assert error_of(key.get("/v1/users")) == (401, "project_key_expired")
    project.console.put(path, json=body)
    assert key.get("/v1/users").status_code == 200
    assert project.console.delete(path).status_code == 204
    assert error_of(key.get("/v1/users")) == (401, "general_access_forbidden")
    assert error_of(project.console.delete(path)) == (404, "key_not_found")


def test_key_expires_while_it_is_used(project: OwnedProject) -> None:
    soon = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=2)
    key = project.guest(X_Appwrite_Key=project.key_secret("users.read", expire=soon.isoformat()))
    assert key.get("/v1/users").status_code == 200
    time.sleep(2.1)
    assert error_of(key.get("/v1/users")) == (401, "project_key_expired")


def test_wrong_key_is_never_a_guest(project: OwnedProject) -> None:
    other = project.owner.create_project(project.team_id)
    for secret in ("standard_x", "x", "dynamic_x", other.key_secret("users.read")):
        with project.guest(X_Appwrite_Key=secret) as client, client.case("other project"):
            assert error_of(client.get("/v1/account")) == (401, "general_access_forbidden")
            assert error_of(client.get("/v1/users")) == (401, "general_access_forbidden")
            made = {"userId": "unique()", "email": "a@example.test", "password": "correct horse"}
            assert error_of(client.post("/v1/account", json=made))[0] == 401


@pytest.mark.parametrize(
    "change",
    [
        {"name": ""},
        {"name": "x" * 129},
        {"name": None},
        {"scopes": ["projects.write"]},
        {"scopes": ["keys.write"]},
        {"scopes": ["users.*"]},
        {"scopes": "users.read"},
        {"scopes": [7]},
        {"scopes": ["users.read"] * 101},
        {"expire": "tomorrow"},
        {"expire": 7},
        {"expire": "9999-12-31T23:59:59-23:59"},
    ],
)
def test_bad_key_is_not_made(project: OwnedProject, change: dict[str, object]) -> None:
    body = {"name": "x", "scopes": ["users.read"]} | change
    answer = project.console.post(f"{project.path}/keys", json=body)
    assert error_of(answer) == (400, "general_argument_invalid")
    assert project.rows("keys") == 0


def test_key_with_all_scopes(project: OwnedProject) -> None:
    key = project.guest(X_Appwrite_Key=project.key_secret(*KEY_SCOPES))
    assert key.get("/v1/users").status_code == 200


def test_key_cannot_make_keys(project: OwnedProject) -> None:
    """Neither of its own width nor a wider one."""
    secret = project.key_secret(*KEY_SCOPES)
    for project_id in (project.id, "console"):
        key = project.guest(X_Appwrite_Key=secret, X_Appwrite_Project=project_id)
        for path, body in (
            ("keys", {"name": "x", "scopes": list(KEY_SCOPES)}),
            ("jwts", {"scopes": list(KEY_SCOPES)}),
            ("dev-keys", {"name": "x", "expire": FUTURE}),
        ):
            assert key.post(f"{project.path}/{path}", json=body).status_code == 401
    assert project.rows("keys") == 1


def test_key_with_session_or_jwt(project: OwnedProject) -> None:
    client = project.sign_up()
    key = project.guest(
        X_Appwrite_Key=project.key_secret("users.read"),
        X_Appwrite_Session=client.cookies[f"a_session_{project.id}"],
    )
    assert error_of(key.get("/v1/users")) == (403, "user_key_and_session_set")


def test_dynamic_key(project: OwnedProject) -> None:
    path = f"{project.path}/jwts"
    answer = project.console.post(path, json={"scopes": ["users.read"], "duration": 2})
    assert answer.status_code == 201
    token = answer.json()["jwt"]
    key = project.guest(X_Appwrite_Key=token)
    assert key.get("/v1/users").status_code == 200
    assert key.get("/v1/teams").status_code == 401
    other = project.owner.create_project(project.team_id)
    elsewhere = other.guest(X_Appwrite_Key=token)
    assert error_of(elsewhere.get("/v1/users")) == (401, "general_access_forbidden")
    assert project.guest(X_Appwrite_JWT=token.removeprefix("dynamic_")).get("/v1/account").is_error
    time.sleep(3)
    assert error_of(key.get("/v1/users")) == (401, "general_access_forbidden")


@pytest.mark.parametrize(
    "change", [{"scopes": ["projects.read"]}, {"scopes": None}, {"duration": 0}, {"duration": 3601}]
)
def test_bad_dynamic_key(project: OwnedProject, change: dict[str, object]) -> None:
    body = {"scopes": ["users.read"], "duration": 3600} | change
    answer = project.console.post(f"{project.path}/jwts", json=body)
    assert error_of(answer) == (400, "general_argument_invalid")


def test_dev_keys(project: OwnedProject) -> None:
    path = f"{project.path}/dev-keys"
    body = {"name": "Laptop", "expire": FUTURE}
    made = project.console.post(path, json=body).json()
    one = project.console.get(f"{path}/{made['$id']}").json()
    assert made["secret"]
    assert one == made | {"secret": ""}
    assert project.get()["devKeys"] == [one]
    query = json.dumps({"method": "equal", "attribute": "name", "values": ["Laptop"]})
    assert project.console.get(path, params={"queries[0]": query}).json()["total"] == 1
    # The two kinds are apart.
    assert project.console.get(f"{project.path}/keys/{made['$id']}").status_code == 404
    as_key = project.guest(X_Appwrite_Key=made["secret"])
    assert error_of(as_key.get("/v1/users")) == (401, "general_access_forbidden")
    changed = project.console.put(f"{path}/{made['$id']}", json=body | {"name": "Desk"})
    assert changed.json()["name"] == "Desk"
    assert project.console.delete(f"{path}/{made['$id']}").status_code == 204
    assert error_of(project.console.get(f"{path}/{made['$id']}")) == (404, "key_not_found")
    for change in ({"name": ""}, {"expire": None}, {"expire": "soon"}):
        answer = project.console.post(path, json=body | change)
        assert error_of(answer) == (400, "general_argument_invalid")


def test_dev_key_is_exempt_from_rate_limits_until_it_expires(project: OwnedProject) -> None:
    path = f"{project.path}/dev-keys"
    made = project.console.post(path, json={"name": "x", "expire": FUTURE}).json()
    client = project.guest()
    body = {"email": "nobody@example.test", "password": "wrong horse"}
    tries = [client.post("/v1/account/sessions/email", json=body).status_code for _ in range(11)]
    assert tries == [401] * 10 + [429]
    headers = {"X-Appwrite-Dev-Key": made["secret"]}
    exempt = client.post("/v1/account/sessions/email", json=body, headers=headers)
    assert error_of(exempt) == (401, "user_invalid_credentials")
    wrong = {"X-Appwrite-Dev-Key": "dev_wrong"}
    answer = client.post("/v1/account/sessions/email", json=body, headers=wrong)
    assert error_of(answer) == (429, "general_rate_limit_exceeded")
    project.console.put(f"{path}/{made['$id']}", json={"name": "x", "expire": PAST})
    answer = client.post("/v1/account/sessions/email", json=body, headers=headers)
    assert answer.status_code == 429
    assert client.get("/v1/account", headers=headers).status_code == 401


def test_use_is_remembered(project: OwnedProject) -> None:
    made = project.console.post(
        f"{project.path}/keys", json={"name": "x", "scopes": ["users.read"]}
    )
    key = project.guest(X_Appwrite_Key=made.json()["secret"], X_SDK_Name="Python")
    path = f"{project.path}/keys/{made.json()['$id']}"
    assert project.console.get(path).json()["accessedAt"] == ""
    assert key.get("/v1/users").status_code == 200
    deadline = time.monotonic() + 20
    while not (shown := project.console.get(path).json())["accessedAt"]:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert shown["sdks"] == ["Python"]
    assert shown["$updatedAt"] == made.json()["$updatedAt"]
