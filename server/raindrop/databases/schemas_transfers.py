"""Shapes of importing and exporting a collection."""

from typing import Literal

from pydantic import Field

from raindrop.core.http import RequestModel
from raindrop.core.queries import LENGTH_MAX, QUERIES_MAX


class CollectionPath(RequestModel):
    """The ids in the address."""

    project_id: str = Field(max_length=36)
    database_id: str = Field(max_length=36)
    collection_id: str = Field(max_length=36)


class ImportQuery(RequestModel):
    """How a file is imported."""

    on_conflict: Literal["skip", "overwrite"] = Field(
        "skip", description="What happens to documents whose $id is there already"
    )
    relationships: Literal["link", "skip"] = Field(
        "link", description="Whether what the file says of related documents is looked at"
    )


class ExportOptions(RequestModel):
    """What is exported."""

    format: Literal["csv", "jsonl"] = "csv"
    queries: list[str] = Field(
        default_factory=list,
        max_length=QUERIES_MAX,
        description=f"Filters as JSON texts of at most {LENGTH_MAX} characters; all must fit",
    )
