"""Sending the mails that wait: claimed by one worker, tried again, given up, deleted in the end.

``next_attempt_at`` is when somebody may try: the claim moves it past the longest attempt, so it is
the claim's lease as well, and ``attempts`` says whose it is. A worker that is killed loses nothing:
the sweeper sends the message again when the lease is over. A mail may so arrive twice, never not
at all.
"""

import contextlib
import datetime
import json
import logging
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import redis
import sqlalchemy as sa
from sqlalchemy.engine import CursorResult

from raindrop.core.cache import get_cache
from raindrop.core.db import db, unit_of_work, utc_now
from raindrop.core.secrets import SecretUnreadable, get_vault
from raindrop.core.tasks import enqueue
from raindrop.core.tenancy import tenant_by_id
from raindrop.mails.delivery import DeliveryFailed, Letter, Server, deliver
from raindrop.mails.models import Mail, MailStatus
from raindrop.mails.smtp import sender_of, server_of

log = logging.getLogger(__name__)

QUEUE = "mails"

LEASE_S = 40.0
"""Twice the longest attempt (``TOTAL_S`` in mails/delivery.py)."""

BACKOFF_S = (10.0, 60.0, 300.0, 1800.0)
"""Pauses before the attempts after the first; a server that greylists wants some minutes."""

MAX_ATTEMPTS = len(BACKOFF_S) + 1

PAUSE_S = 120.0
"""How long a server that was slow to fail is left alone: each attempt keeps the pool's worker from
everything else for ``TOTAL_S``."""

PAUSES_END_S = 24 * 3600.0
"""A mail that waited so long is tried although its server is slow, until its attempts are used."""

LOST_AFTER_S = 3.0
"""A mail that is due for so long, and whose queue is empty, has no message."""

LOST_FOR_SURE_AFTER_S = 120.0
"""The same, however full the queue is; a second message does no harm."""

BATCH = 200
ENDED = (MailStatus.SENT, MailStatus.FAILED, MailStatus.KEPT)


@dataclass(frozen=True)
class _Claim:
    mail_id: int
    attempt: int
    server: Server
    letter: Letter
    sender: str


def send(mail_id: int) -> None:
    """One attempt to send a mail, if it is due and nobody else is at it."""
    with unit_of_work():
        claim = _claim(mail_id)
    if claim is None:
        return
    try:
        words = deliver(claim.server, claim.letter)
    except DeliveryFailed as failure:
        _note_slow(claim.server, failure)
        with unit_of_work():
            _note_failure(claim, failure)
    else:
        with unit_of_work():
            _note_sent(claim, words)


def sweep(queue_depth: Callable[[str], int]) -> None:
    """Send messages for mails that are due and have none: their time has come again, their message
    was lost, or their worker died.

    Args:
        queue_depth: how many messages wait in a queue.
    """
    now = utc_now()
    # While messages wait, a mail that is due is most likely behind them.
    lost_s = LOST_FOR_SURE_AFTER_S if queue_depth(QUEUE) else LOST_AFTER_S
    is_lost = sa.and_(
        Mail.status == MailStatus.QUEUED, Mail.next_attempt_at < now - _seconds(lost_s)
    )
    ids = db.session.scalars(
        sa.select(Mail.id).where(is_lost).order_by(Mail.next_attempt_at).limit(BATCH)
    )
    # Found without locks, then changed one by one by primary key, as the workers do.
    for mail_id in ids.all():
        if _update(mail_id, is_lost, next_attempt_at=now):
            enqueue("mails.send", queue="mails", mail_id=mail_id)


def delete_ended(before: datetime.datetime, limit: int) -> int:
    """Delete up to ``limit`` mails of before a time that wait for nothing more; how many."""
    query = sa.select(Mail.id).where(Mail.created_at < before, Mail.status.in_(ENDED))
    ids = list(db.session.scalars(query.order_by(Mail.created_at).limit(limit)))
    db.session.execute(sa.delete(Mail).where(Mail.id.in_(ids)))
    return len(ids)


def _claim(mail_id: int) -> _Claim | None:
    """Take a mail that is due, or end it where nothing can come of an attempt."""
    mail = db.session.get(Mail, mail_id)
    now = utc_now()
    if mail is None or not _is_due(mail, now):
        return None
    try:
        claim = _prepare(mail)
    except DeliveryFailed as failure:
        _end(mail, MailStatus.FAILED, failure.words)
        return None
    if claim is None:
        _end(mail, MailStatus.KEPT, "")
        return None
    if _is_paused(claim.server) and now - mail.created_at < _seconds(PAUSES_END_S):
        words = "The mail server was too slow a moment ago; it is left alone for a while."
        _update(mail.id, _as_read(mail), next_attempt_at=now + _seconds(PAUSE_S), answer=words)
        return None
    lease = {"next_attempt_at": now + _seconds(LEASE_S), "attempts": claim.attempt}
    return claim if _update(mail.id, _as_read(mail), **lease) else None


