"""Another server on loopback, with pages and pictures of all kinds."""

import contextlib
import io
import struct
import threading
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from PIL import Image

Reply = tuple[int, dict[str, str], bytes]

SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


class Elsewhere:
    """Answers what ``pages`` has for a path; ``slow`` paths send a byte a second."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.pages: dict[str, Reply] = {}
        self.slow: set[str] = set()
        self.asked: list[str] = []

    def page(self, path: str, html: str, status: int = 200) -> str:
        """Put a page there; its address."""
        return self.put(path, html.encode(), "text/html; charset=utf-8", status)

    def put(self, path: str, body: bytes, kind: str = "image/png", status: int = 200) -> str:
        """Put anything there; its address."""
        self.pages[path] = (status, {"Content-Type": kind}, body)
        return self.url + path

    def redirect(self, path: str, target: str) -> str:
        """Put a redirect there; its address."""
        self.pages[path] = (302, {"Location": target}, b"")
        return self.url + path


@contextmanager
def run_elsewhere() -> Iterator[Elsewhere]:
    """The running server."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            there.asked.append(self.path)
            status, headers, body = there.pages.get(self.path, (404, {}, b""))
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            with contextlib.suppress(OSError):  # whoever asked has left
                if self.path in there.slow:
                    for index in range(len(body)):
                        self.wfile.write(body[index : index + 1])
                        time.sleep(1)
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    there = Elsewhere(server.server_port)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield there
    finally:
        server.shutdown()
        server.server_close()


def picture(
    kind: str = "PNG", size: tuple[int, int] = (40, 20), colour: str = "red", **options: object
) -> bytes:
    """A picture of one colour."""
    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, kind, **options)
    return out.getvalue()


def bomb(width: int, height: int) -> bytes:
    """A small PNG that says it has many pixels."""

    def chunk(name: bytes, data: bytes) -> bytes:
        sum_ = zlib.crc32(name + data)
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", sum_)

    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    packer = zlib.compressobj(9)
    line = b"\0" * (1 + (width + 7) // 8)
    data = b"".join(packer.compress(line) for _ in range(height)) + packer.flush()
    parts = chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


def opened(body: bytes) -> Image.Image:
    """The picture in an answer."""
    image = Image.open(io.BytesIO(body))
    image.load()
    return image
