"""Rules of the house that a machine can hold."""

import ast
import json
import re
import tarfile
from pathlib import Path

import pytest

from raindrop.app import ROOMS, create_app
from raindrop.config import HOME, load_settings
from raindrop.core.broker import POOLS

HOMES = (
    (r"\b(API)?Blueprint\(", r"routes(_\w+)?|openwhisk|vocabulary"),
    (r"\bdb\.Model\b", r"models"),
    (r"^@(task|job_handler|consumer)\(", r"tasks"),
    (r"^@\w+\.(command|group)\(|^@click\.", r"cli"),
)
"""What a file of a room holds, and how such a file is named; services are named by their noun."""
DOCUMENTED = {"todos", "jobs", "mails", "audits", "health", "console", "transfers"}
"""The blueprints of the document of ``/api``."""


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory):
    return create_app(load_settings({"RAINDROP_VAR": str(tmp_path_factory.mktemp("var"))}))


def test_each_kind_of_thing_has_its_file() -> None:
    folders = {Path(room.__file__ or "").parent for room in ROOMS}
    folders |= {path.parent for path in (HOME / "server" / "raindrop").glob("*/tasks.py")}
    misplaced = [
        f"{path.parent.name}/{path.name}: {pattern}"
        for folder in folders - {HOME / "server" / "raindrop" / "core"}
        for path in folder.glob("*.py")
        for pattern, name in HOMES
        if re.search(pattern, path.read_text(), re.MULTILINE) and not re.fullmatch(name, path.stem)
    ]
    assert misplaced == []


def test_every_queue_of_a_job_or_a_schedule_has_a_worker() -> None:
    served = {queue for queues in POOLS.values() for queue in queues}
    source = "".join(path.read_text() for path in (HOME / "server" / "raindrop").rglob("*.py"))
    named = set(re.findall(r'queue="(\w+)"', source))
    assert named
    assert named <= served
    from raindrop.scheduler import app as scheduler

    scheduled = {entry["options"]["queue"] for entry in scheduler.conf.beat_schedule.values()}
    assert scheduled <= served
    assert named | scheduled == served


def test_the_workers_know_every_rooms_tasks() -> None:
    rooms = {path.parent.name for path in (HOME / "server" / "raindrop").glob("*/tasks.py")}
    source = (HOME / "server" / "raindrop" / "worker.py").read_text()
    known = re.search(r"ROOMS_WITH_TASKS = \(([^)]*)\)", source)
    assert known
    assert set(re.findall(r"\w+", known[1])) == rooms


def test_every_scheduled_task_exists(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("RAINDROP_VAR", str(tmp_path))
    from raindrop.scheduler import app as scheduler
    from raindrop.worker import celery

    celery.loader.import_default_modules()
    known = set(celery.tasks)
    scheduled = {entry["task"] for entry in scheduler.conf.beat_schedule.values()}
    assert scheduled <= known


def test_every_route_of_a_room_is_in_the_document(app) -> None:
    documented = {
        (method.upper(), re.sub(r"\{(\w+)\}", "<>", path))
        for path, operations in app.api_doc["paths"].items()
        for method in operations
    }
    rules = {
        (method, re.sub(r"<[^>]+>", "<>", rule.rule))
        for rule in app.url_map.iter_rules()
        if rule.endpoint.split(".")[0] in DOCUMENTED
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert rules == documented


@pytest.mark.parametrize("folder", ["locales", "console/locales"])
def test_the_two_message_files_have_the_same_keys(folder: str) -> None:
    def keys(value: object, prefix: str = "") -> set[str]:
        if not isinstance(value, dict):
            return {prefix}
        return {key for name in value for key in keys(value[name], f"{prefix}.{name}")}

    messages = HOME / "client" / "src" / folder
    english, chinese = (
        json.loads((messages / f"{name}.json").read_text()) for name in ("en", "zh")
    )
    assert keys(english) == keys(chinese)


@pytest.mark.parametrize("folder", ["client", "tests/bench/peers"])
def test_lock_file_names_no_registry(folder: str) -> None:
    assert "resolved" not in (HOME / folder / "package-lock.json").read_text()


def test_sdist_holds_what_a_server_needs(tmp_path: Path) -> None:
    import subprocess
    import sys

    command = [sys.executable, "setup.py", "--quiet", "sdist", "--dist-dir", str(tmp_path)]
    subprocess.run(command, cwd=HOME, check=True, capture_output=True)
    (archive,) = tmp_path.glob("raindrop-*.tar.gz")
    with tarfile.open(archive) as tar:
        names = {name.partition("/")[2] for name in tar.getnames()}
    assert {
        "server/wsgi.py",
        "server/raindrop/mails/templates/page.html.j2",
        "server/raindrop/mails/templates/zh.json",
        "server/raindrop/migrations/script.py.mako",
        "server/raindrop/migrations/versions/0001_todos.py",
        "etc/nginx/nginx.conf.j2",
        "etc/nginx/lua/edge.lua",
        "requirements/production.txt",
        "client/dist/index.html",
    } <= names
    tops = {name.split("/")[0] for name in names if name}
    assert tops <= {
        "server", "etc", "requirements", "client", "README.md", "LICENSE", "NOTICE",
        "MANIFEST.in", "setup.py", "setup.cfg", "PKG-INFO",
    }  # fmt: skip
    assert not any("node_modules" in name or "client/src" in name for name in names)


def test_each_revision_changes_the_schema_once() -> None:
    """A statement that changes the schema commits by itself in MySQL: two in one revision would
    leave half of it when the second fails."""
    folder = HOME / "server" / "raindrop" / "migrations" / "versions"
    revisions = list(folder.glob("*.py"))
    assert len(revisions) >= 6
    for path in revisions:
        functions = {
            node.name: node
            for node in ast.parse(path.read_text()).body
            if isinstance(node, ast.FunctionDef)
        }
        for name in ("upgrade", "downgrade"):
            calls = [
                node.func.attr
                for node in ast.walk(functions[name])
                if isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and getattr(node.func.value, "id", "") == "op"
            ]
            changes = [call for call in calls if call not in ("bulk_insert", "get_bind")]
            assert len(changes) == 1, (path.name, name, calls)


def test_workers_load_no_part_of_the_web(tmp_path: Path) -> None:
    """There are several, and each would be 10 MB larger."""
    import subprocess
    import sys

    program = (
        "import sys, raindrop.worker as w; w.celery.loader.import_default_modules();"
        "print(*sys.modules.keys() & {'flask_openapi3', 'flask_limiter', 'raindrop.core.http'})"
    )
    environment = {"RAINDROP_VAR": str(tmp_path), "PATH": ""}
    command = [sys.executable, "-c", program]
    told = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    assert told.stdout.split() == []
