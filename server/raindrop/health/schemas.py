"""Shapes of the health API."""

from typing import Literal

from pydantic import BaseModel


class HealthAnswer(BaseModel):
    """Whether the server works, and each of its parts."""

    status: Literal["ok", "degraded", "failing"]
    version: str
    release: str
    parts: dict[str, bool]
