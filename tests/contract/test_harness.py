"""The harness itself: right answers pass, each kind of wrong answer is found."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from flask import Flask

from tests.contract.contract import CASES, GUEST_SCOPES, load_contract
from tests.contract.recorder import (
    ContractClient,
    ContractViolation,
    Record,
    Recorder,
    case,
    credentials_of,
    read_records,
    recorded,
)
from tests.contract.report import (
    build_rows,
    format_table,
    missing_lines,
    missing_types,
    problem_lines,
    refusals_of,
)
from tests.contract.routes import STUBS, extra_routes, served_operations

CONTRACT = load_contract()
JSON = {"Content-Type": "application/json; charset=UTF-8"}
TIME = "2026-01-02T03:04:05.678+00:00"
TEAM = {
    "$id": "t1",
    "$createdAt": TIME,
    "$updatedAt": TIME,
    "name": "Sales",
    "total": 1,
    "prefs": {"colour": "blue"},
}
COLUMN = {
    "key": "age",
    "type": "integer",
    "status": "available",
    "error": "",
    "required": False,
    "array": False,
    "$createdAt": TIME,
    "$updatedAt": TIME,
    "min": 0,
    "default": None,
}
ROW = {
    "$id": "r1",
    "$sequence": 1,
    "$tableId": "t",
    "$databaseId": "d",
    "$createdAt": TIME,
    "$updatedAt": TIME,
    "$permissions": [],
    "anything": {"deep": [1]},
}
TABLE = "/v1/tablesdb/d/tables/t"


def check(
    method: str, path: str, status: int, body: object, headers: Mapping[str, str] = JSON
) -> list[str]:
    """The problems of an answer whose body is bytes or becomes JSON."""
    sent = body if isinstance(body, bytes) else json.dumps(body).encode()
    return CONTRACT.check_answer(method, path, status, headers, sent)


def error_body(name: str, status: int, **others: object) -> dict[str, Any]:
    return {"message": "No.", "code": status, "type": name, "version": "1.0", **others}


def without(body: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in body.items() if key != name}


class TestContract:
    def test_it_is_read_whole(self) -> None:
        assert len(CONTRACT.operations) == 434
        assert len(CONTRACT.services) == 16
        assert len(CONTRACT.error_types) == 247
        every = {status for o in CONTRACT.operations for status in o.success_statuses}
        assert every == {200, 201, 202, 204, 301}

    def test_an_operation_has_its_notes(self) -> None:
        create = CONTRACT.by_id["accountCreate"]
        assert (create.method, create.template) == ("POST", "/v1/account")
        assert create.scopes == {"sessions.write"}
        assert create.rate_limit
        assert (create.rate_limit.limit, create.rate_limit.period_s) == (10, 3600)
        assert create.success_statuses == {201}
        assert create.response_schema == {"$ref": "#/components/schemas/user"}
        assert create.nouns == {"user", "password"}
        assert CONTRACT.by_id["accountGet"].rate_limit is None
        assert CONTRACT.by_id["accountGet"].credentials == {"Session", "JWT"}
        assert CONTRACT.by_id["tablesDBGetIndex"].nouns == {"database", "table", "column_index"}

    def test_every_scope_that_guests_have_exists(self) -> None:
        used = {scope for operation in CONTRACT.operations for scope in operation.scopes}
        assert used >= GUEST_SCOPES

    def test_expected_refusals_follow_the_notes(self) -> None:
        assert CONTRACT.by_id["teamsGet"].expected_cases == set(CASES) - {"bad argument"}
        assert CONTRACT.by_id["accountCreate"].expected_cases == {"bad argument"}
        assert CONTRACT.by_id["storageListFiles"].expected_cases == set(CASES) - {"no credentials"}

    def test_each_template_finds_its_own_operation(self) -> None:
        for operation in CONTRACT.operations:
            assert CONTRACT.operation_of(operation.method, operation.template) is operation

    def test_every_response_schema_compiles(self) -> None:
        for operation in CONTRACT.operations:
            if operation.response_schema:
                assert CONTRACT.schemas.problems(operation.response_schema, None), operation.id

    @pytest.mark.parametrize(
        ("method", "path", "expected"),
        [
            ("GET", "/v1/users/usage", "usersGetUsage"),
            ("GET", "/v1/users/someone", "usersGet"),
            ("DELETE", "/v1/users/usage", "usersDelete"),
            ("head", "/v1/users/someone", "usersGet"),
            ("PATCH", f"{TABLE}/columns/string/key", "tablesDBUpdateStringColumn"),
            ("GET", f"{TABLE}/columns/string", "tablesDBGetColumn"),
            ("POST", f"{TABLE}/columns/string", "tablesDBCreateStringColumn"),
            ("GET", "/v1/users/", None),
            ("GET", "/users/someone", None),
            ("PUT", "/v1/users/someone", None),
            ("GET", "/v1/users/a/b/c", None),
        ],
    )
    def test_literals_win_over_parameters(
        self, method: str, path: str, expected: str | None
    ) -> None:
        found = CONTRACT.operation_of(method, path)
        assert (found.id if found else None) == expected


class TestSuccesses:
    @pytest.mark.parametrize(
        ("method", "path", "status", "body"),
        [
            ("GET", "/v1/teams/t1?queries=x", 200, TEAM),
            ("GET", "/v1/teams/t1", 200, TEAM | {"prefs": {}}),
            ("POST", "/v1/teams", 201, TEAM),
            ("GET", "/v1/teams", 200, {"total": 1, "teams": [TEAM]}),
            ("DELETE", "/v1/teams/t1", 204, b""),
            ("GET", "/v1/account/prefs", 200, {"any": ["thing"]}),
            ("GET", f"{TABLE}/rows/r1", 200, ROW),
            ("GET", f"{TABLE}/columns", 200, {"total": 1, "columns": [COLUMN]}),
            ("GET", f"{TABLE}/columns/age", 200, COLUMN),
            ("POST", f"{TABLE}/columns/integer", 202, COLUMN),
            ("POST", "/v1/graphql", 200, {"data": None}),
        ],
    )
    def test_right_answers_pass(self, method: str, path: str, status: int, body: object) -> None:
        assert check(method, path, status, body) == []

    @pytest.mark.parametrize(
        ("status", "body", "problem"),
        [
            (201, TEAM, "status 201; the contract has 200"),
            (304, b"", "status 304; the contract has 200"),
            (200, without(TEAM, "total"), '"total" is a required property'),
            (200, TEAM | {"total": "1"}, "total: "),
            (200, TEAM | {"name": None}, "name: null is not of type"),
            (200, TEAM | {"prefs": []}, "prefs: [] is not of type"),
            (200, TEAM | {"secret": "x"}, "secret"),
            (200, [TEAM], "body: "),
            (200, b"{", "the body is null or not JSON"),
            (200, b"", "the body is null or not JSON"),
            (200, None, "the body is null or not JSON"),
        ],
    )
    def test_wrong_answers_are_found(self, status: int, body: object, problem: str) -> None:
        problems = check("GET", "/v1/teams/t1", status, body)
        assert len(problems) == 1
        assert problem in problems[0]

    def test_a_problem_names_its_place(self) -> None:
        body = {"total": 2, "teams": [TEAM, TEAM | {"name": 5}]}
        (problem,) = check("GET", "/v1/teams", 200, body)
        assert problem.startswith("teams.1.name: 5 is not of type")

    def test_an_empty_answer_is_empty(self) -> None:
        assert check("DELETE", "/v1/teams/t1", 204, {}) == ["the body is not empty"]

    @pytest.mark.parametrize("headers", [{}, {"content-type": "text/html"}])
    def test_the_content_type_is_checked(self, headers: dict[str, str]) -> None:
        (problem,) = check("GET", "/v1/teams/t1", 200, TEAM, headers)
        assert problem.startswith("content type")

    @pytest.mark.parametrize(
        ("change", "is_right"),
        [
            ({}, True),
            ({"type": "double", "default": 1.5}, True),
            ({"type": "string"}, False),
            ({"type": "string", "size": 10, "min": 0}, False),
            ({"default": "a text"}, False),
            ({"type": "number"}, False),
            ({"status": "ready"}, False),
        ],
    )
    def test_a_column_is_of_the_kind_that_it_names(
        self, change: dict[str, Any], is_right: bool
    ) -> None:
        assert (check("GET", f"{TABLE}/columns/age", 200, COLUMN | change) == []) is is_right

    def test_kinds_of_strings_go_by_format(self) -> None:
        text = without(COLUMN | {"type": "string"}, "min")
        path = f"{TABLE}/columns/x"
        assert check("GET", path, 200, text | {"size": 10, "encrypt": False}) == []
        assert check("GET", path, 200, text | {"format": "email"}) == []
        assert check("GET", path, 200, text | {"format": "enum"}) != []
        assert check("GET", path, 200, text | {"format": "enum", "elements": ["a"]}) == []

    def test_head_has_no_body(self) -> None:
        assert check("HEAD", "/v1/teams/t1", 200, b"") == []
        assert check("HEAD", "/v1/teams/t1", 404, b"") == []
        assert check("HEAD", "/v1/teams/t1", 204, b"") != []

    def test_bytes_have_a_content_type(self) -> None:
        path = "/v1/storage/buckets/b/files/f/view"
        assert check("GET", path, 200, b"\x89PNG", {"content-type": "image/png"}) == []
        assert check("GET", path, 200, b"\x89PNG", {}) != []
        part = {"content-type": "image/png", "Content-Range": "bytes 0-3/9"}
        assert check("GET", path, 206, b"\x89PNG", part) == []
        assert check("GET", path, 206, b"\x89PNG", without(part, "Content-Range")) != []
        assert check("GET", "/v1/teams/t1", 206, TEAM, JSON | part) != []

    def test_a_redirect_names_its_location(self) -> None:
        path = "/v1/account/sessions/oauth2/github"
        assert check("GET", path, 301, b"", {"Location": "https://id.example/"}) == []
        assert check("GET", path, 301, b"", {}) == ["a redirect names its Location"]
        assert check("GET", path, 302, b"", {"Location": "https://id.example/"}) != []

    def test_an_execution_is_json_or_multipart(self) -> None:
        path = "/v1/functions/f/executions"
        execution = CONTRACT.schemas.required({"$ref": "#/components/schemas/execution"})
        parts = [
            f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\nx\r\n'
            for name in sorted(execution)
        ]
        headers = {"Content-Type": 'multipart/form-data; boundary="b"'}
        assert check("POST", path, 201, ("".join(parts) + "--b--\r\n").encode(), headers) == []
        body = ("".join(parts[1:]) + "--b--\r\n").encode()
        assert check("POST", path, 201, body, headers) == ["no part for $createdAt"]
        assert "$id" in " ".join(check("POST", path, 201, {}))
        assert check("POST", "/v1/teams", 201, body, headers) != []


class TestErrors:
    @pytest.mark.parametrize(
        ("name", "status"),
        [("team_not_found", 404), ("general_unauthorized_scope", 401), ("general_unknown", 500)],
    )
    def test_known_types_pass(self, name: str, status: int) -> None:
        headers = JSON | {"X-Request-Id": "0" * 32}
        assert check("GET", "/v1/teams/t1", status, error_body(name, status), headers) == []

    @pytest.mark.parametrize(
        ("status", "body", "problem"),
        [
            (404, error_body("team_lost", 404), "unknown error type 'team_lost'"),
            (404, error_body("team_already_exists", 404), "has status 409, not 404"),
            (404, error_body("team_not_found", 400), "code 400 is not the status 404"),
            (404, error_body("team_not_found", 404, trace=[]), "an error has the keys"),
            (404, without(error_body("team_not_found", 404), "version"), "an error has the keys"),
            (404, error_body("team_not_found", 404, message=""), "message and version"),
            (404, error_body("team_not_found", 404, type=None), "unknown error type None"),
            (404, error_body("team_not_found", 404, code="404"), "code '404' is not the status"),
            (404, b"<h1>Not found</h1>", "an error's body is a JSON object"),
        ],
    )
    def test_wrong_errors_are_found(self, status: int, body: object, problem: str) -> None:
        assert problem in " | ".join(check("GET", "/v1/teams/t1", status, body))

    def test_an_error_is_json(self) -> None:
        body = error_body("team_not_found", 404)
        assert check("GET", "/v1/teams/t1", 404, body, {"Content-Type": "text/plain"}) != []

    def test_an_unknown_route_may_only_refuse(self) -> None:
        assert check("GET", "/v1/nothing", 200, {}) == ["GET /v1/nothing is not in the contract"]
        refusal = error_body("general_route_not_found", 404)
        assert check("GET", "/v1/nothing", 404, refusal) == []
        assert check("PUT", "/v1/teams", 404, refusal) == []
        other = error_body("team_not_found", 404)
        assert check("GET", "/v1/nothing", 404, other) == ["GET /v1/nothing is not in the contract"]

    def test_what_is_not_under_v1_is_left_alone(self) -> None:
        assert check("GET", "/api/todo", 418, b"") == []
        assert check("GET", "/v10/teams", 418, b"") == []
        assert check("OPTIONS", "/v1/teams", 204, b"") == []


Handler = Callable[[httpx.Request], httpx.Response]


def client_of(folder: Path, answer: Handler, **options: Any) -> ContractClient:
    return ContractClient(
        recorder=Recorder(folder),
        transport=httpx.MockTransport(answer),
        base_url="http://site",
        **options,
    )


class TestRecorder:
    def test_answers_are_noted(self, tmp_path: Path) -> None:
        def answer(request: httpx.Request) -> httpx.Response:
            if request.method == "GET":
                return httpx.Response(200, json=TEAM)
            return httpx.Response(404, json=error_body("team_not_found", 404))

        with client_of(tmp_path, answer) as client:
            client.get("/v1/teams/t1", headers={"X-Appwrite-Key": "k"}, params={"q": "1"})
            with client.case("other project"), case("second"):
                client.delete("/v1/teams/t1", headers={"Cookie": "x=1; a_session_p=s"})
            client.get("/api/anything")
        first, second = read_records(tmp_path)
        assert (first.operation, first.method, first.path) == ("teamsGet", "GET", "/v1/teams/t1")
        assert (first.status, first.type, first.credentials) == (200, None, ("key",))
        assert first.cases == ()
        assert "test_answers_are_noted" in first.test
        assert (second.operation, second.type) == ("teamsDelete", "team_not_found")
        assert second.cases == ("other project", "second")
        assert second.credentials == ("session",)

    def test_a_wrong_answer_fails_the_test_and_is_noted(self, tmp_path: Path) -> None:
        with (
            client_of(tmp_path, lambda _: httpx.Response(200, json={"long": "x" * 999})) as client,
            pytest.raises(ContractViolation) as caught,
        ):
            client.get("/v1/teams/t1")
        message = str(caught.value)
        assert message.startswith("teamsGet: GET /v1/teams/t1 answered 200\n  - ")
        assert '"$id" is a required property' in message
        assert len(message) < 2500
        (record,) = read_records(tmp_path)
        assert record.problems

    def test_any_client_can_be_recorded(self, tmp_path: Path) -> None:
        transport = httpx.MockTransport(lambda _: httpx.Response(418))
        with recorded(httpx.Client(transport=transport), Recorder(tmp_path)) as client:
            assert client.get("http://site/other").status_code == 418
            with pytest.raises(ContractViolation):
                client.get("http://site/v1/teams")

    def test_streams_and_redirects_are_seen(self, tmp_path: Path) -> None:
        def answer(request: httpx.Request) -> httpx.Response:
            if "oauth2" in request.url.path:
                return httpx.Response(301, headers={"Location": "http://site/v1/teams/t1"})
            return httpx.Response(200, json=TEAM)

        with client_of(tmp_path, answer, follow_redirects=True) as client:
            with client.stream("GET", "/v1/teams/t1") as streamed:
                assert json.loads(b"".join(streamed.iter_bytes())) == TEAM
            client.get("/v1/account/tokens/oauth2/github")
        operations = [record.operation for record in read_records(tmp_path)]
        assert operations == ["teamsGet", "accountCreateOAuth2Token", "teamsGet"]

    def test_the_variable_names_the_folder(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("CONTRACT_RECORDS", str(tmp_path / "notes"))
        body = json.dumps(TEAM).encode()
        Recorder().observe("GET", "/v1/teams/t1", {}, 200, JSON, body)
        assert len(read_records(tmp_path / "notes")) == 1
        monkeypatch.delenv("CONTRACT_RECORDS")
        Recorder().observe("GET", "/v1/teams/t1", {}, 200, JSON, body)

    @pytest.mark.parametrize(
        ("headers", "expected"),
        [
            ({}, ()),
            ({"X-Appwrite-Project": "p", "Cookie": "theme=dark"}, ()),
            ({"x-appwrite-session": "s"}, ("session",)),
            ({"X-APPWRITE-JWT": "j"}, ("jwt",)),
            ({"Authorization": "Basic eA=="}, ("basic",)),
            ({"X-Appwrite-Key": "k", "Cookie": "a_session_p_legacy=s"}, ("session", "key")),
        ],
    )
    def test_credentials(self, headers: dict[str, str], expected: tuple[str, ...]) -> None:
        assert credentials_of(headers) == expected


SUCCESS = Record("teamsGet", "GET", "/v1/teams/t1", 200, None, ("key",), (), (), "t")


def refusal(
    name: str, status: int, credentials: tuple[str, ...] = ("key",), cases: tuple[str, ...] = ()
) -> Record:
    return replace(SUCCESS, status=status, type=name, credentials=credentials, cases=cases)


class TestReport:
    @pytest.mark.parametrize(
        ("record", "expected"),
        [
            (SUCCESS, set()),
            (refusal("general_unauthorized_scope", 401), {"missing scope"}),
            (refusal("general_unauthorized_scope", 401, ()), {"no credentials"}),
            (refusal("user_unauthorized", 401, ()), {"no credentials"}),
            (refusal("user_unauthorized", 401), set()),
            (refusal("team_not_found", 404), {"not found"}),
            (refusal("team_not_found", 404, cases=("other project",)), {"other project"}),
            (replace(SUCCESS, cases=("other project",)), set()),
            (refusal("general_route_not_found", 404), set()),
            (refusal("general_argument_invalid", 400), {"bad argument"}),
            (refusal("general_query_invalid", 400), {"bad argument"}),
            (refusal("row_invalid_structure", 400), {"bad argument"}),
            (refusal("user_deletion_prohibited", 400), set()),
            (refusal("user_deletion_prohibited", 400, cases=("bad argument",)), {"bad argument"}),
            (replace(refusal("team_not_found", 404), problems=("wrong",)), set()),
        ],
    )
    def test_refusals_are_recognised(self, record: Record, expected: set[str]) -> None:
        assert refusals_of(record) == expected

    def test_numbers(self) -> None:
        records = [
            SUCCESS,
            SUCCESS,
            refusal("team_not_found", 404),
            refusal("team_not_found", 404, cases=("other project",)),
            refusal("general_unauthorized_scope", 401, ()),
            replace(SUCCESS, operation="teamsList", problems=("wrong",)),
            replace(SUCCESS, operation=None, status=404, type="general_route_not_found"),
        ]
        rows = {r.service: r for r in build_rows(CONTRACT, records, {"teamsGet", "teamsList"})}
        teams = rows["teams"]
        assert teams.operations == 14
        assert str(teams.served) == "2/14"
        assert str(teams.success) == "1/14"
        assert {case: count.done for case, count in teams.cases.items()} == {
            "no credentials": 1,
            "missing scope": 0,
            "other project": 1,
            "not found": 1,
            "bad argument": 0,
        }
        expected = {n for n in CONTRACT.error_types if n.startswith(("team_", "membership_"))}
        assert str(teams.types) == f"1/{len(expected)}"
        assert rows["users"].success.done == 0
        assert (rows["all"].operations, rows["all"].success.done) == (434, 1)

    def test_the_table_has_a_line_a_service(self) -> None:
        lines = format_table(build_rows(CONTRACT, [SUCCESS], {"teamsGet"})).splitlines()
        assert len(lines) == 1 + 16 + 1
        assert lines[0].split("  ")[0] == "service"
        assert len({len(line) for line in lines}) == 1

    def test_what_is_missing(self) -> None:
        lines = missing_lines(CONTRACT, [SUCCESS], {"teamsGet", "teamsList"})
        assert lines == [
            "teamsList: bad argument, missing scope, no credentials, success",
            "teamsGet: missing scope, no credentials, not found, other project",
        ]
        types = missing_types(CONTRACT, [refusal("team_not_found", 404)], {"teamsGet"})
        assert "team_already_exists" in types
        assert "team_not_found" not in types

    def test_broken_answers_are_listed(self) -> None:
        broken = replace(SUCCESS, problems=("total: wrong",))
        assert problem_lines([SUCCESS, broken]) == ["GET /v1/teams/t1 200: total: wrong (t)"]


def answer_nothing(**_: object) -> str:
    return ""


class TestRoutes:
    @pytest.fixture
    def app(self) -> Flask:
        app = Flask("small", static_folder=None)
        app.add_url_rule("/v1/teams/<team_id>", "team", answer_nothing, methods=["GET", "DELETE"])
        app.add_url_rule("/v1/users/<string(length=4):x>", "user", answer_nothing)
        app.add_url_rule("/api/todo", "todo", answer_nothing)
        return app

    def test_served(self, app: Flask) -> None:
        assert served_operations(app, CONTRACT) == {"teamsGet", "teamsDelete", "usersGet"}
        assert extra_routes(app, CONTRACT) == []

    def test_stubs_are_not_served(self, app: Flask) -> None:
        app.extensions[STUBS] = {"team"}
        assert served_operations(app, CONTRACT) == {"usersGet"}

    def test_extra_routes_are_found(self, app: Flask) -> None:
        app.add_url_rule("/v1/teams/<team_id>", "put", answer_nothing, methods=["PUT", "PATCH"])
        app.add_url_rule("/v1/users/<path:rest>", "deep", answer_nothing)
        app.add_url_rule("/v1/users/", "slash", answer_nothing)
        assert extra_routes(app, CONTRACT) == [
            "GET /v1/users/",
            "GET /v1/users/<path:rest>",
            "PATCH /v1/teams/{}",
        ]
