"""Files of jobs, kept in pieces in the database."""

from collections.abc import Iterator
from typing import IO

import sqlalchemy as sa

from raindrop.core.db import db, unit_of_work
from raindrop.core.errors import NotFound
from raindrop.jobs.models import CHUNK_BYTES, JobFile, JobFileChunk


class JobFileNotFound(NotFound):
    """The job has no such file (yet)."""

    type = "job_file_not_found"
    message = "This job has no file to download."


def add_file(job_id: int, role: str, name: str, content_type: str, stream: IO[bytes]) -> JobFile:
    """Store a whole stream as a job's file."""
    file = JobFile(
        job_id=job_id, role=role, name=name[:255], content_type=content_type, size_bytes=0
    )
    db.session.add(file)
    db.session.flush()  # the pieces need its id
    while data := stream.read(CHUNK_BYTES):
        append(file, data)
    return file


def append(file: JobFile, data: bytes) -> None:
    """Add bytes to the end of a file, in pieces of at most ``CHUNK_BYTES``."""
    highest = sa.select(sa.func.max(JobFileChunk.seq)).where(JobFileChunk.file_id == file.id)
    last = db.session.scalar(highest)
    seq = 0 if last is None else last + 1
    for offset in range(0, len(data), CHUNK_BYTES):
        piece = data[offset : offset + CHUNK_BYTES]
        db.session.add(JobFileChunk(file_id=file.id, seq=seq, data=piece))
        file.size_bytes += len(piece)
        seq += 1
    db.session.flush()  # the next call counts the pieces


def find_file(job_id: int, role: str) -> JobFile | None:
    """The job's file of this role, or ``None``."""
    return db.session.scalar(
        sa.select(JobFile).where(JobFile.job_id == job_id, JobFile.role == role)
    )


def delete_file(file: JobFile) -> None:
    """Delete a file with its pieces."""
    db.session.execute(sa.delete(JobFileChunk).where(JobFileChunk.file_id == file.id))
    db.session.delete(file)
    db.session.flush()  # a new file of the same role may follow


def read_pieces(file_id: int) -> Iterator[bytes]:
    """The file's bytes, each piece read in a transaction of its own, so that a slow reader of a
    large file holds neither a database connection nor the file in memory."""
    seq = 0
    while True:
        with unit_of_work(is_write=False):
            data = db.session.scalar(
                sa.select(JobFileChunk.data).where(
                    JobFileChunk.file_id == file_id, JobFileChunk.seq == seq
                )
            )
        if data is None:
            return
        yield data
        seq += 1


def read_from(file_id: int, offset: int) -> Iterator[bytes]:
    """The bytes of a stored input from an offset on, piece by piece, each read in the transaction
    that is open when it is asked for."""
    seq, skip = divmod(offset, CHUNK_BYTES)
    while True:
        data = db.session.scalar(
            sa.select(JobFileChunk.data).where(
                JobFileChunk.file_id == file_id, JobFileChunk.seq == seq
            )
        )
        if data is None:
            return
        yield data[skip:]
        seq, skip = seq + 1, 0


def read_all(file: JobFile) -> bytes:
    """The whole file, for inputs that are bounded in size."""
    pieces = db.session.scalars(
        sa.select(JobFileChunk.data)
        .where(JobFileChunk.file_id == file.id)
        .order_by(JobFileChunk.seq)
    )
    return b"".join(pieces)
