"""Bare machines with SSH, and an operator with a checkout."""

from collections.abc import Iterator

import pytest

from tests.deploy.machines import Machines


@pytest.fixture(scope="session")
def machines() -> Iterator[Machines]:
    """Where bare machines come from; they are gone at the end."""
    with Machines() as machines:
        yield machines
