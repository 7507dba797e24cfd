"""The contract's operations under generated input: no 500, refusals in the envelope."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.contract.contract import Operation, load_contract
from tests.contract.fuzz import cut_document
from tests.contract.recorder import ContractClient
from tests.contract.report import make_app
from tests.contract.routes import served_operations
from tests.contract.world import World
from tests.support.site import Site
from tests.test_schemathesis import SCHEMATHESIS

pytestmark = pytest.mark.contract

EXAMPLES = 6
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
)
CONFIGURATION = """
[phases.coverage]
unexpected-methods = []

[checks.not_a_server_error]
expected-statuses = ["2xx", "3xx", "4xx", 501, 503]
"""
"""No methods that the document lacks: a DELETE would end the caller or the project.
501 and 503 are the contract's words for what a project or this server does not have."""

CALLS_OTHERS = {
    "avatarsGetFavicon", "avatarsGetImage", "projectsUpdateSmtp", "projectsCreateSmtpTest",
}  # fmt: skip
CHANGES_THE_CALLER = {
    "accountDelete", "accountUpdateStatus", "accountDeleteSessions", "accountDeleteSession",
    "projectsDelete", "projectsUpdateTeam", "projectsUpdateApiStatus", "projectsUpdateApiStatusAll",
    "projectsUpdateServiceStatus", "projectsUpdateServiceStatusAll", "projectsUpdateAuthDuration",
}  # fmt: skip


def by_key(operation: Operation) -> bool:
    is_open = operation.service == "account" and "account" not in operation.scopes
    return "Key" in operation.credentials or is_open


def by_session(operation: Operation) -> bool:
    return operation.service in ("account", "teams") and "sessions.write" not in operation.scopes


def by_operator(operation: Operation) -> bool:
    return operation.service == "projects"


@pytest.mark.parametrize(
    ("who", "is_theirs"), [("key", by_key), ("person", by_session), ("console", by_operator)]
)
def test_generated_input(
    running_site: Site, tmp_path: Path, who: str, is_theirs: Callable[[Operation], bool]
) -> None:
    contract = load_contract()
    world = World(running_site)
    served = served_operations(make_app(tmp_path / "var"), contract)
    wanted = served - CALLS_OTHERS - CHANGES_THE_CALLER
    document = cut_document(contract, lambda o: o.id in wanted and is_theirs(o), world)
    (tmp_path / "document.json").write_text(json.dumps(document))
    (tmp_path / "schemathesis.toml").write_text(CONFIGURATION)
    count = sum(len(methods) for methods in document["paths"].values())
    command = [
        str(SCHEMATHESIS), "run", "document.json", f"--url={running_site.url}/v1",
        f"--checks={','.join(CHECKS)}", f"--max-examples={EXAMPLES}", "--phases=coverage,fuzzing",
        "--seed=1", "--max-redirects=0", "--no-color", *headers_of(getattr(world, who)),
    ]  # fmt: skip
    outcome = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    told = outcome.stdout[max(0, outcome.stdout.find("= FAILURES =")) :]
    assert outcome.returncode == 0, told[:8000] + outcome.stderr[-2000:]
    assert f"Tested: {count}" in outcome.stdout, outcome.stdout
    for client, path in (
        (world.key, f"/v1/users/{world.ids['userId']}"),
        (world.person, f"/v1/teams/{world.ids['teamId']}"),
        (world.console, world.project.path),
    ):
        assert client.get(path).status_code == 200, "the callers were shut out on the way"


def headers_of(client: ContractClient) -> list[str]:
    """The client's credentials as options."""
    sent = {name: value for name, value in client.headers.items() if name.startswith("x-appwrite")}
    cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in client.cookies.jar)
    sent |= {"cookie": cookies} if cookies else {}
    return [f"--header={name}: {value}" for name, value in sent.items()]
