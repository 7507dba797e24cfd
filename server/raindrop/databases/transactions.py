"""Transactions: operations that are staged, seen by who staged them, and committed together.

A staged operation is a row. Whoever reads in a transaction, or stages one operation more, has the
staged ones done to the real tables behind a savepoint and undone again: so every rule and every
query holds there as it does elsewhere. The commit does them once more, with the permissions of
that moment, in one transaction of the database, which also says that it is committed.
"""

import datetime
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar, cast

import sqlalchemy as sa
from sqlalchemy.engine import CursorResult

from raindrop.core.access import Actor, ActorKind, Unauthorized
from raindrop.core.db import db, let_go, utc_now
from raindrop.core.errors import AppError
from raindrop.core.formats import new_id, show_time
from raindrop.core.queries import list_rows
from raindrop.core.secrets import get_vault
from raindrop.core.tenancy import find_row
from raindrop.databases.documents import Document, open_schema
from raindrop.databases.errors import (
    DocumentAlreadyExists,
    TransactionConflict,
    TransactionExpired,
    TransactionFailed,
    TransactionLimitExceeded,
    TransactionNotFound,
    TransactionNotReady,
)
from raindrop.databases.models import Operation, Transaction
from raindrop.databases.operations import Step, perform, with_ids
from raindrop.databases.tables import rows_of

T = TypeVar("T")

TTL_MIN_S, TTL_MAX_S, TTL_DEFAULT_S = 60, 3600, 300
OPERATIONS_MAX = 100
KEPT = datetime.timedelta(hours=1)
"""How long after its time a transaction is still shown."""

PENDING, COMMITTED, ROLLED_BACK, FAILED = "pending", "committed", "rolledBack", "failed"
IDS_BATCH = 500


def create_transaction(actor: Actor, ttl_s: int) -> Transaction:
    """Begin a transaction that expires after ``ttl_s`` seconds.

    Raises:
        Unauthorized: a visitor has nothing by which it could be told from others.
    """
    now = utc_now()
    transaction = Transaction(
        project_id=actor.tenant.id,
        public_id=new_id(),
        owner=_owner(actor),
        status=PENDING,
        operations=0,
        created_at=now,
        updated_at=now,
        expires_at=now + datetime.timedelta(seconds=ttl_s),
    )
    db.session.add(transaction)
    return transaction


def list_transactions(actor: Actor, queries: Sequence[str]) -> tuple[Sequence[Transaction], int]:
    """The actor's transactions, and how many.

    Raises:
        Unauthorized, QueryInvalid, CursorNotFound
    """
    return list_rows(
        Transaction,
        actor.tenant,
        queries,
        {"status": Transaction.status, "expiresAt": Transaction.expires_at},
        where=[Transaction.owner == _owner(actor)],
    )


def get_transaction(actor: Actor, public_id: str, *, lock: bool = False) -> Transaction:
    """A transaction of the actor's.

    Raises:
        Unauthorized, TransactionNotFound
    """
    transaction = find_row(Transaction, actor.tenant, public_id, lock=lock)
    if transaction is None or transaction.owner != _owner(actor):
        raise TransactionNotFound
    return transaction


def delete_transaction(actor: Actor, public_id: str) -> None:
    """Delete a transaction; what it staged never was.

    Raises:
        Unauthorized, TransactionNotFound
    """
    db.session.delete(get_transaction(actor, public_id, lock=True))


def dump_transaction(transaction: Transaction) -> dict[str, Any]:
    """The contract's shape; a pending one whose time is over has failed."""
    is_over = transaction.status == PENDING and transaction.expires_at <= utc_now()
    return {
        "$id": transaction.public_id,
        "$createdAt": show_time(transaction.created_at),
        "$updatedAt": show_time(transaction.updated_at),
        "status": FAILED if is_over else transaction.status,
        "operations": transaction.operations,
        "expiresAt": show_time(transaction.expires_at),
    }


