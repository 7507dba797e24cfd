"""Encrypted strings: plain to whoever may read a document, unreadable where they are kept."""

import json
from typing import Any

import pytest
from cryptography.fernet import Fernet

from raindrop.core.secrets import sealed_length
from tests.databases.places import Place, eventually
from tests.databases.test_transfers import run_export, run_import
from tests.support.mariadb import MariaDb
from tests.support.site import Site
from tests.support.v1 import Project, error_of

pytestmark = pytest.mark.contract

SECRET = "Q7-the-frog-秘密-🐸"
SIZE_MIN = 150


@pytest.fixture(scope="module", params=["databases", "tablesdb"])
def place(running_site: Site, request: pytest.FixtureRequest) -> Place:
    return Place(Project(running_site), request.param)


def vault(place: Place, **more: Any) -> str:
    """A collection with an encrypted text and an encrypted array."""
    return place.collection(
        {"key": "title"},
        {"key": "secret", "size": SIZE_MIN, "encrypt": True, **more},
        {"key": "secrets", "size": SIZE_MIN, "encrypt": True, "array": True},
    )


def q(method: str, attribute: str | None, *values: Any) -> str:
    query: dict[str, Any] = {"method": method, "values": list(values)}
    return json.dumps(query if attribute is None else query | {"attribute": attribute})


def listed(place: Place, collection: str, *queries: str, client: Any = None) -> Any:
    params = {f"queries[{number}]": query for number, query in enumerate(queries)}
    return (client or place.key).get(place.documents_of(collection), params=params)


def documents(place: Place, collection: str, *queries: str, client: Any = None) -> list[Any]:
    answer = listed(place, collection, *queries, client=client)
    assert answer.status_code == 200, answer.text
    found: list[Any] = answer.json()[place.documents]
    return found


def kept_anywhere(place: Place, text: str) -> list[str]:
    """The tables in which a text is found in clear, as it is or in JSON."""
    site, forms = place.project.site, (text, json.dumps(text)[1:-1])
    rows = {table: str(site.sql(f"SELECT * FROM `{table}`")) for table in site.tables()}
    return [table for table, content in rows.items() if any(form in content for form in forms)]


def real_rows(place: Place, collection: str) -> list[Any]:
    site = place.project.site
    number = site.sql("SELECT id FROM collections WHERE public_id = :id", id=collection)[0]["id"]
    return site.sql(f"SELECT * FROM c_{number} ORDER BY _id")


def op(method: str, *values: Any) -> str:
    return json.dumps({"method": method, "values": list(values)})


def test_values_are_plain_to_readers_and_unreadable_in_every_table(place: Place) -> None:
    things = vault(place)
    attribute = place.key.get(f"{place.at(things)}/{place.attributes}/secret").json()
    assert (attribute["encrypt"], attribute["size"]) == (True, SIZE_MIN)
    user = place.project.sign_up()
    data = {"title": "open to all", "secret": SECRET, "secrets": [SECRET, "", SECRET]}
    made = place.create(user, things, data, "one")
    assert made.status_code == 201, made.text
    url = place.documents_of(things, "one")
    for answer in (made, user.get(url), user.patch(url, json={"data": {"secret": SECRET}})):
        shown = answer.json()
        assert (shown["secret"], shown["secrets"]) == (SECRET, [SECRET, "", SECRET])
    place.create(user, things, {"secret": SECRET}, "two")
    place.create(user, things, {"title": "none"}, "three")
    first, second, third = real_rows(place, things)
    kept = [value for value in first.values() if str(value).startswith("gAAAA")]
    assert len(kept) == 2
    assert not {str(value) for value in second.values()} & set(kept)
    assert sum(value is None for value in third.values()) == 1
    for query in ((), (q("select", None, "secret"),), (q("equal", "$id", "one"),)):
        for _ in range(2):  # from the database, then from the cache
            found = documents(place, things, *query, client=user)
            assert found[0]["secret"] == SECRET
    assert kept_anywhere(place, SECRET) == []
    assert "collections" in kept_anywhere(place, things)


