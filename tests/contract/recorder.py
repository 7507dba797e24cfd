"""Every answer under /v1 that a test receives is checked on the spot and noted for the report.

The notes are JSON lines in the folder that ``CONTRACT_RECORDS`` names, a file a process; without
the variable the answers are checked and nothing is noted.
"""

import json
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.contract.answers import Answer
from tests.contract.contract import Contract, is_under_base, load_contract

RECORDS_VARIABLE = "CONTRACT_RECORDS"
BODY_SHOWN = 400

_cases: ContextVar[tuple[str, ...]] = ContextVar("cases", default=())


class ContractViolation(AssertionError):
    """An answer is not what the contract says."""


@dataclass(frozen=True)
class Record:
    """One answer.

    Attributes:
        operation: its id; None where the contract has none.
        type: the error's type; None for a success.
        credentials: of ``session``, ``key``, ``jwt``, ``basic``; empty for none.
        cases: the labels that the test gave.
        test: pytest's name of the test.
    """

    operation: str | None
    method: str
    path: str
    status: int
    type: str | None
    credentials: tuple[str, ...]
    cases: tuple[str, ...]
    problems: tuple[str, ...]
    test: str


class Recorder:
    """Checks answers and notes them."""

    def __init__(self, folder: Path | None = None, contract: Contract | None = None) -> None:
        """
        Args:
            folder: where the notes go; by default what ``CONTRACT_RECORDS`` names.
            contract: by default the one of the data files.
        """
        given = os.environ.get(RECORDS_VARIABLE)
        self.folder = folder or (Path(given) if given else None)
        self.contract = contract or load_contract()
        self._lock = threading.Lock()

    def observe(
        self,
        method: str,
        path: str,
        sent: Mapping[str, str],
        status: int,
        headers: Mapping[str, str],
        body: bytes,
    ) -> None:
        """Check one answer; one that is not under /v1 or answers OPTIONS is left alone.

        Args:
            path: as it was sent; a query is cut off.
            sent: the request's headers.

        Raises:
            ContractViolation: it is not what the contract says; it is noted all the same.
        """
        path = path.partition("?")[0]
        if not is_under_base(path) or method.upper() == "OPTIONS":
            return
        operation = self.contract.operation_of(method, path)
        problems = self.contract.check_answer(method, path, status, headers, body)
        record = Record(
            operation=operation.id if operation else None,
            method=method.upper(),
            path=path,
            status=status,
            type=Answer(status, headers, body).error_type,
            credentials=credentials_of(sent),
            cases=_cases.get(),
            problems=tuple(problems),
            test=os.environ.get("PYTEST_CURRENT_TEST", "").partition(" ")[0],
        )
        self._note(record)
        if problems:
            raise ContractViolation(_message(record, body))

    def observe_response(self, response: httpx.Response) -> None:
        """The same for an answer of httpx; reads its body."""
        request = response.request
        path = request.url.raw_path.decode("ascii")
        if is_under_base(path.partition("?")[0]):
            self.observe(
                request.method,
                path,
                request.headers,
                response.status_code,
                response.headers,
                response.read(),
            )

    def _note(self, record: Record) -> None:
        if self.folder is None:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"records-{os.getpid()}.jsonl"
        with self._lock, path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(record)) + "\n")


class ContractClient(httpx.Client):
    """A client whose every answer under /v1 is checked."""

    def __init__(self, *, recorder: Recorder | None = None, **options: Any) -> None:
        super().__init__(**options)
        recorded(self, recorder)

    @contextmanager
    def case(self, *labels: str) -> Iterator[None]:
        """See :func:`case`."""
        with case(*labels):
            yield


def recorded(client: httpx.Client, recorder: Recorder | None = None) -> httpx.Client:
    """The client itself; from now on its every answer under /v1 is checked."""
    client.event_hooks["response"].append((recorder or Recorder()).observe_response)
    return client


@contextmanager
def case(*labels: str) -> Iterator[None]:
    """Label this thread's answers: ``with case("other project"): client.get(...)``."""
    token = _cases.set((*_cases.get(), *labels))
    try:
        yield
    finally:
        _cases.reset(token)


def credentials_of(headers: Mapping[str, str]) -> tuple[str, ...]:
    """Which credentials a request sent; they need not be valid."""
    sent = {name.lower(): value for name, value in headers.items()}
    cookies = sent.get("cookie", "").split(";")
    has_cookie = any(part.strip().startswith("a_session_") for part in cookies)
    found = {
        "session": has_cookie or bool(sent.get("x-appwrite-session")),
        "key": bool(sent.get("x-appwrite-key")),
        "jwt": bool(sent.get("x-appwrite-jwt")),
        "basic": sent.get("authorization", "").lower().startswith("basic "),
    }
    return tuple(name for name, is_sent in found.items() if is_sent)


def read_records(folder: Path) -> list[Record]:
    """Every note of every process."""
    lines = [
        json.loads(line)
        for path in sorted(folder.glob("records-*.jsonl"))
        for line in path.read_text(encoding="utf-8").splitlines()
    ]
    lists = ("credentials", "cases", "problems")
    return [Record(**line | {name: tuple(line[name]) for name in lists}) for line in lines]


def _message(record: Record, body: bytes) -> str:
    name = record.operation or "no operation"
    shown = body[:BODY_SHOWN].decode("utf-8", "replace") + ("…" if len(body) > BODY_SHOWN else "")
    lines = [
        f"{name}: {record.method} {record.path} answered {record.status}",
        *(f"  - {problem}" for problem in record.problems),
        f"  body: {shown or '(empty)'}",
    ]
    return "\n".join(lines)
