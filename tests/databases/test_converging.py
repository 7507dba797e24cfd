"""Many changes of a collection at once are one job, and none is forgotten."""

import pytest

from tests.databases.places import Place, eventually
from tests.support.site import Site
from tests.support.v1 import Project

pytestmark = pytest.mark.contract


def test_changes_join_the_job_that_waits(running_site: Site) -> None:
    place = Place(Project(running_site))
    things, others = (place.collection({"key": "old"}) for _ in range(2))
    open_jobs = "SELECT id FROM jobs WHERE status IN ('queued', 'started')"
    eventually(lambda: not running_site.sql(open_jobs) or None)
    number = running_site.sql("SELECT MAX(id) AS id FROM jobs")[0]["id"]
    supervisor = running_site.supervisor()
    supervisor.stopProcess("worker-short")
    try:
        for key in ("a", "b", "c"):
            place.attribute(things, key=key)
        assert place.key.delete(f"{place.at(things)}/attributes/old").status_code == 204
        place.attribute(others, key="a")
        jobs = running_site.sql("SELECT id, params FROM jobs WHERE id > :id", id=number)
        assert len({job["params"] for job in jobs}) == 2
        assert len(jobs) < 5  # one for each, unless the machine took seconds for a request
    finally:
        supervisor.startProcess("worker-short")
    for collection, keys in ((things, ["a", "b", "c"]), (others, ["old", "a"])):
        shown = place.wait(collection)["attributes"]
        assert [each["key"] for each in shown] == keys
        assert {each["status"] for each in shown} == {"available"}
