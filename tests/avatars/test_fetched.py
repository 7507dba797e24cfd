"""Pictures and icons of other servers, and everything that those can do to us."""

import threading
import time
from collections.abc import Iterator

import pytest

from tests.avatars.elsewhere import SVG, Elsewhere, bomb, opened, picture, run_elsewhere
from tests.contract.recorder import ContractClient
from tests.support.site import Site
from tests.support.v1 import Project, error_of

pytestmark = pytest.mark.contract

RED, BLUE = (255, 0, 0), (0, 0, 255)


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[Elsewhere]:
    with run_elsewhere() as there:
        yield there


@pytest.fixture(scope="module")
def open_site(elsewhere: Elsewhere, short_folder) -> Iterator[Site]:
    """A site that may call the other server, by its address and port alone."""
    site = Site(short_folder / "av", OUTBOUND_ALLOW=elsewhere.url.removeprefix("http://"))
    site.start()
    yield site
    site.stop()


@pytest.fixture
def client(open_site: Site, elsewhere: Elsewhere) -> ContractClient:
    elsewhere.pages.clear()
    elsewhere.slow.clear()
    elsewhere.asked.clear()
    return Project(open_site).guest()


def get_image(client: ContractClient, url: str, **query: object):
    return client.get("/v1/avatars/image", params={"url": url, **query})


def get_icon(client: ContractClient, url: str):
    return client.get("/v1/avatars/favicon", params={"url": url})


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP", "BMP"])
def test_a_picture_of_each_format(client: ContractClient, elsewhere: Elsewhere, kind: str) -> None:
    url = elsewhere.put("/p", picture(kind), "text/plain")
    answer = get_image(client, url, width=30, height=30)
    image = opened(answer.content)
    assert (image.format, image.size) == ("PNG", (30, 30))
    assert image.convert("RGB").getpixel((15, 15))[0] > 240
    assert answer.headers["Cache-Control"] == "public, max-age=86400"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_sizes(client: ContractClient, elsewhere: Elsewhere) -> None:
    url = elsewhere.put("/p", picture(size=(40, 20)))
    assert opened(get_image(client, url).content).size == (400, 400)
    for width, height, size in (
        (80, 0, (80, 40)), (0, 80, (160, 80)), (0, 0, (40, 20)), (1, 1, (1, 1)),
        (2000, 2000, (2000, 2000)), (0, 2000, (2000, 1000)),
    ):  # fmt: skip
        found = opened(get_image(client, url, width=width, height=height).content)
        assert found.size == size, (width, height)
    thin = elsewhere.put("/thin", picture(size=(1, 3000)))
    assert opened(get_image(client, thin, width=400, height=0).content).size == (1, 2000)
    assert opened(get_image(client, thin, width=0, height=0).content).size == (1, 2000)


def test_a_photograph_stands_upright_and_loses_where_it_was_taken(
    client: ContractClient, elsewhere: Elsewhere
) -> None:
    from PIL import Image

    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    exif[0x010E] = "secret place"
    url = elsewhere.put("/p", picture("JPEG", exif=exif.tobytes()), "image/jpeg")
    answer = get_image(client, url, width=0, height=0)
    assert opened(answer.content).size == (20, 40)
    assert b"secret place" not in answer.content


def test_of_a_moving_picture_the_first_frame(client: ContractClient, elsewhere: Elsewhere) -> None:
    from PIL import Image

    frames = [Image.new("RGB", (20, 20), colour) for colour in ("red", "blue")]
    body = picture("GIF", (20, 20), save_all=True, append_images=frames[1:], duration=50)
    image = opened(get_image(client, elsewhere.put("/p", body), width=20, height=20).content)
    assert image.convert("RGB").getpixel((5, 5)) == RED
    assert getattr(image, "n_frames", 1) == 1


@pytest.mark.parametrize(
    "body",
    [b"", b"nonsense", b"<html>", SVG, picture()[:60], picture("JPEG")[:200], b"GIF89a" * 9],
    ids=["empty", "nonsense", "html", "svg", "half a png", "half a jpeg", "gif"],
)
def test_what_is_no_picture(client: ContractClient, elsewhere: Elsewhere, body: bytes) -> None:
    url = elsewhere.put("/p", body, "image/png")
    assert error_of(get_image(client, url)) == (404, "avatar_image_not_found")


def test_the_number_of_pixels_has_a_limit(client: ContractClient, elsewhere: Elsewhere) -> None:
    just = elsewhere.put("/just", bomb(5000, 4000))
    assert get_image(client, just, width=50, height=50).status_code == 200
    over = elsewhere.put("/over", bomb(5000, 4001))
    assert error_of(get_image(client, over)) == (404, "avatar_image_not_found")
    huge = elsewhere.put("/huge", bomb(50_000, 50_000)[:100_000])
    assert error_of(get_image(client, huge)) == (404, "avatar_image_not_found")


