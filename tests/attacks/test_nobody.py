"""Who shows no credentials is refused by every operation that is not for everybody."""

import re

import pytest

from tests.contract.contract import NO_CREDENTIALS, load_contract
from tests.contract.report import make_app
from tests.contract.routes import served_views
from tests.support.site import Site
from tests.support.v1 import Project

pytestmark = pytest.mark.contract

REFUSALS = {"general_unauthorized_scope", "user_unauthorized"}


@pytest.mark.parametrize("project_id", ["", "console"])
def test_nobody(
    running_site: Site, tmp_path_factory: pytest.TempPathFactory, project_id: str
) -> None:
    client = Project(running_site).guest()
    if project_id:
        client.headers["X-Appwrite-Project"] = project_id
    app = make_app(tmp_path_factory.mktemp("var"))
    operations = [operation for operation, _ in served_views(app, load_contract())]
    closed = [each for each in operations if NO_CREDENTIALS in each.expected_cases]
    assert len(closed) > 80
    for operation in closed:
        address = re.sub(r"\{\w+\}", "nobody", operation.template)
        answer = client.request(operation.method, address)
        assert answer.status_code == 401, (operation.id, answer.text)
        assert answer.json()["type"] in REFUSALS, operation.id
