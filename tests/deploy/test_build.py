"""`fab build`: the archive, with assets on object storage or without, and what stops it."""

import re
import shutil
import subprocess
import sys
import tarfile
import venv
from pathlib import Path

import pytest

from raindrop.config import HOME
from tests.deploy.operator import Operator
from tests.deploy.oss import SECRET, FakeOss

ENTRY = '[hosts.one]\nssh = "root@192.0.2.1"\nroles = ["web", "worker", "db", "cache"]\n'


@pytest.fixture
def operator(tmp_path: Path) -> Operator:
    """An operator without hosts."""
    return Operator(tmp_path)


def contents(operator: Operator) -> dict[str, bytes]:
    """The files of the archive, without the name of its top folder."""
    (archive,) = (operator.checkout / "dist").glob("*.tar.gz")
    with tarfile.open(archive) as tar:
        files = [member for member in tar if member.isfile()]
        return {file.name.partition("/")[2]: tar.extractfile(file).read() for file in files}


def write_storage(operator: Operator, oss: FakeOss) -> None:
    """An `etc/deploy.toml` with this storage."""
    lines = [f'{name} = "{value}"' for name, value in oss.table.items()]
    text = "\n".join([ENTRY, "[assets]", *lines, ""])
    (operator.checkout / "etc" / "deploy.toml").write_text(text)


def test_list_explains_every_command_in_a_bare_environment(tmp_path: Path) -> None:
    """Only fabric is installed; nothing of Raindrop's other requirements."""
    venv.create(tmp_path / "bare", with_pip=True)
    pin = re.search(r"^fabric==.+$", (HOME / "requirements/deploy.txt").read_text(), re.MULTILINE)
    pip = [str(tmp_path / "bare/bin/pip"), "install", "--quiet", pin[0]]
    subprocess.run(pip, check=True, capture_output=True)
    fab = [str(tmp_path / "bare/bin/fab"), "--list"]
    listed = subprocess.run(fab, cwd=HOME, check=True, capture_output=True, text=True).stdout
    commands = (
        "init_env", "build", "deploy", "rollback", "status", "logs", "restart", "doctor",
        "restore_snapshot",
    )  # fmt: skip
    for command in commands:
        assert re.search(rf"^\s+{command}\s+\w", listed, re.MULTILINE), command


def test_archive_holds_the_release_and_nothing_else(operator: Operator) -> None:
    (operator.checkout / "etc" / "deploy.toml").write_text(ENTRY)
    (operator.checkout / "server" / "raindrop" / "__pycache__").mkdir(exist_ok=True)
    (operator.checkout / "server" / "raindrop" / "__pycache__" / "x.pyc").write_bytes(b"x")
    operator.fab("build")
    files = contents(operator)
    needed = (
        "server/wsgi.py", "server/raindrop/host/activation.py", "etc/nginx/lua/edge.lua",
        "etc/supervisor/programs.conf.j2", "requirements/production.txt",
        "client/dist/index.html",
    )  # fmt: skip
    for name in needed:
        assert name in files
    tops = {name.split("/")[0] for name in files}
    made_by_setup = {"setup.py", "setup.cfg", "MANIFEST.in", "README.md", "LICENSE", "PKG-INFO"}
    assert tops - made_by_setup == {"etc", "client", "server", "requirements"}
    assert "etc/deploy.toml" not in files
    assert not any("pycache" in name or name.startswith("client/src") for name in files)
    index = (operator.checkout / "client/dist/index.html").read_bytes()
    assert files["client/dist/index.html"] == index


def test_assets_go_to_storage_and_the_archive_points_there(operator: Operator) -> None:
    before = (operator.checkout / "client/dist/index.html").read_text()
    with FakeOss() as oss:
        write_storage(operator, oss)
        first = operator.fab("build", **oss.environ)
        names = [path.name for path in (operator.checkout / "client/dist/assets").iterdir()]
        assert f"{len(names)} uploaded" in first.text
        assert {key.rsplit("/", 1)[1] for key in oss.objects} == set(names)
        for stored in oss.objects.values():
            assert "immutable" in stored.headers["Cache-Control"]
        again = operator.fab("build", **oss.environ)
        assert f"0 uploaded (0 bytes), {len(names)} were there" in again.text
        index = contents(operator)["client/dist/index.html"].decode()
        assert f'src="{oss.table["url"]}/assets/' in index
        assert 'src="/assets/' not in index
        assert SECRET not in first.text + again.text
    # What `make run` serves here stays as it is.
    assert (operator.checkout / "client/dist/index.html").read_text() == before


def test_wrong_credentials_stop_before_anything_changes(operator: Operator) -> None:
    with FakeOss() as oss:
        write_storage(operator, oss)
        shutil.rmtree(operator.checkout / "client/dist")
        wrong = oss.environ | {"OSS_ACCESS_KEY_SECRET": "wrong-secret-of-the-operator"}
        failed = operator.fab("build", code=1, **wrong)
        assert "OSS_ACCESS_KEY_SECRET" in failed.text
        assert "wrong-secret-of-the-operator" not in failed.text
        assert failed.text.count("\n") == 1
        assert oss.objects == {}
    assert not (operator.checkout / "client/dist").exists()
    assert not (operator.checkout / "dist").exists()


def test_no_client_no_archive(operator: Operator) -> None:
    """But setup.py itself makes an sdist of the server alone."""
    shutil.rmtree(operator.checkout / "client/dist")
    operator.change("Makefile", "build: client/dist/index.html", "build:")
    assert "was not built" in operator.fab("build", code=1).text
    command = [sys.executable, "setup.py", "--quiet", "sdist"]
    subprocess.run(command, cwd=operator.checkout, check=True, capture_output=True)
    assert "server/wsgi.py" in contents(operator)


def test_client_that_does_not_build_stops_it(operator: Operator) -> None:
    operator.change("client/src/main.ts", "import", "this is no TypeScript\nimport")
    failed = operator.fab("build", code=1)
    assert "`make build` failed" in failed.text
    assert "Traceback" not in failed.text
    assert not (operator.checkout / "dist").exists()


def test_deploy_without_an_archive_says_so(operator: Operator) -> None:
    (operator.checkout / "etc" / "deploy.toml").write_text(ENTRY)
    assert "run `fab build` first" in operator.fab("deploy", code=1).text
