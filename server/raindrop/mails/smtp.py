"""Which mail server a project's mails go to, who they are from, and trying a server out."""

from collections.abc import Sequence
from email.utils import formataddr, parseaddr
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from flask import current_app

from raindrop.config import Settings
from raindrop.core.db import let_go
from raindrop.core.errors import BadRequest
from raindrop.core.formats import new_id
from raindrop.core.secrets import SecretUnreadable, get_vault
from raindrop.core.tenancy import SmtpServer, Tenant
from raindrop.mails.delivery import (
    DeliveryFailed,
    Letter,
    Security,
    Server,
    open_client,
    plain_address,
)
from raindrop.mails.wording import TEST, language_of, our_wording, render

TEST_RECIPIENTS_MAX = 10
DEFAULT_PORTS = {"smtp": 587, "smtps": 465}


class SmtpConfigInvalid(BadRequest):
    """A project's mail server does not work as it is set; the message has the server's words."""

    type = "project_smtp_config_invalid"


class Sender(NamedTuple):
    """Who a mail is from; ``reply_to`` may be empty."""

    name: str
    address: str
    reply_to: str

    def __str__(self) -> str:
        return formataddr((self.name, self.address))


def has_server(tenant: Tenant) -> bool:
    """Whether the project's mails go anywhere."""
    return tenant.settings.smtp.is_enabled or bool(_settings().smtp_url)


def server_of(tenant: Tenant) -> Server | None:
    """The project's own mail server, else the instance's, else ``None``.

    Raises:
        DeliveryFailed: the project's password cannot be decrypted.
    """
    if tenant.settings.smtp.is_enabled:
        return _project_server(tenant.settings.smtp)
    url = _settings().smtp_url
    if not url:
        return None
    parts = urlsplit(url)
    return Server(
        host=parts.hostname or "",
        port=parts.port or DEFAULT_PORTS[parts.scheme],
        security=Security.TLS if parts.scheme == "smtps" else Security.AUTO,
        username=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        is_guarded=False,  # the operator's own word
    )


def sender_of(tenant: Tenant, *, name: str, address: str, reply_to: str) -> Sender:
    """Who a mail of the project is from.

    A project chooses the address where it sends by a server of its own; by the instance's it is the
    operator's, whatever the project says.

    Args:
        name, address, reply_to: those of the project's own wording, or empty.
    """
    smtp = tenant.settings.smtp
    our_name, our_address = parseaddr(_settings().mail_from)
    our_address = our_address or f"noreply@{_own_host()}"
    if smtp.is_enabled:
        return Sender(
            name or smtp.sender_name or tenant.name,
            address or smtp.sender_email or our_address,
            reply_to or smtp.reply_to,
        )
    return Sender(name or our_name or tenant.name, our_address, reply_to)


def check_smtp(smtp: SmtpServer) -> None:
    """Connect to a project's server and sign in, before it is saved. Ends the transaction so far:
    call it before anything is written.

    Raises:
        SmtpConfigInvalid: with the server's words.
    """
    try:
        server = _project_server(smtp)
        let_go()
        with open_client(server, _own_host()) as client:
            client.noop()
    except DeliveryFailed as failure:
        raise SmtpConfigInvalid(failure.words) from None


def send_test(tenant: Tenant, smtp: SmtpServer, recipients: Sequence[str], *, locale: str) -> None:
    """Send a test mail by a project's server, which need not be enabled or saved, and wait until it
    has taken it. Ends the transaction so far: call it before anything is written.

    Args:
        smtp: ``password`` encrypted, as everywhere. Never a stored password with a host that the
            request names: its owner would learn it.
        recipients: up to ``TEST_RECIPIENTS_MAX`` addresses.

    Raises:
        BadRequest: too many recipients or none.
        SmtpConfigInvalid: with the server's words.
    """
    if not 1 <= len(recipients) <= TEST_RECIPIENTS_MAX:
        raise BadRequest(f"emails: 1 to {TEST_RECIPIENTS_MAX} addresses")
    values = {"project": tenant.name}
    mail = render(our_wording(TEST, locale, values), language_of(locale), values)
    try:
        server = _project_server(smtp)
        let_go()
        with open_client(server, _own_host()) as client:
            for recipient in recipients:
                letter = Letter(
                    message_id=new_id(),
                    sender_name=smtp.sender_name or tenant.name,
                    sender_address=smtp.sender_email,
                    reply_to=smtp.reply_to,
                    recipient=recipient,
                    subject=mail.subject,
                    html=mail.html,
                    text=mail.text,
                )
                client.send_letter(letter)
    except DeliveryFailed as failure:
        raise SmtpConfigInvalid(failure.words) from None


def check_address(text: str, field: str) -> str:
    """An address that a mail may be from or to, as it was given.

    Raises:
        BadRequest: it is none.
    """
    try:
        plain_address(text)
    except ValueError:
        raise BadRequest(f"{field}: is no e-mail address") from None
    return text


def _project_server(smtp: SmtpServer) -> Server:
    try:
        password = get_vault().decrypt(smtp.password) if smtp.password else ""
        security = Security(smtp.secure)
    except SecretUnreadable:
        raise DeliveryFailed("The password cannot be decrypted; set it again.") from None
    except ValueError:
        raise DeliveryFailed("This kind of encryption is not known.") from None
    return Server(smtp.host, smtp.port, security, smtp.username, password)


def _own_host() -> str:
    return urlsplit(_settings().public_url).hostname or "localhost"


def _settings() -> Settings:
    settings: Settings = current_app.config["RAINDROP"]
    return settings
