"""Two at once: one wins, the other gets the contract's conflict, and nothing is lost."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.databases.places import Place
from tests.support.site import Site
from tests.support.v1 import Project

pytestmark = pytest.mark.contract

AT_ONCE = 8


@pytest.fixture(scope="module")
def place(running_site: Site) -> Place:
    return Place(Project(running_site))


@pytest.fixture
def things(place: Place) -> str:
    return place.collection({"key": "title"}, {"key": "size", "kind": "integer"})


def together(work: Callable[[int], Any], count: int = AT_ONCE) -> list[Any]:
    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(work, range(count)))


def statuses(responses: list[Any]) -> dict[int, int]:
    found: dict[int, int] = {}
    for response in responses:
        found[response.status_code] = found.get(response.status_code, 0) + 1
    return found


def test_the_same_id(place: Place, things: str) -> None:
    clients = [place.project.guest() for _ in range(AT_ONCE)]
    made = together(lambda n: place.create(clients[n], things, {"size": n}, "same"))
    assert statuses(made) == {201: 1, 409: AT_ONCE - 1}


def test_the_same_unique_value(place: Place, things: str) -> None:
    index = {"key": "unique_title", "type": "unique", "attributes": ["title"]}
    made = place.key.post(f"{place.at(things)}/indexes", json=index)
    assert made.status_code == 202, made.text
    place.wait(things)
    clients = [place.project.key() for _ in range(AT_ONCE)]
    created = together(lambda n: place.create(clients[n], things, {"title": "one"}))
    assert statuses(created) == {201: 1, 409: AT_ONCE - 1}
    put = together(
        lambda n: clients[n].put(
            place.documents_of(things, f"u{n}"), json={"data": {"title": "two"}}
        )
    )
    assert statuses(put) == {201: 1, 409: AT_ONCE - 1}


def test_upserts_of_one_id(place: Place, things: str) -> None:
    clients = [place.project.key() for _ in range(AT_ONCE)]
    url = place.documents_of(things, "same")
    put = together(lambda n: clients[n].put(url, json={"data": {"size": n}}))
    assert statuses(put) == {201: AT_ONCE}
    many = place.documents_of(things)
    rows = [{"$id": f"m{n}", "size": n} for n in range(5)]
    put = together(lambda n: clients[n].put(many, json={"documents": rows}))
    assert statuses(put) == {201: AT_ONCE}
    assert len(place.key.get(many).json()["documents"]) == 6


def test_counting_loses_nothing(place: Place, things: str) -> None:
    place.create(place.key, things, {"size": 0}, "count")
    url = f"{place.documents_of(things, 'count')}/size/increment"
    clients = [place.project.key() for _ in range(AT_ONCE)]
    counted = together(lambda n: [clients[n].patch(url, json={}).status_code for _ in range(5)])
    assert counted == [[200] * 5] * AT_ONCE
    assert place.key.get(place.documents_of(things, "count")).json()["size"] == AT_ONCE * 5


def test_writing_while_attributes_come_and_go(place: Place, things: str) -> None:
    clients = [place.project.key() for _ in range(4)]

    def work(number: int) -> list[int]:
        if number:
            return [
                place.create(clients[number], things, {"size": n}).status_code for n in range(60)
            ]
        for turn in range(2):
            place.attribute(things, key=f"extra{turn}")
            place.wait(things)
            url = f"{place.at(things)}/{place.attributes}/extra{turn}"
            assert place.key.delete(url).status_code == 204
        return [201]

    assert {status for found in together(work, 4) for status in found} == {201}