def test_the_number_of_bytes_has_a_limit(client: ContractClient, elsewhere: Elsewhere) -> None:
    limit = 10 * 1024 * 1024
    body = picture()
    just = elsewhere.put("/just", body + b"\0" * (limit - len(body)))
    assert get_image(client, just).status_code == 200
    over = elsewhere.put("/over", body + b"\0" * (limit + 1 - len(body)))
    assert error_of(get_image(client, over)) == (404, "avatar_image_not_found")


@pytest.mark.parametrize("status", [204, 403, 404, 500])
def test_a_refusal_elsewhere(client: ContractClient, elsewhere: Elsewhere, status: int) -> None:
    url = elsewhere.put("/p", b"" if status == 204 else picture(), status=status)
    assert error_of(get_image(client, url)) == (404, "avatar_image_not_found")


def test_redirects(client: ContractClient, elsewhere: Elsewhere) -> None:
    elsewhere.put("/p", picture())
    elsewhere.redirect("/1", "/p")
    assert get_image(client, elsewhere.redirect("/2", "/1")).status_code == 200
    loop = elsewhere.redirect("/loop", "/loop")
    assert error_of(get_image(client, loop)) == (404, "avatar_image_not_found")
    inside = elsewhere.redirect("/inside", f"http://127.0.0.1:{open_port(client)}/api/health")
    assert error_of(get_image(client, inside)) == (400, "general_argument_invalid")


def open_port(client: ContractClient) -> int:
    return client.base_url.port or 0


PRIVATE = (
    "http://127.0.0.1/",
    "http://localhost/",
    "http://127.1/",
    "http://0/",
    "http://0x7f000001/",
    "http://2130706433/",
    "http://017700000001/",
    "http://127.0.0.1.:80/",
    "http://１２７.0.0.1/",
    "http://127。0。0。1/",
    "http://[::1]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:7f00:1]/",
    "http://[fe80::1%25lo]/",
    "http://[fd00:ec2::254]/",
    "http://10.0.0.1/",
    "http://192.168.1.1/",
    "http://172.16.0.1/",
    "http://169.254.169.254/latest/meta-data/",
    "http://100.100.100.200/",
    "http://user@127.0.0.1/",
    "http://example.com@127.0.0.1/",
    "http://127.0.0.1\\@example.com/",
    "http://8.8.8.8:22/",
    "file:///etc/passwd",
    "ftp://127.0.0.1/",
    "gopher://127.0.0.1:6379/_INFO",
    "data:image/png;base64,AAAA",
    "//127.0.0.1/",
    "127.0.0.1",
    "http://",
    "http://no such host/",
)


@pytest.mark.parametrize("url", PRIVATE)
def test_addresses_that_are_not_called(client: ContractClient, url: str) -> None:
    for answer in (get_image(client, url), get_icon(client, url)):
        assert error_of(answer) == (400, "general_argument_invalid")
        assert "127.0.0.1" not in answer.text


def test_only_what_the_operator_opened_is_open(
    client: ContractClient, elsewhere: Elsewhere, open_site: Site
) -> None:
    for port in (open_site.port, open_site.control_port):
        answer = get_image(client, f"http://127.0.0.1:{port}/")
        assert error_of(answer) == (400, "general_argument_invalid")


def test_a_slow_server_is_left(client: ContractClient, elsewhere: Elsewhere) -> None:
    url = elsewhere.put("/p", picture("BMP", (40, 40)))
    elsewhere.slow.add("/p")
    began = time.monotonic()
    assert error_of(get_image(client, url)) == (404, "avatar_image_not_found")
    assert time.monotonic() - began < 18


def test_calls_at_once_have_a_limit(
    client: ContractClient, elsewhere: Elsewhere, open_site: Site
) -> None:
    """Two web processes with 16 places each: of 40 slow calls some are refused at once, and the
    others' requests go on."""
    url = elsewhere.put("/p", picture("BMP", (40, 40)))
    elsewhere.slow.add("/p")
    project = Project(open_site)
    answers: list[tuple[int, str]] = []

    def ask() -> None:  # the contract has no type for a busy server: not by its client
        headers = {"X-Appwrite-Project": project.id}
        with open_site.client(headers=headers) as plain:
            answers.append(error_of(get_image(plain, url)))

    threads = [threading.Thread(target=ask) for _ in range(40)]
    for thread in threads:
        thread.start()
    time.sleep(2)
    began = time.monotonic()
    assert project.guest().get("/v1/avatars/qr?text=x").status_code == 200
    assert time.monotonic() - began < 3
    for thread in threads:
        thread.join()
    refused = answers.count((503, "general_service_unavailable"))
    assert 8 <= refused < 40
    assert answers.count((404, "avatar_image_not_found")) == 40 - refused


