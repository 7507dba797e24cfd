"""The mails of a project, read beside the server, so that tests can follow their links."""

import json
import re
import time
from dataclasses import dataclass

from raindrop.core.secrets import Vault
from tests.support.site import Site

WAIT_S = 10


@dataclass(frozen=True)
class ReadMail:
    """A mail; ``html`` and ``text`` are empty once a mail server has taken it."""

    recipient: str
    kind: str
    subject: str
    html: str
    text: str

    @property
    def link(self) -> str:
        """The first address in it."""
        found = re.search(r"https?://\S+", self.text)
        assert found, self.text
        return found[0]

    @property
    def code(self) -> str:
        """The first six-digit code in it."""
        found = re.search(r"(?<![\w.])\d{6}(?![\w.])", self.text)
        assert found, self.text
        return found[0]


def read_mails(site: Site, project_id: str) -> list[ReadMail]:
    """The project's mails, newest last. Waits for nothing."""
    rows = site.sql(
        "SELECT m.recipient, m.kind, m.subject, m.content FROM mails m JOIN projects p"
        " ON p.id = m.project_id WHERE p.public_id = :id ORDER BY m.id",
        id=project_id,
    )
    vault = Vault(site.settings)
    mails = []
    for row in rows:
        blank = {"subject": row["subject"], "html": "", "text": ""}
        held = json.loads(vault.decrypt(row["content"])) if row["content"] else blank
        content = {name: held[name] for name in blank}
        mails.append(ReadMail(row["recipient"], row["kind"], **content))
    return mails


def wait_for_mail(site: Site, project_id: str, recipient: str, kind: str) -> ReadMail:
    """The newest mail of this kind to this address, once there is one."""
    deadline = time.monotonic() + WAIT_S
    while True:
        found = [
            mail
            for mail in read_mails(site, project_id)
            if (mail.recipient, mail.kind) == (recipient, kind)
        ]
        if found:
            return found[-1]
        assert time.monotonic() < deadline, f"no {kind} to {recipient}"
        time.sleep(0.05)
