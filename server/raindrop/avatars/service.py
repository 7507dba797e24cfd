"""Pictures made for a project's pages. What takes the processor waits in a line of its own."""

from http import HTTPStatus

from raindrop.avatars import flags, icons, initials, pictures, qr
from raindrop.avatars.remote import PICTURE_BYTES, Errand
from raindrop.core.access import Actor, ActorKind
from raindrop.core.db import let_go
from raindrop.core.errors import OutboundFailed
from raindrop.core.lines import Line

LINE_MAX = 50
"""So many pictures may wait in a process; most take a few milliseconds, the largest a second."""

_line = Line(LINE_MAX, "Too many pictures are made just now; try again in a moment.")


def draw_initials(actor: Actor, name: str, width: int, height: int, background: str) -> bytes:
    """Initials of a name, or where it is empty of the signed-in user's name or e-mail.

    Args:
        width, height: pixels; 0: as much as the other, or 500.
    """
    shown = name.strip() or own_name(actor)
    let_go()
    width, height = width or height or 500, height or width or 500
    return _line.run(lambda: initials.draw_initials(shown, width, height, background))


def own_name(actor: Actor) -> str:
    """The signed-in user's name or e-mail; empty for everybody else."""
    if actor.kind != ActorKind.USER:
        return ""
    user = actor.person.user
    return str(user["name"] or user["email"])


def draw_qr(text: str, size: int, margin: int) -> bytes:
    """A QR code; ``size`` in pixels, ``margin`` in modules."""
    let_go()
    return _line.run(lambda: qr.draw_qr(text, size, margin))


def draw_flag(code: str, width: int, height: int) -> bytes:
    """A country's flag.

    Raises:
        AvatarNotFound
    """
    let_go()
    return _line.run(lambda: flags.draw_flag(code, width, height))


def fetch_icon(url: str) -> bytes:
    """The icon of the page at an address.

    Raises:
        RemoteUrlFailed, IconNotFound, SvgRefused, OutboundRefused
    """
    let_go()
    return icons.fetch_icon(url, _line)


def fetch_picture(url: str, width: int, height: int) -> bytes:
    """The picture at an address, cropped to the size.

    Raises:
        ImageNotFound, OutboundRefused
    """
    let_go()
    try:
        answer = Errand().get(url, PICTURE_BYTES)
    except OutboundFailed:
        raise pictures.ImageNotFound from None
    if answer.status != HTTPStatus.OK:
        raise pictures.ImageNotFound
    try:
        return _line.run(lambda: _crop(answer.body, width, height))
    except pictures.PictureUnreadable:
        raise pictures.ImageNotFound from None


def _crop(body: bytes, width: int, height: int) -> bytes:
    side = max(width, height) or pictures.SIDE_MAX
    picture = pictures.read_picture(body, pictures.PHOTO_FORMATS, side)
    return pictures.write_png(pictures.cover(picture, width, height))
