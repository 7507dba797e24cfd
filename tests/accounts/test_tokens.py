"""Magic links, mailed codes, and the tokens that begin a session."""

import datetime
from urllib.parse import parse_qs, urlsplit

import pytest

from raindrop.core.formats import new_id
from raindrop.core.secrets import digest
from tests.support.mailbox import read_mails, wait_for_mail
from tests.support.site import Site
from tests.support.v1 import Project, error_of, new_email

pytestmark = pytest.mark.contract

MAGIC, CODE = "/v1/account/tokens/magic-url", "/v1/account/tokens/email"
SESSION = "/v1/account/sessions/token"
PAGE = "http://localhost:5173/welcome?from=mail"


@pytest.fixture
def project(running_site: Site) -> Project:
    return Project(running_site)


def ask_code(project: Project, email: str, **more: object) -> tuple[dict[str, str], str]:
    """Ask for a code; the answer and the code of the mail."""
    body = {"userId": "unique()", "email": email} | more
    answer = project.guest().post(CODE, json=body)
    assert answer.status_code == 201, answer.text
    return answer.json(), wait_for_mail(project.site, project.id, email, "otpsession").code


def follow(project: Project, email: str, kind: str) -> dict[str, str]:
    """The query of the link in the newest mail."""
    link = wait_for_mail(project.site, project.id, email, kind).link
    return {name: values[0] for name, values in parse_qs(urlsplit(link).query).items()}


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 10**6:06d}"


def test_a_magic_link_makes_a_user_and_signs_in(project: Project) -> None:
    email, client = new_email(), project.guest()
    body = {"userId": "ann", "email": email.upper(), "url": PAGE}
    token = client.post(MAGIC, json=body).json()
    assert (token["userId"], token["secret"], token["phrase"]) == ("ann", "", "")
    held = follow(project, email, "magicsession")
    assert held["from"] == "mail"
    assert held["project"] == project.id
    assert held["expire"] == token["expire"]
    assert lifetime(token) == pytest.approx(3600, abs=5)
    session = client.post(SESSION, json={"userId": held["userId"], "secret": held["secret"]})
    assert session.status_code == 201
    assert session.json()["provider"] == "magic-url"
    assert session.json()["factors"] == ["email"]
    account = client.get("/v1/account").json()
    assert (account["$id"], account["email"]) == ("ann", email)
    assert account["emailVerification"]


def lifetime(token: dict[str, str]) -> float:
    ends, began = (
        datetime.datetime.fromisoformat(token[name]) for name in ("expire", "$createdAt")
    )
    return (ends - began).total_seconds()


def test_the_link_works_with_the_older_call_too(project: Project) -> None:
    email, client = new_email(), project.guest()
    client.post(MAGIC, json={"userId": "unique()", "email": email})
    held = follow(project, email, "magicsession")
    body = {"userId": held["userId"], "secret": held["secret"]}
    refused = project.guest().put("/v1/account/sessions/phone", json=body)
    assert error_of(refused) == (401, "user_invalid_token")
    assert client.put("/v1/account/sessions/magic-url", json=body).status_code == 201
    again = project.guest().put("/v1/account/sessions/magic-url", json=body)
    assert error_of(again) == (401, "user_invalid_token")


def test_a_code_signs_in_whoever_the_answer_names(project: Project) -> None:
    email = new_email()
    token, code = ask_code(project, email)
    assert lifetime(token) == pytest.approx(900, abs=5)
    client = project.guest()
    made = client.post(SESSION, json={"userId": token["userId"], "secret": code})
    assert made.status_code == 201
    user_id = client.get("/v1/account").json()["$id"]
    assert user_id == token["userId"]
    # The second time the address is known, and the answer does not tell.
    token, code = ask_code(project, email)
    assert token["userId"] != user_id
    client = project.guest()
    made = client.post(SESSION, json={"userId": token["userId"], "secret": code})
    assert made.json()["userId"] == user_id


def test_the_real_id_works_too(project: Project) -> None:
    email = new_email()
    project.sign_up(email).get("/v1/account")
    user_id = project.site.sql("SELECT public_id FROM users WHERE email = :e", e=email)[0][
        "public_id"
    ]
    _, code = ask_code(project, email)
    made = project.guest().post(SESSION, json={"userId": user_id, "secret": code})
    assert made.status_code == 201


def test_a_phrase_is_in_the_answer_and_in_the_mail(project: Project) -> None:
    email = new_email()
    token, _ = ask_code(project, email, phrase=True)
    assert len(token["phrase"].split()) == 2
    assert token["phrase"] in wait_for_mail(project.site, project.id, email, "otpsession").text


