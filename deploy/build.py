"""`fab build`: the client, its assets on object storage, and the archive for the servers."""

import hashlib
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

from deploy.assets import Storage, check_access, check_served, rewrite_index, upload
from deploy.errors import DeployError

TOP = Path(__file__).resolve().parent.parent
STAGE = TOP / "build" / "release"
SHIPPED = ("etc", "client/dist", "server", "requirements")
"""What an archive is for; the rest of it is what setup.py itself needs."""
NEEDED_TO_BUILD = ("setup.py", "MANIFEST.in", "README.md", "LICENSE")
MADE_BY_SETUP = ("setup.py", "setup.cfg", "MANIFEST.in", "README.md", "LICENSE", "PKG-INFO")


def build_archive(storage: Storage | None) -> Path:
    """Build the client, bring its assets to object storage where there is one, make the sdist.

    Raises:
        DeployError: something is wrong; storage that cannot be used is found before anything
            is built.
    """
    if storage:
        check_access(storage)
    make = subprocess.run(["make", "--no-print-directory", "build"], cwd=TOP, check=False)
    if make.returncode:
        raise DeployError("`make build` failed; what it said is above")
    dist = TOP / "client" / "dist"
    if not (dist / "index.html").exists():
        raise DeployError("client/dist/index.html is missing: the client was not built")
    index = (dist / "index.html").read_text(encoding="utf-8")
    if storage:
        done = upload(storage, dist / "assets")
        print(f"assets: {done.count} uploaded ({done.bytes:,} bytes), {done.skipped} were there")
        check_served(storage, [path.name for path in sorted((dist / "assets").iterdir())])
        index = rewrite_index(index, storage)
    archive = make_sdist(index)
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    print(f"{archive.relative_to(TOP)}, {archive.stat().st_size:,} bytes, sha256 {digest}")
    return archive


def make_sdist(index: str) -> Path:
    """Make the archive from a copy, so that what `make run` serves stays as it is."""
    shutil.rmtree(STAGE, ignore_errors=True)
    leave_out = shutil.ignore_patterns("__pycache__", "*.egg-info", "deploy.toml", ".*")
    for name in SHIPPED:
        shutil.copytree(TOP / name, STAGE / name, ignore=leave_out)
    for name in NEEDED_TO_BUILD:
        shutil.copy(TOP / name, STAGE / name)
    (STAGE / "client" / "dist" / "index.html").write_text(index, encoding="utf-8")
    command = [sys.executable, "setup.py", "--quiet", "sdist", "--formats", "gztar"]
    done = subprocess.run(command, cwd=STAGE, capture_output=True, text=True, check=False)
    made = list((STAGE / "dist").glob("raindrop-*.tar.gz"))
    if done.returncode or len(made) != 1:
        raise DeployError(f"setup.py sdist failed: {done.stderr.strip()[-500:]}")
    check_contents(made[0])
    target = TOP / "dist" / made[0].name
    target.parent.mkdir(exist_ok=True)
    return Path(shutil.move(made[0], target))


def check_contents(archive: Path) -> None:
    """Refuse an archive that holds anything but the release."""
    with tarfile.open(archive) as tar:
        names = [member.name.partition("/")[2] for member in tar if member.isfile()]
    strange = [
        name
        for name in names
        if name not in MADE_BY_SETUP and not name.startswith(tuple(f"{top}/" for top in SHIPPED))
    ]
    if strange:
        raise DeployError(f"the archive holds what a server does not need: {', '.join(strange)}")


def find_archive(named: str = "") -> Path:
    """The named archive, else the one of the version in this checkout.

    Raises:
        DeployError: it is not there.
    """
    if named:
        if not Path(named).is_file():
            raise DeployError(f"no file {named}")
        return Path(named)
    text = (TOP / "server" / "raindrop" / "__init__.py").read_text()
    found = re.search(r'__version__ = "(.+)"', text)
    archive = TOP / "dist" / f"raindrop-{found[1] if found else ''}.tar.gz"
    if not archive.exists():
        raise DeployError(f"{archive.relative_to(TOP)} is missing: run `fab build` first")
    return archive