def test_events_leave_encrypted_values_out(place: Place) -> None:
    things = vault(place)
    place.create(place.key, things, {"title": "shown", "secret": SECRET}, "one")
    url = place.documents_of(things, "one")
    place.key.patch(url, json={"data": {"secret": SECRET + "!"}})
    place.key.delete(url)
    rows = place.project.site.sql(
        "SELECT payload FROM events WHERE name LIKE :like ORDER BY id",
        like=f"%.collections.{things}.documents.one.%",
    )
    payloads = [json.loads(row["payload"]) for row in rows]
    assert [payload["title"] for payload in payloads] == ["shown"] * 3
    assert not any({"secret", "secrets"} & set(payload) for payload in payloads)


def test_no_query_looks_at_them(place: Place) -> None:
    things = vault(place)
    place.create(place.key, things, {"title": "x", "secret": SECRET, "secrets": [SECRET]})
    for query in (
        q("equal", "secret", SECRET), q("notEqual", "secret", SECRET),
        q("isNull", "secret"), q("isNotNull", "secret"), q("startsWith", "secret", "Q"),
        q("contains", "secret", "Q"), q("contains", "secrets", SECRET), q("search", "secret", "Q"),
        q("lessThan", "secret", "Z"), q("between", "secret", "A", "Z"),
        q("orderAsc", "secret"), q("orderDesc", "secrets"),
        json.dumps({"method": "or", "values": [
            {"method": "equal", "attribute": "title", "values": ["x"]},
            {"method": "equal", "attribute": "secret", "values": [SECRET]},
        ]}),
    ):  # fmt: skip
        refused = listed(place, things, query)
        assert error_of(refused) == (400, "general_query_invalid"), query
        assert "encrypted" in refused.json()["message"]
    body = {"data": {"title": "y"}, "queries": [q("equal", "secret", SECRET)]}
    refused = place.key.patch(place.documents_of(things), json=body)
    assert error_of(refused) == (400, "general_query_invalid")
    for kind in ("key", "unique", "fulltext"):
        for key in ("secret", "secrets"):
            body = {"key": "i", "type": kind, place.attributes: [key]}
            refused = place.key.post(f"{place.at(things)}/indexes", json=body)
            assert error_of(refused) == (400, f"{noun_of_index(place)}_invalid"), (kind, key)


def noun_of_index(place: Place) -> str:
    return "column_index" if place.service == "tablesdb" else "index"


def test_the_least_size_and_the_row_width(place: Place) -> None:
    things = place.collection()
    url = f"{place.at(things)}/{place.attributes}/string"
    body = {"required": False, "encrypt": True}
    refused = place.key.post(url, json=body | {"key": "x", "size": SIZE_MIN - 1})
    assert error_of(refused) == (400, "general_bad_request")
    made = place.key.post(url, json=body | {"key": "x", "size": SIZE_MIN})
    assert made.status_code == 202, made.text
    place.wait(things)
    for size, status in ((SIZE_MIN - 1, 400), (SIZE_MIN, 200)):
        changed = place.key.patch(
            f"{url}/x", json={"required": False, "default": None, "size": size}
        )
        assert changed.status_code == status
    # A text of 2,900 characters is one of 15,564 there, so a row has room for four.
    assert sealed_length(4 * 2900) == 15_564
    for key in ("a", "b", "c", "d"):
        made = place.key.post(url, json=body | {"key": key, "size": 2900})
        assert made.status_code == 202, made.text
    refused = place.key.post(url, json=body | {"key": "e", "size": 2900})
    assert error_of(refused)[1].endswith("_limit_exceeded")
    assert place.key.post(url, json=body | {"key": "e", "size": 4000}).status_code == 202
    shown = place.wait(things)[place.attributes]
    assert {each["status"] for each in shown} == {"available"}
    longest = dict.fromkeys(("a", "b", "c", "d"), "🐸" * 2900) | {"e": "蛙" * 4000}
    full = place.create(place.key, things, longest | {"x": "\U0001f438" * SIZE_MIN}, "full")
    assert full.status_code == 201, full.text
    assert place.key.get(place.documents_of(things, "full")).json()["e"] == "蛙" * 4000
    over = place.create(place.key, things, {"x": "x" * (SIZE_MIN + 1)})
    assert error_of(over)[1].endswith("_invalid_structure")


