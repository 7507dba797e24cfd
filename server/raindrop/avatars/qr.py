"""QR codes."""

from raindrop.avatars.pictures import write_png

WHITE, BLACK = 255, 0


def draw_qr(text: str, size: int, margin: int) -> bytes:
    """A QR code as a PNG of exactly ``size`` by ``size`` pixels.

    Every module is a whole number of pixels, for cameras read uneven ones badly; what is left
    over is white around it. Only where ``size`` has less than a pixel for each is it scaled.

    Args:
        margin: white modules on each side.
    """
    import segno  # with Pillow it takes megabytes, and most processes never draw
    from PIL import Image

    code = segno.make_qr(text, error="m")
    rows = list(code.matrix_iter(border=margin))
    modules = len(rows)
    image = Image.new("L", (modules, modules))
    image.putdata([BLACK if is_dark else WHITE for row in rows for is_dark in row])
    scale = size // modules
    if not scale:
        return write_png(image.resize((size, size), Image.Resampling.BOX))
    scaled = image.resize((modules * scale,) * 2, Image.Resampling.NEAREST)
    canvas = Image.new("L", (size, size), WHITE)
    canvas.paste(scaled, ((size - scaled.width) // 2,) * 2)
    return write_png(canvas.convert("1"))
