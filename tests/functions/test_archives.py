"""Archives that are unpacked, and those that attack who unpacks them."""

import gzip
import io
import os
import stat
import tarfile
import time
import zipfile
from pathlib import Path

import pytest

from raindrop.functions.archives import unpack
from raindrop.functions.limits import ArchiveRefused


def tar(path: Path, members: list[tuple[str, bytes | None, dict]], mode: str = "w:gz") -> Path:
    with tarfile.open(path, mode) as archive:
        for name, content, fields in members:
            info = tarfile.TarInfo(name)
            info.type = tarfile.DIRTYPE if content is None else tarfile.REGTYPE
            info.size = len(content or b"")
            for field, value in fields.items():
                setattr(info, field, value)
            archive.addfile(info, io.BytesIO(content or b""))
    return path


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_tar_is_unpacked(tmp_path: Path, mode: str) -> None:
    path = tar(
        tmp_path / "a",
        [
            ("./", None, {}),
            ("./src", None, {"mode": 0}),
            ("./src/main.py", b"one", {"mode": 0o4777}),
            ("run.sh", b"two", {"mode": 0o600}),
            ("deep/er/x", b"three", {"mode": 0}),
        ],
        mode,
    )
    found = unpack(path, tmp_path / "out")
    assert (found.size_bytes, found.count) == (11, 6)
    modes = {
        str(one.relative_to(tmp_path / "out")): stat.S_IMODE(one.stat().st_mode)
        for one in (tmp_path / "out").rglob("*")
    }
    assert modes == {
        "src": 0o755, "src/main.py": 0o755, "run.sh": 0o644, "deep": 0o755, "deep/er": 0o755,
        "deep/er/x": 0o644,
    }  # fmt: skip
    assert (tmp_path / "out" / "deep" / "er" / "x").read_bytes() == b"three"


def test_zip_is_unpacked(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("src/", b"")
        archive.writestr("src/main.js", b"one")
    assert unpack(tmp_path / "a.zip", tmp_path / "out").size_bytes == 3
    assert (tmp_path / "out" / "src" / "main.js").read_bytes() == b"one"


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("../evil", {}),
        ("a/../../evil", {}),
        ("/tmp/evil", {}),
        ("a\\..\\evil", {}),
        ("link", {"type": tarfile.SYMTYPE, "linkname": "/etc/passwd"}),
        ("link", {"type": tarfile.SYMTYPE, "linkname": "other"}),
        ("link", {"type": tarfile.LNKTYPE, "linkname": "/etc/passwd"}),
        ("dev", {"type": tarfile.CHRTYPE, "devmajor": 1, "devminor": 3}),
        ("dev", {"type": tarfile.BLKTYPE}),
        ("pipe", {"type": tarfile.FIFOTYPE}),
        ("x" * 256, {}),
        ("/".join(["x" * 100] * 11), {}),
    ],
)
def test_tar_that_leads_elsewhere_is_refused(tmp_path: Path, name: str, fields: dict) -> None:
    path = tar(tmp_path / "a", [("good.py", b"x", {}), (name, b"", fields)])
    with pytest.raises(ArchiveRefused):
        unpack(path, tmp_path / "out")
    assert os.listdir(tmp_path) == ["a"]


def test_a_file_through_a_link_of_its_own(tmp_path: Path) -> None:
    path = tar(
        tmp_path / "a",
        [
            ("d", b"", {"type": tarfile.SYMTYPE, "linkname": str(tmp_path)}),
            ("d/evil", b"x", {}),
        ],
    )
    with pytest.raises(ArchiveRefused, match="link"):
        unpack(path, tmp_path / "out")
    assert not (tmp_path / "evil").exists()


@pytest.mark.parametrize("name", ["../evil", "/evil", "a/../../evil"])
def test_zip_that_leads_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(name, b"x")
    with pytest.raises(ArchiveRefused):
        unpack(tmp_path / "a.zip", tmp_path / "out")


def test_zip_with_a_link_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        info = zipfile.ZipInfo("link")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(info, "/etc/passwd")
    with pytest.raises(ArchiveRefused, match="link"):
        unpack(tmp_path / "a.zip", tmp_path / "out")


def test_size_at_its_limit_and_over(tmp_path: Path) -> None:
    path = tar(tmp_path / "a", [("a", b"x" * 60, {}), ("b", b"x" * 40, {})])
    assert unpack(path, tmp_path / "fits", size_bytes=100).size_bytes == 100
    with pytest.raises(ArchiveRefused, match="more than 99 bytes"):
        unpack(path, tmp_path / "over", size_bytes=99)


