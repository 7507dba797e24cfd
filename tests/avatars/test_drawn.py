"""What ``/v1/avatars`` draws itself: initials, QR codes, flags; and what it does not have."""

import pytest

from raindrop.avatars import initials
from tests.avatars.elsewhere import opened
from tests.support.site import Site
from tests.support.v1 import Project, error_of

pytestmark = pytest.mark.contract


@pytest.fixture
def project(running_site: Site) -> Project:
    return Project(running_site)


def test_initials_of_names() -> None:
    for name, letters in {
        "Ann Lee": "AL", "ann": "A", "Ann Maria van der Lee": "AL", "ann.lee@example.com": "AL",
        "张伟": "张", "欧阳 娜娜": "欧娜", "O'Neil": "O", "Jean-Luc": "JL", "e\u0301mile": "É",
        "ßen": "ß", "\u0301": "", "  ": "", "💧💧": "", "(Ann) [Lee]": "AL", "7 of 9": "79",
    }.items():  # fmt: skip
        assert initials.initials_of(name) == letters, name


def test_every_background_has_contrast() -> None:
    for digits in initials.BACKGROUNDS:
        red, green, blue = bytes.fromhex(digits)
        assert initials.contrast(initials.WHITE, (red, green, blue)) >= 4.5, digits


def test_initials_are_the_same_each_time(project: Project) -> None:
    client = project.guest()
    answers = [
        client.get("/v1/avatars/initials", params={"name": name})
        for name in ("张伟", "张伟", "张三", "王伟", "Ann Lee", "ann lee ", "ਅਮਨ", "")
    ]
    for answer in answers:
        assert answer.headers["Content-Type"] == "image/png"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert opened(answer.content).size == (500, 500)
    bodies = [answer.content for answer in answers]
    assert bodies[0] == bodies[1]
    assert bodies[4] == bodies[5]
    assert len({bodies[0], bodies[3], bodies[4], bodies[6]}) == 4
    assert answers[0].headers["Cache-Control"] == "public, max-age=2592000"


def test_a_letter_that_no_font_has_becomes_a_figure(project: Project) -> None:
    client = project.guest()
    query = {"background": "000", "width": 200, "height": 200}
    nobody = client.get("/v1/avatars/initials", params=query)
    for name in ("محمد", "ਅਮਨ", "💧"):
        assert client.get("/v1/avatars/initials", params={**query, "name": name}).content == (
            nobody.content
        )
    for name in ("张", "ガ", "김", "Ω", "Щ", "Ế"):
        drawn = client.get("/v1/avatars/initials", params={**query, "name": name})
        assert drawn.content != nobody.content


def test_initials_of_whoever_is_signed_in(project: Project) -> None:
    for client, name in (
        (project.sign_up(name="王小明"), "王小明"),
        (project.sign_up("bob@example.test", name=""), "bob@example.test"),
    ):
        own = client.get("/v1/avatars/initials")
        assert own.headers["Cache-Control"] == "private, max-age=3600"
        named = project.guest().get("/v1/avatars/initials", params={"name": name})
        assert own.content == named.content


def test_sizes_and_colours(project: Project) -> None:
    client = project.guest()
    for width, height, size in (
        (1, 1, (1, 1)), (2000, 3, (2000, 3)), (3, 2000, (3, 2000)), (2000, 2000, (2000, 2000)),
        (0, 70, (70, 70)), (70, 0, (70, 70)), (0, 0, (500, 500)),
    ):  # fmt: skip
        query = {"name": "W M", "width": width, "height": height}
        assert opened(client.get("/v1/avatars/initials", params=query).content).size == size
    for background, colour in (("fff", (255, 255, 255)), ("0a141e", (10, 20, 30))):
        query = {"name": "A", "background": background}
        image = opened(client.get("/v1/avatars/initials", params=query).content)
        assert image.getpixel((0, 0)) == colour


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("initials", {"width": -1}),
        ("initials", {"width": 2001}),
        ("initials", {"height": 2001}),
        ("initials", {"height": "wide"}),
        ("initials", {"height": 1.5}),
        ("initials", {"name": "x" * 129}),
        ("initials", {"background": "#fff"}),
        ("initials", {"background": "ffff"}),
        ("initials", {"background": "gggggg"}),
        ("initials", {"background": "ffffff\n"}),
        ("qr", {}),
        ("qr", {"text": ""}),
        ("qr", {"text": "x" * 513}),
        ("qr", {"text": "x", "size": 0}),
        ("qr", {"text": "x", "size": 1001}),
        ("qr", {"text": "x", "margin": -1}),
        ("qr", {"text": "x", "margin": 11}),
        ("qr", {"text": "x", "download": "maybe"}),
        ("flags/fr", {"width": 2001}),
        ("flags/fr", {"quality": 101}),
        ("flags/fr", {"quality": -2}),
        ("image", {}),
        ("image", {"url": ""}),
        ("image", {"url": "https://example.com/" + "x" * 2048}),
        ("image", {"url": "https://example.com", "width": 2001}),
        ("favicon", {}),
    ],
)
def test_bad_arguments(project: Project, path: str, query: dict[str, object]) -> None:
    answer = project.guest().get(f"/v1/avatars/{path}", params=query)
    assert error_of(answer) == (400, "general_argument_invalid")


