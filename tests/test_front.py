"""nginx with certificates, and behind a balancer."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from tests.support.site import Site, free_port

pytestmark = pytest.mark.xdist_group("sqlite")


def make_certificate(folder: Path, name: str) -> None:
    command = [
        "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
        "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1",
        "-keyout", str(folder / f"{name}.key"), "-out", str(folder / f"{name}.pem"),
    ]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True)


def test_site_and_control_port_with_certificates(
    tmp_path: Path, new_site: Callable[..., Site]
) -> None:
    for name in ("site", "control"):
        make_certificate(tmp_path, name)
    site = new_site(NGINX="packaged", CERTIFICATES=tmp_path, TLS_PORT=free_port())
    site.start()
    address = f"https://127.0.0.1:{site.settings.tls_port}"
    assert f"https://localhost:{site.settings.tls_port}" in site.output
    with httpx.Client(verify=str(tmp_path / "site.pem"), trust_env=False) as client:
        assert "<title>Raindrop</title>" in client.get(f"{address}/").text
        assert client.post(f"{address}/api/todo", json={"content": "safe"}).status_code == 201
    moved = httpx.get(f"{site.url}/some/page?x=1", trust_env=False)
    assert moved.status_code == 308
    assert moved.headers["Location"] == f"{address}/some/page?x=1"
    # Balancers ask a host by its address, without TLS.
    assert httpx.get(f"{site.url}/api/health", trust_env=False).status_code == 200
    password = (site.var / "secrets" / "control-password").read_text().strip()
    control = f"https://127.0.0.1:{site.control_port}/"
    with httpx.Client(verify=str(tmp_path / "control.pem"), trust_env=False) as client:
        assert client.get(control).status_code == 401
        assert client.get(control, auth=("operator", password)).status_code == 200
    plain = httpx.get(
        control.replace("https", "http"), auth=("operator", password), trust_env=False
    )
    assert plain.status_code == 400


@pytest.mark.parametrize(("proxies", "is_believed"), [("127.0.0.0/8,10.0.0.5", True), ("", False)])
def test_balancer_is_believed_only_when_named(
    new_site: Callable[..., Site], proxies: str, is_believed: bool
) -> None:
    """Each visitor behind it has a rate limit of their own."""
    site = new_site(NGINX="packaged", TRUSTED_PROXIES=proxies, TODO_RATE_LIMIT="1/hour")
    site.start()
    statuses = [
        httpx.post(
            f"{site.url}/api/todo",
            json={"content": "x"},
            headers={"X-Forwarded-For": f"198.51.100.{visitor}", "X-Forwarded-Proto": "https"},
            trust_env=False,
        ).status_code
        for visitor in (1, 2, 1)
    ]
    assert statuses == ([201, 201, 429] if is_believed else [201, 429, 429])


def test_edge_port_wants_the_secret(new_site: Callable[..., Site]) -> None:
    """What other hosts tell this nginx is believed only with the secret."""
    port = free_port()
    address = f"127.0.0.1:{port}"
    site = new_site(
        NGINX="system", EDGE_LISTEN=address, EDGE_SECRET="known", EDGES=f"http://{address}"
    )
    site.start()
    drop = {"X-Tag": "todos"}
    wrong = {"X-Edge-Secret": "wrong"}
    url = f"http://{address}/drop"
    assert httpx.post(url, headers=drop, trust_env=False).status_code == 403
    assert httpx.post(url, headers=drop | wrong, trust_env=False).status_code == 403
    right = {"X-Edge-Secret": "known"}
    assert httpx.post(url, headers=drop | right, trust_env=False).status_code == 204
    with site.client() as client:
        client.get("/api/todo")
        todo = client.post("/api/todo", json={"content": "told over TCP"}).json()
        assert client.get("/api/todo").json()["data"] == [todo]
    log = "".join(path.read_text() for path in site.settings.log.glob("web-*.jsonl"))
    assert "was not told" not in log
