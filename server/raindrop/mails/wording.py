"""The words of mails: ours in Chinese and English, and the placeholders in them.

A wording is a subject and a message, a piece of HTML, in which ``{{user}}`` and the like stand for
values. They are put in by plain replacement: the message may be a stranger's, so it is never run as
a template.
"""

import functools
import html
import json
import re
from collections.abc import Mapping
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

FOLDER = Path(__file__).parent / "templates"
ENGLISH, CHINESE = "en", "zh"
SUBJECT_MAX = 255
VALUE_MAX = 256

KINDS = (
    "verification", "magicsession", "recovery", "invitation", "mfachallenge", "sessionalert",
    "otpsession",
)  # fmt: skip
"""The contract's types of e-mail templates."""

TEST = "test"
"""The mail that tries out a mail server; it has no wording of a project's own."""

SECRETS = frozenset({"redirect", "otp"})
"""Values that let their holder in."""

_PLACEHOLDER = re.compile(r"\{\{\s*([a-z]{1,20})\s*\}\}")
_templates = Environment(
    loader=FileSystemLoader(FOLDER),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    autoescape=True,
)


class Wording(NamedTuple):
    """A subject and a message with placeholders; ``message`` is HTML."""

    subject: str
    message: str


class Rendered(NamedTuple):
    """A mail as it is sent; ``title`` is the subject with stars in place of secrets."""

    subject: str
    title: str
    html: str
    text: str


def language_of(locale: str) -> str:
    """The language of ours that comes closest: ``zh`` for any Chinese, else ``en``."""
    return CHINESE if re.split("[-_]", locale.lower())[0] == CHINESE else ENGLISH


def our_wording(kind: str, locale: str, values: Mapping[str, str] | None = None) -> Wording:
    """Our words for a kind of mail.

    Args:
        values: lines in which one of them is missing are left out; None: all lines.
    """
    words = _load(language_of(locale))[kind]

    def is_whole(line: str) -> bool:
        return values is None or all(values.get(name) for name in _PLACEHOLDER.findall(line))

    greeting = words["greeting"]
    message = _templates.get_template("message.html.j2").render(
        greeting=greeting if is_whole(greeting) else "",
        lines=[line for line in words["lines"] if is_whole(line)],
        button=words.get("button", ""),
        code=words.get("code", ""),
        notes=[note for note in words["notes"] if is_whole(note)],
    )
    return Wording(words["subject"], message)


def render(wording: Wording, locale: str, values: Mapping[str, str]) -> Rendered:
    """The mail that a wording and values make; names that are no value's stay as they are."""
    tidy = {
        name: one_line(value)[: None if name in SECRETS else VALUE_MAX]
        for name, value in values.items()
    }
    subject = one_line(_fill(wording.subject, tidy))[:SUBJECT_MAX]
    masked = {name: "***" if name in SECRETS else value for name, value in tidy.items()}
    title = one_line(_fill(wording.subject, masked))[:SUBJECT_MAX]
    escaped = {name: html.escape(value) for name, value in tidy.items()}
    message = _fill(wording.message, escaped)
    page = _templates.get_template("page.html.j2").render(
        locale=locale,
        subject=subject,
        project=tidy.get("project", ""),
        message=Markup(message),  # noqa: S704  # the values in it are escaped
    )
    return Rendered(subject, title, page, to_text(message))


def to_text(message: str) -> str:
    """A message as plain text: a line for each block, links with their addresses."""
    reader = _Reader()
    reader.feed(message)
    reader.close()
    return reader.text()


@functools.cache
def _load(language: str) -> dict[str, Any]:
    words: dict[str, Any] = json.loads((FOLDER / f"{language}.json").read_text(encoding="utf-8"))
    return words


def _fill(text: str, values: Mapping[str, str]) -> str:
    """Once, so that a placeholder in a value is not replaced in turn."""
    return _PLACEHOLDER.sub(lambda match: values.get(match[1], match[0]), text)


def one_line(text: str) -> str:
    """Without control characters, so that a name cannot pose as the mail's own words."""
    printable = "".join(letter if letter.isprintable() else " " for letter in text)
    return " ".join(printable.split())


class _Reader(HTMLParser):
    """Collects the text of HTML; an address that was told is not told again."""

    _BLOCKS = frozenset({"p", "div", "br", "li", "tr", "table", "h1", "h2", "h3", "h4", "hr", "ul"})
    _SILENT = frozenset({"style", "script", "title", "head"})

    def __init__(self) -> None:
        super().__init__()
        self._parts: list[str] = []
        self._links: list[tuple[str, int]] = []
        self._told: set[str] = set()
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in self._SILENT:
            self._silent += 1
        elif tag in self._BLOCKS:
            self._parts.append("\n")
        elif tag == "a":
            self._links.append((dict(attrs).get("href") or "", len(self._parts)))

    def handle_endtag(self, tag: str) -> None:
        if tag in self._SILENT:
            self._silent = max(self._silent - 1, 0)
        elif tag in self._BLOCKS:
            self._parts.append("\n")
        elif tag == "a" and self._links:
            self._end_link(*self._links.pop())

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self._parts.append(re.sub(r"\s+", " ", data))

    def _end_link(self, address: str, begin: int) -> None:
        label = "".join(self._parts[begin:]).strip()
        if not address:
            return
        if label != address:
            self._parts.append(f": {address}" if label else address)
        elif address in self._told:
            del self._parts[begin:]
        self._told.add(address)

    def text(self) -> str:
        """What was collected, a blank line between blocks."""
        lines = (line.strip() for line in "".join(self._parts).split("\n"))
        return "\n\n".join(line for line in lines if line) + "\n"
