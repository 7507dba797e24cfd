"""How ids and times look, and how large files may be. Services use it, so it imports little."""

import datetime
import re
import secrets

FILE_LIMIT_BYTES = 4 * 1024 * 1024
IMPORT_LIMIT_BYTES = 100 * 1024 * 1024
"""How large a file of documents may be."""

FORM_OVERHEAD_BYTES = 64 * 1024
"""What a multipart body may hold besides its file."""


ID_MAX = 36
"""Characters of a public id."""

UNIQUE = "unique()"
"""What client libraries send for an id that the server shall choose."""


def new_id() -> str:
    """A new public id: 20 hexadecimal digits, about in order of time."""
    milliseconds = int(datetime.datetime.now(datetime.UTC).timestamp() * 1000)
    return f"{milliseconds:011x}{secrets.token_hex(5)[:9]}"


def check_id(value: str) -> str:
    """An id that a caller gives; for ``unique()`` a new one.

    Raises:
        ValueError: it is none.
    """
    if value == UNIQUE:
        return new_id()
    if len(value) > ID_MAX or not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", value):
        raise ValueError(
            f"must have 1 to {ID_MAX} characters: letters, digits, period, hyphen and underscore,"
            " the first a letter or digit"
        )
    return value


def show_time(time: datetime.datetime | None) -> str:
    """A time as the contract has it: UTC, milliseconds, ISO 8601; empty for None."""
    if time is None:
        return ""
    if time.tzinfo is datetime.UTC:
        return time.isoformat(timespec="milliseconds")  # the same, and quicker
    return time.strftime("%Y-%m-%dT%H:%M:%S.") + f"{time.microsecond // 1000:03d}+00:00"