def test_keys_get_the_secret_and_the_real_id(project: Project) -> None:
    email = new_email()
    project.sign_up(email)
    with project.key("sessions.write") as server:
        token = server.post(CODE, json={"userId": "unique()", "email": email}).json()
        made = server.post(SESSION, json={"userId": token["userId"], "secret": token["secret"]})
    assert made.status_code == 201
    assert made.json()["userId"] == token["userId"]
    with project.guest(X_Appwrite_Session=made.json()["secret"]) as client:
        assert client.get("/v1/account").json()["email"] == email


def test_guesses_at_a_code_are_counted(project: Project) -> None:
    token, code = ask_code(project, new_email())
    body = {"userId": token["userId"], "secret": wrong(code)}
    for _ in range(4):
        assert error_of(project.guest().post(SESSION, json=body)) == (401, "user_invalid_token")
    body["secret"] = code
    assert project.guest().post(SESSION, json=body).status_code == 201
    token, code = ask_code(project, new_email())
    body = {"userId": token["userId"], "secret": wrong(code)}
    for _ in range(5):
        project.guest().post(SESSION, json=body)
    body["secret"] = code
    assert error_of(project.guest().post(SESSION, json=body)) == (401, "user_invalid_token")


def test_guesses_do_not_end_a_link(project: Project) -> None:
    email = new_email()
    project.guest().post(MAGIC, json={"userId": "unique()", "email": email})
    held = follow(project, email, "magicsession")
    body = {"userId": held["userId"], "secret": "0" * 64}
    for _ in range(6):
        project.guest().post(SESSION, json=body)
    body["secret"] = held["secret"]
    assert project.guest().post(SESSION, json=body).status_code == 201


def test_an_expired_token_is_none(project: Project) -> None:
    token, code = ask_code(project, new_email())
    project.site.sql(
        "UPDATE tokens SET expires_at = '2020-01-01 00:00:00' WHERE project_id = :id",
        id=project.number,
    )
    answer = project.guest().post(SESSION, json={"userId": token["userId"], "secret": code})
    assert error_of(answer) == (401, "user_invalid_token")


def test_a_token_is_of_its_project_and_user(project: Project) -> None:
    token, code = ask_code(project, new_email())
    other = Project(project.site)
    body = {"userId": token["userId"], "secret": code}
    assert error_of(other.guest().post(SESSION, json=body)) == (401, "user_invalid_token")
    second, _ = ask_code(project, new_email())
    mixed = {"userId": second["userId"], "secret": code}
    assert error_of(project.guest().post(SESSION, json=mixed)) == (401, "user_invalid_token")
    nobody = {"userId": "nobody", "secret": code}
    assert error_of(project.guest().post(SESSION, json=nobody)) == (401, "user_invalid_token")
    assert project.guest().post(SESSION, json=body).status_code == 201


def test_a_token_that_a_projects_server_made(project: Project) -> None:
    client = project.sign_up()
    user_id = client.get("/v1/account").json()["$id"]
    keep_token(project, user_id, "token", "a1b2c3")
    fresh = project.guest()
    made = fresh.post(SESSION, json={"userId": user_id, "secret": "a1b2c3"})
    assert made.status_code == 201
    assert (made.json()["provider"], made.json()["factors"]) == ("token", ["token"])


def keep_token(project: Project, user_id: str, kind: str, secret: str) -> None:
    project.site.sql(
        "INSERT INTO tokens (project_id, public_id, user_id, type, secret_digest, attempts,"
        " details, expires_at, created_at, updated_at) SELECT u.project_id, :id, u.id, :kind,"
        " :digest, 0, '{}', '2099-01-01 00:00:00', u.created_at, u.created_at FROM users u"
        " WHERE u.project_id = :project AND u.public_id = :user",
        id=new_id(),
        kind=kind,
        digest=digest(secret),
        project=project.number,
        user=user_id,
    )


def test_a_blocked_user_hears_of_it_with_the_right_code_only(project: Project) -> None:
    email = new_email()
    project.sign_up(email)
    project.site.sql("UPDATE users SET is_active = 0 WHERE email = :e", e=email)
    token, code = ask_code(project, email)
    body = {"userId": token["userId"], "secret": wrong(code)}
    assert error_of(project.guest().post(SESSION, json=body)) == (401, "user_invalid_token")
    body["secret"] = code
    assert error_of(project.guest().post(SESSION, json=body)) == (401, "user_blocked")


def test_methods_that_are_switched_off(running_site: Site) -> None:
    off = ["magic-url", "email-otp", "anonymous", "jwt", "email-password"]
    project = Project(running_site, methods_off=off)
    body = {"userId": "unique()", "email": new_email()}
    unsupported = (501, "user_auth_method_unsupported")
    assert error_of(project.guest().post(MAGIC, json=body)) == unsupported
    assert error_of(project.guest().post(CODE, json=body)) == unsupported
    assert error_of(project.guest().post("/v1/account/sessions/anonymous")) == unsupported
    assert read_mails(running_site, project.id) == []


