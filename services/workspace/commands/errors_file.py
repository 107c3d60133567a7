"""The error file: the original rows that were refused, and beside each what was wrong with it.

It can be mended and imported again as it is: its first columns are the file's own, the further ones are not imported.
Formulas are made harmless, as in every file that leaves the system. One line of the file per error of a row.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from services.workspace.tables import chunks, reports
from services.workspace.tables.jobs import ImportJob
from shared.contracts.imports import RowError
from shared.kernel.db import Connection
from shared.service.files.formulas import shield

if TYPE_CHECKING:
    from shared.service.runtime import Runtime

ERROR_COLUMNS = ("Import line", "Import column", "Import value", "Import code", "Import reason")
_PAGE = 1000


def error_rows(service: Runtime, job: ImportJob, phase: str) -> Iterator[tuple[RowError, list[str] | None]]:
    """Errors in the file's order with the cells of their row; None when the rows are no longer kept."""
    place = reports.FIRST
    while True:
        with service.db.connect() as connection:
            page = reports.errors(connection, job.id, phase, place, _PAGE)
            found = with_cells(connection, job, [error for _, error in page])
        yield from found
        if len(page) < _PAGE:
            return
        place = page[-1][0]


def with_cells(
    connection: Connection, job: ImportJob, errors: Sequence[RowError]
) -> list[tuple[RowError, list[str] | None]]:
    """Errors by line with the cells of their rows: one statement per chunk, not per row."""
    held: Mapping[int, list[str]] = {}
    found = []
    for error in errors:
        if error.line not in held:
            held = chunks.lines_between(connection, job.id, error.line, error.line)
        found.append((error, held.get(error.line)))
    return found


def error_csv(service: Runtime, job: ImportJob, phase: str) -> Iterator[bytes]:
    """The file, piece by piece. Errors of one row share a line."""
    header = [name for name in job.header if name not in ERROR_COLUMNS]
    places = [place for place, name in enumerate(job.header) if name not in ERROR_COLUMNS]
    yield b"\xef\xbb\xbf" + _line([*header, *ERROR_COLUMNS])
    row: list[str] = []
    errors: list[RowError] = []
    for error, cells in error_rows(service, job, phase):
        if errors and errors[0].line != error.line:
            yield _line([*_own(row, places), *_told(job, row, errors)])
            errors = []
        row = cells or []
        errors.append(error)
    if errors:
        yield _line([*_own(row, places), *_told(job, row, errors)])


def value_of(job: ImportJob, error: RowError, cells: list[str] | None) -> str | None:
    """The cell an error is about."""
    if cells is None or error.column not in job.header:
        return None
    place = job.header.index(error.column)
    return cells[place] if place < len(cells) else ""


def _own(row: list[str], places: list[int]) -> list[str]:
    return [row[place] if place < len(row) else "" for place in places]


def _told(job: ImportJob, row: list[str], errors: list[RowError]) -> list[str]:
    values = [value_of(job, one, row) or "" for one in errors]
    return [
        str(errors[0].line),
        "; ".join(one.column or one.attribute for one in errors),
        "; ".join(values),
        "; ".join(one.code for one in errors),
        "; ".join(one.message for one in errors),
    ]


def _line(cells: list[str]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerow([shield(cell) for cell in cells])
    return text.getvalue().encode("utf-8", "replace")
