"""A user's sessions, tokens, JWTs and targets, as a project's server handles them."""

import datetime
import json
from typing import Any

import pytest

from tests.accounts.test_users_profiles import events_of, make, sign_in
from tests.contract.recorder import ContractClient
from tests.support.site import Site
from tests.support.v1 import Project, error_of, new_email

pytestmark = pytest.mark.contract


@pytest.fixture
def project(running_site: Site) -> Project:
    return Project(running_site)


@pytest.fixture
def key(project: Project) -> ContractClient:
    return project.key()


@pytest.fixture
def user(key: ContractClient) -> dict[str, Any]:
    return make(key)


@pytest.fixture
def path(user: dict[str, Any]) -> str:
    return f"/v1/users/{user['$id']}"


def test_a_server_begins_and_ends_sessions(
    project: Project, key: ContractClient, user: dict[str, Any], path: str
) -> None:
    made = key.post(f"{path}/sessions")
    assert made.status_code == 201
    assert not made.cookies
    session = made.json()
    assert (session["provider"], session["userId"]) == ("server", user["$id"])
    client = project.guest(X_Appwrite_Session=session["secret"])
    assert client.get("/v1/account").json()["$id"] == user["$id"]
    listed = key.get(f"{path}/sessions").json()
    assert (listed["total"], listed["sessions"][0]["secret"]) == (1, "")
    assert key.get(f"{path}/sessions?total=false").json()["total"] == 0
    assert error_of(key.get(f"{path}/sessions?total=7")) == (400, "general_argument_invalid")
    assert key.delete(f"{path}/sessions/{session['$id']}").status_code == 204
    assert client.get("/v1/account").status_code == 401
    again = key.delete(f"{path}/sessions/{session['$id']}")
    assert error_of(again) == (404, "user_session_not_found")
    session_events = [name.rpartition(".")[2] for name in events_of(project, user["$id"])]
    assert session_events == ["create", "create", "delete"]


def test_all_sessions_end(
    project: Project, key: ContractClient, user: dict[str, Any], path: str
) -> None:
    clients = [sign_in(project, user["email"]) for _ in range(3)]
    assert key.get(f"{path}/sessions").json()["total"] == 3
    assert key.delete(f"{path}/sessions").status_code == 204
    assert [client.get("/v1/account").status_code for client in clients] == [401] * 3
    assert key.delete(f"{path}/sessions").status_code == 204


def test_another_users_session_is_not_there(key: ContractClient, path: str) -> None:
    other = f"/v1/users/{make(key)['$id']}"
    session = key.post(f"{other}/sessions").json()
    answer = key.delete(f"{path}/sessions/{session['$id']}")
    assert error_of(answer) == (404, "user_session_not_found")
    assert key.get(f"{other}/sessions").json()["total"] == 1


def test_tokens(project: Project, key: ContractClient, user: dict[str, Any], path: str) -> None:
    token = key.post(f"{path}/tokens").json()
    assert (len(token["secret"]), token["userId"], token["phrase"]) == (6, user["$id"], "")
    assert lifetime_s(token) == 900
    for length in (4, 5, 128):
        made = key.post(f"{path}/tokens", json={"length": length, "expire": 60})
        assert made.status_code == 201
        assert len(made.json()["secret"]) == length
        assert lifetime_s(made.json()) == 60
    assert key.post(f"{path}/tokens", json={"expire": 31_536_000}).status_code == 201
    for bad in (
        {"length": 3}, {"length": 129}, {"length": "6"}, {"expire": 59}, {"expire": 31_536_001},
    ):  # fmt: skip
        answer = key.post(f"{path}/tokens", json=bad)
        assert error_of(answer) == (400, "general_argument_invalid")
    rows = project.site.sql("SELECT * FROM tokens WHERE project_id = :id", id=project.number)
    assert len(rows) == 5
    assert not any(token["secret"] in str(dict(row)["secret_digest"]) for row in rows)
    assert f"tokens.{token['$id']}.create" in events_of(project, user["$id"])


