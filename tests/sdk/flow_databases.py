"""What an app developer does with the databases of PyPI's ``appwrite``, in both sets of words, on
whichever version is on the path.

Run as a process of its own; its only argument is JSON: ``endpoint``, ``project``, ``key``,
``email``.
"""

import json
import sys
import time
from typing import Any

from appwrite.client import Client
from appwrite.exception import AppwriteException
from appwrite.id import ID
from appwrite.operator import Operator
from appwrite.permission import Permission
from appwrite.query import Query
from appwrite.role import Role
from appwrite.services.account import Account
from appwrite.services.databases import Databases
from appwrite.services.tables_db import TablesDB

given = json.loads(sys.argv[1])
PASSWORD = "correct horse 1"
WORDS = {
    "tables": {"collection": "table", "attribute": "column", "document": "row"},
    "collections": {},
}


def client() -> Client:
    return Client().set_endpoint(given["endpoint"]).set_project(given["project"])


def plain(answer: Any) -> Any:
    """Newer versions answer models, older ones dictionaries; a document's own values beside its
    system ones."""
    found = (
        answer.model_dump(by_alias=True, mode="json") if hasattr(answer, "model_dump") else answer
    )
    return flat(found)


def flat(found: Any) -> Any:
    if isinstance(found, list):
        return [flat(each) for each in found]
    if not isinstance(found, dict):
        return found
    if "$sequence" in found and isinstance(found.get("data"), dict):
        data = found.pop("data")
        found |= data
    return {key: flat(value) for key, value in found.items()}


def refused(action: Any, **kwargs: Any) -> tuple[int, str]:
    try:
        action(**kwargs)
    except AppwriteException as error:
        return error.code, error.type
    raise AssertionError("it was not refused")


class Service:
    """A service's methods by their names in the words of ``databases``."""

    def __init__(self, client: Client, words: str) -> None:
        self.nouns = WORDS[words]
        self.service = TablesDB(client) if self.nouns else Databases(client)
        self.documents = "rows" if self.nouns else "documents"

    def word(self, name: str) -> str:
        for ours, theirs in self.nouns.items():
            name = name.replace(ours, theirs)
        return name

    def call(self, name: str, /, **arguments: Any) -> Any:
        method = getattr(self.service, self.word(name))
        return plain(method(**{self.word(key): value for key, value in arguments.items()}))

    def refused(self, name: str, /, **arguments: Any) -> tuple[int, str]:
        method = getattr(self.service, self.word(name))
        return refused(method, **{self.word(key): value for key, value in arguments.items()})


def sign_up_and_in(email: str) -> Client:
    account = Account(client().set_key(given["key"]))
    account.create(user_id=ID.unique(), email=email, password=PASSWORD)
    session = plain(account.create_email_password_session(email=email, password=PASSWORD))
    return client().set_session(session["secret"])


def make_collection(admin: Service, database: str) -> str:
    collection = ID.unique()
    where = {"database_id": database, "collection_id": collection}
    security = "row_security" if admin.nouns else "document_security"
    admin.call(
        "create_collection", **where, name="Films",
        permissions=[Permission.create(Role.users()), Permission.read(Role.users())],
        **{security: True},
    )  # fmt: skip
    make = "create_{}_attribute"
    admin.call(make.format("string"), **where, key="title", size=100, required=True)
    admin.call(make.format("integer"), **where, key="year", required=False, min=1800, max=2100)
    admin.call(make.format("float"), **where, key="stars", required=False, default=2.5)
    admin.call(make.format("boolean"), **where, key="seen", required=False, default=False)
    admin.call(make.format("datetime"), **where, key="shown", required=False)
    admin.call(make.format("email"), **where, key="contact", required=False)
    admin.call(make.format("url"), **where, key="page", required=False)
    admin.call(make.format("ip"), **where, key="host", required=False)
    admin.call(make.format("enum"), **where, key="colour", elements=["red", "blue"], required=False)
    admin.call(make.format("string"), **where, key="tags", size=20, required=False, array=True)
    wait(admin, where)
    admin.call("create_index", **where, key="by_year", type=index_type("key"),
               **{admin.word("attribute") + "s": ["year"]})  # fmt: skip
    admin.call("create_index", **where, key="words", type=index_type("fulltext"),
               **{admin.word("attribute") + "s": ["title"]})  # fmt: skip
    wait(admin, where)
    return collection


def index_type(name: str) -> Any:
    """The enumeration of whichever version."""
    from appwrite import enums

    for module in ("tables_db_index_type", "databases_index_type", "index_type"):
        try:
            found = __import__(f"{enums.__name__}.{module}", fromlist=["x"])
        except ImportError:
            continue
        kinds = [value for value in vars(found).values() if hasattr(value, "__members__")]
        return kinds[-1](name)
    raise AssertionError("there is no index type")