# Icons


def test_the_best_icon_is_taken(client: ContractClient, elsewhere: Elsewhere) -> None:
    elsewhere.put("/small.png", picture(size=(16, 16)))
    elsewhere.put("/img/large.png", picture(size=(192, 192), colour="blue"))
    elsewhere.put("/huge.png", picture(size=(512, 512)))
    elsewhere.put("/drawing.svg", SVG, "image/svg+xml")
    url = elsewhere.page(
        "/dir/page",
        """<base href="/img/"><link rel="stylesheet" href="x.css">
        <link rel="icon" type="image/svg+xml" href="/drawing.svg" sizes="any">
        <link rel="ICON" sizes="16x16" href="/small.png">
        <link rel="apple-touch-icon" sizes="512x512" href="/huge.png">
        <LINK REL="shortcut icon" SIZES="192x192" HREF=" large.png ">""",
    )
    image = opened(get_icon(client, url).content)
    assert image.size == (192, 192)
    assert image.convert("RGB").getpixel((9, 9)) == BLUE
    assert elsewhere.asked == ["/dir/page", "/img/large.png"]


def test_an_icon_that_is_not_named(client: ContractClient, elsewhere: Elsewhere) -> None:
    elsewhere.put("/favicon.ico", picture("ICO", (32, 32)), "image/x-icon")
    url = elsewhere.page("/page", "<p>no icon")
    image = opened(get_icon(client, url).content)
    assert (image.format, image.size) == ("PNG", (32, 32))


def test_a_large_icon_becomes_smaller(client: ContractClient, elsewhere: Elsewhere) -> None:
    elsewhere.put("/i.png", picture(size=(1024, 512)))
    url = elsewhere.page("/page", '<link rel=icon href="/i.png">')
    assert opened(get_icon(client, url).content).size == (256, 128)


def test_a_broken_icon_is_passed_over(client: ContractClient, elsewhere: Elsewhere) -> None:
    elsewhere.put("/broken.png", b"nonsense")
    elsewhere.put("/favicon.ico", picture(size=(48, 48)))
    url = elsewhere.page(
        "/page",
        '<link rel=icon sizes=200x200 href="/broken.png">'
        '<link rel=icon sizes=300x300 href="http://169.254.169.254/icon.png">'
        '<link rel=icon href="data:image/png;base64,AA=="><link rel=icon href="http://[/">',
    )
    assert opened(get_icon(client, url).content).size == (48, 48)


def test_a_page_without_an_icon(client: ContractClient, elsewhere: Elsewhere) -> None:
    url = elsewhere.page("/page", "<p>")
    assert error_of(get_icon(client, url)) == (404, "avatar_icon_not_found")
    elsewhere.put("/favicon.ico", b"", "image/x-icon")
    assert error_of(get_icon(client, url)) == (404, "avatar_icon_not_found")


@pytest.mark.parametrize(
    "head", [b"", b'<?xml version="1.0"?>\n', b"\n<!-- x -->", b"\xef\xbb\xbf"]
)
def test_a_drawing_is_not_passed_on(
    client: ContractClient, elsewhere: Elsewhere, head: bytes
) -> None:
    elsewhere.put("/i.png", head + SVG, "image/png")
    url = elsewhere.page("/page", '<link rel=icon href="/i.png">')
    assert error_of(get_icon(client, url)) == (400, "avatar_svg_sanitization_failed")


def test_a_page_that_cannot_be_had(client: ContractClient, elsewhere: Elsewhere) -> None:
    elsewhere.put("/favicon.ico", picture())
    gone = elsewhere.page("/gone", "<p>", status=404)
    assert error_of(get_icon(client, gone)) == (404, "avatar_remote_url_failed")
    large = elsewhere.page("/large", "x" * (3 * 1024 * 1024 + 1))
    assert error_of(get_icon(client, large)) == (404, "avatar_remote_url_failed")
    just = elsewhere.page("/just", "x" * (3 * 1024 * 1024))
    assert get_icon(client, just).status_code == 200


@pytest.mark.parametrize(
    "html",
    [
        "<link rel=icon href=/i>" * 30_000,
        "<div>" * 200_000,
        "<link " * 200_000,
        "<!--" * 200_000,
        "\0\ud7ff<link rel href=x><link rel=icon href>",
    ],
    ids=["links", "nesting", "open tags", "comments", "nothing"],
)
def test_pages_that_are_made_to_hurt(
    client: ContractClient, elsewhere: Elsewhere, html: str
) -> None:
    elsewhere.put("/favicon.ico", picture())
    began = time.monotonic()
    assert get_icon(client, elsewhere.page("/page", html)).status_code == 200
    assert time.monotonic() - began < 5
    assert len(elsewhere.asked) <= 5
