"""What is mailed to people and redeemed by them: magic links, codes, recovery, verification.

JWTs, which are not mailed, are here too.
"""

from typing import Any

from flask import Blueprint, Response, jsonify

from raindrop.accounts import jwts, passwordless, recovery, verification
from raindrop.accounts.models import TokenType
from raindrop.accounts.schemas import (
    GivenToken,
    NewEmailCode,
    NewMagicUrl,
    NewRecovery,
    NewVerification,
    Recovery,
)
from raindrop.accounts.tokens import InvalidToken, Issued, dump_token
from raindrop.accounts.verification import PhoneDisabled
from raindrop.core.access import allow
from raindrop.core.credentials import current_actor
from raindrop.core.errors import answer_error
from raindrop.core.v1 import limited, not_served, parse_body, unhurried

blueprint = Blueprint("tokens", __name__, url_prefix="/v1/account")


@blueprint.post("/tokens/magic-url")
@allow("sessions.write")
@limited(60, 3600, "url:{url},email:{param-email}", "url:{url},ip:{ip}")
@unhurried
def create_magic_url_token() -> tuple[dict[str, Any], int]:
    """Mail a link that signs in."""
    body = parse_body(NewMagicUrl)
    issued = passwordless.send_magic_url(
        current_actor(), body.userId, body.email, body.url, has_phrase=body.phrase
    )
    return dump_token(issued), 201


@blueprint.post("/tokens/email")
@allow("sessions.write")
@limited(10, 3600, "url:{url},email:{param-email}", "url:{url},ip:{ip}")
@unhurried
def create_email_token() -> tuple[dict[str, Any], int]:
    """Mail a code that signs in."""
    body = parse_body(NewEmailCode)
    issued = passwordless.send_code(
        current_actor(), body.userId, body.email, has_phrase=body.phrase
    )
    return dump_token(issued), 201


@blueprint.post("/recovery")
@allow("sessions.write")
@limited(10, 3600, "url:{url},email:{param-email}", "url:{url},ip:{ip}")
@unhurried
def create_recovery() -> tuple[dict[str, Any], int]:
    """Mail a link to set a new password."""
    body = parse_body(NewRecovery)
    return dump_token(recovery.send_recovery(current_actor(), body.email, body.url)), 201


@blueprint.put("/recovery")
@allow("sessions.write")
@limited(10, 3600, "url:{url},userId:{param-userId}")
def update_recovery() -> Response:
    """Set a new password by such a link."""
    body = parse_body(Recovery)
    return _answer_proof(recovery.recover(current_actor(), body.userId, body.secret, body.password))


@blueprint.post("/verifications/email")
@allow("account")
@limited(10, 3600, "url:{url},userId:{userId}")
def create_email_verification() -> tuple[dict[str, Any], int]:
    """Mail the signed-in person a link that proves the address."""
    issued = verification.send_verification(current_actor(), parse_body(NewVerification).url)
    return dump_token(issued), 201


@blueprint.put("/verifications/email")
@allow("public")
@limited(10, 3600, "url:{url},userId:{param-userId}")
def update_email_verification() -> Response:
    """Prove an address by such a link."""
    return _verify(TokenType.VERIFICATION)


@blueprint.put("/verifications/phone")
@allow("public")
@limited(10, 3600, "userId:{param-userId}")
def update_phone_verification() -> Response:
    """Prove a phone number by a code."""
    return _verify(TokenType.PHONE_VERIFICATION)


@blueprint.post("/jwts")
@allow("account")
@limited(100, 3600, "url:{url},userId:{userId}")
def create_jwt() -> tuple[dict[str, Any], int]:
    """A token that stands for the session for a quarter of an hour."""
    return {"jwt": jwts.create_jwt(current_actor())}, 201


not_served(blueprint, "POST", "/tokens/phone", PhoneDisabled)
not_served(blueprint, "POST", "/verifications/phone", PhoneDisabled)


def _verify(kind: TokenType) -> Response:
    body = parse_body(GivenToken)
    return _answer_proof(verification.verify(current_actor(), body.userId, body.secret, kind))


def _answer_proof(issued: Issued | None) -> Response:
    return jsonify(dump_token(issued)) if issued else answer_error(InvalidToken())
