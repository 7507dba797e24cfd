"""What an app developer does with PyPI's ``appwrite``, on whichever version is on the path.

Run as a process of its own; its only argument is JSON: ``endpoint``, ``project``, ``key``,
``narrow_key`` (users.read only), ``email``, ``invited``. It asks its parent for mails by a line on
its standard output and reads the link from its standard input.
"""

import json
import sys
from typing import Any
from urllib.parse import parse_qs, urlsplit

from appwrite.client import Client
from appwrite.exception import AppwriteException
from appwrite.id import ID
from appwrite.query import Query
from appwrite.services.account import Account
from appwrite.services.avatars import Avatars
from appwrite.services.locale import Locale
from appwrite.services.teams import Teams
from appwrite.services.users import Users

given = json.loads(sys.argv[1])
PASSWORD = "correct horse 1"
PAGE = "http://localhost/page"


def client() -> Client:
    return Client().set_endpoint(given["endpoint"]).set_project(given["project"])


def plain(answer: Any) -> Any:
    """Newer versions answer models, older ones dictionaries."""
    return answer.model_dump(by_alias=True) if hasattr(answer, "model_dump") else answer


def refused(action: Any, *args: Any, **kwargs: Any) -> tuple[int, str]:
    try:
        action(*args, **kwargs)
    except AppwriteException as error:
        return error.code, error.type
    raise AssertionError("it was not refused")


def ask_for_link(kind: str, recipient: str) -> dict[str, str]:
    print(json.dumps({"mail": kind, "recipient": recipient}), flush=True)
    link = sys.stdin.readline().strip()
    return {name: values[0] for name, values in parse_qs(urlsplit(link).query).items()}


def sign_up_and_in() -> Client:
    account = Account(client().set_key(given["key"]))
    made = plain(
        account.create(user_id=ID.unique(), email=given["email"], password=PASSWORD, name="Ann")
    )
    assert made["email"] == given["email"]
    session = plain(account.create_email_password_session(email=given["email"], password=PASSWORD))
    assert session["secret"]
    return client().set_session(session["secret"])


def use_account(signed_in: Client) -> str:
    account = Account(signed_in)
    me = plain(account.get())
    assert me["name"] == "Ann"
    assert plain(account.update_name(name="Anna"))["name"] == "Anna"
    account.update_prefs(prefs={"theme": "dark", "nested": {"n": 1}})
    prefs = plain(account.get_prefs())
    assert "dark" in json.dumps(prefs)
    sessions = plain(account.list_sessions())
    assert sessions["total"] == 1
    assert plain(account.update_session(session_id="current"))["current"]
    assert refused(Account(client()).get) == (401, "general_unauthorized_scope")
    assert refused(
        Account(client()).create_email_password_session, email=given["email"], password="wrong one"
    ) == (401, "user_invalid_credentials")
    return str(me["$id"])


def recover() -> None:
    account = Account(client())
    account.create_recovery(email=given["email"], url=PAGE)
    link = ask_for_link("recovery", given["email"])
    account.update_recovery(
        user_id=link["userId"], secret=link["secret"], password="another horse 2"
    )
    by_key = Account(client().set_key(given["key"]))
    assert plain(
        by_key.create_email_password_session(email=given["email"], password="another horse 2")
    )["secret"]
    assert refused(
        account.update_recovery,
        user_id=link["userId"], secret=link["secret"], password="yet another 3",
    )[0] == 401  # fmt: skip


def administer_users(user_id: str) -> None:
    users = Users(client().set_key(given["key"]))
    found = plain(users.list(queries=[Query.equal("email", given["email"]), Query.limit(1)]))
    assert found["total"] == 1
    assert found["users"][0]["$id"] == user_id
    assert plain(users.update_labels(user_id=user_id, labels=["vip"]))["labels"] == ["vip"]
    other = plain(users.create(user_id=ID.unique(), name="Bob", password=PASSWORD))
    assert plain(users.list(search="Bob"))["total"] == 1
    assert plain(users.create_session(user_id=other["$id"]))["secret"]
    assert plain(users.update_status(user_id=other["$id"], status=False))["status"] is False
    users.delete(user_id=other["$id"])
    assert refused(users.get, user_id=other["$id"]) == (404, "user_not_found")
    narrow = Users(client().set_key(given["narrow_key"]))
    assert plain(narrow.get(user_id=user_id))["$id"] == user_id
    assert refused(narrow.delete, user_id=user_id) == (401, "general_unauthorized_scope")
    wrong = Users(client().set_key("standard_wrong"))
    assert refused(wrong.list)[0] == 401


def team_up(signed_in: Client) -> None:
    teams = Teams(signed_in)
    team = plain(teams.create(team_id=ID.unique(), name="The team"))
    membership = plain(
        teams.create_membership(
            team_id=team["$id"], roles=["editor"], email=given["invited"], url=PAGE
        )
    )
    assert membership["confirm"] is False
    link = ask_for_link("invitation", given["invited"])
    accepted = plain(
        Teams(client()).update_membership_status(
            team_id=link["teamId"],
            membership_id=link["membershipId"],
            user_id=link["userId"],
            secret=link["secret"],
        )
    )
    assert accepted["confirm"] is True
    assert plain(teams.get(team_id=team["$id"]))["total"] == 2
    assert plain(teams.list_memberships(team_id=team["$id"]))["total"] == 2
    teams.delete(team_id=team["$id"])


def look_around() -> None:
    locale = Locale(client())
    assert plain(locale.list_continents())["total"] == 7
    assert plain(locale.list_currencies())["total"] > 100
    avatars = Avatars(client())
    assert avatars.get_initials(name="Ann Bee").startswith(b"\x89PNG")
    assert avatars.get_qr(text="https://example.com").startswith(b"\x89PNG")


def main() -> None:
    signed_in = sign_up_and_in()
    user_id = use_account(signed_in)
    team_up(signed_in)
    administer_users(user_id)
    recover()
    look_around()
    print(json.dumps({"done": True}), flush=True)


main()
