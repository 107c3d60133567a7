"""Chunks: rows of a file as they are sent to those who import them, and the rows that could not be read."""

from __future__ import annotations

import gzip
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from services.workspace.domain.cutting import Cutter
from shared.kernel.db import Connection, Database
from shared.kernel.json import dumps, loads

_FAST = 1
_PUT = """
insert into import_chunk (job_id, n, first_line, last_line, rows, payload, refused)
values (%(job)s, %(n)s, %(first)s, %(last)s, %(rows)s, %(payload)s, %(refused)s) on conflict do nothing
"""
_GET = "select payload from import_chunk where job_id = %(job)s and n = %(n)s"
_OF_LINES = """
select payload, refused from import_chunk where job_id = %(job)s and first_line <= %(last)s and last_line >= %(first)s
order by n limit 1
"""
_HOLDING = """
select n, payload, refused from import_chunk
where job_id = %(job)s and first_line <= %(line)s and last_line >= %(line)s for update
"""
_REPLACE = """
update import_chunk set payload = %(payload)s, refused = %(refused)s where job_id = %(job)s and n = %(n)s
"""
_REJECTED = """
select c.payload, c.refused, array_agg(distinct e.line) from import_chunk c
join import_error e on e.job_id = c.job_id and e.line between c.first_line and c.last_line
where c.job_id = %(job)s group by c.job_id, c.n order by c.n
"""
_DROP = "delete from import_chunk where job_id = %(job)s"
_ROWS = "select n, rows from import_chunk where job_id = %(job)s and n >= %(n)s and rows > 0 order by n"

Line = tuple[int, list[str]]


def packed(cutter: Cutter) -> dict[str, Any]:
    """A chunk's columns, made outside the transaction that stores them."""
    return {
        "first": cutter.first,
        "last": cutter.last,
        "rows": len(cutter.rows),
        "payload": _packed(cutter.rows),
        "refused": _packed(cutter.refused) if cutter.refused else None,
    }


def put_chunks(connection: Connection, job: int, first: int, chunks: Sequence[Mapping[str, Any]]) -> None:
    """Store chunks numbered from `first`; those that are there already are the same."""
    for n, chunk in enumerate(chunks, first):
        connection.run(_PUT, {"job": job, "n": n, **chunk}, prepare=True)


def payload(database: Database, job: int, n: int) -> bytes | None:
    """A chunk's rows as gzipped lines of JSON, as they are stored."""
    with database.connect() as connection:
        row = connection.row(_GET, {"job": job, "n": n}, prepare=True)
    return None if row is None else bytes(row[0])


def rows_of(connection: Connection, job: int, n: int) -> list[Line]:
    """The rows of a chunk."""
    row = connection.row(_GET, {"job": job, "n": n}, prepare=True)
    return [] if row is None else unpacked(row[0])


def lines_between(connection: Connection, job: int, first: int, last: int) -> Mapping[int, list[str]]:
    """The cells of all lines of the chunk that the first of these lines is in."""
    row = connection.row(_OF_LINES, {"job": job, "first": first, "last": last}, prepare=True)
    if row is None:
        return {}
    return dict([*unpacked(row[0]), *((line, cells) for line, cells, _ in _refused(row[1]))])


def sizes(connection: Connection, job: int, n: int) -> list[tuple[int, int]]:
    """(number, rows) of chunks from `n` on that have rows to be sent."""
    return [(row[0], row[1]) for row in connection.rows(_ROWS, {"job": job, "n": n})]


def rejected(connection: Connection, job: int) -> Iterator[Line]:
    """The rows that errors were told of, chunk by chunk."""
    for raw, refused, lines in connection.rows(_REJECTED, {"job": job}):
        wanted = set(lines)
        yield from ((line, cells) for line, cells in unpacked(raw) if line in wanted)
        yield from ((line, cells) for line, cells, _ in _refused(refused))


def blank_line(connection: Connection, job: int, line: int) -> None:
    """Take the cells out of a row: whose they were is erased. The row stays a row."""
    for n, raw, refused in connection.rows(_HOLDING, {"job": job, "line": line}):
        rows = [(number, _blank(cells) if number == line else cells) for number, cells in unpacked(raw)]
        others = [[one[0], _blank(one[1]) if one[0] == line else one[1], one[2]] for one in _refused(refused)]
        packed_again = {"payload": _packed(rows), "refused": _packed(others) if others else None}
        connection.run(_REPLACE, {"job": job, "n": n, **packed_again})


def _blank(cells: Sequence[str]) -> list[str]:
    return [""] * len(cells)


def _packed(lines: Sequence[Any]) -> bytes:
    return gzip.compress(b"\n".join(map(dumps, lines)), _FAST, mtime=0)


def drop_chunks(connection: Connection, job: int) -> None:
    """The rows are not wanted any more."""
    connection.run(_DROP, {"job": job})


def unpacked(raw: bytes) -> list[Line]:
    """The (line, cells) of a payload."""
    return [(line, cells) for line, cells in map(loads, _lines(raw))]


def _refused(raw: bytes | None) -> list[Any]:
    return [] if raw is None else [loads(one) for one in _lines(raw)]


def _lines(raw: bytes) -> Iterator[bytes]:
    return (one for one in gzip.decompress(raw).split(b"\n") if one)


def plain(raw: bytes) -> bytes:
    """A payload as lines of JSON."""
    return gzip.decompress(raw)
