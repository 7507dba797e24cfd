"""Deleting a user: gone at once, and by a job everything of the user's."""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import sqlalchemy as sa

from tests.accounts.test_users_profiles import events_of, make, sign_in
from tests.contract.recorder import ContractClient
from tests.support.site import Site
from tests.support.v1 import Project, error_of, new_email

pytestmark = pytest.mark.contract

NOW = "'2026-01-01 00:00:00'"


@pytest.fixture
def project(running_site: Site) -> Project:
    return Project(running_site)


@pytest.fixture
def key(project: Project) -> ContractClient:
    return project.key()


def row_of(project: Project, user_id: str) -> int:
    query = "SELECT id FROM users WHERE project_id = :project AND public_id = :id"
    number: int = project.site.sql(query, project=project.number, id=user_id)[0]["id"]
    return number


def rows_left(site: Site, row: int) -> dict[str, int]:
    """How many rows of the user every table that knows users has."""
    inspector = sa.inspect(site.engine)
    columns = {
        (table, key["constrained_columns"][0])
        for table in inspector.get_table_names()
        for key in inspector.get_foreign_keys(table)
        if key["referred_table"] == "users"
    }
    assert len(columns) >= 7
    counts = {
        table: site.sql(f"SELECT count(*) AS n FROM `{table}` WHERE {column} = :row", row=row)
        for table, column in sorted(columns | {("users", "id")})
    }
    return {table: rows[0]["n"] for table, rows in counts.items() if rows[0]["n"]}


def wait_until_gone(site: Site, row: int, wait_s: float = 20) -> None:
    deadline = time.monotonic() + wait_s
    while left := rows_left(site, row):
        assert time.monotonic() < deadline, left
        time.sleep(0.1)


def give_everything(project: Project, key: ContractClient, user: dict[str, Any]) -> int:
    """Something in each table; the integer key of the user's row."""
    path = f"/v1/users/{user['$id']}"
    for _ in range(3):
        key.post(f"{path}/sessions")
        key.post(f"{path}/tokens")
    row = row_of(project, user["$id"])
    common = f"{project.number}, 'x{row}', {row}, {NOW}, {NOW}"
    columns = "project_id, public_id, user_id, created_at, updated_at"
    project.site.sql(
        f"INSERT INTO challenges ({columns}, factor, code_digest, attempts, expires_at)"
        f" VALUES ({common}, 'email', '', 0, {NOW})"
    )
    project.site.sql(
        f"INSERT INTO authenticators ({columns}, type, secret, is_verified, last_step)"
        f" VALUES ({common}, 'totp', '', 0, 0)"
    )
    project.site.sql(
        f"INSERT INTO identities ({columns}, provider, provider_uid, provider_email,"
        f" access_token, refresh_token) VALUES ({common}, 'github', 'g{row}', '', '', '')"
    )
    project.site.sql(
        "INSERT INTO teams (project_id, public_id, name, total, prefs, created_at, updated_at)"
        f" VALUES ({project.number}, 'x{row}', '', 1, '{{}}', {NOW}, {NOW})"
    )
    project.site.sql(
        f"INSERT INTO memberships ({columns}, team_id, roles, is_confirmed, invited_at)"
        f" SELECT {common}, id, '[]', 1, {NOW} FROM teams WHERE public_id = 'x{row}'"
    )
    return row


def test_gone_at_once_and_then_altogether(project: Project, key: ContractClient) -> None:
    user, bystander = make(key, userId="ann", phone="+4930123456"), make(key)
    row = give_everything(project, key, user)
    give_everything(project, key, bystander)
    client = sign_in(project, user["email"])
    jwt = project.guest(X_Appwrite_JWT=key.post("/v1/users/ann/jwts", json={}).json()["jwt"])
    assert jwt.get("/v1/account").status_code == client.get("/v1/account").status_code == 200
    assert len(rows_left(project.site, row)) == 8
    assert key.delete("/v1/users/ann").status_code == 204
    assert error_of(key.get("/v1/users/ann")) == (404, "user_not_found")
    assert error_of(key.delete("/v1/users/ann")) == (404, "user_not_found")
    assert [each["$id"] for each in key.get("/v1/users").json()["users"]] == [bystander["$id"]]
    assert client.get("/v1/account").status_code == 401
    assert jwt.get("/v1/account").status_code == 401
    credentials = {"email": user["email"], "password": "correct horse 1"}
    refused = project.guest().post("/v1/account/sessions/email", json=credentials)
    assert error_of(refused) == (401, "user_invalid_credentials")
    again = make(key, userId="ann", phone="+4930123456", email=user["email"])
    assert len(again["targets"]) == 2
    wait_until_gone(project.site, row)
    assert key.get("/v1/users/ann").json() == again
    assert len(rows_left(project.site, row_of(project, bystander["$id"]))) == 8
    assert client.get("/v1/account").status_code == 401
    assert events_of(project, "ann").count("delete") == 1


def test_of_many_deletions_one_happens(project: Project, key: ContractClient) -> None:
    user = make(key)
    row = row_of(project, user["$id"])

    def delete(_: int) -> int:
        with project.guest(X_Appwrite_Key=key.headers["X-Appwrite-Key"]) as client:
            return client.delete(f"/v1/users/{user['$id']}").status_code

    with ThreadPoolExecutor(20) as pool:
        statuses = list(pool.map(delete, range(20)))
    assert sorted(statuses) == [204] + [404] * 19
    assert events_of(project, user["$id"]).count("delete") == 1
    wait_until_gone(project.site, row)


def test_a_second_run_of_the_job_does_no_harm(project: Project, key: ContractClient) -> None:
    user, bystander = make(key), make(key)
    row = row_of(project, user["$id"])
    key.delete(f"/v1/users/{user['$id']}")
    wait_until_gone(project.site, row)
    job = wait_for_job(project.site, row, "finished")
    project.site.sql(
        "UPDATE jobs SET status = 'queued', finished_at = NULL, sent_at = NULL, checkpoint = '{}'"
        " WHERE id = :id",
        id=job["id"],
    )
    again = wait_for_job(project.site, row, "finished")
    assert again["attempts"] == job["attempts"] + 1
    assert key.get(f"/v1/users/{bystander['$id']}").status_code == 200


def wait_for_job(site: Site, row: int, status: str) -> Any:
    deadline = time.monotonic() + 20
    while True:
        rows = site.sql("SELECT * FROM jobs WHERE kind = 'accounts.delete_user' ORDER BY id DESC")
        found = [job for job in rows if job["params"] == f'{{"user": {row}}}']
        if found and found[0]["status"] == status:
            return found[0]
        assert time.monotonic() < deadline, found
        time.sleep(0.1)


def test_a_job_deletes_nobody_who_is_there(project: Project, key: ContractClient) -> None:
    """Whatever number a job is given: the row of a user who was not deleted stays."""
    user = make(key, email=new_email())
    row = row_of(project, user["$id"])
    other = make(key)
    other_row = row_of(project, other["$id"])
    key.delete(f"/v1/users/{other['$id']}")
    wait_until_gone(project.site, other_row)
    job = wait_for_job(project.site, other_row, "finished")
    project.site.sql(
        "UPDATE jobs SET status = 'queued', sent_at = NULL, params = :params WHERE id = :id",
        id=job["id"],
        params=f'{{"user": {row}}}',
    )
    wait_for_job(project.site, row, "finished")
    assert key.get(f"/v1/users/{user['$id']}").json() == user
