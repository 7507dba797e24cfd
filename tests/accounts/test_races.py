"""Fifty who try at once."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.support.mailbox import wait_for_mail
from tests.support.site import Site
from tests.support.v1 import PASSWORD, Project, new_email

pytestmark = pytest.mark.contract

MANY = 50
SESSION = "/v1/account/sessions/token"


@pytest.fixture
def project(running_site: Site) -> Project:
    return Project(running_site)


def at_once(work: Callable[[int], int]) -> Counter[int]:
    with ThreadPoolExecutor(MANY) as pool:
        return Counter(pool.map(work, range(MANY)))


def test_one_of_fifty_redeems_a_link(project: Project) -> None:
    email = new_email()
    project.guest().post(
        "/v1/account/tokens/magic-url", json={"userId": "unique()", "email": email}
    )
    link = wait_for_mail(project.site, project.id, email, "magicsession").link
    query = parse_qs(urlsplit(link).query)
    body = {"userId": query["userId"][0], "secret": query["secret"][0]}
    # A key has no rate limit: all fifty come as far as the token.
    with project.key("sessions.write") as server:
        tried = at_once(lambda _: server.post(SESSION, json=body).status_code)
    assert tried == {201: 1, 401: MANY - 1}
    count = "SELECT count(*) AS n FROM sessions WHERE project_id = :id"
    assert project.site.sql(count, id=project.number)[0]["n"] == 1


def test_one_of_fifty_sets_the_password(project: Project) -> None:
    email = new_email()
    project.sign_up(email)
    body = {"email": email, "url": "http://localhost/x"}
    project.guest().post("/v1/account/recovery", json=body)
    link = wait_for_mail(project.site, project.id, email, "recovery").link
    query = parse_qs(urlsplit(link).query)
    held = {"userId": query["userId"][0], "secret": query["secret"][0]}
    with project.key("sessions.write") as server:

        def recover(number: int) -> int:
            given = held | {"password": f"battery staple {number}"}
            return server.put("/v1/account/recovery", json=given).status_code

        tried = at_once(recover)
    assert tried == {200: 1, 401: MANY - 1}


def test_five_of_fifty_guesses_count(project: Project) -> None:
    email = new_email()
    token = project.guest().post(
        "/v1/account/tokens/email", json={"userId": "unique()", "email": email}
    )
    code = wait_for_mail(project.site, project.id, email, "otpsession").code
    user_id = token.json()["userId"]
    with project.key("sessions.write") as server:

        def guess(number: int) -> int:
            secret = f"{(int(code) + 1 + number) % 10**6:06d}"
            return server.post(SESSION, json={"userId": user_id, "secret": secret}).status_code

        assert at_once(guess) == {401: MANY}
        right = server.post(SESSION, json={"userId": user_id, "secret": code})
    assert right.status_code == 401
    attempts = "SELECT attempts FROM tokens WHERE project_id = :id"
    assert project.site.sql(attempts, id=project.number)[0]["attempts"] == MANY + 1


def test_one_of_many_passwords_stays(project: Project) -> None:
    email = new_email()
    client = project.sign_up(email)

    def change(number: int) -> int:
        body = {"password": f"battery staple {number}", "oldPassword": PASSWORD}
        return client.patch("/v1/account/password", json=body).status_code

    with ThreadPoolExecutor(8) as pool:
        tried = Counter(pool.map(change, range(8)))
    assert tried == {200: 1, 401: 7}
