"""Second factors: ``/v1/account/mfa`` and what administrators do with those of ``/v1/users``."""

from typing import Any

from flask import Blueprint, Response

from raindrop.accounts import authenticators, factors, mfa
from raindrop.accounts.factors import Factor
from raindrop.accounts.schemas import ChallengeAnswer, MfaSwitch, NewChallenge, OneTimeCode
from raindrop.accounts.sessions import dump_session, session_user
from raindrop.accounts.users import dump_user, get_user
from raindrop.core.access import allow
from raindrop.core.credentials import current_actor
from raindrop.core.errors import BadRequest, answer_error
from raindrop.core.v1 import empty, limited, parse_body

account = Blueprint("mfa", __name__, url_prefix="/v1/account/mfa")
users = Blueprint("mfa", __name__, url_prefix="/v1/users/<user_id>/mfa")


@account.patch("")
@allow("account")
def update_mfa() -> dict[str, Any]:
    """Turn the person's second factor on or off."""
    body, actor = parse_body(MfaSwitch), current_actor()
    return dump_user(mfa.set_mfa(actor, session_user(actor, lock=True), is_on=body.mfa))


@account.post("/authenticators/<kind>")
@allow("account")
def create_authenticator(kind: str) -> dict[str, str]:
    """Begin to set up an authenticator app."""
    _check_kind(kind)
    secret, uri = authenticators.create_authenticator(current_actor())
    return {"secret": secret, "uri": uri}


@account.put("/authenticators/<kind>")
@allow("account")
def update_authenticator(kind: str) -> dict[str, Any]:
    """Put an authenticator app to work by its first code."""
    _check_kind(kind)
    body = parse_body(OneTimeCode)
    return dump_user(authenticators.verify_authenticator(current_actor(), body.otp))


@account.delete("/authenticators/<kind>")
@allow("account")
def delete_authenticator(kind: str) -> Response:
    """Take the authenticator app away."""
    actor = current_actor()
    _check_kind(kind)
    mfa.check_fresh(actor)
    authenticators.delete_authenticator(actor, session_user(actor, lock=True))
    return empty()


@account.post("/challenge")
@allow("account", needs_all_factors=False)
@limited(10, 3600, "url:{url},userId:{userId}")
def create_challenge() -> tuple[dict[str, str], int]:
    """Ask for a second factor."""
    body, actor = parse_body(NewChallenge), current_actor()
    challenge = mfa.create_challenge(actor, body.factor)
    return mfa.dump_challenge(challenge, session_user(actor)), 201


@account.put("/challenge")
@allow("account", needs_all_factors=False)
@limited(10, 3600, "url:{url},challengeId:{param-challengeId}")
def update_challenge() -> dict[str, Any] | Response:
    """Answer a challenge; a wrong answer counts, so it is committed."""
    body, actor = parse_body(ChallengeAnswer), current_actor()
    session = mfa.answer_challenge(actor, body.challengeId, body.otp)
    if session is None:
        return answer_error(authenticators.InvalidCode())
    return dump_session(session, session_user(actor), current_id=session.public_id)


@account.get("/factors")
@allow("account", needs_all_factors=False)
def list_factors() -> dict[str, bool]:
    """What the person can answer a challenge with."""
    return factors.list_factors(session_user(current_actor()))


@account.get("/recovery-codes")
@allow("account")
def get_recovery_codes() -> dict[str, list[str]]:
    """The recovery codes that are left."""
    actor = current_actor()
    mfa.check_fresh(actor)
    return {"recoveryCodes": mfa.read_recovery_codes(session_user(actor))}


@account.post("/recovery-codes")
@allow("account")
def create_recovery_codes() -> tuple[dict[str, list[str]], int]:
    """Make the recovery codes."""
    actor = current_actor()
    user = session_user(actor, lock=True)
    return {"recoveryCodes": mfa.make_recovery_codes(actor, user, renews=False)}, 201


@account.patch("/recovery-codes")
@allow("account")
def update_recovery_codes() -> dict[str, list[str]]:
    """Replace the recovery codes."""
    actor = current_actor()
    mfa.check_fresh(actor)
    user = session_user(actor, lock=True)
    return {"recoveryCodes": mfa.make_recovery_codes(actor, user, renews=True)}


@users.patch("")
@allow("users.write")
def update_user_mfa(user_id: str) -> dict[str, Any]:
    """Turn a user's second factor on or off."""
    body, actor = parse_body(MfaSwitch), current_actor()
    user = get_user(actor.tenant, user_id, lock=True)
    return dump_user(mfa.set_mfa(actor, user, is_on=body.mfa))


@users.delete("/authenticators/<kind>")
@allow("users.write")
def delete_user_authenticator(user_id: str, kind: str) -> Response:
    """Take a user's authenticator app away: it was lost."""
    actor = current_actor()
    _check_kind(kind)
    authenticators.delete_authenticator(actor, get_user(actor.tenant, user_id, lock=True))
    return empty()


@users.get("/factors")
@allow("users.read")
def list_user_factors(user_id: str) -> dict[str, bool]:
    """What a user can answer a challenge with."""
    return factors.list_factors(get_user(current_actor().tenant, user_id))


@users.get("/recovery-codes")
@allow("users.read")
def get_user_recovery_codes(user_id: str) -> dict[str, list[str]]:
    """The recovery codes that a user has left."""
    user = get_user(current_actor().tenant, user_id)
    return {"recoveryCodes": mfa.read_recovery_codes(user)}


@users.patch("/recovery-codes")
@allow("users.write")
def create_user_recovery_codes(user_id: str) -> tuple[dict[str, list[str]], int]:
    """Make a user's recovery codes."""
    actor = current_actor()
    user = get_user(actor.tenant, user_id, lock=True)
    return {"recoveryCodes": mfa.make_recovery_codes(actor, user, renews=False)}, 201


@users.put("/recovery-codes")
@allow("users.write")
def update_user_recovery_codes(user_id: str) -> dict[str, list[str]]:
    """Replace a user's recovery codes."""
    actor = current_actor()
    user = get_user(actor.tenant, user_id, lock=True)
    return {"recoveryCodes": mfa.make_recovery_codes(actor, user, renews=True)}


def _check_kind(kind: str) -> None:
    if kind != Factor.TOTP:
        raise BadRequest("type: must be totp")