def _prepare(mail: Mail) -> _Claim | None:
    """What an attempt needs; ``None``: there is no mail server any more.

    Raises:
        DeliveryFailed: there is no sense in an attempt.
    """
    if mail.attempts >= MAX_ATTEMPTS:
        raise DeliveryFailed(f"Given up: its worker died at attempt {mail.attempts}.")
    tenant = tenant_by_id(mail.project_id)
    if tenant is None:
        raise DeliveryFailed("The project is gone.")
    server = server_of(tenant)
    if server is None:
        return None
    try:
        content = json.loads(get_vault().decrypt(mail.content))
    except SecretUnreadable:
        raise DeliveryFailed("The mail cannot be decrypted.") from None
    sender = sender_of(
        tenant,
        name=content["sender_name"],
        address=content["sender_email"],
        reply_to=content["reply_to"],
    )
    letter = Letter(
        message_id=mail.public_id,
        sender_name=sender.name,
        sender_address=sender.address,
        reply_to=sender.reply_to,
        recipient=mail.recipient,
        subject=content["subject"],
        html=content["html"],
        text=content["text"],
    )
    return _Claim(mail.id, mail.attempts + 1, server, letter, str(sender))


def _note_sent(claim: _Claim, words: str) -> None:
    # Whoever's claim it is by now: the server has the mail.
    _update(
        claim.mail_id,
        Mail.status != MailStatus.SENT,
        status=MailStatus.SENT,
        content="",  # it held one-time secrets
        answer=words,
        next_attempt_at=None,
        sent_at=utc_now(),
        **_sender_columns(claim),
    )
    log.info("mail %d is sent", claim.mail_id)


def _note_failure(claim: _Claim, failure: DeliveryFailed) -> None:
    is_mine = sa.and_(Mail.status == MailStatus.QUEUED, Mail.attempts == claim.attempt)
    is_over = not failure.is_passing or claim.attempt >= MAX_ATTEMPTS
    values: dict[str, Any] = {"status": MailStatus.FAILED, "next_attempt_at": None}
    if not is_over:
        pause_s = BACKOFF_S[claim.attempt - 1] * random.uniform(0.9, 1.1)
        values = {"next_attempt_at": utc_now() + _seconds(pause_s)}
    _update(claim.mail_id, is_mine, answer=failure.words, **values, **_sender_columns(claim))
    # The server's words may quote the mail: they stay in the row.
    log.warning("mail %d failed at attempt %d", claim.mail_id, claim.attempt)


def _sender_columns(claim: _Claim) -> dict[str, str]:
    return {"sender": claim.sender[:500], "reply_to": claim.letter.reply_to[:320]}


def _end(mail: Mail, status: MailStatus, words: str) -> None:
    _update(mail.id, _as_read(mail), status=status, next_attempt_at=None, answer=words)


def _is_due(mail: Mail, now: datetime.datetime) -> bool:
    due_at = mail.next_attempt_at
    return mail.status == MailStatus.QUEUED and due_at is not None and due_at <= now


def _as_read(mail: Mail) -> sa.ColumnElement[bool]:
    """Nobody was at it since it was read."""
    return sa.and_(
        Mail.status == MailStatus.QUEUED,
        Mail.attempts == mail.attempts,
        Mail.next_attempt_at == mail.next_attempt_at,
    )


def _update(mail_id: int, which: sa.ColumnElement[bool], **values: Any) -> bool:
    statement = sa.update(Mail).where(Mail.id == mail_id, which).values(updated_at=utc_now())
    options = {"synchronize_session": False}
    result = db.session.execute(statement.values(**values), execution_options=options)
    assert isinstance(result, CursorResult)
    return result.rowcount == 1


def _pause_key(server: Server) -> str:
    return f"mails:pause:{server.host}:{server.port}"


def _is_paused(server: Server) -> bool:
    try:
        return bool(get_cache().redis.exists(_pause_key(server)))
    except redis.RedisError:
        return False


def _note_slow(server: Server, failure: DeliveryFailed) -> None:
    if failure.is_slow:
        with contextlib.suppress(redis.RedisError):
            get_cache().redis.set(_pause_key(server), 1, ex=int(PAUSE_S))


def _seconds(number: float) -> datetime.timedelta:
    return datetime.timedelta(seconds=number)
