"""Unpacks the code that people upload: tar (gzip, bzip2, xz or plain) and zip.

An archive may lie about everything. Only folders and plain files below the target are made, with
modes of ours; the first link, device, absolute path or ``..`` refuses the whole. Size and number
are counted while bytes come out of the decompressor, not read from headers.
"""

import bz2
import errno
import gzip
import lzma
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any, Self, cast

from raindrop.functions.limits import MIB, ArchiveRefused

_READ_BYTES = 1 << 16
_NAME_BYTES = 255
_PATH_BYTES = 1024
_HEADER_BYTES = MIB
_BROKEN = (
    tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError,
    ValueError, NotImplementedError, RuntimeError,
)  # fmt: skip
_OURS = {errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE, errno.EIO, errno.ENOMEM}
"""What a disk or a server says, and no archive can be blamed for."""


@dataclass(frozen=True)
class Unpacked:
    """What was unpacked: the bytes of all files, and how many files and folders."""

    size_bytes: int
    count: int


@dataclass(frozen=True)
class _Member:
    name: str
    is_folder: bool
    is_executable: bool
    content: IO[bytes] | None


def unpack(
    archive: Path, target: Path, *, size_bytes: int = 512 * MIB, count: int = 50_000
) -> Unpacked:
    """Unpack into a new folder; when that fails, the folder is gone.

    Args:
        target: made here, readable for everyone; its parent must exist.
        size_bytes: of all unpacked files together.
        count: of files and folders.

    Raises:
        ArchiveRefused: not an archive, over a limit, or with something in it that is not
            unpacked; the message is for the person who sent it.
        FileExistsError: the target exists.
    """
    target.mkdir(mode=0o755)
    try:
        target.chmod(0o755)
        return _unpack(archive, target, size_bytes, count)
    except BaseException as error:
        shutil.rmtree(target, ignore_errors=True)
        if isinstance(error, _BROKEN) and getattr(error, "errno", None) not in _OURS:
            raise ArchiveRefused("The archive is broken or of an unknown kind.") from None
        raise


def _unpack(archive: Path, target: Path, size_bytes: int, count: int) -> Unpacked:
    members = _read_zip(archive) if zipfile.is_zipfile(archive) else _read_tar(archive, size_bytes)
    written = made = 0
    for seen, member in enumerate(members):
        path = target / _check_name(member.name)
        # Names may repeat, and then make nothing; that must end too.
        if made > count or seen > 2 * count:
            break
        made += _make_folders(target, path if member.is_folder else path.parent)
        if member.content:
            made += 1
            written += _write(path, member, size_bytes - written, size_bytes)
    else:
        if made <= count:
            return Unpacked(written, made)
    raise ArchiveRefused(f"The archive has more than {count} files and folders.")


def _check_name(name: str) -> PurePosixPath:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\0" in name or "\\" in name:
        raise ArchiveRefused("The archive has a path in it that leads out of it.")
    if len(name.encode(errors="replace")) > _PATH_BYTES or any(
        len(part.encode(errors="replace")) > _NAME_BYTES for part in path.parts
    ):
        raise ArchiveRefused("The archive has a path in it that is too long.")
    return path


def _make_folders(target: Path, folder: Path) -> int:
    """Make the missing ones and give their number."""
    made = 0
    for place in [*reversed(folder.relative_to(target).parents), folder.relative_to(target)]:
        path = target / place
        if path.is_dir():
            continue
        path.mkdir(mode=0o755)
        path.chmod(0o755)
        made += 1
    return made


def _write(path: Path, member: _Member, left: int, limit: int) -> int:
    assert member.content
    written = 0
    # A repeated name replaces the file, as unpackers do; a folder in its place is an error.
    path.unlink(missing_ok=True)
    with member.content as source, path.open("xb") as file:
        while piece := source.read(_READ_BYTES):
            written += len(piece)
            if written > left:
                raise ArchiveRefused(f"The archive unpacks to more than {limit} bytes.")
            file.write(piece)
    path.chmod(0o755 if member.is_executable else 0o644)
    return written


class _Header(tarfile.TarInfo):
    """The library reads a header that goes on in a body, such as one with a long name, into memory
    whatever its size."""

    @classmethod
    def frombuf(cls, buf: Any, encoding: str, errors: str) -> Self:
        info = super().frombuf(buf, encoding, errors)
        if info.size > _HEADER_BYTES and info.type not in tarfile.REGULAR_TYPES:
            raise ArchiveRefused("The archive has a header in it that is too long.")
        return info


class _Counted:
    """A stream of decompressed bytes that ends at a limit: headers take memory too, and a tar of
    headers alone would be read without end."""

    def __init__(self, stream: IO[bytes], limit: int) -> None:
        self._stream = stream
        self._left = limit

    def read(self, size: int = -1) -> bytes:
        piece = self._stream.read(_READ_BYTES if size < 0 else min(size, MIB))
        self._left -= len(piece)
        if self._left < 0:
            raise ArchiveRefused("The archive unpacks to too many bytes.")
        return piece


def _read_tar(archive: Path, size_bytes: int) -> Iterator[_Member]:
    with _open_stream(archive) as stream:
        counted = _Counted(stream, 2 * size_bytes + 64 * MIB)
        with tarfile.open(fileobj=cast("IO[bytes]", counted), mode="r|", tarinfo=_Header) as tar:
            for info in tar:
                # Those that were read are kept by the library, and may be many.
                tar.__dict__["members"] = []
                if not (info.isfile() or info.isdir()) or info.issparse():
                    raise ArchiveRefused(
                        "The archive has a link, a device or the like in it; only files and "
                        "folders are unpacked."
                    )
                content = None if info.isdir() else tar.extractfile(info)
                yield _Member(info.name, info.isdir(), bool(info.mode & 0o100), content)


def _open_stream(archive: Path) -> IO[bytes]:
    with archive.open("rb") as file:
        head = file.read(6)
    if head.startswith(b"\x1f\x8b"):
        return cast("IO[bytes]", gzip.open(archive))
    if head.startswith(b"BZh"):
        return cast("IO[bytes]", bz2.open(archive))
    if head.startswith(b"\xfd7zXZ"):
        return cast("IO[bytes]", lzma.open(archive))
    return archive.open("rb")


def _read_zip(archive: Path) -> Iterator[_Member]:
    with zipfile.ZipFile(archive) as file:
        for info in file.infolist():
            mode = info.external_attr >> 16
            if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise ArchiveRefused(
                    "The archive has a link, a device or the like in it; only files and "
                    "folders are unpacked."
                )
            is_folder = info.is_dir()
            content = None if is_folder else file.open(info)
            yield _Member(info.filename, is_folder, bool(mode & 0o100), content)
