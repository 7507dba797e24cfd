"""What the operations of ``/v1/avatars`` take."""

from typing import Annotated

from pydantic import AfterValidator, Field

from raindrop.avatars.pictures import SIDE_MAX
from raindrop.core.v1 import Text, UrlBool, UrlInteger, V1Model

Side = Annotated[UrlInteger, Field(ge=0, le=SIDE_MAX)]
Quality = Annotated[UrlInteger, Field(ge=-1, le=100)]
Url = Annotated[Text, Field(min_length=1, max_length=2048)]


def _six_digits(value: str) -> str:
    """``abc`` is short for ``aabbcc``."""
    return "".join(2 * digit for digit in value) if len(value) == 3 else value


class InitialsArguments(V1Model):
    """Of initials."""

    name: Text = Field("", max_length=128)
    width: Side = 500
    height: Side = 500
    background: Annotated[
        str, Field(pattern=r"^(|[0-9A-Fa-f]{3}|[0-9A-Fa-f]{6})$"), AfterValidator(_six_digits)
    ] = ""


class QrArguments(V1Model):
    """Of a QR code."""

    text: Text = Field(min_length=1, max_length=512)
    size: UrlInteger = Field(400, ge=1, le=1000)
    margin: UrlInteger = Field(1, ge=0, le=10)
    download: UrlBool = False


class IconArguments(V1Model):
    """Of a page's icon."""

    url: Url


class PictureArguments(V1Model):
    """Of a picture elsewhere."""

    url: Url
    width: Side = 400
    height: Side = 400


class FlagArguments(V1Model):
    """Of a picture of a set; ``quality`` changes nothing, PNG has none."""

    width: Side = 100
    height: Side = 100
    quality: Quality = -1
