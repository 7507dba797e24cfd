"""Where things lie on a server. `fab init_env` makes the folders, `fab deploy` the releases.

``/opt/raindrop/releases/raindrop-<UTC time>/``  one release, with its ``.venv``
``/opt/raindrop/www``                            link to the release in force
``/etc/raindrop/``                               settings, roles, certificates, nginx.conf
``/etc/supervisor/conf.d/raindrop*.conf``        programs, one file an activation and kind
``/var/lib/raindrop/`` (``RAINDROP_VAR``)        ``run``: the programs' sockets; ``front``: nginx's
                                                 pid and sockets; assets of earlier releases,
                                                 snapshots
``/var/log/raindrop/``                           what programs print, nginx's log
``/var/log/raindrop/app/`` (``RAINDROP_LOG``)    the programs' own logs

The service's account owns only ``run``, ``app`` and the two Redis folders: where root writes, or a
program of root's, nobody else can lay a link.

An *activation* puts a release in force: a deployment, a rollback or a restart. Its programs carry
its time in their names, so that they can run beside those of the activation before.
"""

import re
from pathlib import Path

from raindrop.config import Settings
from raindrop.templates import StackError

USER = "raindrop"
OPT = Path("/opt/raindrop")
RELEASES = OPT / "releases"
WWW = OPT / "www"
ETC = Path("/etc/raindrop")
ENV_FILE = ETC / "raindrop.env"
"""Each release has a link to it."""
ROLES_FILE = ETC / "roles"
HTPASSWD = ETC / "htpasswd"
NGINX_CONF = ETC / "nginx.conf"
VAR = Path("/var/lib/raindrop")
OUTPUT = Path("/var/log/raindrop")
LOG = OUTPUT / "app"
CERTIFICATES = ETC / "certificates"
SUPERVISOR_CONF = Path("/etc/supervisor/conf.d")
SUPERVISOR_SOCKET = Path("/run/supervisor.sock")

INSTALLED_MARK = ".installed"
"""The file in a release that says that it is complete."""
WITHDRAWN_MARK = ".withdrawn"
"""The file in a release that was rolled back: `fab rollback` does not choose it again."""
ACTIVATED_MARK = ".activated"
"""The file in a release that has served."""

ACTIVATION_PATTERN = re.compile(r"\d{8}T\d{6}Z")


def roles() -> frozenset[str]:
    """What this host is for: of ``web``, ``worker``, ``db``, ``cache``."""
    return frozenset(ROLES_FILE.read_text().split())


def release_in_force() -> str:
    """The name of the release that ``www`` points to; empty before the first deployment."""
    return WWW.readlink().name if WWW.is_symlink() else ""


def installed_releases() -> list[Path]:
    """The complete releases on this host, oldest first."""
    return sorted(path.parent for path in RELEASES.glob(f"raindrop-*/{INSTALLED_MARK}"))


def link_atomically(link: Path, target: str) -> None:
    """Point a link somewhere else without a moment in which it is not there."""
    part = link.with_name(f".{link.name}.part")
    part.unlink(missing_ok=True)
    part.symlink_to(target)
    part.replace(link)


def check_settings(settings: Settings) -> None:
    """Refuse folders other than those of this layout: root renders configuration from them.

    Raises:
        StackError: ``raindrop.env`` names another.
    """
    for name, value, wanted in (
        ("VAR", settings.var, VAR),
        ("LOG", settings.log, LOG),
        ("CERTIFICATES", settings.certificates, CERTIFICATES),
    ):
        if value != wanted:
            raise StackError(f"RAINDROP_{name}: on a server it is {wanted}")
