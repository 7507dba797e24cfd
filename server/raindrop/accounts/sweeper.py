"""Deleting sessions, tokens and challenges whose time is over."""

import datetime

import sqlalchemy as sa

from raindrop.accounts.models import Challenge, Session, Token
from raindrop.core.db import db

BATCH = 500
EXPIRING = (Session, Token, Challenge)


def delete_expired(model: type[Session | Token | Challenge], now: datetime.datetime) -> int:
    """Delete up to ``BATCH`` rows that expired before a time; how many."""
    expired = sa.select(model.id).where(model.expires_at < now).order_by(model.expires_at)
    ids = list(db.session.scalars(expired.limit(BATCH)))
    if ids:
        db.session.execute(sa.delete(model).where(model.id.in_(ids)))
    return len(ids)
