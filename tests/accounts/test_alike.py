"""Nobody learns from an answer, its words or its time, whether an address is known."""

import re
import statistics
import time
from collections.abc import Callable
from typing import Any

import pytest

from raindrop.core.v1 import ANSWER_FLOOR_S
from tests.support.site import Site
from tests.support.v1 import PASSWORD, Project, new_email

pytestmark = pytest.mark.contract

ROUNDS = 7
"""Below the limits of ten an hour; each side asks from its own project's budget."""

PAGE = "http://localhost/x"
BODIES: dict[str, Callable[[str], dict[str, Any]]] = {
    "/v1/account/sessions/email": lambda email: {"email": email, "password": "wrong password"},
    "/v1/account/tokens/magic-url": lambda email: {
        "userId": "unique()", "email": email, "url": PAGE, "phrase": True,
    },
    "/v1/account/tokens/email": lambda email: {"userId": "unique()", "email": email},
    "/v1/account/recovery": lambda email: {"email": email, "url": PAGE},
}  # fmt: skip


def shape(answer: Any) -> tuple[int, dict[str, str]]:
    """Status and body, without what is random or of the time in any answer."""
    forms = (
        (r"[0-9a-f]{20}", "id"),
        (r"\d{4}-\d\d-\d\dT[\d:.]+\+00:00", "time"),
        (r"[a-z]+ [a-z]+", "phrase"),
    )

    def form_of(value: object) -> str:
        text = str(value)
        return next((name for form, name in forms if re.fullmatch(form, text)), text)

    return answer.status_code, {name: form_of(value) for name, value in answer.json().items()}


@pytest.mark.parametrize("path", BODIES)
def test_known_and_unknown_addresses(running_site: Site, path: str) -> None:
    project = Project(running_site)
    known = [new_email() for _ in range(ROUNDS // 2)]
    for email in known:
        body = {"userId": "unique()", "email": email, "password": PASSWORD}
        assert project.guest().post("/v1/account", json=body).status_code == 201
    times: dict[bool, list[float]] = {True: [], False: []}
    shapes = []
    client = project.guest()
    client.get("/v1/locale")  # the connection
    for index in range(ROUNDS // 2):
        for is_known in (True, False):
            email = known[index] if is_known else new_email()
            began = time.perf_counter()
            answer = client.post(path, json=BODIES[path](email))
            times[is_known].append(time.perf_counter() - began)
            shapes.append(shape(answer))
    assert all(each == shapes[0] for each in shapes), shapes
    medians = [statistics.median(each) for each in times.values()]
    if path.endswith("sessions/email"):
        # Without the work for nobody the quicker takes a fifth.
        assert max(medians) < 2.5 * min(medians)
    else:
        assert min(min(each) for each in times.values()) >= ANSWER_FLOOR_S


@pytest.mark.parametrize("path", ["/v1/account/tokens/magic-url", "/v1/account/tokens/email"])
def test_asking_twice_tells_nothing_either(running_site: Site, path: str) -> None:
    project, email = Project(running_site), new_email()
    ids = [f"chosen-{number}" for number in range(2)]
    answers = [
        project.guest().post(path, json={"userId": each, "email": email}).json() for each in ids
    ]
    assert [answer["userId"] for answer in answers] == ids


def test_a_full_project_tells_nothing_either(running_site: Site) -> None:
    project = Project(running_site, user_limit=1)
    known = new_email()
    project.sign_up(known)
    path = "/v1/account/tokens/email"
    answers = [
        project.guest().post(path, json={"userId": "unique()", "email": email})
        for email in (known, new_email())
    ]
    assert shape(answers[0]) == shape(answers[1])
    with project.key("sessions.write") as server:
        body = {"userId": "unique()", "email": new_email()}
        assert server.post(path, json=body).json()["type"] == "user_count_exceeded"


def test_the_console_makes_no_operators_by_mail(running_site: Site) -> None:
    project, email = Project(running_site), new_email()
    with project.guest(X_Appwrite_Project="console") as client:
        body = {"userId": "unique()", "email": email}
        assert client.post("/v1/account/tokens/email", json=body).status_code == 201
    assert running_site.sql("SELECT id FROM users WHERE email = :e", e=email) == []
