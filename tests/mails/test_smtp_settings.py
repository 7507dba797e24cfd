"""Trying a project's mail server out, before it is saved."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from raindrop.core import addresses, outbound
from raindrop.core.errors import BadRequest
from raindrop.core.secrets import get_vault
from raindrop.core.tenancy import CONSOLE, SmtpServer
from raindrop.mails.delivery import DeliveryFailed, Server, open_client
from raindrop.mails.smtp import SmtpConfigInvalid, check_smtp, send_test
from tests.contract.recorder import recorded
from tests.mails.conftest import Offices, allowed
from tests.mails.console import operator
from tests.mails.post_office import NAME, PASSWORD, PostOffice
from tests.mails.writing import tenant_of, within
from tests.support.site import Site
from tests.support.v1 import Project, new_email


@pytest.fixture
def project(
    running_site: Site, offices: Offices, certificate: Any, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Project]:
    """A project; this process may call the mail servers and trusts them."""
    monkeypatch.setenv("RAINDROP_OUTBOUND_ALLOW", allowed(offices))
    monkeypatch.setenv("SSL_CERT_FILE", f"{certificate}.crt")
    for cached in (addresses.openings, outbound.tls_context):
        cached.cache_clear()
    yield Project(running_site)
    monkeypatch.undo()
    for cached in (addresses.openings, outbound.tls_context):
        cached.cache_clear()


def try_out(project: Project, recipients: list[str], *, locale: str = "en", **smtp: Any) -> None:
    def work() -> None:
        password = get_vault().encrypt(smtp.pop("password", "x"))
        server = SmtpServer(password=password, **{"sender_email": "me@project.test"} | smtp)
        send_test(tenant_of(project), server, recipients, locale=locale)

    within(project.site, work)


def check(project: Project, **smtp: Any) -> None:
    def work() -> None:
        check_smtp(SmtpServer(password=get_vault().encrypt(smtp.pop("password", "x")), **smtp))

    within(project.site, work)


def test_it_works(project: Project, offices: Offices) -> None:
    login = {"username": NAME, "password": PASSWORD}
    server = {"host": "localhost", "port": offices.starttls.port, "secure": "tls", **login}
    check(project, **server)
    emails = [new_email(), new_email()]
    try_out(project, emails, locale="zh-CN", sender_name="Shop", **server)
    for email in emails:
        (message,) = offices.starttls.mails_to(email)
        assert message["Subject"] == "Test 的测试邮件"
        assert message["From"] == "Shop <me@project.test>"


@pytest.mark.contract
def test_through_the_api(mail_site: Site, offices: Offices) -> None:
    project = Project(mail_site)
    console = recorded(operator(mail_site, {project: ["owner"]}))
    console.headers["X-Appwrite-Project"] = CONSOLE
    server = {"host": "localhost", "port": offices.starttls.port, "secure": "tls"}
    server |= {"username": NAME, "password": PASSWORD}
    sender = {"senderName": "Shop", "senderEmail": "me@project.test"}
    email, path = new_email(), f"/v1/projects/{project.id}/smtp"
    sent = console.post(f"{path}/tests", json={"emails": [email], **sender, **server})
    assert sent.status_code == 204, sent.text
    (message,) = offices.starttls.mails_to(email)
    assert message["From"] == "Shop <me@project.test>"
    saved = console.patch(path, json={"enabled": True, **sender, **server})
    assert saved.status_code == 200, saved.text
    assert (saved.json()["smtpEnabled"], saved.json()["smtpPassword"]) == (True, "")


@pytest.mark.parametrize(
    "work", [check, lambda project, **smtp: try_out(project, ["a@b.c"], **smtp)]
)
def test_what_is_wrong_is_told(project: Project, offices: Offices, work: Any) -> None:
    good = {"host": "localhost", "port": offices.starttls.port, "secure": "tls"}
    for change, words in (
        ({"username": NAME, "password": "wrong"}, "535"),
        ({"username": NAME, "password": "пароль"}, "cannot be sent"),
        ({"host": "127.0.0.1"}, "certificate is not trusted"),
        ({"port": offices.private.port}, "may not be called"),
        ({"host": "no-such-host.invalid"}, "may not be called|could not be reached"),
        ({"port": 22}, "listen on 25"),
        ({"port": 0}, "65535|listen on 25"),
        ({"port": offices.closed_port}, "could not be reached"),
        ({"port": offices.slow.port}, "STARTTLS"),
        ({"secure": "rot13"}, "not known"),
    ):
        with pytest.raises(SmtpConfigInvalid, match=words):
            work(project, **good | {"username": NAME, "password": PASSWORD} | change)


def test_a_refused_recipient_is_told(project: Project, offices: Offices) -> None:
    server = {"host": "localhost", "port": offices.tls.port, "secure": "ssl"}
    with pytest.raises(SmtpConfigInvalid, match="nobody of that name"):
        try_out(project, [new_email(), f"never-{new_email()}"], **server)
    with pytest.raises(SmtpConfigInvalid, match="cannot be sent"):
        try_out(project, ["nobody"], **server)
    with pytest.raises(SmtpConfigInvalid, match="cannot be sent"):
        try_out(project, [new_email()], sender_email="a@b.c\r\nBcc: d@e.f", **server)


def test_number_of_recipients(project: Project, offices: Offices) -> None:
    server = {"host": "localhost", "port": offices.tls.port, "secure": "ssl"}
    try_out(project, [new_email() for _ in range(10)], **server)
    for count in (0, 11):
        with pytest.raises(BadRequest, match="emails"):
            try_out(project, [new_email() for _ in range(count)], **server)


def test_a_password_is_not_sent_in_clear() -> None:
    """Not to another machine: this one by its own name, where no STARTTLS is offered."""
    name = socket.gethostname()
    office = PostOffice(host=socket.gethostbyname(name))
    office.start()
    server = Server(name, office.port, username=NAME, password=PASSWORD, is_guarded=False)
    with pytest.raises(DeliveryFailed, match="no encryption"), open_client(server, "me.test"):
        pass
    office.stop()


def test_a_server_that_never_stops_talking() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=talk_on, args=(listener,), daemon=True).start()
        server = Server("127.0.0.1", listener.getsockname()[1], is_guarded=False)
        with pytest.raises(DeliveryFailed), open_client(server, "me.test"):
            pass


def talk_on(listener: socket.socket) -> None:
    opened, _ = listener.accept()
    with contextlib.suppress(OSError), opened:
        while True:
            opened.sendall(b"220-" + b"x" * 500 + b"\r\n")