def wait(admin: Service, where: dict[str, str]) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        shown = admin.call("get_collection", **where)
        parts = [*shown[f"{admin.word('attribute')}s"], *shown["indexes"]]
        if all(part["status"] == "available" for part in parts):
            return
        time.sleep(0.1)
    raise AssertionError(f"not available: {parts}")


def use(admin: Service, person: Service, other: Service, where: dict[str, str]) -> None:
    names = ("Metropolis", "雨中曲", "Playtime", "Stalker")
    made = [
        person.call(
            "create_document", **where, document_id=ID.unique(),
            data={"title": name, "year": 1927 + 20 * n, "tags": ["old", f"t{n}"]},
        )
        for n, name in enumerate(names)
    ]  # fmt: skip
    assert made[0]["stars"] == 2.5
    assert made[0]["seen"] is False

    def titles(service: Service, *queries: str) -> list[str]:
        found = service.call("list_documents", **where, queries=list(queries))
        return [each["title"] for each in found[service.documents]]

    assert titles(other, Query.order_desc("year"), Query.limit(2)) == ["Stalker", "Playtime"]
    assert titles(other, Query.between("year", 1940, 1970)) == ["雨中曲", "Playtime"]
    assert titles(other, Query.search("title", "雨中")) == ["雨中曲"]
    assert titles(other, Query.contains("tags", ["t3"])) == ["Stalker"]
    either = Query.or_queries([Query.equal("title", ["Playtime"]), Query.less_than("year", 1930)])
    assert titles(other, either) == ["Metropolis", "Playtime"]
    behind = Query.cursor_after(made[1]["$id"])
    assert titles(other, Query.order_asc("year"), behind) == ["Playtime", "Stalker"]
    assert person.refused("list_documents", **where, queries=[Query.equal("nothing", "x")]) == (
        400,
        "general_query_invalid",
    )
    one = {**where, "document_id": made[0]["$id"]}
    changed = person.call(
        "update_document", **one, data={"seen": True, "year": Operator.increment(1)}
    )
    assert (changed["seen"], changed["year"]) == (True, 1928)
    noun = person.documents.removesuffix("s")
    assert other.refused("update_document", **one, data={"seen": False})[0] == 401
    assert person.refused("update_document", **one, data={"year": 3000}) == (
        400,
        f"{noun}_invalid_structure",
    )
    counted = person.call(
        "increment_document_attribute", **one, attribute="year", value=2
    )  # fmt: skip
    assert counted["year"] == 1930
    person.call("delete_document", **one)
    assert person.refused("get_document", **one) == (404, f"{noun}_not_found")
    use_bulk(admin, where)
    use_transaction(admin, where)


def use_bulk(admin: Service, where: dict[str, str]) -> None:
    several = [{"$id": f"bulk{n}", "title": f"Film {n}", "year": 2000 + n} for n in range(20)]
    made = admin.call("create_documents", **where, **{admin.documents: several})
    assert len(made[admin.documents]) == 20
    changed = admin.call(
        "update_documents", **where, data={"seen": True},
        queries=[Query.greater_than_equal("year", 2010)],
    )  # fmt: skip
    assert len(changed[admin.documents]) == 10
    admin.call("upsert_document", **where, document_id="bulk0", data={"title": "Anew"})
    assert admin.call("get_document", **where, document_id="bulk0")["title"] == "Anew"
    admin.call("delete_documents", **where, queries=[Query.starts_with("$id", "bulk")])


def use_transaction(admin: Service, where: dict[str, str]) -> None:
    begun = admin.call("create_transaction", ttl=120)
    admin.call(
        "create_document", **where, document_id="staged", data={"title": "Staged"},
        transaction_id=begun["$id"],
    )  # fmt: skip
    noun = admin.documents.removesuffix("s")
    assert admin.refused("get_document", **where, document_id="staged") == (
        404,
        f"{noun}_not_found",
    )
    inside = admin.call("get_document", **where, document_id="staged", transaction_id=begun["$id"])
    assert inside["title"] == "Staged"
    ended = admin.call("update_transaction", transaction_id=begun["$id"], commit=True)
    assert ended["status"] == "committed"
    assert admin.call("get_document", **where, document_id="staged")["title"] == "Staged"


def main() -> None:
    person = sign_up_and_in(given["email"])
    other = sign_up_and_in(f"other-{given['email']}")
    for words in WORDS:
        admin = Service(client().set_key(given["key"]), words)
        database = admin.call("create", database_id=ID.unique(), name="Films")["$id"]
        where = {"database_id": database, "collection_id": make_collection(admin, database)}
        use(admin, Service(person, words), Service(other, words), where)
        admin.call("delete_collection", **where)
        admin.call("delete", database_id=database)
    print(json.dumps({"done": True}), flush=True)


main()
