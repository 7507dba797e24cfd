"""The image under every machine: a bare Debian 12, cached beside the packages it came from."""

import contextlib
import fcntl
import hashlib
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.deploy.host import root

RELEASE = "bookworm"
IMAGE_AGE_S = 7 * 86_400
PACKAGES = "openssh-server,ca-certificates,python3,sudo,iproute2,procps"
CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

BUILD = f"""
set -e
root=$1 staged=$2 debs=$3 mirror=$4
rm -rf "$root"
debootstrap --variant=minbase --include={PACKAGES} --cache-dir="$debs" {RELEASE} "$root" $mirror
cp -R --no-preserve=ownership "$staged/." "$root/"
rm -f "$root"/etc/ssh/ssh_host_* "$root"/var/cache/apt/archives/*.deb
mkdir -p "$root/root/.cache/pip"
chroot "$root" sh -ec '
    update-ca-certificates
    useradd --create-home --shell /bin/bash admin
    chmod 440 /etc/sudoers.d/admin
    chmod 755 /sbin/init /sbin/runlevel'
"""

# Standard input is a pipe from the tests: when they die, however they die, the machine goes off.
INIT = f"""#!/bin/sh
exec 3<&0 </dev/null
export PATH={SEARCH_PATH}
[ -e /etc/ssh/ssh_host_ed25519_key ] ||
    ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/ssh_host_ed25519_key
for script in /etc/rc2.d/S*; do
    case "$script" in *ssh) ;; *) "$script" start 3<&- ;; esac
done
/etc/init.d/ssh start 3<&-
cat <&3 >/dev/null &
wait $!
"""


@contextlib.contextmanager
def open_image(cache: Path) -> Iterator[Path]:
    """The image's folder, built when missing or old; its lock keeps others from removing it."""
    with tempfile.TemporaryDirectory() as staging, contextlib.ExitStack() as held:
        staged = Path(staging)
        mirror = _stage_files(staged)
        image = cache / f"image-{_fingerprint(staged)}"
        with (cache / "build.lock").open("w") as building:
            fcntl.flock(building, fcntl.LOCK_EX)
            _remove_old_images(cache)
            if not image.exists():
                _build(image, staged, cache / "packages", mirror)
            used = held.enter_context(image.with_suffix(".lock").open("w"))
            fcntl.flock(used, fcntl.LOCK_SH)
        yield image


def _remove_old_images(cache: Path) -> None:
    for image in cache.glob("image-*"):
        if not image.is_dir() or time.time() - image.stat().st_mtime < IMAGE_AGE_S:
            continue
        with image.with_suffix(".lock").open("w") as lock, contextlib.suppress(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            root("rm", "-rf", "--one-file-system", str(image))


def _build(image: Path, staged: Path, packages: Path, mirror: str) -> None:
    unfinished = image.with_name("unfinished")
    paths = [str(unfinished), str(staged), str(packages), mirror]
    # A mount namespace of its own: a build that fails leaves no /proc mounted.
    root("unshare", "--mount", "sh", "-c", BUILD, "build", *paths)
    root("mv", str(unfinished), str(image))
    root("touch", str(image))


def _fingerprint(staged: Path) -> str:
    """Names what goes into the image, so that another recipe is another image."""
    digest = hashlib.sha256(BUILD.encode())
    for file in sorted(path for path in staged.rglob("*") if path.is_file()):
        digest.update(str(file.relative_to(staged)).encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:12]


def _stage_files(staged: Path) -> str:
    """Write the files that debootstrap does not make; return the mirror, empty for its own."""
    sources = _package_sources()
    files = {
        "usr/sbin/init": INIT,
        # Without it invoke-rc.d, which starts what a package brings, warns of no runlevel.
        "usr/sbin/runlevel": "#!/bin/sh\necho N 2\n",
        "etc/sudoers.d/admin": "admin ALL=(ALL) NOPASSWD: ALL\n",
        "etc/apt/apt.conf.d/90tests": _apt_settings(),
        "etc/pip.conf": _pip_settings(),
        "etc/environment": _proxies(),
    }
    if sources:
        files["etc/apt/sources.list"] = "".join(f"deb {source}\n" for source in sources)
    for authority in Path("/usr/local/share/ca-certificates").glob("**/*.crt"):
        files[f"usr/local/share/ca-certificates/{authority.name}"] = authority.read_text()
    for name, text in files.items():
        file = staged / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(0o644)
    return next((source.split()[0] for source in sources if source.split()[1] == RELEASE), "")


def _package_sources() -> list[str]:
    """This machine's sources of the release: "address suite component"; none on another system."""
    suites = {RELEASE, f"{RELEASE}-updates", f"{RELEASE}-security"}
    target = "$(REPO_URI) $(RELEASE) $(COMPONENT)"
    command = ["apt-get", "indextargets", "--format", target, "Created-By: Packages"]
    listed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    rows = [line.split() for line in dict.fromkeys(listed.splitlines())]
    return [" ".join(row) for row in rows if row[1] in suites and row[2] == "main"]


def _apt_settings() -> str:
    """How this machine's apt reaches its sources, and that packages stay for the cache."""
    command = ["apt-config", "dump"]
    dump = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    reach = re.findall(r"^Acquire::(?:https?|Check|Retries|ForceIP)\S* .*;$", dump, re.MULTILINE)
    keep = [
        'APT::Keep-Downloaded-Packages "true";',
        'Binary::apt::APT::Keep-Downloaded-Packages "1";',
    ]
    return "\n".join([*reach, *keep]) + "\n"


def _pip_settings() -> str:
    """This machine's package index, as far as another machine reaches it."""
    command = [sys.executable, "-m", "pip", "config", "list"]
    listed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    pattern = r"^\S+\.((?:extra-)?index-url|proxy|timeout|default-timeout|trusted-host)='(.*)'$"
    settings = {"cert": CERTIFICATES}
    for name, value in re.findall(pattern, listed, re.MULTILINE):
        if "file:" not in value:
            settings[name] = value.replace("\\n", " ")
    return "[global]\n" + "".join(f"{name} = {value}\n" for name, value in settings.items())


def _proxies() -> str:
    names = [f"{kind}_proxy" for kind in ("http", "https", "no")]
    set_here = [name for lower in names for name in (lower, lower.upper()) if name in os.environ]
    return "".join(f"{name}={os.environ[name]}\n" for name in set_here)
