"""``/v1/users/ID/memberships``: the teams of a user."""

from functools import partial
from typing import Any

from flask import Blueprint

from raindrop.core.access import allow
from raindrop.core.credentials import current_actor
from raindrop.core.v1 import ListArguments, parse_query, show_list
from raindrop.teams import memberships

blueprint = Blueprint("users_memberships", __name__, url_prefix="/v1/users")


@blueprint.get("/<user_id>/memberships")
@allow("users.read")
def list_memberships(user_id: str) -> dict[str, Any]:
    """A user's memberships and open invitations."""
    given, actor = parse_query(ListArguments), current_actor()
    members, total = memberships.list_of_user(
        actor, user_id, given.queries, given.search, is_counted=given.total
    )
    return show_list("memberships", members, total, partial(memberships.show_member, actor))