def test_count_at_its_limit_and_over(tmp_path: Path) -> None:
    path = tar(tmp_path / "a", [(f"f{n}", b"", {}) for n in range(10)])
    assert unpack(path, tmp_path / "fits", count=10).count == 10
    with pytest.raises(ArchiveRefused, match="more than 9 files"):
        unpack(path, tmp_path / "over", count=9)


class Zeros(io.RawIOBase):
    """So many zero bytes, made as they are read."""

    def __init__(self, size: int) -> None:
        self.left = size

    def read(self, size: int = -1) -> bytes:
        size = min(size, self.left)
        self.left -= size
        return bytes(size)


def test_ten_gigabytes_stop_at_the_limit(tmp_path: Path) -> None:
    """Ten gigabytes of zeros in 10 MB: as one member of a gzip stream, repeated."""
    limit = 32 << 20
    head = tarfile.TarInfo("bomb")
    head.size = 10 << 30
    block = gzip.compress(bytes(64 << 20), 9)
    with (tmp_path / "a.tgz").open("wb") as file:
        file.write(gzip.compress(head.tobuf()))
        for _ in range(160):
            file.write(block)
    began = time.monotonic()
    with pytest.raises(ArchiveRefused, match="more than"):
        unpack(tmp_path / "a.tgz", tmp_path / "out", size_bytes=limit)
    assert time.monotonic() - began < 10
    assert not (tmp_path / "out").exists()


def test_a_tar_of_headers_alone_ends(tmp_path: Path) -> None:
    """An extended header as large as it says would be read into memory in one piece."""
    head = tarfile.TarInfo("x")
    head.type = tarfile.GNUTYPE_LONGNAME
    head.size = 4 << 30
    with (tmp_path / "a.tgz").open("wb") as file:
        file.write(gzip.compress(head.tobuf()))
        block = gzip.compress(bytes(64 << 20), 9)
        for _ in range(64):
            file.write(block)
    began = time.monotonic()
    with pytest.raises(ArchiveRefused):
        unpack(tmp_path / "a.tgz", tmp_path / "out", size_bytes=1 << 20)
    assert time.monotonic() - began < 10


def test_zip_that_lies_about_its_size(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a", bytes(50 << 20))
    data = (tmp_path / "a.zip").read_bytes()
    size = (50 << 20).to_bytes(4, "little")
    (tmp_path / "a.zip").write_bytes(data.replace(size, (10).to_bytes(4, "little")))
    with pytest.raises(ArchiveRefused):
        unpack(tmp_path / "a.zip", tmp_path / "out", size_bytes=1 << 20)
    (tmp_path / "a.zip").write_bytes(data)
    with pytest.raises(ArchiveRefused, match="more than"):
        unpack(tmp_path / "a.zip", tmp_path / "out", size_bytes=1 << 20)


@pytest.mark.parametrize(
    "content", [b"", b"hello", b"\x1f\x8bnonsense", b"PK\x03\x04nonsense", b"BZhnonsense"]
)
def test_what_is_no_archive(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(ArchiveRefused, match="broken"):
        unpack(tmp_path / "a", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_cut_short(tmp_path: Path) -> None:
    path = tar(tmp_path / "a", [("a", os.urandom(100_000), {})])
    path.write_bytes(path.read_bytes()[:50_000])
    with pytest.raises(ArchiveRefused, match="broken"):
        unpack(path, tmp_path / "out")


def test_an_existing_target_stays(tmp_path: Path) -> None:
    path = tar(tmp_path / "a", [("a", b"x", {})])
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").touch()
    with pytest.raises(FileExistsError):
        unpack(path, tmp_path / "out")
    assert (tmp_path / "out" / "mine").exists()


def test_a_name_twice_and_a_file_in_a_folders_place(tmp_path: Path) -> None:
    path = tar(tmp_path / "a", [("a", b"one", {}), ("a", b"two", {})])
    unpack(path, tmp_path / "out")
    assert (tmp_path / "out" / "a").read_bytes() == b"two"
    for n, members in enumerate(
        ([("a", b"x", {}), ("a/b", b"x", {})], [("a/b", b"x", {}), ("a", b"x", {})])
    ):
        tar(path, members)
        with pytest.raises(ArchiveRefused):
            unpack(path, tmp_path / f"out{n}")
