"""An HTTP answer as the contract's checks look at it."""

import email.parser
import email.policy
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Answer:
    """A status, headers and a body; ``None`` for the body that HEAD does not have."""

    status: int
    headers: Mapping[str, str]
    body: bytes | None

    def header(self, name: str) -> str:
        """A header's value; empty when it is not there."""
        return {key.lower(): value for key, value in self.headers.items()}.get(name.lower(), "")

    @property
    def media_type(self) -> str:
        """The content type without its parameters, in lower case."""
        return self.header("content-type").partition(";")[0].strip().lower()

    @property
    def is_part(self) -> bool:
        """Whether it answers a request for a range."""
        return self.status == 206 and bool(self.header("content-range"))

    @property
    def json(self) -> Any:
        """The parsed body; None when it is no JSON."""
        try:
            return json.loads(self.body or b"")
        except ValueError:
            return None

    @property
    def error_type(self) -> str | None:
        """The name of the error; None for a success and for a body of another form."""
        found = self.json if self.status >= 400 else None
        name = found.get("type") if isinstance(found, dict) else None
        return name if isinstance(name, str) else None

    @property
    def part_names(self) -> set[str]:
        """The names of the parts of a multipart body."""
        head = f"Content-Type: {self.header('content-type')}\r\n\r\n".encode()
        parser = email.parser.BytesParser(policy=email.policy.HTTP)
        message = parser.parsebytes(head + (self.body or b""))
        return {
            str(part.get_param("name", "", "content-disposition")) for part in message.iter_parts()
        }
