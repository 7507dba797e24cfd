"""Shapes of the to-do API."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, Field, model_validator
from pydantic.json_schema import SkipJsonSchema

from raindrop.core.http import RequestModel, UrlInt
from raindrop.todos.models import CONTENT_MAX, ID_MAX, START_MAX, trim_content

Content = Annotated[str, AfterValidator(trim_content)]


class TodoPath(RequestModel):
    """The id in the address."""

    todo_id: UrlInt = Field(description="The to-do's id")


class BoardQuery(RequestModel):
    """Which ten to-dos: from a position, or older than one that the client has."""

    start: UrlInt = Field(0, ge=0, le=START_MAX, description="How many newer ones to pass over")
    before: UrlInt | SkipJsonSchema[None] = Field(
        None, ge=1, le=ID_MAX, description="Only older than this id"
    )

    @model_validator(mode="after")
    def _one_way(self) -> "BoardQuery":
        if self.before is not None and self.start:
            raise ValueError("give start or before, not both")
        return self


class NewTodo(RequestModel):
    """A new to-do."""

    content: Content = Field(description=f"1 to {CONTENT_MAX} characters after trimming")


class ExportOptions(RequestModel):
    """What the exported file shall be."""

    format: Literal["csv", "jsonl"] = "jsonl"


class TodoAnswer(BaseModel):
    """A to-do; times in Unix seconds with a fraction."""

    id: int
    content: str
    created_at: float
    is_finished: bool
    finished_at: float | None


class BoardAnswer(BaseModel):
    """Ten to-dos, newest first, and how many there are in all."""

    data: list[TodoAnswer]
    total: int
