"""Inviting people into a team, and their answer."""

import datetime
from http import HTTPStatus
from typing import NamedTuple

import sqlalchemy as sa

from raindrop.accounts import users
from raindrop.accounts.models import Session, User
from raindrop.accounts.redirects import add_query, check_redirect
from raindrop.accounts.sessions import create_session
from raindrop.accounts.signin import check_active, check_method
from raindrop.accounts.users import (
    UserAlreadyExists,
    check_email,
    create_user,
    find_by_email,
    get_user,
)
from raindrop.core.access import Actor, ActorKind
from raindrop.core.cookies import SessionSecret
from raindrop.core.db import db, utc_now
from raindrop.core.errors import AppError, BadRequest
from raindrop.core.formats import new_id
from raindrop.core.secrets import digest, new_secret
from raindrop.core.tenancy import find_row
from raindrop.mails.service import send_mail
from raindrop.teams import memberships
from raindrop.teams.memberships import Member, find_member
from raindrop.teams.models import Membership, Team
from raindrop.teams.service import count_members, find_team, get_owned_team

INVITATION_LASTS = datetime.timedelta(days=7)
METHOD = "invites"


class PhoneDisabled(AppError):
    """Nobody sends text messages."""

    type = "general_phone_disabled"
    status = HTTPStatus.SERVICE_UNAVAILABLE
    message = "This server sends no text messages; invite by e-mail."


class SecretInvalid(AppError):
    """Not the invitation's secret, or its time is over."""

    type = "team_invalid_secret"
    status = HTTPStatus.UNAUTHORIZED
    message = "This invitation is not valid, or it has expired; ask for another."


class InviteMismatch(AppError):
    """Somebody else is invited."""

    type = "team_invite_mismatch"
    status = HTTPStatus.UNAUTHORIZED
    message = "This invitation is for another user than the one who is signed in."


class AlreadyConfirmed(AppError):
    """The user is a member."""

    type = "membership_already_confirmed"
    status = HTTPStatus.CONFLICT
    message = "This user is a member of the team already."


class Invitee(NamedTuple):
    """Whom to invite; empty: not given."""

    email: str
    user_id: str
    phone: str
    name: str


class Accepted(NamedTuple):
    """What an accepted invitation gives; no session for somebody who is signed in."""

    member: Member
    session: Session | None
    held: SessionSecret | None


def invite(actor: Actor, team_id: str, invitee: Invitee, roles: list[str], url: str) -> Member:
    """Invite somebody by mail; with a key, or as an administrator, make a member at once.

    Args:
        url: where the mail's link leads, at a platform of the project; not needed at once.

    Raises:
        TeamNotFound, Unauthorized, MethodUnsupported, BadRequest, UserNotFound,
        UserAlreadyExists, UserCountExceeded, PhoneDisabled, AlreadyConfirmed
    """
    team = get_owned_team(actor, team_id, lock=True)
    if not actor.is_privileged:
        check_method(actor.tenant, METHOD)
        if not url:
            raise BadRequest("url: the page that the invitation's link leads to")
    user = _find_or_create(actor, invitee)
    member = _find_or_add(team, user, roles)
    if actor.is_privileged:
        _confirm(member)
    else:
        _send(actor, member, url)
    memberships.changed(actor, member, "create")
    return member


def accept(actor: Actor, team_id: str, public_id: str, user_id: str, secret: str) -> Accepted:
    """Become a member, by an invitation's secret; a guest is signed in by it.

    The secret came by mail, so the e-mail address counts as verified.

    Raises:
        MembershipNotFound, TeamNotFound, MembershipMismatch, SecretInvalid, InviteMismatch,
        AlreadyConfirmed, MethodUnsupported, UserBlocked
    """
    if not actor.is_privileged:
        check_method(actor.tenant, METHOD)
    if find_row(Membership, actor.tenant, public_id) is None:
        raise memberships.MembershipNotFound
    team = find_team(actor.tenant, team_id, lock=True)
    # Read anew behind the lock: of many who redeem it at once, one finds it open.
    member = find_member(actor.tenant, team, public_id, lock=True)
    _check_secret(actor, member, user_id, secret)
    check_active(member.user)
    _confirm(member)
    if not member.user.is_email_verified:
        member.user.is_email_verified = True
        users.changed(actor, member.user, "update")
    memberships.changed(actor, member, "update.status")
    if actor.kind != ActorKind.GUEST:
        return Accepted(member, None, None)
    session, held = create_session(actor, member.user, provider="email", factor="email")
    return Accepted(member, session, held)


def _find_or_create(actor: Actor, invitee: Invitee) -> User:
    email = check_email(invitee.email) if invitee.email else ""
    if invitee.user_id:
        user = get_user(actor.tenant, invitee.user_id)
        if email and user.email != email:
            raise UserAlreadyExists("The user with this id has another e-mail address.")
        return user
    if not email:
        raise PhoneDisabled if invitee.phone else BadRequest("email: whom to invite")
    known = find_by_email(actor.tenant, email)
    return known or create_user(actor, new_id(), email=email, name=invitee.name)


def _find_or_add(team: Team, user: User, roles: list[str]) -> Member:
    """An open invitation is sent again, with the roles that it is to give now."""
    mine = sa.and_(Membership.team_id == team.id, Membership.user_id == user.id)
    membership = db.session.scalar(sa.select(Membership).where(mine))
    now = utc_now()
    if membership is None:
        membership = Membership(
            project_id=team.project_id,
            public_id=new_id(),
            team_id=team.id,
            user_id=user.id,
            is_confirmed=False,
            created_at=now,
            updated_at=now,
        )
        db.session.add(membership)
    elif membership.is_confirmed:
        raise AlreadyConfirmed
    membership.roles, membership.invited_at = list(dict.fromkeys(roles)), now
    return Member(membership, team, user)


def _confirm(member: Member) -> None:
    member.membership.is_confirmed, member.membership.joined_at = True, utc_now()
    count_members(member.team, 1)


def _send(actor: Actor, member: Member, url: str) -> None:
    membership, team, user = member
    if not user.email:
        raise PhoneDisabled if user.phone else BadRequest("userId: this user has no e-mail address")
    secret = new_secret()
    membership.secret_digest = _proof(secret, user)
    membership.invitation_expires_at = utc_now() + INVITATION_LASTS
    link = add_query(
        check_redirect(actor.tenant, url),
        membershipId=membership.public_id,
        userId=user.public_id,
        secret=secret,
        teamId=team.public_id,
        teamName=team.name,
    )
    inviter = actor.person.user
    values = {
        "user": user.name or user.email,
        "redirect": link,
        "team": team.name,
        "inviter": inviter["name"] or inviter["email"],
    }
    send_mail(actor.tenant, "invitation", user.email, locale=actor.caller.locale, values=values)


def _check_secret(actor: Actor, member: Member, user_id: str, secret: str) -> None:
    membership, _, user = member
    if not membership.secret_digest or membership.secret_digest != _proof(secret, user):
        raise SecretInvalid
    is_other = actor.kind == ActorKind.USER and actor.person.user_id != user.id
    if user_id != user.public_id or is_other:
        raise InviteMismatch
    if membership.is_confirmed:
        raise AlreadyConfirmed
    expires_at = membership.invitation_expires_at
    if expires_at is None or expires_at <= utc_now():
        raise SecretInvalid


def _proof(secret: str, user: User) -> str:
    """With the address: whoever reads the mails of one that the user gave up gets nothing."""
    return digest(f"{secret} {user.email}")
