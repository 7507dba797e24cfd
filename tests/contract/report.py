"""``make contract``: the tests marked ``contract``, then what of the contract they saw."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from raindrop.app import create_app
from raindrop.config import load_settings
from raindrop.core.http import RaindropApp
from tests.contract.contract import (
    BAD_ARGUMENT,
    CASES,
    MISSING_SCOPE,
    NO_CREDENTIALS,
    NOT_FOUND,
    OTHER_PROJECT,
    Contract,
    Operation,
    load_contract,
)
from tests.contract.recorder import RECORDS_VARIABLE, Record, read_records
from tests.contract.routes import extra_routes, served_operations

COLUMNS = ("service", "contract", "served", "success", *CASES, "error types")
NO_TESTS = 5


_NO_TEXT_MESSAGES = "the server sends no text messages"
_NO_PROVIDERS = "there are no providers of messages yet"
_NO_WHITELIST = "the console has no list of who may sign up; its owner closes sign-up"
_NOT_USED = "no operation has a cause for it"
NOT_TO_BE_HAD = {
    "accountUpdatePhoneSession": _NO_TEXT_MESSAGES,
    "accountUpdatePhoneVerification": _NO_TEXT_MESSAGES,
    "user_phone_already_verified": _NO_TEXT_MESSAGES,
    "user_phone_not_found": _NO_TEXT_MESSAGES,
    "user_phone_not_verified": _NO_TEXT_MESSAGES,
    "target_provider_invalid_type": _NO_PROVIDERS,
    "user_email_not_whitelisted": _NO_WHITELIST,
    "user_ip_not_whitelisted": _NO_WHITELIST,
    "user_oauth2_bad_request": "answered to browsers under /api/oauth2, where the tests see it",
    "user_missing_id": "a provider that tells no id has failed: user_oauth2_provider_error",
    "user_password_reset_required": "no password is let in but for a reset",
    "team_invite_not_found": "an invitation is a membership: membership_not_found",
    "user_invalid_code": _NOT_USED,
    "user_password_mismatch": _NOT_USED,
}
"""Successes of operations and error types that no test can bring about, and why."""


@dataclass(frozen=True)
class Count:
    """So many exercised of so many expected."""

    done: int
    expected: int

    def __str__(self) -> str:
        return f"{self.done}/{self.expected}" if self.expected else "-"


@dataclass(frozen=True)
class Row:
    """One service's numbers.

    Attributes:
        operations: how many the contract has.
        cases: refusal → operations that tests made refuse so.
        types: error types that name the service's resources; a type counts as exercised whichever
            operation answered it, because services share resources.
    """

    service: str
    operations: int
    served: Count
    success: Count
    cases: dict[str, Count]
    types: Count

    @property
    def cells(self) -> tuple[str, ...]:
        """The row's texts, in the order of ``COLUMNS``."""
        cases = (str(self.cases[case]) for case in CASES)
        return (
            self.service,
            str(self.operations),
            str(self.served),
            str(self.success),
            *cases,
            str(self.types),
        )


def refusals_of(record: Record) -> set[str]:
    """Which of the refusals an answer is; a label of the test counts for a refusal only.

    Another project's things are refused with the errors of missing ones, so they have a label,
    and an answer that has it is no example of ``not found``.
    """
    if record.status < 400 or record.problems:
        return set()
    if OTHER_PROJECT in record.cases:
        return {OTHER_PROJECT}
    found = set(record.cases) & set(CASES)
    name = record.type or ""
    if record.status == 401 and not record.credentials:
        found.add(NO_CREDENTIALS)
    elif name == "general_unauthorized_scope":
        found.add(MISSING_SCOPE)
    if name.endswith("_not_found") and record.status == 404 and name != "general_route_not_found":
        found.add(NOT_FOUND)
    if record.status == 400 and is_of_arguments(name):
        found.add(BAD_ARGUMENT)
    return found


def is_of_arguments(name: str) -> bool:
    """Whether an error of this type says that what was sent is wrong."""
    generic = ("general_argument_", "general_query_", "general_invalid_", "general_bad_request")
    endings = (
        "_invalid",
        "_unsupported",
        "_missing_data",
        "_missing_payload",
        "_invalid_structure",
        "_invalid_success_url",
        "_invalid_failure_url",
    )
    limits = ("_query_limit_exceeded", "_cursor_not_found")
    return name.startswith(generic) or name.endswith(endings + limits)


def build_rows(contract: Contract, records: Iterable[Record], served: set[str]) -> list[Row]:
    """A row a service, and one for all."""
    kept = list(records)
    rows = [
        _row(
            service,
            [o for o in contract.operations if o.service == service],
            contract,
            kept,
            served,
        )
        for service in contract.services
    ]
    return [*rows, _row("all", contract.operations, contract, kept, served)]


