"""Pictures of a person's initials.

The two fonts know Latin, Greek and Cyrillic letters, the Chinese characters of GB 2312 and of the
first level of Big5, the Japanese ones of JIS X 0208's first level with kana, and the Korean
syllables of KS X 1001. A letter that neither has is left out; without any, a figure is drawn.
"""

import hashlib
import re
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING

from raindrop.avatars.pictures import write_png

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageFont import FreeTypeFont

_DATA = Path(__file__).parent / "data"
FONTS = (_DATA / "latin.ttf", _DATA / "cjk.otf")

BACKGROUNDS = (
    "b3261e", "a3480b", "7d5700", "4c6a00", "1b6e2e", "00696f",
    "00658f", "2f57c4", "5b45c9", "8133a8", "a02470", "54606b",
)  # fmt: skip
"""White on each has a contrast of at least 4.5 (WCAG 2.2, 1.4.3); a test computes it."""

WHITE, BLACK = (255, 255, 255), (0, 0, 0)
LETTER_SHARE = 0.46
"""The size of the font by the shorter side."""
WIDTH_SHARE = 0.72
"""The part of the width that the letters may take."""
FIGURE_PX = 1024

Colour = tuple[int, int, int]


def draw_initials(name: str, width: int, height: int, background: str) -> bytes:
    """The initials of a name, or the figure of a person, as PNG.

    Args:
        background: six hexadecimal digits; empty: a colour that always goes with the name.
    """
    from PIL import Image  # takes megabytes, and most processes never draw

    colour = _parse_colour(background or _pick_background(name))
    ink = WHITE if contrast(WHITE, colour) >= contrast(BLACK, colour) else BLACK
    image = Image.new("RGB", (width, height), colour)
    letters = initials_of(name)
    if not (letters and _draw_letters(image, letters, ink)):
        _draw_figure(image, ink)
    return write_png(image)


def initials_of(name: str) -> str:
    """The first letters of the first and the last word, at most two: ``Ann Lee``: ``AL``,
    ``ann.lee@example.com``: ``AL``, ``张伟``: ``张``."""
    name, is_email = re.subn(r"@.*", "", unicodedata.normalize("NFC", name), flags=re.DOTALL)
    words = re.split(r"[\s._+-]+" if is_email else r"[\s_-]+", name)
    firsts = [first for word in words if (first := _first_letter(word))]
    return "".join(firsts[:1] + firsts[1:][-1:])


def contrast(one: Colour, other: Colour) -> float:
    """The contrast of two colours, 1 to 21 (WCAG 2.2, relative luminance)."""
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def _first_letter(word: str) -> str:
    found = next((each for each in word if unicodedata.category(each)[0] in "LN"), "")
    return found.upper() if len(found.upper()) == 1 else found


def _pick_background(name: str) -> str:
    number = hashlib.sha256(name.strip().casefold().encode()).digest()[0]
    return BACKGROUNDS[number % len(BACKGROUNDS)]


def _parse_colour(digits: str) -> Colour:
    red, green, blue = bytes.fromhex(digits)
    return red, green, blue


def _luminance(colour: Colour) -> float:
    parts = [value / 255 for value in colour]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _draw_letters(image: "Image", letters: str, ink: Colour) -> bool:
    """Whether a font had any of the letters."""
    from PIL import ImageDraw

    size = max(1.0, min(image.size) * LETTER_SHARE)
    pairs = _with_fonts(letters, size)
    if not pairs:
        return False
    room = image.width * WIDTH_SHARE
    taken = sum(font.getlength(letter) for letter, font in pairs)
    if taken > room:
        pairs = _with_fonts(letters, max(1.0, size * room / taken))
        taken = sum(font.getlength(letter) for letter, font in pairs)
    boxes = [_reference(letter, font) for letter, font in pairs]
    middle = (min(top for top, _ in boxes) + max(bottom for _, bottom in boxes)) / 2
    draw = ImageDraw.Draw(image)
    left = (image.width - taken) / 2
    for letter, font in pairs:
        draw.text((left, image.height / 2 - middle), letter, fill=ink, font=font, anchor="ls")
        left += font.getlength(letter)
    return True


def _with_fonts(letters: str, size: float) -> list[tuple[str, "FreeTypeFont"]]:
    from PIL import ImageFont

    fonts = [ImageFont.truetype(path, size, layout_engine=ImageFont.Layout.BASIC) for path in FONTS]
    found = []
    for letter in letters:
        # What a font lacks is drawn empty: both were made without a sign for it.
        font = next((each for each in fonts if _has(each, letter)), None)
        if font is not None:
            found.append((letter, font))
    return found


def _has(font: "FreeTypeFont", letter: str) -> bool:
    left, top, right, bottom = font.font_variant(size=64).getbbox(letter, anchor="ls")
    return right > left and bottom > top


def _reference(letter: str, font: "FreeTypeFont") -> tuple[float, float]:
    """Top and bottom, from the base line, of what is put in the middle: of capitals without
    accents and tails, so that every A and Q stands at one height; of other letters themselves."""
    is_cased = letter.isupper() or letter.islower() or letter.isdigit()
    _, top, _, bottom = font.getbbox("H" if is_cased else letter, anchor="ls")
    return top, bottom


def _draw_figure(image: "Image", ink: Colour) -> None:
    """Head and shoulders, drawn large and scaled down for smooth edges."""
    from PIL import Image, ImageDraw

    mask = Image.new("L", (FIGURE_PX, FIGURE_PX), 0)
    draw = ImageDraw.Draw(mask)
    unit = FIGURE_PX / 100
    draw.ellipse([34 * unit, 22 * unit, 66 * unit, 54 * unit], fill=255)
    draw.ellipse([20 * unit, 60 * unit, 80 * unit, 130 * unit], fill=255)
    side = min(image.size)
    mask = mask.resize((side, side), Image.Resampling.LANCZOS)
    place = ((image.width - side) // 2, image.height - side)
    image.paste(Image.new("RGB", (side, side), ink), place, mask)
