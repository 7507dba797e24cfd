"""The contract's logs: of the signed-in person, of a user, of a team."""

from collections.abc import Callable, Sequence
from typing import Any

from flask import Blueprint

from raindrop.accounts.models import User
from raindrop.accounts.sessions import session_user
from raindrop.accounts.users import get_user
from raindrop.audits import service
from raindrop.audits.models import Audit
from raindrop.audits.schemas import LogArguments, dump_log
from raindrop.core.access import Actor, allow
from raindrop.core.credentials import current_actor
from raindrop.core.v1 import parse_query, show_list
from raindrop.teams.service import get_owned_team

account = Blueprint("account_logs", __name__, url_prefix="/v1/account")
users = Blueprint("users_logs", __name__, url_prefix="/v1/users")
teams = Blueprint("teams_logs", __name__, url_prefix="/v1/teams")


@account.get("/logs")
@allow("account")
def list_account_logs() -> dict[str, Any]:
    """What the person did."""
    actor = current_actor()
    return _logs_of(actor, session_user(actor))


@users.get("/<user_id>/logs")
@allow("users.read")
def list_user_logs(user_id: str) -> dict[str, Any]:
    """What a user did."""
    actor = current_actor()
    return _logs_of(actor, get_user(actor.tenant, user_id))


@teams.get("/<team_id>/logs")
@allow("teams.read")
def list_team_logs(team_id: str) -> dict[str, Any]:
    """What happened to a team and its memberships; for its owners."""
    given, actor = parse_query(LogArguments), current_actor()
    team = get_owned_team(actor, team_id)
    which = (actor.tenant, f"team/{team.public_id}", team.created_at)
    found = service.list_by_resource(*which, given.queries)
    total = service.count_by_resource(*which) if given.total else 0
    return show_list("logs", found, total, _dump_for(actor))


def _logs_of(actor: Actor, user: User) -> dict[str, Any]:
    given = parse_query(LogArguments)
    found: Sequence[Audit] = service.list_by_user(actor.tenant, user, given.queries)
    total = service.count_by_user(actor.tenant, user) if given.total else 0
    return show_list("logs", found, total, dump_log)


def _dump_for(actor: Actor) -> Callable[[Audit], dict[str, Any]]:
    """How an owner of a team sees a line: without what the project hides of members."""
    settings, hidden = actor.tenant.settings, {}
    if not actor.is_privileged and not settings.shows_member_name:
        hidden["userName"] = ""
    if not actor.is_privileged and not settings.shows_member_email:
        hidden["userEmail"] = ""
    return lambda audit: dump_log(audit) | hidden
