"""What a project asks of new passwords."""

import pytest

from tests.support.site import Site
from tests.support.v1 import PASSWORD, Project, error_of, new_email

pytestmark = pytest.mark.contract

RECENT, PERSONAL = (400, "password_recently_used"), (400, "password_personal_data")
COMMON = (400, "general_argument_invalid")


def test_the_last_passwords_do_not_come_again(running_site: Site) -> None:
    project = Project(running_site, password_history=2)
    client = project.sign_up()

    def change(old: str, new: str) -> tuple[int, str]:
        body = {"password": new, "oldPassword": old}
        answer = client.patch("/v1/account/password", json=body)
        return (200, "") if answer.status_code == 200 else error_of(answer)

    assert change(PASSWORD, PASSWORD) == RECENT
    assert change(PASSWORD, "second password") == (200, "")
    assert change("second password", PASSWORD) == RECENT
    assert change("second password", "third password") == (200, "")
    assert change("third password", PASSWORD) == (200, "")
    assert change(PASSWORD, "third password") == RECENT


def test_they_may_where_the_project_keeps_none(running_site: Site) -> None:
    client = Project(running_site).sign_up()
    body = {"password": PASSWORD, "oldPassword": PASSWORD}
    assert client.patch("/v1/account/password", json=body).status_code == 200


def test_the_most_common_are_refused(running_site: Site) -> None:
    project = Project(running_site, checks_password_dictionary=True)
    body = {"userId": "unique()", "email": new_email()}
    for password in ("password1", "PassWord1", "qwertyuiop"):
        answer = project.guest().post("/v1/account", json=body | {"password": password})
        assert error_of(answer) == COMMON
    client = project.sign_up()
    change = {"password": "password1", "oldPassword": PASSWORD}
    assert error_of(client.patch("/v1/account/password", json=change)) == COMMON
    lax = Project(running_site).guest()
    assert lax.post("/v1/account", json=body | {"password": "password1"}).status_code == 201


@pytest.mark.parametrize(
    "password", ["x12-dorothea", "DOROTHEA.gale77", "gale-example", "id.of.mine!", "Dorothea Gale!"]
)
def test_what_others_know_is_refused(running_site: Site, password: str) -> None:
    project = Project(running_site, checks_personal_data=True)
    body = {
        "userId": "id.of.mine",
        "email": "dorothea@gale-example.test",
        "name": "Dorothea Gale",
        "password": password,
    }
    answer = project.guest().post("/v1/account", json=body)
    if password == "gale-example":
        assert answer.status_code == 201
    else:
        assert error_of(answer) == PERSONAL


def test_the_rules_hold_for_administrators_too(running_site: Site) -> None:
    rules = {"checks_personal_data": True, "password_history": 1}
    project = Project(running_site, **rules)
    email = new_email()
    user_id = project.sign_up(email).get("/v1/account").json()["$id"]
    with project.key("users.write") as server:
        path = f"/v1/users/{user_id}/password"
        assert error_of(server.patch(path, json={"password": email})) == PERSONAL
        assert error_of(server.patch(path, json={"password": PASSWORD})) == RECENT
        assert server.patch(path, json={"password": "battery staple 2"}).status_code == 200


def test_a_first_password_is_no_exception(running_site: Site) -> None:
    project = Project(running_site, checks_password_dictionary=True)
    client = project.guest()
    client.post("/v1/account/sessions/anonymous")
    body = {"email": new_email(), "password": "password1"}
    assert error_of(client.patch("/v1/account/email", json=body)) == COMMON
    assert error_of(client.patch("/v1/account/email", json=body | {"password": "x"})) == COMMON
    assert client.get("/v1/account").json()["email"] == ""