def test_a_token_is_redeemed_once(
    project: Project, key: ContractClient, user: dict[str, Any], path: str
) -> None:
    token = key.post(f"{path}/tokens", json={"length": 32}).json()
    body = {"userId": user["$id"], "secret": token["secret"]}
    client = project.guest()
    assert client.post("/v1/account/sessions/token", json=body).status_code == 201
    assert client.get("/v1/account").json()["$id"] == user["$id"]
    again = project.guest().post("/v1/account/sessions/token", json=body)
    assert error_of(again) == (401, "user_invalid_token")


def test_a_suspended_user_redeems_no_token(
    project: Project, key: ContractClient, user: dict[str, Any], path: str
) -> None:
    token = key.post(f"{path}/tokens").json()
    body = {"userId": user["$id"], "secret": token["secret"]}
    key.patch(f"{path}/status", json={"status": False})
    refused = project.guest().post("/v1/account/sessions/token", json=body)
    assert error_of(refused) == (401, "user_blocked")


def lifetime_s(token: dict[str, Any]) -> float:
    began, ends = (datetime.datetime.fromisoformat(token[n]) for n in ("$createdAt", "expire"))
    return round((ends - began).total_seconds(), 1)


def test_jwts(project: Project, key: ContractClient, user: dict[str, Any], path: str) -> None:
    first, second = (key.post(f"{path}/sessions").json() for _ in range(2))

    def holder(**body: Any) -> ContractClient:
        answer = key.post(f"{path}/jwts", json=body)
        assert answer.status_code == 201, answer.text
        return project.guest(X_Appwrite_JWT=answer.json()["jwt"])

    of_first = holder(sessionId=first["$id"])
    of_newest = [holder(), holder(sessionId="recent", duration=3600)]
    over = holder(duration=0)
    assert error_of(over.get("/v1/account")) == (401, "user_jwt_invalid")
    assert of_first.get("/v1/account").json()["$id"] == user["$id"]
    key.delete(f"{path}/sessions/{second['$id']}")
    statuses = [client.get("/v1/account").status_code for client in (of_first, *of_newest)]
    assert statuses == [200, 401, 401]
    with Project(project.site).guest(X_Appwrite_JWT=of_first.headers["X-Appwrite-JWT"]) as other:
        assert other.get("/v1/account").status_code == 401


def test_bad_jwts(key: ContractClient, path: str) -> None:
    for bad in ({"duration": 3601}, {"duration": -1}, {"duration": "60"}, {"sessionId": 7}):
        answer = key.post(f"{path}/jwts", json=bad)
        assert error_of(answer) == (400, "general_argument_invalid")
    answer = key.post(f"{path}/jwts", json={"sessionId": "nothing"})
    assert error_of(answer) == (404, "user_session_not_found")


def test_targets(project: Project, key: ContractClient, user: dict[str, Any], path: str) -> None:
    email = new_email()
    body = {"targetId": "work", "providerType": "email", "identifier": email.title(), "name": "W"}
    target = key.post(f"{path}/targets", json=body).json()
    assert (target["$id"], target["identifier"], target["providerId"]) == ("work", email, None)
    phone = {"targetId": "unique()", "providerType": "sms", "identifier": "+4930123456"}
    assert key.post(f"{path}/targets", json=phone).status_code == 201
    assert key.get(f"{path}/targets/work").json() == target
    assert len(sign_in(project, user["email"]).get("/v1/account").json()["targets"]) == 3
    changed = key.patch(f"{path}/targets/work", json={"name": "Work"}).json()
    assert (changed["name"], changed["identifier"]) == ("Work", email)
    email = new_email()
    changed = key.patch(f"{path}/targets/work", json={"identifier": email}).json()
    assert (changed["name"], changed["identifier"]) == ("Work", email)
    assert key.delete(f"{path}/targets/work").status_code == 204
    assert error_of(key.get(f"{path}/targets/work")) == (404, "user_target_not_found")
    assert [name for name in events_of(project, user["$id"]) if ".work." in name] == [
        "targets.work.create",
        "targets.work.update",
        "targets.work.update",
        "targets.work.delete",
    ]


