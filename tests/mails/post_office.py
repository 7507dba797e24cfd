"""A real mail server on loopback that does as the recipient's name says."""

import asyncio
import email
import email.policy
import ssl
import threading
from collections import Counter
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword, Session

from tests.support.site import free_port

NAME, PASSWORD = "postman", "pass-word-of-this-test"


class PostOffice:
    """Takes mail, except for ``never…@`` (550), ``later2…@`` (451 twice), ``hang…@`` (no answer)
    and ``gate…@`` (an answer once ``gate`` is open)."""

    def __init__(self, *, host: str = "127.0.0.1", **options: Any) -> None:
        """
        Args:
            options: of aiosmtpd's controller.
        """
        self.port = free_port()
        self.taken: list[tuple[list[str], EmailMessage]] = []
        self.asked: Counter[str] = Counter()
        self.gate = threading.Event()
        self._controller = Controller(self, hostname=host, port=self.port, **options)

    def start(self) -> None:
        self._controller.start()

    def stop(self) -> None:
        self._controller.stop()

    def mails_to(self, address: str) -> list[EmailMessage]:
        """What was taken for an address, oldest first."""
        return [message for recipients, message in self.taken if recipients == [address]]

    async def handle_RCPT(
        self, _server: Any, _session: Session, envelope: Envelope, address: str, _options: Any
    ) -> str:
        name = address.partition("@")[0]
        self.asked[address] += 1
        if name.startswith("never"):
            return "550 5.1.1 nobody of that name lives here"
        if name.startswith("later") and self.asked[address] <= int(name[5]):
            return "451 4.7.1 come again later"
        if name.startswith("hang"):
            await asyncio.sleep(60)
        while name.startswith("gate") and not self.gate.is_set():
            await asyncio.sleep(0.02)
        envelope.rcpt_tos.append(address)
        return "250 known"

    async def handle_DATA(self, _server: Any, _session: Session, envelope: Envelope) -> str:
        message = email.message_from_bytes(envelope.content or b"", policy=email.policy.default)
        self.taken.append((envelope.rcpt_tos, message))  # type: ignore[arg-type]
        return "250 2.0.0 taken as 42"


def sign_in(_server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
    """An authenticator that knows one person."""
    is_known = isinstance(data, LoginPassword) and data == LoginPassword(
        NAME.encode(), PASSWORD.encode()
    )
    return AuthResult(success=is_known, handled=False)


def with_starttls(context: ssl.SSLContext) -> PostOffice:
    """One that wants STARTTLS and a password."""
    return PostOffice(
        tls_context=context, require_starttls=True, authenticator=sign_in, auth_required=True
    )


def with_tls(context: ssl.SSLContext) -> PostOffice:
    """One that speaks TLS from the first byte."""
    return PostOffice(ssl_context=context)
