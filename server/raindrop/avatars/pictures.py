"""Pictures that strangers sent: read with limits, cropped, and written anew as PNG.

What leaves is always our own PNG of the pixels: nothing else of the file, neither its name, its
metadata nor a script, comes through.
"""

import io
import warnings
from http import HTTPStatus
from typing import TYPE_CHECKING

from raindrop.core.errors import AppError

if TYPE_CHECKING:
    from PIL.Image import Image

PHOTO_FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "BMP")
ICON_FORMATS = (*PHOTO_FORMATS, "ICO")
MAX_PIXELS = 20_000_000
"""Decoded at most 80 MB, one picture of a process at a time."""
SIDE_MAX = 2000
PNG_LEVEL = 4
"""Half the time of the usual level for a photograph, a few per cent larger."""


class PictureUnreadable(Exception):
    """The bytes are no picture of a known format, or it has too many pixels."""


class ImageNotFound(AppError):
    """There is no picture at the address."""

    type = "avatar_image_not_found"
    status = HTTPStatus.NOT_FOUND
    message = "There is no picture at this address that could be read."


def read_picture(body: bytes, formats: tuple[str, ...], side: int = SIDE_MAX) -> "Image":
    """The first frame, upright, as RGB or RGBA.

    Args:
        side: about how many pixels are needed of the shorter side; a photograph is decoded small.

    Raises:
        PictureUnreadable
    """
    from PIL import Image  # takes megabytes, and most processes never see a picture

    # For frames inside an .ico, which have sizes of their own; Pillow refuses twice this.
    Image.MAX_IMAGE_PIXELS = MAX_PIXELS // 2
    warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)
    try:
        image: Image.Image = Image.open(io.BytesIO(body), formats=formats)
        if image.width * image.height > MAX_PIXELS:
            raise PictureUnreadable
        image.draft("RGB", (side, side))
        image.load()
        return _flatten(_turn(image))
    except Exception as error:  # decoders raise whatever the bytes make them
        raise PictureUnreadable from error


def cover(image: "Image", width: int, height: int) -> "Image":
    """Scaled and cropped about its middle to exactly this size. A side of 0 follows from the
    other, both follow from the picture; then no side is over ``SIDE_MAX``."""
    from PIL import Image, ImageOps

    if width and height:
        return ImageOps.fit(image, (width, height), Image.Resampling.LANCZOS)
    scale = min(
        (width or height) / (image.width if width else image.height) if width or height else 1.0,
        SIDE_MAX / image.width if not width else SIDE_MAX,
        SIDE_MAX / image.height if not height else SIDE_MAX,
    )
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return image.resize(size, Image.Resampling.LANCZOS)


def write_png(image: "Image") -> bytes:
    """The finished file."""
    out = io.BytesIO()
    image.save(out, "PNG", compress_level=PNG_LEVEL, icc_profile=None)
    return out.getvalue()


def _turn(image: "Image") -> "Image":
    from PIL import ImageOps

    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # the picture is whole, only what the camera wrote beside it is not
        return image


def _flatten(image: "Image") -> "Image":
    has_alpha = image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info
    return image.convert("RGBA" if has_alpha else "RGB")
