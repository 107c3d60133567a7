"""Chunks: rows of a file as they are sent to those who import them, and the rows that could not be read."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator, Mapping, Sequence
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
select n, payload, refused from import_chunk where job_id = %(job)s
and exists (select from unnest(%(lines)s::int[]) one where one between first_line and last_line) order by n for update
"""
_LOCKED = "select payload, refused from import_chunk where job_id = %(job)s and n = %(n)s for update"
_REPLACE = """
update import_chunk set payload = %(payload)s, refused = %(refused)s where job_id = %(job)s and n = %(n)s
"""
_REJECTED = """
select distinct e.line from import_error e where e.job_id = %(job)s and e.line between %(first)s and %(last)s
"""
_NEXT = """
select n, first_line, last_line, payload, refused from import_chunk where job_id = %(job)s and n > %(n)s
order by n limit 1
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


Judge = Callable[[list[str], bool], list[str] | None]
"""The cells of a row, and whether it was rejected -> what is to stand there instead, None for the same."""


def rewrite(connection: Connection, job: int, judge: Judge) -> list[int]:
    """Go through all rows of an import, chunk by chunk, and change some; the lines of those."""
    n, lines = -1, []
    while found := connection.row(_NEXT, {"job": job, "n": n}, prepare=True):
        n, first, last, raw, held = found
        told = connection.rows(_REJECTED, {"job": job, "first": first, "last": last})
        rejected = frozenset(row[0] for row in told)
        rows = {line: changed for line, cells in unpacked(raw) if (changed := judge(cells, line in rejected))}
        refused = {one[0]: changed for one in _refused(held) if (changed := judge(one[1], True))}
        if rows or refused:
            _put_back(connection, job, n, rows, refused)
            lines += [*rows, *refused]
    return sorted(lines)


def _put_back(
    connection: Connection, job: int, n: int, rows: Mapping[int, list[str]], refused: Mapping[int, list[str]]
) -> None:
    """Under a lock, and with what stands there now."""
    held = connection.row(_LOCKED, {"job": job, "n": n})
    if held is not None:
        again = [(line, rows.get(line, cells)) for line, cells in unpacked(held[0])]
        others = [[one[0], refused.get(one[0], one[1]), one[2]] for one in _refused(held[1])]
        packed_again = {"payload": _packed(again), "refused": _packed(others) if others else None}
        connection.run(_REPLACE, {"job": job, "n": n, **packed_again})


def blank_lines(connection: Connection, job: int, lines: Mapping[int, frozenset[int] | None]) -> None:
    """Take cells out of rows, those of these columns, or all (None): whose they were is erased. A row stays a row."""

    def left(line: int, cells: list[str]) -> list[str]:
        columns = lines[line]
        return blank(cells) if columns is None else ["" if n in columns else one for n, one in enumerate(cells)]

    for n, raw, held in connection.rows(_HOLDING, {"job": job, "lines": list(lines)}):
        rows = {line: left(line, cells) for line, cells in unpacked(raw) if line in lines}
        refused = {one[0]: left(one[0], one[1]) for one in _refused(held) if one[0] in lines}
        _put_back(connection, job, n, rows, refused)


def blank(cells: Sequence[str]) -> list[str]:
    """As many cells with nothing in them."""
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
