"""Delimited text as a stream of rows, whatever its delimiter, encoding and line ends, in flat memory.

A bad row is answered with its problem and never stops the rows behind it, not even a quote that is never closed.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import BinaryIO

from shared.service.files.formats import refused
from shared.service.files.formulas import unshield
from shared.service.files.lines import MAX_RECORD, Line, Lines, TooLong
from shared.service.files.rows import MAX_CELL, SHOWN, Found, Row, fitted, problem, shortened

_MAX_UNCLOSED = 1000
_SHOWN_OF_LINE = 100_000
_PLAIN_NAMES = {"utf-8-sig": "UTF-8", "utf-8": "UTF-8", "cp1252": "Windows-1252"}

csv.field_size_limit(MAX_RECORD + 1)


class DelimitedRows:
    """The rows of a file behind `line`, which ends at `offset` (None: read from the top and pass over the lines)."""

    def __init__(self, stream: BinaryIO, found: Found, line: int, offset: int | None) -> None:
        self._lines = Lines(stream, found.encoding, offset)
        self._found = found
        self._after = line
        self._first = 0 if offset is None else line

    @property
    def offset(self) -> int | None:
        """The byte behind the last row, None where the encoding does not allow to begin there."""
        return self._lines.offset

    def __iter__(self) -> Iterator[Row]:
        line = self._first
        for cells, refusal in records(self._lines, self._found.delimiter):
            line += 1
            if line > self._after and (refusal is not None or any(cells)):
                yield self._row(line, cells, refusal)

    def _row(self, line: int, cells: list[str], refusal: str | None) -> Row:
        lines, found = self._lines, self._found
        if lines.marked:
            cells = [unshield(cell) for cell in cells]
        if lines.nul:
            refusal = refusal or "The row holds NUL characters; they are taken out of what is shown here"
            cells = [cell.replace("\x00", "") for cell in cells]
        if lines.broken and refusal is None:
            name = _PLAIN_NAMES.get(found.encoding, found.encoding)
            refusal = f"The row holds bytes that are not {name}; they are shown here as the Windows-1252 they may be"
        if refusal is not None:
            return Row(line, cells, problem("COULD_NOT_PARSE_ROW", refusal))
        if lines.length > MAX_CELL and any(len(cell) > MAX_CELL for cell in cells):
            return shortened(line, cells, found.header)
        return fitted(line, cells, found.header)


def records(lines: Lines, delimiter: str) -> Iterator[tuple[list[str], str | None]]:
    """Every record with what is wrong with it. `lines` tells more about the one answered last.

    Strict, so that an unclosed quote does not swallow rows up to the next quote, which would seem to close it.
    """
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    unclosed = 0
    while True:
        lines.begin_row()
        try:
            yield next(reader), None
            continue
        except StopIteration:
            return
        except TooLong:
            if lines.count == 1 or lines.ends_quoted(delimiter):
                text = f"The row has more than {MAX_RECORD} characters; it is shown in part"
                yield _naively(lines.first, delimiter), text
                continue
        except csv.Error:
            if lines.count == 1 and not lines.ended:
                yield _leniently(lines.first, delimiter)
                continue
        unclosed += 1
        if unclosed > _MAX_UNCLOSED:
            raise refused("DAMAGED_FILE", f"More than {_MAX_UNCLOSED} quotes are opened and never closed")
        yield _naively(lines.keep_first(), delimiter), "A quote is opened in the row and never closed"


def _leniently(line: Line, delimiter: str) -> tuple[list[str], str | None]:
    """A line with text behind a closing quote, which is taken as it stands, or with a line end where none may be."""
    try:
        return next(csv.reader([line.text], delimiter=delimiter)), None
    except csv.Error:
        return _naively(line, delimiter), "A line end stands within a cell that is not quoted"


def _naively(line: Line, delimiter: str) -> list[str]:
    """The cells as they would be if quotes meant nothing."""
    return [cell[:SHOWN] for cell in line.text[:_SHOWN_OF_LINE].rstrip("\r\n").split(delimiter)]
