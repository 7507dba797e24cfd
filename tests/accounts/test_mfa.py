"""Second factors: authenticator apps, challenges, recovery codes."""

import json
import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pyotp
import pytest

from raindrop.core.secrets import Vault
from tests.contract.recorder import ContractClient
from tests.support.site import Site
from tests.support.v1 import PASSWORD, Project, error_of, new_email

pytestmark = pytest.mark.contract

MFA = "/v1/account/mfa"
TOTP = f"{MFA}/authenticators/totp"
CHALLENGE = f"{MFA}/challenge"
RECOVERY = f"{MFA}/recovery-codes"
MORE = (401, "user_more_factors_required")
WRONG = (401, "user_invalid_token")


class Person:
    """A user with an authenticator app, signed in once more: by the password alone."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.email = new_email()
        self.first = project.sign_up(self.email)
        self.id = self.first.get("/v1/account").json()["$id"]
        self.totp = pyotp.TOTP(self.first.post(TOTP).json()["secret"])
        # The code of the step before: those of this step and the next are for the tests.
        assert self.first.put(TOTP, json={"otp": self.code(-1)}).status_code == 200
        assert self.first.patch(MFA, json={"mfa": True}).json()["mfa"] is True
        self.client = self.sign_in()

    def sign_in(self) -> ContractClient:
        client = self.project.guest()
        body = {"email": self.email, "password": PASSWORD}
        assert client.post("/v1/account/sessions/email", json=body).status_code == 201
        return client

    def code(self, step: int = 0) -> str:
        return self.totp.at(time.time(), counter_offset=step)

    def wrong_code(self) -> str:
        right = {self.code(step) for step in range(-3, 4)}
        return next(
            code for code in ("000000", *map(str, range(100000, 100010))) if code not in right
        )


@pytest.fixture
def project(running_site: Site) -> Project:
    return Project(running_site)


@pytest.fixture
def person(project: Project) -> Person:
    if time.time() % 30 > 24:  # a code must not age in the middle of a test
        time.sleep(30 - time.time() % 30)
    return Person(project)


def ask(client: ContractClient, factor: str = "totp") -> str:
    answer = client.post(CHALLENGE, json={"factor": factor})
    assert answer.status_code == 201, answer.text
    return answer.json()["$id"]


def answer(client: httpx.Client, challenge: str, code: str) -> httpx.Response:
    return client.put(CHALLENGE, json={"challengeId": challenge, "otp": code})


def verify_email(person: Person) -> None:
    sql = "UPDATE users SET is_email_verified = 1 WHERE public_id = :id"
    person.project.site.sql(sql, id=person.id)
    # The change was made beside the server: something that drops what is cached of the user.
    admin = person.project.key().patch(f"/v1/users/{person.id}/mfa", json={"mfa": True})
    assert admin.status_code == 200


def test_the_whole_way(person: Person) -> None:
    client = person.client
    assert error_of(client.get("/v1/account")) == MORE
    assert error_of(client.patch(MFA, json={"mfa": False})) == MORE
    assert error_of(client.post(RECOVERY)) == MORE
    factors = client.get(f"{MFA}/factors").json()
    assert factors == {"totp": True, "phone": False, "email": False, "recoveryCode": False}
    session = answer(client, ask(client), person.code()).json()
    assert session["factors"] == ["password", "totp"]
    assert session["current"]
    assert session["mfaUpdatedAt"]
    assert client.get("/v1/account").json()["mfa"] is True
    assert client.patch(MFA, json={"mfa": False}).json()["mfa"] is False
    assert person.sign_in().get("/v1/account").status_code == 200


def test_a_session_without_its_second_factor_can_only_end_itself(person: Person) -> None:
    sessions = person.first.get("/v1/account/sessions").json()["sessions"]
    other = next(session for session in sessions if session["current"])["$id"]
    assert error_of(person.client.delete(f"/v1/account/sessions/{other}")) == MORE
    assert person.client.delete("/v1/account/sessions/current").status_code == 204
    assert person.first.get("/v1/account").status_code == 200


def test_the_address_for_the_app(project: Project) -> None:
    client = project.sign_up("someone@example.test")
    made = client.post(TOTP).json()
    uri = urlsplit(made["uri"])
    query = parse_qs(uri.query)
    assert (uri.scheme, uri.netloc) == ("otpauth", "totp")
    assert (query["issuer"], query["secret"]) == (["Test"], [made["secret"]])
    (row,) = project.site.sql(
        "SELECT secret FROM authenticators WHERE project_id = :id", id=project.number
    )
    assert made["secret"] not in row["secret"]


def test_an_authenticator_is_set_up_once(project: Project) -> None:
    client = project.sign_up()
    assert error_of(client.put(TOTP, json={"otp": "123456"})) == (
        404, "user_authenticator_not_found"
    )  # fmt: skip
    first, second = (pyotp.TOTP(client.post(TOTP).json()["secret"]) for _ in range(2))
    assert error_of(client.put(TOTP, json={"otp": first.now()})) == WRONG
    assert client.put(TOTP, json={"otp": second.now()}).status_code == 200
    again = (409, "user_authenticator_already_verified")
    assert error_of(client.post(TOTP)) == again
    assert error_of(client.put(TOTP, json={"otp": second.now()})) == again
    for path in (f"{MFA}/authenticators/sms", f"{MFA}/authenticators/TOTP"):
        assert client.post(path).status_code == 400


def test_an_unverified_authenticator_is_no_factor(project: Project) -> None:
    client = project.sign_up()
    client.post(TOTP)
    assert client.patch(MFA, json={"mfa": True}).status_code == 200
    assert client.get(f"{MFA}/factors").json()["totp"] is False
    refused = client.post(CHALLENGE, json={"factor": "totp"})
    assert error_of(refused) == (404, "user_authenticator_not_found")
    assert client.get("/v1/account").status_code == 200


def test_a_code_is_taken_once(person: Person) -> None:
    code = person.code()
    challenges = [ask(person.client) for _ in range(2)]
    assert answer(person.client, challenges[0], code).status_code == 200
    assert error_of(answer(person.client, challenges[1], code)) == WRONG
    # Nor one from before the last.
    assert error_of(answer(person.client, challenges[1], person.code(-1))) == WRONG
    assert answer(person.client, challenges[1], person.code(1)).status_code == 200


def test_a_challenge_is_answered_once(person: Person) -> None:
    challenge = ask(person.client)
    assert answer(person.client, challenge, person.code()).status_code == 200
    assert error_of(answer(person.client, challenge, person.code(1))) == WRONG


def test_a_challenge_has_five_tries(person: Person) -> None:
    challenge = ask(person.client)
    for _ in range(5):
        assert error_of(answer(person.client, challenge, person.wrong_code())) == WRONG
    assert error_of(answer(person.client, challenge, person.code())) == WRONG
    challenge = ask(person.client)
    for _ in range(4):
        answer(person.client, challenge, person.wrong_code())
    assert answer(person.client, challenge, person.code()).status_code == 200


def test_tries_at_once_are_counted_one_by_one(person: Person) -> None:
    challenge = ask(person.client)
    right = person.code()
    codes = [person.wrong_code()] * 9
    _in_parallel(person, challenge, codes)
    assert error_of(answer(person.client, challenge, right))[0] in (401, 429)
    sql = "SELECT attempts FROM challenges WHERE public_id = :id"
    assert person.project.site.sql(sql, id=challenge) == [{"attempts": 5}]
    assert error_of(person.client.get("/v1/account")) == MORE


def test_of_fifty_right_answers_one_wins(person: Person) -> None:
    challenge = ask(person.client)
    answers = _in_parallel(person, challenge, [person.code()] * 50)
    statuses = [each.status_code for each in answers]
    assert statuses.count(200) == 1
    assert set(statuses) <= {200, 401, 429}


def _in_parallel(person: Person, challenge: str, codes: list[str]) -> list[httpx.Response]:
    with ThreadPoolExecutor(len(codes)) as pool:
        clients = [person.project.guest() for _ in codes]
        for client in clients:
            client.cookies = person.client.cookies
        return list(
            pool.map(
                lambda each: answer(each[0], challenge, each[1]), zip(clients, codes, strict=True)
            )
        )


def test_a_challenge_expires(person: Person) -> None:
    challenge = ask(person.client)
    sql = "UPDATE challenges SET expires_at = '2020-01-01 00:00:00' WHERE public_id = :id"
    person.project.site.sql(sql, id=challenge)
    assert error_of(answer(person.client, challenge, person.code())) == WRONG


def test_a_challenge_is_its_persons(person: Person) -> None:
    stranger = Person(Project(person.project.site))
    neighbour = Person(person.project)
    for other in (stranger, neighbour):
        challenge = ask(other.client)
        with person.client.case("other project"):
            refused = answer(person.client, challenge, other.code())
        assert error_of(refused) == WRONG
        assert answer(other.client, challenge, other.code()).status_code == 200
    assert error_of(answer(person.client, "nothing", person.code())) == WRONG


def test_a_suspended_user_answers_nothing(person: Person) -> None:
    challenge = ask(person.client)
    site = person.project.site
    site.sql("UPDATE users SET is_active = 0 WHERE public_id = :id", id=person.id)
    site.cache.flushall()
    refused = answer(person.client, challenge, person.code())
    assert error_of(refused) == (401, "general_unauthorized_scope")


def test_a_mailed_code(person: Person) -> None:
    client = person.client
    refused = client.post(CHALLENGE, json={"factor": "email"})
    assert error_of(refused) == (400, "user_email_not_verified")
    verify_email(person)
    challenge = ask(client, "email")
    code = mailed_code(person)
    sql = "SELECT code_digest FROM challenges WHERE public_id = :id"
    assert code not in person.project.site.sql(sql, id=challenge)[0]["code_digest"]
    wrong = "111111" if code != "111111" else "222222"
    assert error_of(answer(client, challenge, wrong)) == WRONG
    assert answer(client, challenge, f" {code} ").json()["factors"] == ["password", "email"]
    assert client.get("/v1/account").status_code == 200


def test_events_tell_no_secret(person: Person) -> None:
    verify_email(person)
    ask(person.client, "email")
    code, secret = mailed_code(person), person.totp.secret
    codes = person.first.post(RECOVERY).json()["recoveryCodes"]
    sql = "SELECT name, payload FROM events WHERE project_id = :id"
    rows = person.project.site.sql(sql, id=person.project.number)
    assert any(row["name"] == f"users.{person.id}.update.mfa" for row in rows)
    text = json.dumps([row["payload"] for row in rows])
    assert not [each for each in (code, secret, *codes) if f'"{each}' in text]


def mailed_code(person: Person) -> str:
    site = person.project.site
    rows = site.sql(
        "SELECT content FROM mails WHERE recipient = :to ORDER BY id DESC", to=person.email
    )
    content: dict[str, Any] = json.loads(Vault(site.settings).decrypt(rows[0]["content"]))
    return re.findall(r"\b\d{6}\b", content["text"])[0]


def test_no_messages_to_phones(person: Person) -> None:
    refused = person.client.post(CHALLENGE, json={"factor": "phone"})
    assert error_of(refused) == (503, "general_phone_disabled")


def test_recovery_codes_are_used_once(person: Person) -> None:
    made = person.first.post(RECOVERY)
    assert made.status_code == 201
    codes = made.json()["recoveryCodes"]
    assert len(set(codes)) == 6
    assert error_of(person.first.post(RECOVERY)) == (409, "user_recovery_codes_already_exists")
    client = person.client
    session = answer(client, ask(client, "recoverycode"), codes[0].upper()).json()
    assert session["factors"] == ["password", "recoveryCode"]
    assert client.get(RECOVERY).json()["recoveryCodes"] == codes[1:]
    assert error_of(answer(client, ask(client, "recoveryCode"), codes[0])) == WRONG
    renewed = client.patch(RECOVERY).json()["recoveryCodes"]
    assert not set(renewed) & set(codes)
    assert error_of(answer(client, ask(client, "recoverycode"), codes[1])) == WRONG


def test_one_recovery_code_in_parallel(person: Person) -> None:
    code = person.first.post(RECOVERY).json()["recoveryCodes"][0]
    challenges = [ask(person.client, "recoverycode") for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        statuses = list(
            pool.map(lambda each: answer(person.client, each, code).status_code, challenges)
        )
    assert sorted(statuses) == [200, *[401] * 7]


def test_no_recovery_codes(person: Person) -> None:
    missing = (404, "user_recovery_codes_not_found")
    client = person.client
    assert error_of(client.post(CHALLENGE, json={"factor": "recoverycode"})) == missing
    answer(client, ask(client), person.code())
    assert error_of(client.get(RECOVERY)) == missing
    assert error_of(client.patch(RECOVERY)) == missing


def test_what_needs_a_fresh_challenge(person: Person) -> None:
    stale = (401, "user_challenge_required")
    person.client.get(f"{MFA}/factors")
    answer(person.client, ask(person.client), person.code())
    person.client.post(RECOVERY)
    site = person.project.site
    site.sql(
        "UPDATE sessions SET mfa_updated_at = '2020-01-01 00:00:00' WHERE project_id = :id",
        id=person.project.number,
    )
    site.cache.flushall()
    assert error_of(person.client.get(RECOVERY)) == stale
    assert error_of(person.client.patch(RECOVERY)) == stale
    assert error_of(person.client.delete(TOTP)) == stale
    assert answer(person.client, ask(person.client), person.code(1)).status_code == 200
    assert person.client.get(RECOVERY).status_code == 200
    assert person.client.delete(TOTP).status_code == 204
    assert error_of(person.client.delete(TOTP)) == (404, "user_authenticator_not_found")
    # The last factor is gone: nobody is locked out.
    assert person.sign_in().get("/v1/account").status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PATCH", MFA, {}),
        ("PATCH", MFA, {"mfa": "yes"}),
        ("POST", CHALLENGE, {"factor": "fingerprint"}),
        ("POST", CHALLENGE, {"factor": 7}),
        ("PUT", CHALLENGE, {"challengeId": "x"}),
        ("PUT", CHALLENGE, {"challengeId": "x", "otp": 123456}),
        ("PUT", CHALLENGE, {"challengeId": "x" * 37, "otp": "123456"}),
        ("PUT", TOTP, {"otp": "1" * 65}),
    ],
)
def test_bad_arguments(project: Project, method: str, path: str, body: dict[str, object]) -> None:
    client = project.sign_up()
    assert error_of(client.request(method, path, json=body)) == (400, "general_argument_invalid")


@pytest.mark.parametrize(
    ("method", "path"),
    [("PATCH", ""), ("POST", "/authenticators/totp"), ("PUT", "/authenticators/totp"),
     ("DELETE", "/authenticators/totp"), ("POST", "/challenge"), ("PUT", "/challenge"),
     ("GET", "/factors"), ("GET", "/recovery-codes"), ("POST", "/recovery-codes"),
     ("PATCH", "/recovery-codes")],
)  # fmt: skip
def test_nobody_has_factors(project: Project, method: str, path: str) -> None:
    refused = project.guest().request(method, f"{MFA}{path}")
    assert error_of(refused) == (401, "general_unauthorized_scope")


@pytest.fixture
def admin(person: Person) -> Iterator[ContractClient]:
    with person.project.key("users.read", "users.write") as client:
        yield client


def test_administrators(person: Person, admin: ContractClient) -> None:
    base = f"/v1/users/{person.id}/mfa"
    assert admin.get(f"{base}/factors").json()["totp"] is True
    missing = (404, "user_recovery_codes_not_found")
    assert error_of(admin.get(f"{base}/recovery-codes")) == missing
    assert error_of(admin.put(f"{base}/recovery-codes")) == missing
    made = admin.patch(f"{base}/recovery-codes")
    assert made.status_code == 201
    again = (409, "user_recovery_codes_already_exists")
    assert error_of(admin.patch(f"{base}/recovery-codes")) == again
    assert admin.get(f"{base}/recovery-codes").json() == made.json()
    renewed = admin.put(f"{base}/recovery-codes").json()["recoveryCodes"]
    assert answer(person.client, ask(person.client, "recoverycode"), renewed[0]).status_code == 200
    assert admin.delete(f"{base}/authenticators/totp").status_code == 204
    gone = (404, "user_authenticator_not_found")
    assert error_of(admin.delete(f"{base}/authenticators/totp")) == gone
    assert admin.patch(base, json={"mfa": False}).json()["mfa"] is False
    assert person.sign_in().get("/v1/account").status_code == 200


def test_an_administrator_turns_it_on_at_once(project: Project) -> None:
    client = project.sign_up()
    user_id = client.get("/v1/account").json()["$id"]
    client.put(TOTP, json={"otp": pyotp.TOTP(client.post(TOTP).json()["secret"]).now()})
    email = client.get("/v1/account").json()["email"]
    other = project.guest()
    other.post("/v1/account/sessions/email", json={"email": email, "password": PASSWORD})
    assert other.get("/v1/account").status_code == 200
    project.key().patch(f"/v1/users/{user_id}/mfa", json={"mfa": True})
    assert error_of(other.get("/v1/account")) == MORE
    assert client.get("/v1/account").status_code == 200  # it gave a code


@pytest.mark.parametrize(
    ("method", "path"),
    [("PATCH", ""), ("DELETE", "/authenticators/totp"), ("GET", "/factors"),
     ("GET", "/recovery-codes"), ("PUT", "/recovery-codes"), ("PATCH", "/recovery-codes")],
)  # fmt: skip
def test_administrators_refused(person: Person, method: str, path: str) -> None:
    base, body = f"/v1/users/{person.id}/mfa{path}", {"mfa": False} if not path else None
    with Project(person.project.site).key() as other, other.case("other project"):
        assert error_of(other.request(method, base, json=body)) == (404, "user_not_found")
    with person.project.key("teams.read") as poor, poor.case("missing scope"):
        refused = poor.request(method, base, json=body)
        assert error_of(refused) == (401, "general_unauthorized_scope")
    refused = person.first.request(method, base, json=body)
    assert error_of(refused) == (401, "general_unauthorized_scope")
