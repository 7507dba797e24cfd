"""Telling a user by mail that somebody signed in."""

import sqlalchemy as sa

from raindrop.accounts.models import Session, User
from raindrop.core.access import Actor
from raindrop.core.db import db
from raindrop.core.formats import show_time
from raindrop.mails.service import send_mail

PROVEN_BY_MAIL = frozenset({"email"})
"""Factors whose sign-in went through the mailbox already."""


def alert_of_session(actor: Actor, user: User, session: Session) -> None:
    """Mail the user about a new session, where the project wants it; not about the first one.

    Args:
        session: written already.
    """
    if not actor.tenant.settings.sends_session_alerts or not user.email:
        return
    if PROVEN_BY_MAIL.intersection(session.factors) or not _has_others(user, session):
        return
    client = " ".join(
        filter(None, (session.client.get("clientName"), session.client.get("osName")))
    )
    values = {
        "user": user.name,
        "client": client,
        "ip": session.ip,
        "time": show_time(session.created_at),
    }
    send_mail(actor.tenant, "sessionalert", user.email, locale=actor.caller.locale, values=values)


def _has_others(user: User, session: Session) -> bool:
    others = sa.select(Session.id).where(Session.user_id == user.id, Session.id != session.id)
    return db.session.scalar(others.limit(1)) is not None
