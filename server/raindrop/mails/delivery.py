"""Speaking SMTP (RFC 5321) with a mail server: the standard library's client on a socket of ours.

A mail server may be a stranger's: each connection has a time limit in all and a limit on what is
read, and no certificate that cannot be checked gets a password.
"""

import contextlib
import datetime
import email.policy
import email.utils
import ipaddress
import logging
import re
import smtplib
import socket
import ssl
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from enum import StrEnum
from typing import Any

import idna

from raindrop.core.cutoff import Cutoff
from raindrop.core.errors import AppError, OutboundRefused, OutboundTimeout
from raindrop.core.outbound import open_socket, tls_context
from raindrop.mails.wording import one_line

log = logging.getLogger(__name__)

TOTAL_S = 20.0
"""The longest that one connection may take, from the name's look-up to the server's last word."""

STEP_S = 10.0
SLOW_S = 5.0
"""A failure that took longer kept a worker from others' mails."""

REPLIES_BYTES = 64 * 1024
WORDS_MAX = 1000
MAIL_PORTS = (25, 465, 587)
"""Those below 1024 on which mail servers take mail."""

_POLICY = email.policy.SMTP.clone(cte_type="7bit")  # not every server takes eight bits


class Security(StrEnum):
    """How a connection is kept from listeners; the contract's ``secure``.

    ``AUTO`` is STARTTLS where the server offers it, and never a password without it; on this
    machine itself, nothing.
    """

    AUTO = ""
    STARTTLS = "tls"
    TLS = "ssl"


@dataclass(frozen=True)
class Server:
    """A mail server; ``is_guarded``: a project named it, so it may not be a private address."""

    host: str
    port: int
    security: Security = Security.AUTO
    username: str = ""
    password: str = field(default="", repr=False)
    is_guarded: bool = True

    @property
    def is_local(self) -> bool:
        """Whether it is this machine."""
        with contextlib.suppress(ValueError):
            return ipaddress.ip_address(self.host).is_loopback
        return self.host == "localhost"


@dataclass(frozen=True)
class Letter:
    """A mail as it goes out; ``message_id`` is the same at each attempt.

    ``sender_address``, ``reply_to`` and ``recipient`` are plain addresses; ``reply_to`` may be
    empty.
    """

    message_id: str
    sender_name: str
    sender_address: str
    reply_to: str
    recipient: str
    subject: str = field(repr=False)
    html: str = field(repr=False)
    text: str = field(repr=False)


class DeliveryFailed(Exception):
    """A mail server did not take something.

    Attributes:
        words: the server's own, or ours where it said nothing; one line for a person.
        is_passing: it may work later.
        is_slow: it took long to fail.
    """

    def __init__(self, words: str, *, is_passing: bool = False) -> None:
        super().__init__(words)
        self.words = one_line(words)[:WORDS_MAX]
        self.is_passing = is_passing
        self.is_slow = False


def deliver(server: Server, letter: Letter) -> str:
    """Hand a letter to a server; its words when it took it.

    Raises:
        DeliveryFailed
    """
    words = None
    try:
        with open_client(server, _domain_of(letter.sender_address)) as client:
            words = client.send_letter(letter)
    except DeliveryFailed:
        if words is None:
            raise
        # It took the letter; what happened to the connection after that is no matter.
    return words


@contextlib.contextmanager
def open_client(server: Server, own_name: str) -> Iterator["Client"]:
    """A client that has greeted the server and signed in, within the time limits.

    Args:
        own_name: what this server calls itself.

    Raises:
        DeliveryFailed: also for what fails inside the ``with``.
    """
    began = time.monotonic()
    try:
        with _connection(server, own_name, began + TOTAL_S) as client:
            yield client
    except DeliveryFailed as failure:
        failure.is_slow = time.monotonic() - began > SLOW_S
        raise
    except AppError as error:
        is_passing = not isinstance(error, OutboundRefused)
        failed = DeliveryFailed(error.message, is_passing=is_passing)
        failed.is_slow = time.monotonic() - began > SLOW_S
        raise failed from None


def plain_address(text: str) -> str:
    """An address as mail servers know it: the domain in ASCII.

    Raises:
        ValueError: it is none, or holds what could begin another header.
    """
    try:
        address = Address(addr_spec=text)
    except (IndexError, MessageError):  # the parser's ways to say it
        raise ValueError("not an address") from None
    domain = address.domain
    if not address.username or not domain or not text.isprintable():
        raise ValueError("not an address")
    if not domain.isascii():
        domain = idna.encode(domain, uts46=True).decode("ascii")
    return Address(username=address.username, domain=domain).addr_spec


class Client(smtplib.SMTP):
    """smtplib's client on a socket that is open already."""

    def __init__(self, server: Server, opened: socket.socket, own_name: str) -> None:
        self._opened = opened
        self._words = ""
        # Its default would be this machine's full name, which is nobody's business.
        super().__init__(server.host, server.port, local_hostname=own_name, timeout=STEP_S)

    def send_letter(self, letter: Letter) -> str:
        """Send a letter; the server's words.

        Raises:
            smtplib.SMTPException
        """
        recipient = plain_address(letter.recipient)
        message = compose(letter, recipient)
        self.send_message(message, plain_address(letter.sender_address), [recipient])
        return self._words

    def data(self, msg: Any) -> tuple[int, bytes]:
        code, words = super().data(msg)
        self._words = _explain_reply(code, words)
        return code, words

    def getreply(self) -> tuple[int, bytes]:
        if self.file is None and self.sock is not None:
            self.file = _Bounded(self.sock.makefile("rb"))
        return super().getreply()

    def _get_socket(self, *_: object) -> socket.socket:
        return self._opened


