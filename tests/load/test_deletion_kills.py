"""kill -9 of what deletes a user: whatever the user had is gone all the same."""

import time
from collections.abc import Callable

import pytest
import sqlalchemy as sa

from raindrop.accounts.deletion import BATCH
from tests.accounts.test_users_deletion import row_of, rows_left, wait_until_gone
from tests.accounts.test_users_profiles import make
from tests.load.clients import poll
from tests.load.processes import kill
from tests.support.site import Site
from tests.support.v1 import Project

pytestmark = pytest.mark.load

SESSIONS = 200 * BATCH
GONE_WITHIN_S = 60


@pytest.mark.parametrize(
    "choose",
    [
        pytest.param(lambda pids: pids[1:], id="child"),
        pytest.param(lambda pids: pids, id="whole-worker"),
    ],
)
def test_deletion_survives(running_site: Site, choose: Callable[[list[int]], list[int]]) -> None:
    project = Project(running_site)
    key = project.key()
    user = make(key)
    row = row_of(project, user["$id"])
    add_sessions(project, row)
    family = running_site.pids("worker-short")
    assert key.delete(f"/v1/users/{user['$id']}").status_code == 204
    poll(lambda: sessions_done(running_site, row) > 2 * BATCH)
    kill(*choose(family))
    killed = time.monotonic()
    left = rows_left(running_site, row)
    assert left.get("sessions")
    wait_until_gone(running_site, row, GONE_WITHIN_S)
    seconds = time.monotonic() - killed
    print(f"{left['sessions']} sessions left when killed, gone {seconds:.1f} s later")
    poll(lambda: len(running_site.pids("worker-short")) == len(family))


def sessions_done(site: Site, row: int) -> int:
    """How many rows the user's job has deleted."""
    query = "SELECT done FROM jobs WHERE kind = 'accounts.delete_user' AND params = :params"
    return sum(job["done"] for job in site.sql(query, params=f'{{"user": {row}}}'))


def add_sessions(project: Project, row: int) -> None:
    statement = sa.text(
        "INSERT INTO sessions (project_id, public_id, user_id, secret_digest, provider,"
        " provider_uid, access_token, refresh_token, ip, user_agent, client, country_code,"
        " factors, expires_at, created_at, updated_at) VALUES (:project, :id, :user, :digest, '',"
        " '', '', '', '', '', '{}', '--', '[]', '2100-01-01', '2026-01-01', '2026-01-01')"
    )
    rows = [
        {"project": project.number, "id": f"s{n}", "user": row, "digest": f"{row}-{n}"}
        for n in range(SESSIONS)
    ]
    with project.site.engine.begin() as connection:
        connection.execute(statement, rows)