def test_the_length_of_what_is_encrypted() -> None:
    fernet = Fernet(Fernet.generate_key())
    for size in (*range(50), 600, 4 * 2900, 4 * 2900 + 1):
        assert len(fernet.encrypt(b"x" * size)) == sealed_length(size)


def test_growing_and_shrinking(place: Place) -> None:
    things = vault(place)
    url = f"{place.at(things)}/{place.attributes}/string"
    long = "\U0001f438" * 160

    def resize(key: str, size: int) -> Any:
        body = {"required": False, "default": None, "size": size}
        return place.key.patch(f"{url}/{key}", json=body)

    for key, value in (("secret", long), ("secrets", ["x", long])):
        assert resize(key, 160).status_code == 200
        place.wait(things)
        made = place.create(place.key, things, {key: value}, key)
        assert made.status_code == 201, made.text
        assert error_of(resize(key, 159))[1].endswith("_invalid_resize")
        shown = place.key.patch(f"{url}/{key}", json={"required": False, "default": None}).json()
        assert (shown["encrypt"], shown["size"]) == (True, 160)
        place.key.patch(place.documents_of(things, key), json={"data": {key: value[:-1]}})
        assert resize(key, 159).status_code == 200
    assert resize("secret", 20_000).status_code == 200
    place.wait(things)
    assert documents(place, things)[0]["secret"] == long[:-1]


def test_a_default_is_encrypted_in_documents(place: Place) -> None:
    things = vault(place, default="unless-said-otherwise")
    made = place.create(place.key, things, {"title": "x"}, "one").json()
    assert (made["secret"], made["secrets"]) == ("unless-said-otherwise", [])
    assert "unless-said-otherwise" not in str(real_rows(place, things))
    null = place.create(place.key, things, {"secret": None}).json()
    assert null["secret"] is None


def test_operators_work_on_the_plain_text(place: Place) -> None:
    things = vault(place)
    place.create(place.key, things, {"secret": "frog", "secrets": ["a", "b"]}, "one")
    url = place.documents_of(things, "one")
    for key, operator, result in (
        ("secret", op("stringConcat", "s jump"), "frogs jump"),
        ("secret", op("stringReplace", "frog", "toad"), "toads jump"),
        ("secrets", op("arrayAppend", "a"), ["a", "b", "a"]),
        ("secrets", op("arrayUnique"), ["a", "b"]),
        ("secrets", op("arrayRemove", "a"), ["b"]),
    ):
        changed = place.key.patch(url, json={"data": {key: operator}})
        assert changed.status_code == 200, changed.text
        assert changed.json()[key] == result
        assert place.key.get(url).json()[key] == result
    refused = place.key.patch(url, json={"data": {"secret": op("stringConcat", "x" * 141)}})
    assert error_of(refused)[1].endswith("_invalid_structure")
    counted = place.key.patch(f"{url}/secret/increment", json={"value": 1})
    assert error_of(counted)[1].endswith("_type_invalid")


def test_many_at_once(place: Place) -> None:
    things = vault(place)
    url = place.documents_of(things)
    given = [{"$id": f"n{number}", "secret": f"{SECRET}{number}"} for number in range(20)]
    made = place.key.post(url, json={place.documents: given})
    assert made.status_code == 201, made.text
    given = [each | {"secrets": [SECRET]} for each in given]
    assert place.key.put(url, json={place.documents: given}).status_code in (200, 201)
    assert [each["secret"] for each in documents(place, things)] == [g["secret"] for g in given]
    data = {"secret": SECRET, "title": "same"}
    assert place.key.patch(url, json={"data": data}).json()["total"] == 20
    found = documents(place, things)
    assert {(each["secret"], *each["secrets"]) for each in found} == {(SECRET, SECRET)}
    gone = place.key.request("DELETE", url, json={"queries": []})
    assert {each["secret"] for each in gone.json()[place.documents]} == {SECRET}
    assert kept_anywhere(place, SECRET) == []


