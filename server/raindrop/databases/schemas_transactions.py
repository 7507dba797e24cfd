"""What the operations of transactions take."""

from typing import Any

from pydantic import Field

from raindrop.core.v1 import V1Model
from raindrop.databases.transactions import TTL_DEFAULT_S, TTL_MAX_S, TTL_MIN_S


class NewTransaction(V1Model):
    """A transaction; ``ttl`` in seconds."""

    ttl: int = Field(TTL_DEFAULT_S, ge=TTL_MIN_S, le=TTL_MAX_S)


class TransactionChange(V1Model):
    """The end of a transaction: exactly one of the two."""

    commit: bool = False
    rollback: bool = False


class NewOperations(V1Model):
    """Operations to stage."""

    operations: list[dict[str, Any]] = Field(min_length=1)


class TransactionQueries(V1Model):
    """What the list takes."""

    queries: list[str] = Field(default_factory=list)