def test_qr_codes(project: Project) -> None:
    client = project.guest()
    for text, size, margin in (
        ("https://example.com/你好", 400, 1), ("x" * 512, 1000, 10), ("😀" * 512, 1000, 0),
        ("x" * 512, 1, 10), ("x", 37, 0),
    ):  # fmt: skip
        query = {"text": text, "size": size, "margin": margin}
        answer = client.get("/v1/avatars/qr", params=query)
        assert opened(answer.content).size == (size, size)
        assert "Content-Disposition" not in answer.headers
    download = client.get("/v1/avatars/qr", params={"text": "x", "download": "true"})
    assert download.headers["Content-Disposition"] == 'attachment; filename="qr.png"'


def test_a_qr_code_has_even_modules(project: Project) -> None:
    """The finder pattern at the top left: a dark ring of 7 by 7 modules after the margin."""
    query = {"text": "raindrop", "size": 250, "margin": 2}  # 21 + 4 modules: 10 pixels each
    image = opened(project.guest().get("/v1/avatars/qr", params=query).content).convert("L")
    row = [image.getpixel((x, 25)) for x in range(250)]
    assert row[:20] == [255] * 20
    assert row[20:90] == [0] * 70
    assert row[90:100] == [255] * 10


def test_flags(project: Project) -> None:
    client = project.guest()
    france = opened(client.get("/v1/avatars/flags/fr").content).convert("RGB")
    assert france.size == (100, 100)
    red, _, blue = france.getpixel((5, 50))
    assert blue > 100 > red
    for query, size in (
        ({"width": 40, "height": 30}, (40, 30)),
        ({"width": 200, "height": 0, "quality": 100}, (200, 150)),
        ({"width": 0, "height": 0}, (400, 300)),
        ({"width": 2000, "height": 2000}, (2000, 2000)),
    ):
        assert opened(client.get("/v1/avatars/flags/CN", params=query).content).size == size
    for code in ("zz", "..", "1x1", "fr.webp", "a" * 300):
        assert error_of(client.get(f"/v1/avatars/flags/{code}x")) == (404, "avatar_not_found")


def test_what_this_server_does_not_have(project: Project) -> None:
    client = project.guest()
    for path in ("browsers/ch", "credit-cards/visa"):
        assert error_of(client.get(f"/v1/avatars/{path}")) == (404, "avatar_set_not_found")
    query = {"url": "https://example.com"}
    answer = client.get("/v1/avatars/screenshots", params=query)
    assert error_of(answer) == (405, "general_not_implemented")


PATHS = ("initials?name=x", "qr?text=x", "flags/fr", "image?url=http://x.test", "favicon?url=x")


def test_who_may_ask(project: Project) -> None:
    assert project.key("avatars.read").get("/v1/avatars/qr?text=x").status_code == 200
    off = Project(project.site, services_off=["avatars"])
    for path in PATHS:
        answer = project.key("locale.read").get(f"/v1/avatars/{path}")
        assert error_of(answer) == (401, "general_unauthorized_scope")
        answer = off.guest().get(f"/v1/avatars/{path}")
        assert error_of(answer) == (403, "general_service_disabled")


def test_a_page_of_any_site_shows_it(project: Project) -> None:
    """An ``<img>`` sends no header: the project is named in the address."""
    with project.site.client() as client:
        answer = client.get(f"/v1/avatars/flags/fr?project={project.id}")
        assert answer.status_code == 200
        assert error_of(client.get("/v1/avatars/flags/fr")) == (404, "project_not_found")
        assert error_of(client.get("/v1/avatars/flags/fr?project=no"))[0] == 404
