"""The official client libraries as their users install them, each in a folder of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path

from raindrop.config import HOME

CACHE = HOME / "tests" / ".cache" / "sdk"
PYTHON_VERSIONS = ("13.6.1", "27.0.0")
NODE_PACKAGES = {"node-appwrite": "20.3.0", "appwrite": "21.5.0"}


def python_package(version: str) -> Path:
    """The folder that holds PyPI's ``appwrite`` of a version with what it depends on."""
    folder = CACHE / f"python-{version}"
    if not (folder / "done").exists():
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "--target", str(folder), f"appwrite=={version}"], check=True)
        (folder / "done").touch()
    return folder


def node_packages() -> Path:
    """The folder whose ``node_modules`` has npm's ``node-appwrite`` and ``appwrite``."""
    folder = CACHE / "node"
    wanted = {"private": True, "type": "module", "dependencies": NODE_PACKAGES}
    done = folder / f"done-{'-'.join(NODE_PACKAGES.values())}"
    if not done.exists():
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "package.json").write_text(json.dumps(wanted))
        npm = [str(bin_folder() / "npm"), "install", "--no-audit", "--no-fund", "--no-package-lock"]
        subprocess.run(npm, cwd=folder, env=node_environment(), check=True)
        done.touch()
    return folder


def bin_folder() -> Path:
    """Where this environment's node and npm are."""
    return Path(sys.executable).parent


def node_environment() -> dict[str, str]:
    """The environment in which this environment's node is found first."""
    return os.environ | {"PATH": f"{bin_folder()}:{os.environ['PATH']}"}