def test_lists_of_targets(key: ContractClient, path: str) -> None:
    for number in range(3):
        body = {
            "targetId": f"t{number}",
            "providerType": "sms",
            "identifier": f"+493012345{number}",
        }
        assert key.post(f"{path}/targets", json=body).status_code == 201

    def ask(*queries: dict[str, Any], **more: str) -> Any:
        named = {f"queries[{index}]": json.dumps(each) for index, each in enumerate(queries)}
        return key.get(f"{path}/targets", params=named | more)

    assert ask().json()["total"] == 4
    sms = {"method": "equal", "attribute": "providerType", "values": ["sms"]}
    assert [target["$id"] for target in ask(sms).json()["targets"]] == ["t0", "t1", "t2"]
    page = ask(sms, {"method": "cursorAfter", "values": ["t0"]}, total="false").json()
    assert (page["total"], [target["$id"] for target in page["targets"]]) == (0, ["t1", "t2"])
    bad = {"method": "equal", "attribute": "userId", "values": ["x"]}
    assert error_of(ask(bad)) == (400, "general_query_invalid")


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"targetId": "-"}, (400, "general_argument_invalid")),
        ({"targetId": None}, (400, "general_argument_invalid")),
        ({"providerType": "pigeon"}, (400, "general_argument_invalid")),
        ({"identifier": "nobody"}, (400, "general_argument_invalid")),
        ({"identifier": ""}, (400, "general_argument_invalid")),
        ({"providerType": "sms"}, (400, "general_argument_invalid")),
        ({"name": "x" * 129}, (400, "general_argument_invalid")),
        ({"providerType": "push", "identifier": "token"}, (404, "provider_not_found")),
        ({"providerId": "mine"}, (404, "provider_not_found")),
    ],
)
def test_bad_targets(
    key: ContractClient, path: str, change: dict[str, Any], refusal: tuple[int, str]
) -> None:
    body = {"targetId": "unique()", "providerType": "email", "identifier": new_email()} | change
    assert error_of(key.post(f"{path}/targets", json=body)) == refusal
    assert key.get(f"{path}/targets").json()["total"] == 1


def test_bad_changes_of_targets(key: ContractClient, user: dict[str, Any], path: str) -> None:
    target = f"{path}/targets/{user['targets'][0]['$id']}"
    for bad in ({"identifier": "nobody"}, {"name": 7}):
        assert error_of(key.patch(target, json=bad)) == (400, "general_argument_invalid")
    answer = key.patch(target, json={"providerId": "mine"})
    assert error_of(answer) == (404, "provider_not_found")
    assert key.patch(target, json={}).json()["identifier"] == user["email"]


def test_each_target_is_once(key: ContractClient, user: dict[str, Any], path: str) -> None:
    body = {"targetId": "t1", "providerType": "email", "identifier": new_email()}
    other = f"/v1/users/{make(key)['$id']}/targets"
    assert key.post(f"{path}/targets", json=body).status_code == 201
    for again in (body, body | {"identifier": new_email()}, body | {"targetId": "t2"}):
        for each in (f"{path}/targets", other):
            answer = key.post(each, json=again)
            assert error_of(answer) == (409, "user_target_already_exists")
    answer = key.patch(f"{path}/targets/t1", json={"identifier": user["email"]})
    assert error_of(answer) == (409, "user_target_already_exists")
    assert error_of(key.get(f"{other}/t1")) == (404, "user_target_not_found")


def test_an_address_that_is_anothers_target(key: ContractClient, path: str) -> None:
    """Whoever has it as an e-mail address has it, but the target stays where it is."""
    email = new_email()
    body = {"targetId": "t1", "providerType": "email", "identifier": email}
    assert key.post(f"{path}/targets", json=body).status_code == 201
    other = make(key, email=email)
    assert (other["email"], other["targets"]) == (email, [])
    changed = key.patch(f"{path}/email", json={"email": new_email()}).json()
    assert {target["identifier"] for target in changed["targets"]} == {changed["email"], email}
