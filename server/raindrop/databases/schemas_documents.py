"""What the operations of documents take, in the words of ``databases``."""

import sys
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from raindrop.core.v1 import NewId, V1Model
from raindrop.databases.schemas import Data, Permissions


def _check_number(value: Any) -> Any:
    """Refuse a whole number that no float holds; pydantic's own comparing would raise for it."""
    if isinstance(value, int) and abs(value) > sys.float_info.max:
        raise ValueError("is too large")
    return value


Number = Annotated[int | float, BeforeValidator(_check_number)]
"""A finite number, whole if it came so."""


class InTransaction(V1Model):
    """What every operation of documents may name besides."""

    transactionId: str = Field("", max_length=36)  # noqa: N815  # the contract's name


class OneInTransaction(InTransaction):
    """What reading a document takes."""

    queries: list[str] = Field(default_factory=list)


class NewDocument(InTransaction):
    """A document or, in ``documents``, many."""

    documentId: NewId | None = None  # noqa: N815
    data: Data | None = None
    permissions: Permissions | None = None
    documents: list[dict[str, Any]] | None = None


class ManyDocuments(InTransaction):
    """Documents to be created or changed."""

    documents: list[dict[str, Any]]


class DocumentChange(InTransaction):
    """What changes of a document; what is not given stays."""

    data: Data | None = None
    permissions: Permissions | None = None


class DocumentsChange(InTransaction):
    """What changes of the documents that fit."""

    data: Data | None = None
    queries: list[str] = Field(default_factory=list)


class DocumentsChoice(InTransaction):
    """Which documents are meant."""

    queries: list[str] = Field(default_factory=list)


class Increase(InTransaction):
    """What is added to a number, and what it may become at most."""

    value: Number = Field(1, gt=0, allow_inf_nan=False)
    max: Number | None = Field(None, allow_inf_nan=False)


class Decrease(InTransaction):
    """What is taken from a number, and what it must be at least."""

    value: Number = Field(1, gt=0, allow_inf_nan=False)
    min: Number | None = Field(None, allow_inf_nan=False)
