"""``/v1/databases/transactions`` and ``/v1/tablesdb/transactions``."""

from typing import Any

from flask import Response, jsonify

from raindrop.core.access import allow
from raindrop.core.credentials import current_actor
from raindrop.core.errors import answer_error
from raindrop.core.v1 import empty, parse_body, parse_query, show_list
from raindrop.databases import transactions
from raindrop.databases.errors import TransactionInvalid
from raindrop.databases.schemas_transactions import (
    NewOperations,
    NewTransaction,
    TransactionChange,
    TransactionQueries,
    read_operation,
)
from raindrop.databases.transactions import dump_transaction
from raindrop.databases.vocabulary import BothWords, current_words

READ, WRITE = ("rows.read", "documents.read"), ("rows.write", "documents.write")

both = BothWords("transactions")


@both.route("GET", "/transactions")
@allow(*READ)
def list_transactions() -> dict[str, Any]:
    """The actor's transactions."""
    given = parse_query(TransactionQueries)
    found, total = transactions.list_transactions(current_actor(), given.queries)
    return show_list("transactions", found, total, dump_transaction)


@both.route("POST", "/transactions")
@allow(*WRITE)
def create_transaction() -> tuple[dict[str, Any], int]:
    """Begin a transaction."""
    body = parse_body(NewTransaction)
    return dump_transaction(transactions.create_transaction(current_actor(), body.ttl)), 201


@both.route("GET", "/transactions/<transaction_id>")
@allow(*READ)
def get_transaction(transaction_id: str) -> dict[str, Any]:
    """One transaction."""
    return dump_transaction(transactions.get_transaction(current_actor(), transaction_id))


@both.route("PATCH", "/transactions/<transaction_id>")
@allow(*WRITE)
def update_transaction(transaction_id: str) -> dict[str, Any] | Response:
    """Commit a transaction, or roll it back."""
    body, actor = parse_body(TransactionChange), current_actor()
    if body.commit == body.rollback:
        raise TransactionInvalid("Say either commit or rollback.")
    if body.rollback:
        return dump_transaction(transactions.roll_back(actor, transaction_id))
    transaction, error = transactions.commit(actor, transaction_id)
    if error is not None:
        error.message = current_words().say(error.message)
        return answer_error(error)
    return dump_transaction(transaction)


@both.route("DELETE", "/transactions/<transaction_id>")
@allow(*WRITE)
def delete_transaction(transaction_id: str) -> Response:
    """Delete a transaction."""
    transactions.delete_transaction(current_actor(), transaction_id)
    return empty()


@both.route("POST", "/transactions/<transaction_id>/operations")
@allow(*WRITE)
def create_operations(transaction_id: str) -> tuple[Response, int]:
    """Stage operations."""
    body, words = parse_body(NewOperations), current_words()
    steps = [read_operation(words.inward(given)) for given in body.operations]
    transaction, _ = transactions.stage(current_actor(), transaction_id, steps)
    return jsonify(dump_transaction(transaction)), 201
