"""A stack that has a mail server, beside the shared ones that have none."""

import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.mails.post_office import PostOffice, with_starttls, with_tls
from tests.support.site import Site, free_port


class Offices(NamedTuple):
    """The instance's mail server and those that projects have."""

    instance: PostOffice
    starttls: PostOffice
    tls: PostOffice
    slow: PostOffice
    private: PostOffice
    closed_port: int


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Key and certificate of ``localhost`` in one file; the certificate alone in ``….crt``."""
    file = tmp_path_factory.mktemp("smtp-tls") / "server.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    command += ["-nodes", "-days", "2", "-subj", "/CN=localhost"]
    command += ["-addext", "subjectAltName=DNS:localhost"]
    command += ["-keyout", str(file), "-out", f"{file}.crt"]
    subprocess.run(command, check=True, capture_output=True)
    file.write_text(file.read_text() + Path(f"{file}.crt").read_text())
    return file


@pytest.fixture(scope="session")
def offices(certificate: Path) -> Iterator[Offices]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    offices = Offices(
        PostOffice(),
        with_starttls(context),
        with_tls(context),
        PostOffice(),
        PostOffice(),
        free_port(),
    )
    servers = [office for office in offices if isinstance(office, PostOffice)]
    for office in servers:
        office.start()
    yield offices
    for office in servers:
        office.stop()


def allowed(offices: Offices) -> str:
    """``RAINDROP_OUTBOUND_ALLOW``: all but the private one."""
    ports = (offices.starttls.port, offices.tls.port, offices.slow.port, offices.closed_port)
    return ",".join(f"{host}:{port}" for port in ports for host in ("127.0.0.1", "localhost"))


@pytest.fixture(scope="session")
def running_mail_site(
    database: str,
    short_folder: Path,
    offices: Offices,
    certificate: Path,
    request: pytest.FixtureRequest,
) -> Iterator[Site]:
    settings: dict[str, object] = {"NGINX": "packaged"}
    if database == "mariadb":
        server = request.getfixturevalue("mariadb")
        settings["DATABASE_URL"] = server.create_database("raindrop_mails")
    site = Site(
        short_folder / f"mails-{database}",
        SMTP_URL=f"smtp://127.0.0.1:{offices.instance.port}",
        MAIL_FROM="The Post <post@instance.test>",
        OUTBOUND_ALLOW=allowed(offices),
        **settings,
    )
    site.environment["SSL_CERT_FILE"] = f"{certificate}.crt"
    site.start()
    yield site
    site.stop()


@pytest.fixture
def mail_site(running_mail_site: Site, offices: Offices) -> Site:
    """The stack with a mail server that is not said to be slow."""
    running_mail_site.cache.flushall()
    offices.instance.gate.clear()
    return running_mail_site