def _row(
    name: str,
    operations: list[Operation],
    contract: Contract,
    records: list[Record],
    served: set[str],
) -> Row:
    ids = {operation.id for operation in operations}
    succeeded = {r.operation for r in records if r.status < 400 and not r.problems} & ids
    types = contract.types_of(operations)
    return Row(
        service=name,
        operations=len(ids),
        served=Count(len(ids & served), len(ids)),
        success=Count(len(succeeded), len(ids)),
        cases={case: _case_count(case, operations, records) for case in CASES},
        types=Count(len(types & _types_seen(records)), len(types)),
    )


def _case_count(case: str, operations: list[Operation], records: list[Record]) -> Count:
    expected = {o.id for o in operations if case in o.expected_cases}
    seen = {record.operation for record in records if case in refusals_of(record)}
    return Count(len(expected & seen), len(expected))


def _types_seen(records: list[Record]) -> set[str]:
    return {record.type for record in records if record.type and not record.problems}


def missing_lines(contract: Contract, records: Iterable[Record], served: set[str]) -> list[str]:
    """For each operation that is served: what no test has shown."""
    seen: dict[str | None, set[str]] = {}
    for record in records:
        shown = {"success"} if record.status < 400 and not record.problems else refusals_of(record)
        seen.setdefault(record.operation, set()).update(shown)
    lines = []
    for operation in contract.operations:
        wanted = {"success"} | operation.expected_cases
        missing = sorted(wanted - seen.get(operation.id, set()))
        if operation.id in served and missing:
            lines.append(_explained(operation.id, f"{operation.id}: {', '.join(missing)}"))
    return lines


def missing_types(contract: Contract, records: Iterable[Record], served: set[str]) -> list[str]:
    """The error types of the served operations' resources that no test has received."""
    operations = [contract.by_id[name] for name in served]
    missing = sorted(contract.types_of(operations) - _types_seen(list(records)))
    return [_explained(name, name) for name in missing]


def _explained(name: str, line: str) -> str:
    return f"{line} ({NOT_TO_BE_HAD[name]})" if name in NOT_TO_BE_HAD else line


def format_table(rows: Sequence[Row]) -> str:
    """The rows as text in columns."""
    lines = [COLUMNS, *(row.cells for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(COLUMNS))]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if column else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        for line in lines
    )


def problem_lines(records: Iterable[Record]) -> list[str]:
    """The answers that broke the contract, also those whose test did not notice."""
    return sorted({
        f"{record.method} {record.path} {record.status}: {problem} ({record.test})"
        for record in records
        for problem in record.problems
    })  # fmt: skip


def make_app(folder: Path) -> RaindropApp:
    """The app with its routes; nothing of it runs."""
    return create_app(load_settings({"RAINDROP_VAR": str(folder)}))


def run_tests(records: Path, arguments: Sequence[str]) -> int:
    """Run what is marked ``contract``; pytest's exit status."""
    command = [
        sys.executable, "-m", "pytest", "-m", "contract",
        "--numprocesses", "2", "--dist", "loadgroup", *arguments,
    ]  # fmt: skip
    environment = os.environ | {RECORDS_VARIABLE: str(records)}
    return subprocess.run(command, env=environment, check=False).returncode


def main(arguments: Sequence[str]) -> int:
    """Run the tests, print the report; 1 when a test, a route or an answer is wrong.

    Args:
        arguments: more for pytest; ``--missing`` is ours and lists what no test has shown.
    """
    contract = load_contract()
    with tempfile.TemporaryDirectory(prefix="contract") as name:
        folder = Path(name)
        for_pytest = [argument for argument in arguments if argument != "--missing"]
        outcome = run_tests(folder / "records", for_pytest)
        records = read_records(folder / "records")
        app = make_app(folder / "var")
    served = served_operations(app, contract)
    print(f"\n{format_table(build_rows(contract, records, served))}")
    if "--missing" in arguments:
        _print_lines("Not shown by any test", missing_lines(contract, records, served))
        _print_lines("Error types not received", missing_types(contract, records, served))
    wrong = extra_routes(app, contract)
    _print_lines("Routes that the contract does not have", wrong)
    broken = problem_lines(records)
    _print_lines("Answers that break the contract", broken)
    return 1 if wrong or broken or outcome not in (0, NO_TESTS) else 0


def _print_lines(title: str, lines: Sequence[str]) -> None:
    if lines:
        print(f"\n{title}:", *(f"  {line}" for line in lines), sep="\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