def test_switching_a_method_off_ends_its_tokens(project: Project) -> None:
    token, code = ask_code(project, new_email())
    project.site.sql(
        "UPDATE projects SET settings = :s WHERE id = :id",
        s='{"methods_off": ["email-otp"]}',
        id=project.number,
    )
    project.site.cache.flushall()
    answer = project.guest().post(SESSION, json={"userId": token["userId"], "secret": code})
    assert error_of(answer) == (501, "user_auth_method_unsupported")


def test_a_changed_address_ends_what_was_mailed_to_it(project: Project) -> None:
    email = new_email()
    client = project.sign_up(email)
    token, code = ask_code(project, email)
    body = {"email": new_email(), "password": "correct horse 1"}
    assert client.patch("/v1/account/email", json=body).status_code == 200
    answer = project.guest().post(SESSION, json={"userId": token["userId"], "secret": code})
    assert error_of(answer) == (401, "user_invalid_token")


def test_an_id_of_somebody_else(project: Project) -> None:
    client = project.sign_up()
    user_id = client.get("/v1/account").json()["$id"]
    known = new_email()
    project.sign_up(known)
    for email in (known, new_email()):
        body = {"userId": user_id, "email": email}
        assert error_of(project.guest().post(CODE, json=body)) == (409, "user_already_exists")


def test_who_is_signed_in_does_not_sign_in(project: Project) -> None:
    client = project.sign_up()
    token, code = ask_code(project, new_email())
    answer = client.post(SESSION, json={"userId": token["userId"], "secret": code})
    assert error_of(answer) == (401, "user_session_already_exists")


@pytest.mark.parametrize(
    "change",
    [
        {"userId": None},
        {"userId": "-x"},
        {"email": "nobody"},
        {"email": None},
        {"phrase": "yes"},
        {"url": "https://evil.example/"},
        {"url": "http://localhost@evil.example/"},
        {"url": "http://evil.example\\@localhost/"},
        {"url": "//localhost/"},
        {"url": "javascript:alert(1)"},
        {"url": "http://localhost:x/"},
        {"url": "http://localhost/\n"},
        {"url": "http://localhost/" + "x" * 2048},
        {"url": 7},
    ],
)
def test_bad_arguments_mail_nothing(project: Project, change: dict[str, object]) -> None:
    body = {"userId": "unique()", "email": new_email()} | change
    answer = project.guest().post(MAGIC, json=body)
    assert error_of(answer) == (400, "general_argument_invalid")
    assert read_mails(project.site, project.id) == []
    assert project.site.sql("SELECT id FROM users WHERE project_id = :id", id=project.number) == []


def test_links_lead_to_platforms(project: Project) -> None:
    for number, host in enumerate(("app.example.test", "*.wild.example.test")):
        project.site.sql(
            "INSERT INTO platforms (project_id, public_id, type, name, `key`, store, hostname,"
            " created_at, updated_at) SELECT id, :id, 'web', 'x', '', '', :host, created_at,"
            " created_at FROM projects WHERE id = :project",
            id=f"{project.id[:18]}{number}",
            host=host,
            project=project.number,
        )
    project.site.cache.flushall()
    given = {
        "https://app.example.test/x": 201,
        "http://app.example.test:8443/x?y=1#z": 201,
        "https://a.wild.example.test": 201,
        f"appwrite-callback-{project.id}://x": 201,
        "https://wild.example.test": 400,
        "https://app.example.test.evil.example": 400,
        "https://xapp.example.test": 400,
        "appwrite-callback-other://x": 400,
    }
    for url, status in given.items():
        body = {"userId": "unique()", "email": new_email(), "url": url}
        assert project.guest().post(MAGIC, json=body).status_code == status, url


def test_the_host_header_opens_no_way_out(project: Project) -> None:
    body = {"userId": "unique()", "email": new_email(), "url": "http://evil.example/"}
    answer = project.guest().post(MAGIC, json=body, headers={"Host": "evil.example"})
    assert answer.status_code >= 400
    assert read_mails(project.site, project.id) == []


def test_secrets_are_in_no_event_and_no_table(project: Project) -> None:
    token, code = ask_code(project, new_email())
    project.guest().post(SESSION, json={"userId": token["userId"], "secret": code})
    rows = project.site.sql(
        "SELECT name, payload FROM events WHERE project_id = :id", id=project.number
    )
    assert any(".tokens." in row["name"] for row in rows)
    assert not any(f'"{code}"' in row["payload"] for row in rows)
    kept = project.site.sql(
        "SELECT secret_digest FROM tokens WHERE project_id = :id", id=project.number
    )
    assert not any(row["secret_digest"] == digest(code) for row in kept)


def test_phones_are_not_served(project: Project) -> None:
    body = {"userId": "unique()", "phone": "+4930123456"}
    answer = project.guest().post("/v1/account/tokens/phone", json=body)
    assert error_of(answer) == (503, "general_phone_disabled")
    answer = project.sign_up().post("/v1/account/verifications/phone")
    assert error_of(answer) == (503, "general_phone_disabled")