def stage(
    actor: Actor, public_id: str, steps: Sequence[Step]
) -> tuple[Transaction, list[Document]]:
    """Add operations to a transaction; what the last of them would answer.

    Raises:
        Unauthorized, TransactionNotFound, TransactionNotReady, TransactionExpired
        TransactionLimitExceeded: there would be more than ``OPERATIONS_MAX``; none is added.
        whatever the operation would raise after those that are staged; none is added.
    """
    transaction = _pending(actor, public_id)
    position = transaction.operations
    if position + len(steps) > OPERATIONS_MAX:
        raise TransactionLimitExceeded(
            f"A transaction has at most {OPERATIONS_MAX} operations; this one has {position}."
        )
    steps = [with_ids(step) for step in steps]
    answers: list[list[Document]] = []
    with _rehearsal():
        _replay(actor, transaction)
        answers = [perform(actor, step) for step in steps]
    for offset, (step, answer) in enumerate(zip(steps, answers, strict=True)):
        db.session.add(_operation(actor, transaction, position + offset, step, answer))
    transaction.operations = position + len(steps)
    return transaction, answers[-1]


def run(actor: Actor, public_id: str, step: Step) -> list[Document]:
    """Do an operation now, or stage it where a transaction is named; what it answers.

    Raises:
        what :func:`stage` does, and what the operation does.
    """
    if public_id:
        return stage(actor, public_id, [step])[1]
    return perform(actor, step)


def look(actor: Actor, public_id: str, read: Callable[[], T]) -> T:
    """What ``read`` answers when everything that the transaction staged is done; without a
    transaction, what it answers.

    Raises:
        Unauthorized, TransactionNotFound, TransactionNotReady, TransactionExpired
        TransactionConflict: what is staged can no longer be done.
        whatever ``read`` raises.
    """
    if not public_id:
        return read()
    let_go(is_write=True)  # a GET, and it writes before it undoes what it wrote
    transaction = _pending(actor, public_id)
    with _rehearsal():
        _replay(actor, transaction)
        return read()


def commit(actor: Actor, public_id: str) -> tuple[Transaction, AppError | None]:
    """Do everything that is staged, or nothing; and why it is nothing, for the answer: the
    transaction has failed then, which is to be kept.

    Raises:
        Unauthorized, TransactionNotFound, TransactionNotReady, TransactionExpired
    """
    transaction = _pending(actor, public_id)
    error: AppError | None = None
    waiting = _begin_undoable()
    try:
        _check_untouched(actor, transaction)
        _replay(actor, transaction)
    except (TransactionConflict, TransactionFailed) as reason:
        _undo(waiting)
        error = reason
    _end(transaction, FAILED if error else COMMITTED)
    return transaction, error


def roll_back(actor: Actor, public_id: str) -> Transaction:
    """End a transaction without doing anything.

    Raises:
        Unauthorized, TransactionNotFound, TransactionNotReady, TransactionExpired
    """
    transaction = _pending(actor, public_id)
    _end(transaction, ROLLED_BACK)
    return transaction


def delete_old(limit: int) -> int:
    """Delete up to ``limit`` transactions whose time was over ``KEPT`` ago; how many."""
    ids = db.session.scalars(
        sa.select(Transaction.id)
        .where(Transaction.expires_at < utc_now() - KEPT)
        .order_by(Transaction.expires_at)
        .limit(limit)
    ).all()
    result = db.session.execute(sa.delete(Transaction).where(Transaction.id.in_(ids)))
    return cast("CursorResult[Any]", result).rowcount


def _owner(actor: Actor) -> str:
    if actor.is_privileged:
        return ""
    if actor.kind != ActorKind.USER:
        raise Unauthorized("Sign in to use transactions.")
    return f"user:{actor.user_id}"


def _pending(actor: Actor, public_id: str) -> Transaction:
    """The transaction, locked; whoever commits it waits for who stages, and the other way round."""
    transaction = get_transaction(actor, public_id, lock=True)
    if transaction.status != PENDING:
        raise TransactionNotReady
    if transaction.expires_at <= utc_now():
        raise TransactionExpired
    return transaction


def _end(transaction: Transaction, status: str) -> None:
    transaction.status = status
    db.session.execute(sa.delete(Operation).where(Operation.transaction_id == transaction.id))


def _operations(transaction: Transaction) -> Sequence[Operation]:
    query = sa.select(Operation).where(Operation.transaction_id == transaction.id)
    return db.session.scalars(query.order_by(Operation.position)).all()


