"""Every operation on users refuses alike: nobody, too narrow a key, another project, no such."""

from typing import Any

import pytest

from tests.accounts.test_users_hashes import FIREBASE, PHPASS, SCRYPT
from tests.contract.recorder import ContractClient
from tests.support.site import Site
from tests.support.v1 import Project, error_of, new_email

pytestmark = pytest.mark.contract

IMPORT = {"userId": "unique()", "email": "ann@example.test", "name": "Ann"}
CREATIONS: dict[str, dict[str, Any]] = {
    "": IMPORT,
    "/argon2": IMPORT | {"password": "$argon2id$v=19$m=64,t=2,p=1$c2FsdHNhbHQ$aGFzaGhhc2g"},
    "/bcrypt": IMPORT
    | {"password": "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"},
    "/md5": IMPORT | {"password": "ab" * 16},
    "/phpass": IMPORT | {"password": PHPASS},
    "/sha": IMPORT | {"password": "ab" * 64},
    "/scrypt": IMPORT | SCRYPT,
    "/scrypt-modified": IMPORT | FIREBASE,
}
OF_A_USER: list[tuple[str, str, dict[str, Any]]] = [
    ("GET", "", {}),
    ("DELETE", "", {}),
    ("PATCH", "/name", {"name": "Bea"}),
    ("PATCH", "/email", {"email": "bea@example.test"}),
    ("PATCH", "/phone", {"number": "+4930123456"}),
    ("PATCH", "/password", {"password": "another 123"}),
    ("GET", "/prefs", {}),
    ("PATCH", "/prefs", {"prefs": {"a": 1}}),
    ("PUT", "/labels", {"labels": ["vip"]}),
    ("PATCH", "/status", {"status": False}),
    ("PATCH", "/verification", {"emailVerification": True}),
    ("PATCH", "/verification/phone", {"phoneVerification": True}),
    ("GET", "/sessions", {}),
    ("POST", "/sessions", {}),
    ("DELETE", "/sessions", {}),
    ("DELETE", "/sessions/any", {}),
    ("POST", "/tokens", {}),
    ("POST", "/jwts", {}),
    ("GET", "/targets", {}),
    (
        "POST",
        "/targets",
        {"targetId": "unique()", "providerType": "email", "identifier": "x@example.test"},
    ),
    ("GET", "/targets/any", {}),
    ("PATCH", "/targets/any", {"name": "x"}),
    ("DELETE", "/targets/any", {}),
]
EVERYTHING = [
    ("GET", "/v1/users", {}),
    *[("POST", f"/v1/users{way}", body) for way, body in CREATIONS.items()],
    *[(method, f"/v1/users/ann{path}", body) for method, path, body in OF_A_USER],
]


@pytest.fixture
def project(running_site: Site) -> Project:
    return Project(running_site)


def send(client: ContractClient, method: str, path: str, body: dict[str, Any]) -> Any:
    return client.request(method, path, json=body if method != "GET" else None)


def make_ann(project: Project) -> dict[str, Any]:
    body = {"userId": "ann", "email": new_email(), "password": "correct horse 1", "name": "Ann"}
    made = project.key().post("/v1/users", json=body)
    assert made.status_code == 201
    return made.json()


def test_who_may_not(project: Project) -> None:
    ann = make_ann(project)
    clients = {
        "nobody": project.guest(),
        "a user": project.sign_up(),
        "too narrow a key": project.key("teams.read", "teams.write"),
        "an operator of nothing": project.guest(X_Appwrite_Mode="admin"),
    }
    for client in clients.values():
        for method, path, body in EVERYTHING:
            answer = send(client, method, path, body)
            assert error_of(answer) == (401, "general_unauthorized_scope"), (method, path)
    assert project.key().get("/v1/users/ann").json() == ann


def test_who_reads_may_not_write(project: Project) -> None:
    ann = make_ann(project)
    key = project.key("users.read", "targets.read")
    for method, path, body in EVERYTHING:
        answer = send(key, method, path, body)
        if method != "GET":
            assert error_of(answer) == (401, "general_unauthorized_scope"), (method, path)
    assert key.get("/v1/users/ann").json() == ann
    assert key.get("/v1/users").json()["total"] == 1


def test_another_projects_user_is_not_there(project: Project) -> None:
    ann = make_ann(project)
    stranger = Project(project.site).key()
    with stranger.case("other project"):
        for method, path, body in OF_A_USER:
            answer = send(stranger, method, f"/v1/users/ann{path}", body)
            assert error_of(answer) == (404, "user_not_found"), (method, path)
    assert stranger.get("/v1/users").json()["total"] == 0
    assert project.key().get("/v1/users/ann").json() == ann


@pytest.mark.parametrize("user_id", ["nobody", "~1", "x" * 100, "%ff", "a b", "'"])
def test_no_such_user(project: Project, user_id: str) -> None:
    key = project.key()
    for method, path, body in OF_A_USER:
        answer = send(key, method, f"/v1/users/{user_id}{path}", body)
        assert error_of(answer) == (404, "user_not_found"), (method, path)


def test_no_such_thing_of_a_user(project: Project) -> None:
    make_ann(project)
    key = project.key()
    answer = key.delete("/v1/users/ann/sessions/nothing")
    assert error_of(answer) == (404, "user_session_not_found")
    for method in ("GET", "PATCH", "DELETE"):
        answer = send(key, method, "/v1/users/ann/targets/nothing", {"name": "x"})
        assert error_of(answer) == (404, "user_target_not_found")


@pytest.mark.parametrize("way", CREATIONS)
def test_bad_bodies(project: Project, way: str) -> None:
    key = project.key()
    path = f"/v1/users{way}"
    for bad in (b"{", b"[]", b"7", b"null", b"[" * 100_000, b'{"userId": {"a": 1}}', b""):
        answer = key.post(path, content=bad, headers={"Content-Type": "application/json"})
        assert error_of(answer) == (400, "general_argument_invalid")
    assert key.get("/v1/users").json()["total"] == 0
