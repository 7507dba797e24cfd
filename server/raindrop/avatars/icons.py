"""The icon of a web page."""

import re
from dataclasses import dataclass
from functools import partial
from html.parser import HTMLParser
from http import HTTPStatus
from itertools import islice
from urllib.parse import urljoin, urlsplit

from raindrop.avatars import pictures
from raindrop.avatars.remote import PAGE_BYTES, Errand
from raindrop.core.errors import AppError, OutboundFailed, OutboundRefused, OutboundTooLarge
from raindrop.core.lines import Line

ICON_BYTES = 1024 * 1024
ICON_S = 5.0
SIDE_BEST = 128
SIDE_MAX = 256
TAGS_MAX = 300
"""Links of one page that are looked at."""
TRIES_MAX = 4
"""Icons of one page that are fetched."""

_RELATIONS = frozenset({"icon", "apple-touch-icon", "apple-touch-icon-precomposed"})
_TAG = re.compile(rb"<(?:link|base)\s[^<>]{1,4096}>", re.IGNORECASE)
_APPLE_SIDE = 180
_DEFAULT_SIDE = 32
_SVG_HEAD = re.compile(rb"(?:\xef\xbb\xbf)?\s*(<\?xml|<!--|<!doctype svg|<svg)", re.IGNORECASE)


class RemoteUrlFailed(AppError):
    """The page could not be fetched."""

    type = "avatar_remote_url_failed"
    status = HTTPStatus.NOT_FOUND
    message = "The page at this address could not be fetched."


class IconNotFound(AppError):
    """The page has no icon, or none that could be read."""

    type = "avatar_icon_not_found"
    status = HTTPStatus.NOT_FOUND
    message = "This page has no icon that could be read."


class SvgRefused(AppError):
    """The only icon is a drawing, which may hold scripts."""

    type = "avatar_svg_sanitization_failed"
    status = HTTPStatus.BAD_REQUEST
    message = "This page has its icon as SVG only, which is not passed on."


@dataclass(frozen=True)
class IconLink:
    """An icon that a page names; ``side`` in pixels, as the page has it or as is usual."""

    url: str
    side: int
    is_svg: bool

    @property
    def rank(self) -> tuple[bool, bool, int]:
        """The best first: drawings last; the smallest that is large enough, else the largest."""
        is_small = self.side < SIDE_BEST
        return self.is_svg, is_small, -self.side if is_small else self.side


def fetch_icon(url: str, line: Line) -> bytes:
    """The best icon of a page as PNG, at most ``SIDE_MAX`` pixels on a side.

    Args:
        line: where pages are parsed and pictures decoded.

    Raises:
        RemoteUrlFailed, IconNotFound, SvgRefused, ServiceUnavailable
        OutboundRefused: the address may not be called.
    """
    errand = Errand()
    try:
        page = errand.get(url, PAGE_BYTES)
    except OutboundTooLarge:
        raise RemoteUrlFailed("The page at this address is too large.") from None
    except OutboundFailed:
        raise RemoteUrlFailed from None
    if page.status >= HTTPStatus.BAD_REQUEST:
        raise RemoteUrlFailed
    links = line.run(lambda: find_icons(page.body, page.url))
    has_svg = False
    for link in links[:TRIES_MAX]:
        body = b"" if errand.is_over else _fetch_quietly(errand, link.url)
        if _SVG_HEAD.match(body):
            has_svg = True
            continue
        icon = line.run(partial(_read_icon, body)) if body else None
        if icon:
            return icon
    raise SvgRefused if has_svg else IconNotFound


def find_icons(page: bytes, url: str) -> list[IconLink]:
    """The icons that a page names, the best first, and the one that browsers ask for unasked.

    Only tags are looked at, one by one: what builds a page's tree takes a time that grows with
    the square of its depth.
    """
    reader = _TagReader()
    for match in islice(_TAG.finditer(page), TAGS_MAX):
        reader.feed(match[0].decode("utf-8", "replace"))
    base = _join(url, reader.base) or url
    found: dict[str, IconLink] = {}
    for attributes in reader.links:
        relations = _RELATIONS.intersection(attributes.get("rel", "").lower().split())
        address = _join(base, attributes.get("href", "")) if relations else ""
        if address:
            is_apple = "icon" not in relations
            found.setdefault(address, _make_link(address, attributes, is_apple=is_apple))
    links = sorted(found.values(), key=lambda link: link.rank)[: TRIES_MAX - 1]
    return [*links, IconLink(_join(url, "/favicon.ico"), _DEFAULT_SIDE, is_svg=False)]


class _TagReader(HTMLParser):
    """Collects the attributes of ``<link>``, and the address of the first ``<base>``."""

    def __init__(self) -> None:
        super().__init__()
        self.base = ""
        self.links: list[dict[str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        if tag == "base":
            self.base = self.base or attributes.get("href", "")
        elif attributes.get("href", "").strip():
            self.links.append(attributes)


def _make_link(address: str, attributes: dict[str, str], *, is_apple: bool) -> IconLink:
    kind = attributes.get("type", "").lower()
    is_svg = "svg" in kind or urlsplit(address).path.lower().endswith(".svg")
    sides = [
        int(side) for side in re.findall(r"(?<!\d)(\d{1,4})[xX]\d", attributes.get("sizes", ""))
    ]
    return IconLink(address, max(sides, default=_APPLE_SIDE if is_apple else _DEFAULT_SIDE), is_svg)


def _join(base: str, href: str) -> str:
    """The whole address; empty where it is none that could be called."""
    try:
        address = urljoin(base, href.strip())
    except ValueError:
        return ""
    return address if address.startswith(("http://", "https://")) else ""


def _fetch_quietly(errand: Errand, url: str) -> bytes:
    """An icon's bytes; empty where there are none, for the page may name another."""
    try:
        answer = errand.get(url, ICON_BYTES, total_s=ICON_S)
    except (OutboundRefused, OutboundFailed):
        return b""
    return answer.body if answer.status == HTTPStatus.OK else b""


def _read_icon(body: bytes) -> bytes | None:
    try:
        icon = pictures.read_picture(body, pictures.ICON_FORMATS, SIDE_MAX)
    except pictures.PictureUnreadable:
        return None
    icon.thumbnail((SIDE_MAX, SIDE_MAX))
    return pictures.write_png(icon)
