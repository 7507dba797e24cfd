"""Whoever asks for a list after a write was answered sees that write or a later one: visitors
through nginx's memory, users with a session and keys through the cache, all at once."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from tests.databases.places import Place
from tests.load.clients import Visitor
from tests.load.test_no_stale_read import counters
from tests.support.site import Site
from tests.support.v1 import Project

pytestmark = pytest.mark.load

SECONDS = 15
WRITERS, READERS_OF_A_KIND = 4, 2


class Counted:
    """A document whose number only grows, as its writer was answered."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.id = address.rpartition("/")[2]
        self.begun = 0
        self.answered = 0


@pytest.fixture(scope="module")
def place(running_site: Site) -> Place:
    return Place(Project(running_site))


def make_documents(place: Place, collection: str) -> list[Counted]:
    made = [
        place.create(place.key, collection, {"number": 0}, permissions=[]).json()
        for _ in range(WRITERS)
    ]
    return [Counted(place.documents_of(collection, each["$id"])) for each in made]


def write(port: int, headers: dict[str, str], document: Counted, over: threading.Event) -> int:
    """Count up until it is over; after each answer the list has it."""
    visitor = Visitor(port)
    while not over.is_set():
        document.begun += 1
        body = {"data": {"number": document.begun}}
        answer = visitor.ask("PATCH", document.address, body, headers)
        assert answer.status == 200, answer
        document.answered = document.begun
    return document.answered


def read(
    port: int,
    url: str,
    headers: dict[str, str],
    documents: list[Counted],
    over: threading.Event,
) -> int:
    """Ask for the list until it is over; nothing in it is older than what was answered before."""
    visitor, reads = Visitor(port), 0
    while not over.is_set():
        least = {each.id: each.answered for each in documents}
        answer = visitor.ask("GET", url, headers=headers)
        assert answer.status == 200, answer
        shown = {each["$id"]: each["number"] for each in answer.json()["documents"]}
        for each in documents:
            number = shown[each.id]
            assert least[each.id] <= number <= each.begun, f"{least[each.id]} <= {number}"
        reads += 1
    return reads


@contextmanager
def ending(over: threading.Event) -> Iterator[None]:
    try:
        yield
    finally:
        over.set()


def test_no_list_is_older_than_an_answered_write(place: Place) -> None:
    collection = place.collection({"key": "number", "kind": "integer"})
    documents = make_documents(place, collection)
    site, url = place.project.site, place.documents_of(collection)
    user = place.project.sign_up()
    named = {"X-Appwrite-Project": place.project.id}
    cookie = "; ".join(f"{name}={value}" for name, value in user.cookies.items())
    key = named | {"X-Appwrite-Key": place.key.headers["X-Appwrite-Key"]}
    kinds = [named, named | {"Cookie": cookie}, key]
    over, before = threading.Event(), counters(site)
    with ThreadPoolExecutor(WRITERS + len(kinds) * READERS_OF_A_KIND) as pool:
        readers = [
            pool.submit(read, site.port, url, headers, documents, over)
            for headers in kinds * READERS_OF_A_KIND
        ]
        writers = [pool.submit(write, site.port, key, each, over) for each in documents]
        with ending(over):
            deadline = time.monotonic() + SECONDS
            while time.monotonic() < deadline and not any(each.done() for each in readers):
                time.sleep(0.1)
        writes = sum(each.result() for each in writers)
        reads = [each.result() for each in readers]
    time.sleep(1.1)  # nginx adds up once a second
    now = counters(site)
    print(f"{writes} writes, {reads} reads, { ({name: now[name] - before[name] for name in now}) }")
    assert writes > WRITERS * 10
    assert min(reads) > 10
    assert now["hit"] > before["hit"]


def test_nobody_gets_a_list_after_access_was_taken(place: Place) -> None:
    """Readers race with a switch; whoever asks after it was answered is refused, or let in."""
    collection = place.collection({"key": "number", "kind": "integer"})
    make_documents(place, collection)
    site, url = place.project.site, place.documents_of(collection)
    named = {"X-Appwrite-Project": place.project.id}
    over = threading.Event()
    turns = [0, 0]  # begun and answered; open at even ones

    def look() -> int:
        visitor, reads = Visitor(site.port), 0
        while not over.is_set():
            answered = turns[1]
            status = visitor.ask("GET", url, headers=named).status
            if turns[0] == answered:
                assert status == (401 if answered % 2 else 200)
            reads += 1
        return reads

    with ThreadPoolExecutor(6) as pool:
        readers = [pool.submit(look) for _ in range(6)]
        with ending(over):
            for turn in range(1, 81):
                permissions = [] if turn % 2 else ['read("any")']
                turns[0] = turn
                body = {"name": "Things", "permissions": permissions}
                assert place.key.put(place.at(collection), json=body).status_code == 200
                turns[1] = turn
                time.sleep(0.05)
                assert not any(each.done() for each in readers)
        assert min(each.result() for each in readers) > 10
