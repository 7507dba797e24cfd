"""The app serves nothing under /v1 that the contract does not have."""

from pathlib import Path

import pytest

from tests.contract.contract import load_contract
from tests.contract.report import make_app
from tests.contract.routes import extra_routes


@pytest.mark.contract
def test_every_route_under_v1_is_in_the_contract(tmp_path: Path) -> None:
    assert extra_routes(make_app(tmp_path), load_contract()) == []
