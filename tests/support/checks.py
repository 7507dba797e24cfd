"""Assertions that several rooms' tests share."""

import httpx


def assert_error(answer: httpx.Response, status: int, kind: str) -> None:
    """The answer is this error, in the envelope, with a message for a person."""
    assert answer.status_code == status, answer.text
    envelope = answer.json()
    assert set(envelope) == {"message", "code", "type", "version"}
    assert (envelope["code"], envelope["type"]) == (status, kind)
    assert envelope["message"]
