"""The console's audit trail of a project, and how long it stays."""

import pytest

from tests.load.clients import poll
from tests.support.operators import Operator, OwnedProject
from tests.support.site import Site
from tests.support.v1 import error_of

pytestmark = pytest.mark.contract


@pytest.fixture
def project(running_site: Site) -> OwnedProject:
    return Operator(running_site).create_project()


def trail(operator: Operator, project_id: str, **query: object) -> dict[str, object]:
    answer = operator.client.get(f"/api/projects/{project_id}/audits", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_projects_trail(project: OwnedProject) -> None:
    ann = project.sign_up()
    user = ann.get("/v1/account").json()["$id"]
    owner = project.owner
    poll(lambda: len(trail(owner, project.id)["audits"]) == 3)
    session, sign_up, made = trail(owner, project.id)["audits"]
    assert made["event"] == f"projects.{project.id}.create"
    assert (made["user_id"], made["user_email"]) == (owner.id, owner.email)
    assert sign_up["event"] == f"users.{user}.create"
    assert (sign_up["user_id"], bool(sign_up["user_email"])) == (user, True)
    assert (sign_up["mode"], made["mode"]) == ("guest", "user")
    assert session["resource"] == f"user/{user}"


def test_filters_and_pages(project: OwnedProject) -> None:
    ann = project.sign_up()
    user = ann.get("/v1/account").json()["$id"]
    owner = project.owner
    poll(lambda: len(trail(owner, project.id)["audits"]) == 3)
    assert len(trail(owner, project.id, user=user)["audits"]) == 2
    assert len(trail(owner, project.id, resource=f"project/{project.id}")["audits"]) == 1
    assert len(trail(owner, project.id, event=f"users.{user}.sessions")["audits"]) == 1
    assert trail(owner, project.id, event="users_")["audits"] == []
    first = trail(owner, project.id, limit=2)
    second = trail(owner, project.id, limit=2, before=first["next"])
    assert (len(first["audits"]), len(second["audits"]), second["next"]) == (2, 1, None)
    for bad in ({"limit": 101}, {"limit": 0}, {"before": "x"}, {"user": "x" * 37}, {"other": 1}):
        answer = owner.client.get(f"/api/projects/{project.id}/audits", params=bad)
        assert error_of(answer) == (400, "general_argument_invalid")


def test_only_the_projects_team_reads_it(project: OwnedProject) -> None:
    path = f"/api/projects/{project.id}/audits"
    with project.site.client() as nobody:
        assert error_of(nobody.get(path)) == (401, "general_unauthorized_scope")
    stranger = Operator(project.site)
    assert error_of(stranger.client.get(path)) == (404, "project_not_found")
    assert error_of(project.owner.client.get("/api/projects/missing/audits")) == (
        404,
        "project_not_found",
    )
    assert error_of(project.sign_up().get(path)) == (401, "general_unauthorized_scope")
    viewer = Operator(project.site)
    viewer.join(project.team_id, "viewer")
    assert trail(viewer, project.id)["next"] is None


def test_of_the_console_an_operator_sees_only_the_own(project: OwnedProject) -> None:
    other = Operator(project.site)
    poll(lambda: trail(other, "console")["audits"])
    for operator in (other, project.owner):
        found = trail(operator, "console", user=project.owner.id)["audits"]
        assert {line["user_id"] for line in found} == {operator.id}


def test_old_lines_go(project: OwnedProject) -> None:
    site = project.site
    poll(lambda: trail(project.owner, project.id)["audits"])
    site.sql(
        "UPDATE audits SET at = '2020-01-01 00:00:00' WHERE project_id ="
        " (SELECT id FROM projects WHERE public_id = :id)",
        id=project.id,
    )
    project.sign_up()
    poll(lambda: len(trail(project.owner, project.id)["audits"]) == 3)
    run_task(site, "audits.delete_old")
    poll(lambda: len(trail(project.owner, project.id)["audits"]) == 2)


def run_task(site: Site, name: str) -> None:
    """Send a task, as the scheduler does."""
    from celery import Celery

    from raindrop.core.broker import celery_options

    app = Celery("test")
    app.conf.update(celery_options(site.settings))
    app.send_task(name, queue="deletes")
    app.close()


def test_figures_for_the_operator(running_site: Site) -> None:
    with running_site.operator() as operator:
        figures = operator.get("/metrics").text
    assert 'raindrop_events_waiting{consumer="dispatcher"}' in figures
    assert "raindrop_event_wait_seconds" in figures
