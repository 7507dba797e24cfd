"""Full-text indexes: what is found by them, in every language, and that they are kept up."""

import random
import re
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from raindrop.core.db import db, unit_of_work
from raindrop.databases import terms
from raindrop.databases.maintenance import find_schema
from raindrop.databases.tables import rows_of
from tests.databases.places import Place, eventually
from tests.support.app import app_of
from tests.support.site import Site
from tests.support.v1 import Project

pytestmark = pytest.mark.contract

TEXTS = {
    "frog": "The quick green Frog, of all animals",
    "zebra": "a zebra is a horse; is it?",
    "chinese": "水滴石穿，绳锯木断",
    "mixed": "Raindrop水滴 1.8",
    "japanese": "東京タワーへ行く",
    "korean": "대한민국 서울",
    "thai": "ภาษาไทยง่าย",
    "hindi": "हिन्दी भाषा",
    "russian": "Быстрая лиса",
    "french": "Déjà vu au café",
    "greek": "ΟΔΟΣ Ελλάς",
    "sign": "+*()\"~<>@' -- %_",
    "empty": "",
}
FOUND = {
    "frog": {"frog"},
    "FROG": {"frog"},
    "fro": {"frog"},  # the last word is a beginning
    "fro quick": {"frog"},
    "fro zebra": {"zebra"},  # the others are not
    "zebra frog": {"zebra", "frog"},
    "rog": set(),
    "the": {"frog"},
    "of": {"frog"},
    "a": {"frog", "zebra", "french"},
    '"is a horse"': {"zebra"},
    '"a is"': set(),
    '"horse is"': {"zebra"},
    '"quick frog"': set(),
    '"quick green" horse': {"frog", "zebra"},
    "水滴": {"chinese", "mixed"},
    "水滴石": {"chinese"},
    "滴水": set(),
    "石水": set(),
    "断": {"chinese"},
    "穿绳": set(),  # a comma is between them
    '"raindrop水滴"': {"mixed"},
    "東京": {"japanese"},
    "タワー": {"japanese"},
    "서울": {"korean"},
    "민국": {"korean"},
    "ไทย": {"thai"},
    "भाषा": {"hindi"},
    "हिन्": {"hindi"},
    "ЛИСА": {"russian"},
    "быстр": {"russian"},
    "caf": {"french"},
    "cafe\u0301": {"french"},
    "οδοσ": {"greek"},
    "1": {"mixed"},
    "+*()\"~<>@' -- %_": set(),
    "": set(),
    '"': set(),
    "zebra OR": {"zebra"},
    "zebra NOT horse": {"zebra"},
    "zebra*": {"zebra"},
}


@pytest.fixture(scope="module")
def place(running_site: Site) -> Place:
    return Place(Project(running_site))


@pytest.fixture(scope="module")
def app(running_site: Site) -> Flask:
    return app_of(running_site)


def make_index(place: Place, collection: str, *attributes: str) -> None:
    body = {"key": "words", "type": "fulltext", "attributes": attributes}
    made = place.key.post(f"{place.at(collection)}/indexes", json=body)
    assert made.status_code == 202, made.text


def search(
    app: Flask, place: Place, collection: str, text: str, *, is_not: bool = False
) -> set[str]:
    """The ids of the documents that an index finds."""
    query = "SELECT id FROM collections WHERE public_id = :id"
    number = place.project.site.sql(query, id=collection)[0]["id"]
    with app.app_context(), unit_of_work(is_write=False):
        schema = find_schema(number)
        assert schema is not None
        (index,) = schema.indexes
        condition = terms.match(schema, index, text)
        table = rows_of(schema)
        found = sa.select(table.c["_uid"]).where(sa.not_(condition) if is_not else condition)
        return set(db.session.scalars(found))


@pytest.fixture(scope="module", params=["before", "after"])
def texts(place: Place, request: pytest.FixtureRequest) -> Iterator[str]:
    """A collection of the texts, written before or after its index was made."""
    things = place.collection({"key": "text", "size": 20_000})
    if request.param == "after":
        make_index(place, things, "text")
        assert place.wait(things)["indexes"][0]["status"] == "available"
    for name, text in TEXTS.items():
        assert place.create(place.key, things, {"text": text}, name).status_code == 201
    assert place.create(place.key, things, {"text": None}, "null").status_code == 201
    if request.param == "before":
        make_index(place, things, "text")
        assert place.wait(things)["indexes"][0]["status"] == "available"
    yield things


def test_what_is_found(app: Flask, place: Place, texts: str) -> None:
    everything = {*TEXTS, "null"}
    for text, wanted in FOUND.items():
        assert search(app, place, texts, text) == wanted, text
        assert search(app, place, texts, text, is_not=True) == everything - wanted, text


