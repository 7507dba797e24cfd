"""The whole HTTP surface under generated input: no 500, only what the document says."""

import re
import subprocess
import sys
from pathlib import Path

from tests.support.site import Site

SCHEMATHESIS = Path(sys.executable).parent / "schemathesis"
EXAMPLES = 40
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "unsupported_method",
)


def test_no_input_breaks_the_server(site: Site, tmp_path: Path) -> None:
    """Every operation of the app's own document, with good and with bad requests."""
    command = [
        str(SCHEMATHESIS), "run", f"{site.url}/api/openapi.json", f"--url={site.url}",
        f"--checks={','.join(CHECKS)}", f"--max-examples={EXAMPLES}", "--seed=1", "--no-color",
    ]  # fmt: skip
    outcome = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert outcome.returncode == 0, outcome.stdout[-6000:]
    selected = re.search(r"Selected: (\d+)/\1\b|(\d+) selected", outcome.stdout)
    assert selected, outcome.stdout