def _replay(actor: Actor, transaction: Transaction) -> None:
    """Do what is staged, in order.

    Raises:
        TransactionConflict: others took what it needs since it was staged.
        TransactionFailed: another operation cannot be done any more.
    """
    for operation in _operations(transaction):
        try:
            perform(actor, _step(operation))
        except DocumentAlreadyExists:
            raise TransactionConflict from None
        except AppError as error:
            if error.status >= 500:
                raise
            raise TransactionFailed(
                f"Operation {operation.position + 1} ({operation.action}): {error.message}"
            ) from None


def _operation(
    actor: Actor, transaction: Transaction, position: int, step: Step, answer: Sequence[Document]
) -> Operation:
    """The row of an operation that was just rehearsed: what it touched is still locked."""
    touched = [step.document] if step.document else [each["$id"] for each in answer]
    seen = _times(actor, step.database, step.collection, touched)
    return Operation(
        project_id=transaction.project_id,
        transaction_id=transaction.id,
        position=position,
        action=step.action,
        database_id=step.database,
        collection_id=step.collection,
        document_id=step.document,
        payload={
            **_kept_arguments(actor, step),
            "seen": {uid: show_time(seen.get(uid)) for uid in touched},
        },
        seen_at=seen.get(step.document),
    )


def _kept_arguments(actor: Actor, step: Step) -> dict[str, Any]:
    """What the service takes, as it is kept: encrypted where it may hold what is encrypted in the
    collection's table, or in those of related documents."""
    schema = open_schema(actor, step.database, step.collection)
    arguments = dict(step.arguments)
    if not schema.encrypted and not schema.relations:
        return {"arguments": arguments}
    return {"encrypted": get_vault().encrypt(json.dumps(arguments))}


def _step(operation: Operation) -> Step:
    payload = operation.payload
    if "encrypted" in payload:
        arguments = json.loads(get_vault().decrypt(payload["encrypted"]))
    else:
        arguments = payload["arguments"]
    return Step(
        operation.action,
        operation.database_id,
        operation.collection_id,
        operation.document_id,
        arguments,
    )


def _check_untouched(actor: Actor, transaction: Transaction) -> None:
    """Whether every document that is touched is as it was when that was staged.

    Raises:
        TransactionConflict: it was changed, created or deleted.
        TransactionFailed: its collection is gone.
    """
    for operation in _operations(transaction):
        seen = operation.payload["seen"]
        try:
            now = _times(actor, operation.database_id, operation.collection_id, list(seen))
        except AppError as error:
            raise TransactionFailed(error.message) from None
        if any(show_time(now.get(uid)) != time for uid, time in seen.items()):
            raise TransactionConflict


def _times(
    actor: Actor, database: str, collection: str, uids: Sequence[str]
) -> dict[str, datetime.datetime]:
    """When documents changed last, by id; they are locked."""
    schema = open_schema(actor, database, collection)
    if not schema.has_table:
        return {}
    table = rows_of(schema)
    found: dict[str, datetime.datetime] = {}
    for start in range(0, len(uids), IDS_BATCH):
        query = sa.select(table.c["_uid"], table.c["_updated"]).with_for_update()
        some = uids[start : start + IDS_BATCH]
        found |= dict(db.session.execute(query.where(table.c["_uid"].in_(some))).tuples().all())
    return found


_Waiting = dict[str, Any]


@contextmanager
def _rehearsal() -> Iterator[None]:
    """What is done inside is undone at its end. An error inside undoes nothing here: it ends the
    whole unit of work."""
    waiting = _begin_undoable()
    yield
    _undo(waiting)


def _begin_undoable() -> _Waiting:
    """Set a savepoint; what waits for the commit by now.

    It is plain SQL: SQLAlchemy's own would, after a deadlock, fail for a savepoint that the
    database has dropped, and hide the deadlock, which only wants another attempt.
    """
    db.session.flush()
    db.session.execute(sa.text("SAVEPOINT staged"))
    info = db.session.info
    return {
        "before_commit": {flush: list(items) for flush, items in info["before_commit"].items()},
        "after_commit": {flush: list(items) for flush, items in info["after_commit"].items()},
        "dropped_tags": dict(info.get("dropped_tags", {})),
    }


def _undo(waiting: _Waiting) -> None:
    db.session.flush()
    db.session.execute(sa.text("ROLLBACK TO SAVEPOINT staged"))
    db.session.info.update(waiting)