def test_what_a_transaction_stages_is_encrypted_too(place: Place) -> None:
    things = vault(place)
    begun = place.key.post(f"/v1/{place.service}/transactions", json={}).json()["$id"]
    inside = {"transactionId": begun}
    body = {place.document_field: "one", "data": {"secret": SECRET}} | inside
    made = place.key.post(place.documents_of(things), json=body)
    assert made.json()["secret"] == SECRET
    url = place.documents_of(things, "one")
    changed = place.key.patch(url, json={"data": {"title": "x"}} | inside)
    assert changed.json()["secret"] == SECRET
    assert kept_anywhere(place, SECRET) == []
    assert place.key.get(url, params=inside).json()["secret"] == SECRET
    done = place.key.patch(f"/v1/{place.service}/transactions/{begun}", json={"commit": True})
    assert done.json()["status"] == "committed", done.text
    assert place.key.get(url).json()["secret"] == SECRET
    assert kept_anywhere(place, SECRET) == []


@pytest.mark.parametrize("file_format", ["csv", "jsonl"])
def test_files_have_them_in_clear(place: Place, file_format: str) -> None:
    first, second = vault(place), vault(place)
    place.create(place.key, first, {"secret": SECRET, "secrets": ["a", SECRET]}, "one")
    place.create(place.key, first, {"title": "none"}, "two")
    data = run_export(place, first, file_format)
    assert SECRET in data.decode()
    assert run_import(place, second, f"d.{file_format}", data)["imported"] == 2
    assert [each["secret"] for each in documents(place, second)] == [SECRET, None]
    assert documents(place, second)[0]["secrets"] == ["a", SECRET]
    assert SECRET not in str(real_rows(place, second))
    again = run_import(place, second, f"d.{file_format}", data, "overwrite")
    assert again["overwritten"] == 2


def test_of_related_documents(place: Place) -> None:
    parents, children = place.collection({"key": "name"}), vault(place)
    related = "relatedTableId" if place.service == "tablesdb" else "relatedCollectionId"
    body = {related: children, "type": "oneToMany", "twoWay": False, "key": "kids"}
    url = f"{place.at(parents)}/{place.attributes}/relationship"
    assert place.key.post(url, json=body).status_code == 202
    place.wait(parents)
    begun = place.key.post(f"/v1/{place.service}/transactions", json={}).json()["$id"]
    body = {
        place.document_field: "p",
        "data": {"name": "x", "kids": [{"$id": "k", "secret": SECRET}]},
        "transactionId": begun,
    }
    made = place.key.post(place.documents_of(parents), json=body)
    assert made.status_code == 201, made.text
    assert kept_anywhere(place, SECRET) == []
    done = place.key.patch(f"/v1/{place.service}/transactions/{begun}", json={"commit": True})
    assert done.json()["status"] == "committed", done.text
    found = documents(place, parents, q("select", None, "*", "kids.*"))
    assert found[0]["kids"][0]["secret"] == SECRET
    refused = listed(place, parents, q("equal", "kids.secret", SECRET))
    assert error_of(refused) == (400, "general_query_invalid")
    assert kept_anywhere(place, SECRET) == []


def test_the_column_of_a_made_attribute_is_as_wide_as_it_must_be(
    place: Place, database: str, request: pytest.FixtureRequest
) -> None:
    if database == "sqlite":
        pytest.skip("SQLite's texts have no width")
    server: MariaDb = request.getfixturevalue("mariadb")
    things = vault(place)
    number = place.project.site.sql("SELECT id FROM collections WHERE public_id = :id", id=things)[
        0
    ]["id"]

    def widths() -> list[Any] | None:
        rows = server.query(
            "SELECT character_maximum_length, character_set_name FROM information_schema.columns"
            f" WHERE table_name = 'c_{number}' AND character_set_name = 'ascii'"
            " ORDER BY ordinal_position"
        )
        return [tuple(row.values() if isinstance(row, dict) else row) for row in rows] or None

    wide = eventually(widths)
    assert wide == [(sealed_length(4 * SIZE_MIN), "ascii"), (2**32 - 1, "ascii")]
