"""The first sign-up owns the instance; then sign-up is closed. And the server's own commands."""

import stat
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from raindrop.core.formats import new_id
from tests.support.mariadb import MariaDb
from tests.support.operators import Operator, OwnedProject, new_address, visitor
from tests.support.site import RAINDROP, Site
from tests.support.v1 import PASSWORD, error_of, new_email

pytestmark = pytest.mark.contract

TOKEN_HEADER = "X-Raindrop-Sign-Up-Token"
RACERS = 8


def person() -> dict[str, str]:
    return {"userId": "unique()", "email": new_email(), "password": PASSWORD, "name": "Olga"}


def state(site: Site) -> dict[str, object]:
    with site.client() as client:
        return client.get("/api/console").json()


@pytest.fixture
def empty_site(
    database: str, new_site: Callable[..., Site], request: pytest.FixtureRequest
) -> Callable[..., Site]:
    """Start an instance that nobody owns yet."""

    def start(**settings: object) -> Site:
        if database == "mariadb":
            server: MariaDb = request.getfixturevalue("mariadb")
            settings["DATABASE_URL"] = server.create_database(f"first{new_id()}")
        site = new_site(NGINX="packaged", **settings)
        site.start()
        return site

    return start


def test_of_many_first_ones_one_wins(empty_site: Callable[..., Site]) -> None:
    site = empty_site()
    assert state(site) | {"version": ""} == {
        "needs_sign_up": True,
        "needs_token": False,
        "is_sign_up_open": True,
        "version": "",
    }
    assert_only_a_page_of_ours_makes_the_first(site)
    clients = [visitor(site, "console", new_address()) for _ in range(RACERS)]
    people = [person() for _ in range(RACERS)]
    with ThreadPoolExecutor(RACERS) as pool:
        answers = list(
            pool.map(lambda client, body: client.post("/v1/account", json=body), clients, people)
        )
    assert sorted(answer.status_code for answer in answers) == [201] + [501] * (RACERS - 1)
    won = [answer.status_code for answer in answers].index(201)
    assert answers[won].json()["labels"] == ["owner"]
    for answer in answers:
        if answer.status_code != 201:
            assert error_of(answer) == (501, "user_console_count_exceeded")
    assert len(site.sql("SELECT id FROM users")) == 1
    late = visitor(site, "console", new_address()).post("/v1/account", json=person())
    assert error_of(late) == (501, "user_console_count_exceeded")
    assert state(site) | {"version": ""} == {
        "needs_sign_up": False,
        "needs_token": False,
        "is_sign_up_open": False,
        "version": "",
    }
    owner = clients[won]
    signed_in = owner.post("/v1/account/sessions/email", json=people[won])
    assert signed_in.status_code == 201
    team = owner.post("/v1/teams", json={"teamId": "unique()", "name": "Ours"}).json()
    body = {"projectId": "unique()", "name": "First", "teamId": team["$id"]}
    made = owner.post("/v1/projects", json=body)
    assert made.status_code == 201
    # The console is closed, projects are not.
    project = visitor(site, made.json()["$id"], new_address())
    assert project.post("/v1/account", json=person()).status_code == 201


def assert_only_a_page_of_ours_makes_the_first(site: Site) -> None:
    """Neither what makes users elsewhere, nor a page whose name resolves to this machine."""
    client = visitor(site, "console", new_address())
    body = {"userId": "unique()", "email": new_email()}
    # A mailed code is promised to everybody alike, and sent to nobody.
    for path, status in (("/sessions/anonymous", 401), ("/tokens/email", 201)):
        assert client.post(f"/v1/account{path}", json=body).status_code == status
    rebound = {"Host": f"evil.example:{site.port}", "Origin": f"http://evil.example:{site.port}"}
    answer = client.post("/v1/account", json=person(), headers=rebound)
    assert error_of(answer) == (501, "user_console_count_exceeded")
    assert not site.sql("SELECT id FROM users")


