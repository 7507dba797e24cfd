"""Teams and members to test with."""

from typing import Any

import httpx

from tests.support.v1 import Project


def new_team(client: httpx.Client, name: str = "Crew") -> str:
    """The id of a team that the client makes."""
    made = client.post("/v1/teams", json={"teamId": "unique()", "name": name})
    assert made.status_code == 201, made.text
    return made.json()["$id"]


def id_of(client: httpx.Client) -> str:
    """The id of whoever is signed in."""
    return client.get("/v1/account").json()["$id"]


def add_member(project: Project, team: str, client: httpx.Client, *roles: str) -> dict[str, Any]:
    """Make a signed-in person a member, with a key; the membership."""
    body = {"userId": id_of(client), "roles": roles}
    made = project.key().post(f"/v1/teams/{team}/memberships", json=body)
    assert made.status_code == 201, made.text
    return made.json()


def is_role_gone(project: Project, client: httpx.Client, team: str) -> bool:
    """Whether a person is no member of the team that a key makes with an old one's id."""
    made = project.key().post("/v1/teams", json={"teamId": team, "name": "Another"})
    assert made.status_code == 201, made.text
    return client.get(f"/v1/teams/{team}").status_code == 404
