"""An uploaded file in the database: written piece by piece as it arrives, read like any file. Never whole in memory."""

from __future__ import annotations

import io
from functools import partial
from typing import BinaryIO

from shared.kernel.db import Connection, Database
from shared.kernel.errors import Unavailable
from shared.service.files.rows import Source

PART = 1024 * 1024
_BUFFER = 64 * 1024

_PUT = "insert into import_file_part (job_id, n, body) values (%(job)s, %(n)s, %(body)s)"
_GET = "select body from import_file_part where job_id = %(job)s and n = %(n)s"
_SIZE = "select coalesce(sum(octet_length(body)), 0) from import_file_part where job_id = %(job)s"
_DROP = "delete from import_file_part where job_id = %(job)s"


class PartWriter(io.RawIOBase):
    """Where an upload goes. Every full part is stored at once; `finish` stores the rest."""

    def __init__(self, database: Database, job: int) -> None:
        super().__init__()
        self._database = database
        self._job = job
        self._parts = 0
        self._pending = bytearray()
        self.size = 0

    def writable(self) -> bool:
        """Yes."""
        return True

    def write(self, piece: bytes) -> int:  # type: ignore[override]
        """Take a piece. Raises Unavailable when the database is gone."""
        self._pending += piece
        self.size += len(piece)
        while len(self._pending) >= PART:
            self._store(bytes(self._pending[:PART]))
            del self._pending[:PART]
        return len(piece)

    def finish(self) -> int:
        """The last part; the size of the file."""
        if self._pending:
            self._store(bytes(self._pending))
            self._pending.clear()
        return self.size

    def _store(self, body: bytes) -> None:
        with self._database.connect() as connection:
            connection.run(_PUT, {"job": self._job, "n": self._parts, "body": body})
        self._parts += 1


class _PartReader(io.RawIOBase):
    """All parts but the last are PART long, so that any place is found without reading what is before it."""

    def __init__(self, database: Database, job: int, size: int) -> None:
        super().__init__()
        self._database = database
        self._job = job
        self._size = size
        self._place = 0
        self._held: tuple[int, bytes] = (-1, b"")

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, place: int, whence: int = io.SEEK_SET) -> int:
        begin = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._size}[whence]
        self._place = max(0, begin + place)
        return self._place

    def tell(self) -> int:
        return self._place

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        if self._place >= self._size:
            return 0
        number, begin = divmod(self._place, PART)
        piece = self._part(number)[begin : begin + len(buffer)]
        buffer[: len(piece)] = piece
        self._place += len(piece)
        return len(piece)

    def _part(self, number: int) -> bytes:
        if self._held[0] != number:
            with self._database.connect() as connection:
                row = connection.row(_GET, {"job": self._job, "n": number}, prepare=True)
            if row is None:
                raise Unavailable("a part of the uploaded file is gone")
            self._held = (number, row[0])
        return self._held[1]


def source_of(database: Database, job: int) -> Source:
    """Opens the uploaded file, any number of times."""
    with database.connect() as connection:
        row = connection.row(_SIZE, {"job": job})
    assert row is not None
    return partial(_opened, database, job, int(row[0]))


def _opened(database: Database, job: int, size: int) -> BinaryIO:
    return io.BufferedReader(_PartReader(database, job, size), _BUFFER)


def drop_parts(connection: Connection, job: int) -> None:
    """The file is cut, or not wanted any more."""
    connection.run(_DROP, {"job": job})