def test_token_where_others_reach_the_server(empty_site: Callable[..., Site]) -> None:
    site = empty_site(BIND="0.0.0.0", SIGN_UP="open")
    path = site.settings.sign_up_token_file
    assert command(site, "sign-up-token").stdout == f"{path}\n"
    token = path.read_text().strip()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(token) >= 40
    assert str(path) in site.output
    assert token not in site.output
    assert state(site)["needs_token"]
    client = visitor(site, "console", new_address())
    attempts = [
        client.post("/v1/account", json=person()),
        client.post("/v1/account", json=person() | {"token": "wrong"}),
        client.post("/v1/account", json=person(), headers={TOKEN_HEADER: token[:-1]}),
        client.post("/v1/account?token=", json=person()),
    ]
    for answer in attempts:
        assert error_of(answer) == (501, "user_console_count_exceeded")
    assert not site.sql("SELECT id FROM users")
    made = client.post("/v1/account", params={"token": token}, json=person())
    assert made.status_code == 201
    assert made.json()["labels"] == ["owner"]
    # Opened by the operator, it needs no token any more, and the token makes no owners.
    assert not state(site)["needs_token"]
    for headers in ({}, {TOKEN_HEADER: token}):
        other = visitor(site, "console", new_address())
        joined = other.post("/v1/account", json=person(), headers=headers)
        assert joined.status_code == 201
        assert joined.json()["labels"] == []
    gone = command(site, "sign-up-token", check=False)
    assert (gone.returncode, "owner" in gone.stderr) == (1, True)
    logs = "".join(file.read_text() for file in site.settings.log.iterdir() if file.is_file())
    assert token not in logs
    assert not any(token in str(dict(row)) for row in site.sql("SELECT * FROM events"))


def command(site: Site, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    """``raindrop projects …`` beside the server."""
    return subprocess.run(
        [str(RAINDROP), "projects", *words],
        env=site.environment,
        capture_output=True,
        text=True,
        check=check,
    )


def test_commands(project: OwnedProject) -> None:
    listed = command(project.site, "list").stdout
    assert project.id in listed
    assert "console" not in listed.split()
    secret = command(
        project.site, "create-key", project.id, "--scope=users.read", "--days=1"
    ).stdout.strip()
    assert project.guest(X_Appwrite_Key=secret).get("/v1/users").status_code == 200
    for words in (
        ("create-key", "nothing", "--scope=users.read"),
        ("create-key", "console", "--scope=users.read"),
        ("create-key", project.id, "--scope=projects.write"),
        ("reset-password", "nobody@example.test"),
        ("reset-password", "nobody"),
    ):
        refused = command(project.site, *words, check=False)
        assert (refused.returncode, refused.stdout) == (1, "")
        assert refused.stderr.startswith("Error: ")
        assert "Traceback" not in refused.stderr


def test_resetting_an_operators_password(operator: Operator) -> None:
    assert operator.client.get("/v1/account").status_code == 200
    password = command(operator.site, "reset-password", operator.email).stdout.strip()
    assert len(password) >= 16
    assert operator.client.get("/v1/account").status_code == 401
    client = visitor(operator.site, "console", new_address())
    body = {"email": operator.email, "password": PASSWORD}
    assert error_of(client.post("/v1/account/sessions/email", json=body))[0] == 401
    body["password"] = password
    assert client.post("/v1/account/sessions/email", json=body).status_code == 201


def test_an_operator_of_a_team_is_not_deleted(operator: Operator) -> None:
    team = operator.join()
    refused = operator.client.delete("/v1/account")
    assert error_of(refused) == (400, "user_deletion_prohibited")
    assert operator.client.get("/v1/account").status_code == 200
    assert operator.client.delete(f"/v1/teams/{team}").status_code == 204
    assert operator.client.delete("/v1/account").status_code == 204
    assert operator.client.get("/v1/account").status_code == 401