def test_like_a_plain_model(app: Flask, place: Place) -> None:
    chance = random.Random(5)
    pool = ["red", "re", "green", "the", "a", "z", "cafés", "café", "水", "滴石", "水滴石", "石水"]
    texts = {f"t{n}": " ".join(chance.choices(pool, k=chance.randint(1, 6))) for n in range(40)}
    things = place.collection({"key": "text"})
    make_index(place, things, "text")
    place.wait(things)
    for name, text in texts.items():
        assert place.create(place.key, things, {"text": text}, name).status_code == 201
    for _ in range(60):
        words = chance.choices([*pool, "gre", "caf", "滴", "b"], k=chance.randint(1, 3))
        phrase = chance.choices(pool, k=chance.randint(0, 3))
        question = " ".join([f'"{" ".join(phrase)}"', *words])
        patterns = [pattern(word) for word in words[:-1]]
        patterns.append(pattern(words[-1], is_open=True))
        patterns += [" ".join(map(pattern, phrase))] if phrase else []
        wanted = {name for name, text in texts.items() if any(re.search(p, text) for p in patterns)}
        assert search(app, place, things, question) == wanted, question


def pattern(word: str, *, is_open: bool = False) -> str:
    """What finds a word in a text; characters of a script without spaces stand anywhere."""
    if not re.match("[a-z]", word):
        return word
    return rf"(?<![a-zé]){word}" + ("" if is_open else "(?![a-zé])")


def test_changes_are_found_and_what_is_gone_is_not(app: Flask, place: Place) -> None:
    things = place.collection({"key": "title"}, {"key": "text"}, {"key": "tags", "array": True})
    make_index(place, things, "title", "text", "tags")
    place.wait(things)
    data = {"title": "red", "text": "green", "tags": ["blue sky", "sea"]}
    assert place.create(place.key, things, data, "one").status_code == 201
    assert search(app, place, things, "sky") == {"one"}
    assert search(app, place, things, '"red green"') == set()  # no phrase over two texts
    assert search(app, place, things, '"sky sea"') == set()
    url = place.documents_of(things, "one")
    assert place.key.patch(url, json={"data": {"text": "yellow"}}).status_code == 200
    assert search(app, place, things, "green") == set()
    assert search(app, place, things, "red") == {"one"}
    assert search(app, place, things, "yellow") == {"one"}
    assert place.key.delete(url).status_code == 204
    assert search(app, place, things, "yellow") == set()


def test_written_while_the_index_is_made(app: Flask, place: Place) -> None:
    things = place.collection({"key": "text"})
    count = 60
    for number in range(count):
        place.create(place.key, things, {"text": "old"}, f"old{number}")
    is_over = threading.Event()
    written: set[str] = set()

    def write() -> None:
        client = place.project.key()
        while not is_over.is_set():
            name = f"new{len(written)}"
            made = place.create(client, things, {"text": f"word{name}"}, name)
            assert made.status_code == 201, made.text
            written.add(name)
            url = place.documents_of(things, f"old{len(written) % count}")
            assert client.patch(url, json={"data": {"text": "changed"}}).status_code == 200

    writer = threading.Thread(target=write)
    writer.start()
    try:
        make_index(place, things, "text")
        assert place.wait(things)["indexes"][0]["status"] == "available"
    finally:
        is_over.set()
        writer.join()
    assert written
    assert search(app, place, things, "wordnew") == written
    changed = {f"old{number % count}" for number in range(1, len(written) + 1)}
    assert search(app, place, things, "changed") == changed
    assert search(app, place, things, "old") == {f"old{n}" for n in range(count)} - changed


def test_the_index_goes_with_its_collection(place: Place, running_site: Site) -> None:
    things = place.collection({"key": "text"})
    make_index(place, things, "text")
    place.wait(things)
    assert place.create(place.key, things, {"text": "word"}).status_code == 201
    assert place.key.delete(f"{place.at(things)}/indexes/words").status_code == 204
    assert place.wait(things)["indexes"] == []
    assert place.create(place.key, things, {"text": "word"}).status_code == 201
    make_index(place, things, "text")
    assert place.wait(things)["indexes"][0]["status"] == "available"
    number = running_site.sql("SELECT id FROM collections WHERE public_id = :id", id=things)
    assert place.key.delete(place.at(things)).status_code == 204
    _wait_until_gone(running_site, number[0]["id"])


def _wait_until_gone(site: Site, number: Any) -> None:
    def is_gone() -> bool | None:
        left = site.sql("SELECT id FROM collections WHERE id = :id", id=number)
        return None if left else True

    eventually(is_gone)
