"""Flags of countries; data/README.md says where they are from."""

import zipfile
from http import HTTPStatus
from pathlib import Path

from raindrop.avatars import pictures
from raindrop.core.errors import AppError

_FLAGS = Path(__file__).parent / "data" / "flags.zip"
SQUARISH = 7 / 6
"""Half-way between the two shapes."""


class AvatarNotFound(AppError):
    """The set has no such picture."""

    type = "avatar_not_found"
    status = HTTPStatus.NOT_FOUND
    message = "There is no such picture in this set."


class AvatarSetNotFound(AppError):
    """This server has no such set of pictures."""

    type = "avatar_set_not_found"
    status = HTTPStatus.NOT_FOUND
    message = "This server has no such set of pictures."


def draw_flag(code: str, width: int, height: int) -> bytes:
    """The flag of a country by its ISO 3166-1 code, cropped to the size, as PNG.

    The set has each flag in two shapes, so that a square one keeps its stars. Both have about 300
    lines: above that a flag is a little soft.

    Raises:
        AvatarNotFound
    """
    shape = "1x1" if width and height and width / height < SQUARISH else "4x3"
    with zipfile.ZipFile(_FLAGS) as flags:
        try:
            body = flags.read(f"{shape}/{code.lower()}.webp")
        except KeyError:
            raise AvatarNotFound from None
    flag = pictures.read_picture(body, ("WEBP",))
    return pictures.write_png(pictures.cover(flag, width, height))