class _Bounded:
    """A server's replies, until there are too many: smtplib bounds a line, not their number."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self._left_bytes = REPLIES_BYTES

    def readline(self, limit: int) -> bytes:
        line: bytes = self._file.readline(limit)
        self._left_bytes -= len(line)
        if self._left_bytes < 0:
            raise smtplib.SMTPServerDisconnected("The mail server says too much.")
        return line

    def close(self) -> None:
        self._file.close()


def compose(letter: Letter, recipient: str) -> EmailMessage:
    """The letter as a message: text and HTML side by side."""
    message = EmailMessage(_POLICY)
    sender = plain_address(letter.sender_address)
    message["From"] = Address(one_line(letter.sender_name), addr_spec=sender)
    message["To"] = Address(addr_spec=recipient)
    if letter.reply_to:
        message["Reply-To"] = Address(addr_spec=plain_address(letter.reply_to))
    message["Subject"] = one_line(letter.subject)
    message["Date"] = email.utils.format_datetime(datetime.datetime.now(datetime.UTC))
    message["Message-ID"] = f"<{letter.message_id}@{_domain_of(sender)}>"
    # RFC 3834: nobody's out-of-office answer is wanted.
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(letter.text)
    message.add_alternative(letter.html, subtype="html")
    return message


@contextlib.contextmanager
def _connection(server: Server, own_name: str, deadline: float) -> Iterator[Client]:
    opened = _open(server)
    with Cutoff(opened, deadline), contextlib.closing(opened):
        try:
            if server.security is Security.TLS:
                opened = tls_context().wrap_socket(opened, server_hostname=server.host)
            client = Client(server, opened, own_name)
            try:
                _begin(client, server)
                yield client
                client.putcmd("quit")  # its answer would be no news
            finally:
                client.close()
        except smtplib.SMTPException as error:
            raise _explain(error) from None
        except ssl.SSLError:
            raise  # a ValueError too, when it is about a certificate
        except ValueError:
            # smtplib encodes as ASCII; an address that is none of RFC 5321's ends here too.
            raise DeliveryFailed("An address, a name or the password cannot be sent.") from None


def _open(server: Server) -> socket.socket:
    if server.is_guarded:
        if server.port < 1024 and server.port not in MAIL_PORTS:
            raise OutboundRefused("Mail servers listen on 25, 465, 587 or a port above 1023.")
        return open_socket(server.host, server.port, STEP_S)
    try:
        return socket.create_connection((server.host, server.port), STEP_S)
    except TimeoutError:
        raise OutboundTimeout from None
    except OSError as error:
        words = f"The mail server cannot be reached: {error.strerror or 'no connection'}."
        raise DeliveryFailed(words, is_passing=True) from None


def _begin(client: Client, server: Server) -> None:
    client.ehlo_or_helo_if_needed()
    if server.security is Security.STARTTLS:
        client.starttls(context=tls_context())
    elif server.security is Security.AUTO and not server.is_local:
        _start_tls_if_offered(client, server)
    if server.username:
        client.login(server.username, server.password)


def _start_tls_if_offered(client: Client, server: Server) -> None:
    if client.has_extn("starttls"):
        client.starttls(context=tls_context() if server.username else _unchecked_context())
    elif server.username:
        raise DeliveryFailed("The server offers no encryption: it is not told the password.")


def _unchecked_context() -> ssl.SSLContext:
    """Better than none, where no password is sent and the other way is plain text."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _explain(error: smtplib.SMTPException) -> DeliveryFailed:
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code, reply = next(iter(error.recipients.values()))
        return _refusal(code, reply)
    if isinstance(error, smtplib.SMTPResponseException):
        return _refusal(error.smtp_code, error.smtp_error)
    if isinstance(error, smtplib.SMTPServerDisconnected):
        is_late = isinstance(error.__context__, TimeoutError)
        words = OutboundTimeout.message if is_late else "The mail server ended the connection."
        return DeliveryFailed(words, is_passing=True)
    return DeliveryFailed(str(error) or "The mail server cannot do what is needed.")


def _refusal(code: int, reply: bytes | str) -> DeliveryFailed:
    return DeliveryFailed(_explain_reply(code, reply), is_passing=not 500 <= code <= 599)


def _explain_reply(code: int, words: bytes | str) -> str:
    if code < 0:
        return "This is no mail server."
    text = words.decode(errors="replace") if isinstance(words, bytes) else words
    return one_line(f"{code} {text}")[:WORDS_MAX]


def _domain_of(address: str) -> str:
    domain = address.rpartition("@")[2]
    return domain if re.fullmatch(r"[A-Za-z0-9.-]{1,253}", domain) else "localhost"
