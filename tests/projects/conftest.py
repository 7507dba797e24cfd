"""An operator, and a project of the operator's."""

import pytest

from tests.support.operators import Operator, OwnedProject
from tests.support.site import Site


@pytest.fixture
def operator(running_site: Site) -> Operator:
    return Operator(running_site)


@pytest.fixture
def project(operator: Operator) -> OwnedProject:
    return operator.create_project()


@pytest.fixture
def reader(project: OwnedProject) -> Operator:
    """Somebody of the project's team who may only look."""
    found = Operator(project.site)
    found.join(project.team_id, "viewer")
    return found


@pytest.fixture
def stranger(running_site: Site) -> Operator:
    """An operator with another project."""
    found = Operator(running_site)
    found.create_project()
    return found
