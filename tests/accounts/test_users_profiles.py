"""Users for a project's keys: making, reading, changing."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.contract.recorder import ContractClient
from tests.support.site import Site
from tests.support.v1 import PASSWORD, Project, error_of, new_email

pytestmark = pytest.mark.contract


@pytest.fixture
def project(running_site: Site) -> Project:
    return Project(running_site)


@pytest.fixture
def key(project: Project) -> ContractClient:
    return project.key()


def make(key: ContractClient, **fields: Any) -> dict[str, Any]:
    body = {"userId": "unique()", "email": new_email(), "password": PASSWORD, "name": "Ann"}
    answer = key.post("/v1/users", json=body | fields)
    assert answer.status_code == 201, answer.text
    return answer.json()


def sign_in(project: Project, email: str, password: str = PASSWORD) -> ContractClient:
    client = project.guest()
    answer = client.post("/v1/account/sessions/email", json={"email": email, "password": password})
    assert answer.status_code == 201, answer.text
    return client


def events_of(project: Project, user_id: str) -> list[str]:
    rows = project.site.sql(
        "SELECT name FROM events WHERE project_id = :id ORDER BY id", id=project.number
    )
    prefix = f"users.{user_id}."
    return [row["name"].removeprefix(prefix) for row in rows if row["name"].startswith(prefix)]


def test_make_and_read(project: Project, key: ContractClient) -> None:
    email = new_email()
    made = make(key, userId="ann.1", email=email.upper(), phone="+4930123456")
    assert (made["$id"], made["email"], made["phone"]) == ("ann.1", email, "+4930123456")
    assert {target["identifier"] for target in made["targets"]} == {email, "+4930123456"}
    assert made["hash"] == "argon2"
    assert made["password"].startswith("$argon2id$")
    assert made["hashOptions"] == {
        "type": "argon2", "memoryCost": 19456, "timeCost": 2, "threads": 1,
    }  # fmt: skip
    assert key.get("/v1/users/ann.1").json() == made
    assert events_of(project, "ann.1") == ["create"]
    own = sign_in(project, email).get("/v1/account").json()
    assert not {"password", "hash", "hashOptions"} & own.keys()


def test_a_user_needs_only_an_id(project: Project, key: ContractClient) -> None:
    made = key.post("/v1/users", json={"userId": "unique()"}).json()
    assert (made["email"], made["phone"], made["password"], made["targets"]) == ("", "", "", [])
    body = {"userId": "unique()", "email": None, "phone": None, "password": ""}
    assert key.post("/v1/users", json=body).status_code == 201


@pytest.mark.parametrize(
    "change",
    [
        {"userId": None},
        {"userId": "-bad"},
        {"userId": "x" * 37},
        {"email": "nobody"},
        {"email": ""},
        {"phone": "030123456"},
        {"phone": "+49" + "1" * 14},
        {"password": "short77"},
        {"password": "x" * 257},
        {"name": "x" * 129},
        {"name": 7},
        {"name": "a\0b"},
    ],
)
def test_bad_user_changes_nothing(
    project: Project, key: ContractClient, change: dict[str, Any]
) -> None:
    body = {"userId": "unique()", "email": new_email(), "password": PASSWORD} | change
    assert error_of(key.post("/v1/users", json=body)) == (400, "general_argument_invalid")
    count = "SELECT count(*) AS n FROM users WHERE project_id = :id"
    assert project.site.sql(count, id=project.number)[0]["n"] == 0


def test_limits_are_inclusive(key: ContractClient) -> None:
    made = make(key, userId="i" * 36, name="n" * 128, password="p" * 256, phone="+" + "1" * 15)
    assert (len(made["$id"]), len(made["name"]), len(made["phone"])) == (36, 128, 16)


@pytest.mark.parametrize("field", ["userId", "email", "phone"])
def test_each_is_somebodys_once(key: ContractClient, field: str) -> None:
    given = {"userId": "only", "email": new_email(), "phone": "+4930123456"}
    make(key, **given)
    again = {"userId": "unique()", "email": new_email(), field: given[field]}
    assert error_of(key.post("/v1/users", json=again)) == (409, "user_already_exists")


def test_of_many_at_once_one_wins(project: Project, key: ContractClient) -> None:
    body = {"userId": "unique()", "email": new_email()}

    def create(_: int) -> int:
        with project.guest(X_Appwrite_Key=key.headers["X-Appwrite-Key"]) as client:
            return client.post("/v1/users", json=body).status_code

    with ThreadPoolExecutor(50) as pool:
        statuses = list(pool.map(create, range(50)))
    assert sorted(statuses) == [201] + [409] * 49
    assert key.get("/v1/users").json()["total"] == 1


def test_a_project_can_limit_its_users(running_site: Site) -> None:
    project = Project(running_site, user_limit=2)
    key = project.key()
    make(key)
    make(key)
    refused = key.post("/v1/users", json={"userId": "unique()", "email": new_email()})
    assert error_of(refused) == (400, "user_count_exceeded")


def test_change_name(project: Project, key: ContractClient) -> None:
    user = make(key)
    path = f"/v1/users/{user['$id']}/name"
    client = sign_in(project, user["email"])
    assert client.get("/v1/account").json()["name"] == "Ann"
    assert key.patch(path, json={"name": "Bea"}).json()["name"] == "Bea"
    assert client.get("/v1/account").json()["name"] == "Bea"
    assert key.patch(path, json={"name": ""}).json()["name"] == ""
    for bad in ({}, {"name": "x" * 129}, {"name": None}):
        assert error_of(key.patch(path, json=bad)) == (400, "general_argument_invalid")
    assert "update.name" in events_of(project, user["$id"])


def test_change_email(project: Project, key: ContractClient) -> None:
    user, other, email = make(key), make(key), new_email()
    path = f"/v1/users/{user['$id']}"
    key.patch(f"{path}/verification", json={"emailVerification": True})
    changed = key.patch(f"{path}/email", json={"email": email.title()}).json()
    assert (changed["email"], changed["emailVerification"]) == (email, False)
    (target,) = changed["targets"]
    assert (target["$id"], target["identifier"]) == (user["targets"][0]["$id"], email)
    sign_in(project, email)
    taken = key.patch(f"{path}/email", json={"email": other["email"]})
    assert error_of(taken) == (409, "user_email_already_exists")
    for bad in ({}, {"email": "nobody"}, {"email": 7}):
        answer = key.patch(f"{path}/email", json=bad)
        assert error_of(answer) == (400, "general_argument_invalid")
    assert key.get(path).json()["email"] == email
    without = key.patch(f"{path}/email", json={"email": ""}).json()
    assert (without["email"], without["targets"]) == ("", [])
    assert make(key, email=email)["email"] == email
    assert events_of(project, user["$id"]).count("update.email") == 2


def test_the_same_email_again_stays_verified(key: ContractClient) -> None:
    user = make(key)
    path = f"/v1/users/{user['$id']}"
    key.patch(f"{path}/verification", json={"emailVerification": True})
    again = key.patch(f"{path}/email", json={"email": user["email"]}).json()
    assert again["emailVerification"]


def test_change_phone(key: ContractClient) -> None:
    user = make(key, phone="+4930123456")
    make(key, phone="+4930123457")
    path = f"/v1/users/{user['$id']}"
    key.patch(f"{path}/verification/phone", json={"phoneVerification": True})
    changed = key.patch(f"{path}/phone", json={"number": "+4930123458"}).json()
    assert (changed["phone"], changed["phoneVerification"]) == ("+4930123458", False)
    assert [target["identifier"] for target in changed["targets"]] == [
        user["email"], "+4930123458",
    ]  # fmt: skip
    taken = key.patch(f"{path}/phone", json={"number": "+4930123457"})
    assert error_of(taken) == (409, "user_phone_already_exists")
    for bad in ({}, {"number": "4930123459"}, {"number": 4930123459}):
        answer = key.patch(f"{path}/phone", json=bad)
        assert error_of(answer) == (400, "general_argument_invalid")
    assert key.patch(f"{path}/phone", json={"number": ""}).json()["phone"] == ""


def test_change_password(project: Project, key: ContractClient) -> None:
    user = make(key)
    path = f"/v1/users/{user['$id']}/password"
    old = sign_in(project, user["email"])
    changed = key.patch(path, json={"password": "another 123"}).json()
    assert changed["passwordUpdate"] >= user["passwordUpdate"]
    assert old.get("/v1/account").status_code == 401
    sign_in(project, user["email"], "another 123")
    credentials = {"email": user["email"], "password": PASSWORD}
    refused = project.guest().post("/v1/account/sessions/email", json=credentials)
    assert error_of(refused) == (401, "user_invalid_credentials")
    for bad in ({}, {"password": "short77"}, {"password": "x" * 257}):
        assert error_of(key.patch(path, json=bad)) == (400, "general_argument_invalid")
    assert key.patch(path, json={"password": ""}).json()["password"] == ""
    credentials["password"] = ""
    refused = project.guest().post("/v1/account/sessions/email", json=credentials)
    assert error_of(refused) == (401, "user_invalid_credentials")
    assert "update.password" in events_of(project, user["$id"])


def test_a_project_can_keep_sessions_over_a_new_password(running_site: Site) -> None:
    project = Project(running_site, invalidates_sessions=False)
    key = project.key()
    user = make(key)
    client = sign_in(project, user["email"])
    key.patch(f"/v1/users/{user['$id']}/password", json={"password": "another 123"})
    assert client.get("/v1/account").status_code == 200


def test_a_projects_rules_for_passwords(running_site: Site) -> None:
    rules = {
        "password_history": 2,
        "checks_password_dictionary": True,
        "checks_personal_data": True,
    }
    key = Project(running_site, **rules).key()

    def refused(method: str, path: str, body: dict[str, Any]) -> tuple[int, str]:
        return error_of(key.request(method, path, json=body))

    body = {"userId": "unique()", "email": "marguerite@example.test", "name": "Zoë Grün"}
    common = body | {"password": "password1"}
    assert refused("POST", "/v1/users", common) == (400, "general_argument_invalid")
    personal = body | {"password": "I am Marguerite"}
    assert refused("POST", "/v1/users", personal) == (400, "password_personal_data")
    user = key.post("/v1/users", json=body | {"password": PASSWORD}).json()
    path = f"/v1/users/{user['$id']}/password"
    recent = (400, "password_recently_used")
    assert refused("PATCH", path, {"password": PASSWORD}) == recent
    assert refused("PATCH", path, {"password": "password1"})[1] == "general_argument_invalid"
    assert refused("PATCH", path, {"password": "it's Zoë Grün"})[1] == "password_personal_data"
    for password in ("another 123", "yet another 1"):
        assert key.patch(path, json={"password": password}).status_code == 200
    assert refused("PATCH", path, {"password": "another 123"}) == recent
    assert key.patch(path, json={"password": PASSWORD}).status_code == 200


def test_prefs(project: Project, key: ContractClient) -> None:
    user = make(key)
    path = f"/v1/users/{user['$id']}/prefs"
    assert key.get(path).json() == {}
    prefs = {"theme": "dark", "nested": {"a": [1, 2]}}
    assert key.patch(path, json={"prefs": prefs}).json() == prefs
    assert key.get(path).json() == prefs
    assert sign_in(project, user["email"]).get("/v1/account").json()["prefs"] == prefs
    assert key.patch(path, json={"prefs": {"b": 1}}).json() == {"b": 1}
    largest = {"a": "x" * (65_536 - len('{"a": ""}'))}
    assert key.patch(path, json={"prefs": largest}).json() == largest
    for bad in ({}, {"prefs": [1]}, {"prefs": 7}, {"prefs": {"a": largest["a"] + "x"}}):
        assert error_of(key.patch(path, json=bad)) == (400, "general_argument_invalid")
    nan = key.patch(
        path, content=b'{"prefs": {"a": NaN}}', headers={"Content-Type": "application/json"}
    )
    assert error_of(nan) == (400, "general_argument_invalid")
    assert events_of(project, user["$id"]).count("update.prefs") == 3


def test_labels(project: Project, key: ContractClient) -> None:
    user = make(key)
    path = f"/v1/users/{user['$id']}/labels"
    assert key.put(path, json={"labels": ["vip", "Beta2", "vip"]}).json()["labels"] == [
        "vip", "Beta2",
    ]  # fmt: skip
    assert key.put(path, json={"labels": ["a" * 36]}).status_code == 200
    many = [f"l{number}" for number in range(1001)]
    assert key.put(path, json={"labels": many[:1000]}).json()["labels"] == many[:1000]
    for bad in (
        {},
        {"labels": "vip"},
        {"labels": ["a b"]},
        {"labels": [""]},
        {"labels": ["a\n"]},
        {"labels": ["a" * 37]},
        {"labels": many},
    ):
        assert error_of(key.put(path, json=bad)) == (400, "general_argument_invalid")
    assert key.put(path, json={"labels": []}).json()["labels"] == []


def test_verification(key: ContractClient) -> None:
    user = make(key, phone="+4930123456")
    path = f"/v1/users/{user['$id']}/verification"
    assert key.patch(path, json={"emailVerification": True}).json()["emailVerification"]
    assert not key.patch(path, json={"emailVerification": False}).json()["emailVerification"]
    answer = key.patch(f"{path}/phone", json={"phoneVerification": True})
    assert answer.json()["phoneVerification"]
    for bad in ({}, {"emailVerification": "yes"}):
        assert error_of(key.patch(path, json=bad)) == (400, "general_argument_invalid")
        answer = key.patch(f"{path}/phone", json=bad)
        assert error_of(answer) == (400, "general_argument_invalid")


def test_suspension_is_immediate(project: Project, key: ContractClient) -> None:
    user = make(key)
    path = f"/v1/users/{user['$id']}"
    session = sign_in(project, user["email"])
    jwts = [
        key.post(f"{path}/jwts", json={}).json()["jwt"],
        key.post(f"{path}/jwts", json={"duration": 3600}).json()["jwt"],
    ]
    holders = [session, *(project.guest(X_Appwrite_JWT=jwt) for jwt in jwts)]
    assert [each.get("/v1/account").status_code for each in holders] == [200] * 3
    assert key.patch(f"{path}/status", json={"status": False}).json()["status"] is False
    assert [each.get("/v1/account").status_code for each in holders] == [401] * 3
    credentials = {"email": user["email"], "password": PASSWORD}
    refused = project.guest().post("/v1/account/sessions/email", json=credentials)
    assert error_of(refused) == (401, "user_blocked")
    for way in ("sessions", "tokens", "jwts"):
        assert error_of(key.post(f"{path}/{way}", json={})) == (401, "user_blocked")
    assert key.patch(f"{path}/status", json={"status": True}).json()["status"] is True
    assert [each.get("/v1/account").status_code for each in holders] == [200] * 3
    for bad in ({}, {"status": "no"}, {"status": 0}):
        answer = key.patch(f"{path}/status", json=bad)
        assert error_of(answer) == (400, "general_argument_invalid")
    assert events_of(project, user["$id"]).count("update.status") == 2


def test_a_jwt_without_a_session_stops_too(project: Project, key: ContractClient) -> None:
    user = make(key)
    path = f"/v1/users/{user['$id']}"
    jwt = key.post(f"{path}/jwts", json={}).json()["jwt"]
    client = project.guest(X_Appwrite_JWT=jwt)
    assert client.get("/v1/account").json()["$id"] == user["$id"]
    key.patch(f"{path}/status", json={"status": False})
    assert error_of(client.get("/v1/account")) == (401, "user_jwt_invalid")


def test_usage_is_not_kept_yet(key: ContractClient) -> None:
    assert error_of(key.get("/v1/users/usage")) == (501, "general_usage_disabled")


def test_events_hold_no_secret(project: Project, key: ContractClient) -> None:
    user = make(key)
    path = f"/v1/users/{user['$id']}"
    secrets = [
        key.post(f"{path}/sessions").json()["secret"],
        key.post(f"{path}/tokens", json={"length": 64}).json()["secret"],
    ]
    rows = project.site.sql("SELECT payload FROM events WHERE project_id = :id", id=project.number)
    payloads = [json.loads(row["payload"]) for row in rows]
    assert len(payloads) == 3
    for payload in payloads:
        assert not {"password", "hash", "hashOptions"} & payload.keys()
        assert not payload.get("secret")
    assert not any(secret in row["payload"] for secret in secrets for row in rows)
