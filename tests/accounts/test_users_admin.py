"""Users for the console: what an operator of the project's team may."""

from typing import Any

import pytest

from tests.accounts.test_users_refusals import CREATIONS, EVERYTHING, send
from tests.support.operators import Operator, OwnedProject
from tests.support.site import Site
from tests.support.v1 import error_of, new_email

pytestmark = pytest.mark.contract


@pytest.fixture
def project(running_site: Site) -> OwnedProject:
    return Operator(running_site).create_project()


def make_ann(project: OwnedProject) -> dict[str, Any]:
    body = {"userId": "ann", "email": new_email(), "password": "correct horse 1"}
    made = project.owner.admin_of(project.id).post("/v1/users", json=body)
    assert made.status_code == 201, made.text
    return made.json()


def test_an_owner_administers_users(project: OwnedProject) -> None:
    ann, admin = make_ann(project), project.owner.admin_of(project.id)
    assert ann["hash"] == "argon2"
    assert admin.get("/v1/users").json()["users"] == [ann]
    secret = admin.post("/v1/users/ann/sessions").json()["secret"]
    with project.guest(X_Appwrite_Session=secret) as client:
        assert client.get("/v1/account").json()["$id"] == "ann"
        assert admin.patch("/v1/users/ann/status", json={"status": False}).status_code == 200
        assert client.get("/v1/account").status_code == 401
    for way, body in CREATIONS.items():
        made = admin.post(f"/v1/users{way}", json=body | {"email": new_email()})
        assert made.status_code == 201, way
    assert admin.delete("/v1/users/ann").status_code == 204
    assert error_of(admin.get("/v1/users/ann")) == (404, "user_not_found")


def test_who_may_only_look(project: OwnedProject) -> None:
    ann = make_ann(project)
    viewer = Operator(project.site)
    viewer.join(project.team_id, "viewer")
    reader = viewer.admin_of(project.id)
    for method, path, body in EVERYTHING:
        if method != "GET":
            answer = send(reader, method, path, body)
            assert error_of(answer) == (401, "general_unauthorized_scope"), (method, path)
    assert reader.get("/v1/users").json()["users"] == [ann]


def test_an_operator_of_another_project(project: OwnedProject) -> None:
    ann = make_ann(project)
    stranger = Operator(project.site)
    stranger.create_project()
    for client in (stranger.admin_of(project.id), stranger.sign_in("console")):
        for method, path, body in EVERYTHING:
            answer = send(client, method, path, body)
            assert error_of(answer) == (401, "general_unauthorized_scope"), (method, path)
    assert project.owner.admin_of(project.id).get("/v1/users/ann").json() == ann
