"""What the operations of ``/v1/teams`` take."""

from typing import Annotated

from pydantic import Field

from raindrop.accounts.schemas import Email
from raindrop.core.formats import ID_MAX
from raindrop.core.v1 import Name, NewId, Prefs, Text, V1Model

ROLES_MAX = 100

Role = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,80}$")]
"""A role's name, of up to 81 characters, as a permission may hold it."""

Roles = Annotated[list[Role], Field(max_length=ROLES_MAX)]
TeamName = Annotated[Name, Field(min_length=1)]
Id = Annotated[Text, Field(max_length=ID_MAX)]


class NewTeam(V1Model):
    """A team, and the roles of whoever makes it."""

    teamId: NewId  # noqa: N815  # the contract's name
    name: TeamName
    roles: Roles = Field(default_factory=list)


class TeamRename(V1Model):
    """A team's new name."""

    name: TeamName


class TeamPrefs(V1Model):
    """What is kept for a team."""

    prefs: Prefs


class NewMembership(V1Model):
    """Whom to invite: by one of e-mail, id and phone; empty stands for not given."""

    email: Email = ""
    userId: Id = ""  # noqa: N815
    phone: Annotated[Text, Field(max_length=16)] = ""
    roles: Roles
    url: Annotated[Text, Field(max_length=2048)] = ""
    name: Name = ""


class MembershipRoles(V1Model):
    """A member's new roles."""

    roles: Roles


class Acceptance(V1Model):
    """An invitation's proof."""

    userId: Id  # noqa: N815
    secret: Annotated[Text, Field(max_length=256)]
