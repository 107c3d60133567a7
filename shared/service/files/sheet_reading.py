"""A sheet of an XLSX workbook as a stream of rows: dates, numbers and truth values in one way of writing.

Numbers are plain decimal text, dates `YYYY-MM-DD` (with `Thh:mm:ss` when they have a time), truth values true and
false; formulas are their stored result. A line is the sheet's row number. Hidden sheets are not chosen unasked.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import partial
from typing import BinaryIO

from openpyxl.utils.datetime import MAC_EPOCH, WINDOWS_EPOCH, from_excel

from shared.kernel.errors import Invalid
from shared.kernel.json import decimal_text
from shared.service.files.cells import RawCell, SharedTexts, shared_texts, sheet_rows, unescaped
from shared.service.files.formats import damaged, refused
from shared.service.files.formulas import unshield
from shared.service.files.headers import MAX_COLUMNS, make_header, numbered
from shared.service.files.rows import MAX_CELL, Found, Row, Source, fitted, problem, shortened
from shared.service.files.workbooks import BAD_PACKING, Sheet, Workbook, open_workbook

_BAD = (*BAD_PACKING, zlib.error)
_MIDNIGHT = time(0)


def find_sheet(source: Source, name: str, has_header: bool) -> Found:
    """The sheet asked for, else the first visible one, and its columns. Raises Invalid."""
    with source() as stream:
        book = open_workbook(stream)
        sheet = _chosen(book, name)
        shown = tuple(one.name for one in book.sheets)
        for row, cells in _rows(book, sheet):
            if not any(cell.strip() for cell in cells):
                continue
            if not has_header:
                return Found("xlsx", numbered(len(cells)), sheet=sheet.name, sheets=shown, line=row - 1)
            header, notes = make_header(cells)
            return Found("xlsx", header, sheet=sheet.name, sheets=shown, line=row, notes=notes)
    raise refused("EMPTY_FILE", f"The sheet {sheet.name} holds nothing") if book.sheets else damaged()


class SheetRows:
    """The rows of the found sheet behind `line`. Reading always begins at the top: a sheet has no other entrance."""

    offset = None

    def __init__(self, stream: BinaryIO, found: Found, line: int) -> None:
        self._book = open_workbook(stream)
        self._found = found
        self._line = line

    def __iter__(self) -> Iterator[Row]:
        header = self._found.header
        for line, cells in _rows(self._book, _chosen(self._book, self._found.sheet), self._line):
            if not any(cells):
                continue
            if len(cells) > MAX_COLUMNS:
                text = f"The row has more than {MAX_COLUMNS} columns"
                yield Row(line, cells[: len(header)], problem("INCORRECT_NUMBER_OF_COLUMNS", text))
            elif any(len(cell) > MAX_CELL for cell in cells):
                yield shortened(line, cells, header)
            elif any("\x00" in cell for cell in cells):
                plain = [cell.replace("\x00", "") for cell in cells]
                text = "The row holds NUL characters; they are taken out of what is shown here"
                yield Row(line, plain, problem("COULD_NOT_PARSE_ROW", text))
            else:
                yield fitted(line, cells, header)


def _chosen(book: Workbook, name: str) -> Sheet:
    if not book.sheets:
        raise refused("EMPTY_FILE", "The workbook has no sheet with cells")
    if not name:
        return next((one for one in book.sheets if not one.hidden), book.sheets[0])
    for one in book.sheets:
        if one.name.casefold() == name.casefold():
            return one
    names = tuple(one.name for one in book.sheets)
    raise Invalid.one("sheet", "UNKNOWN_SHEET", f"There is no sheet {name[:40]}; there are: {', '.join(names)}", names)


def _rows(book: Workbook, sheet: Sheet, after: int = 0) -> Iterator[tuple[int, list[str]]]:
    try:
        texts = shared_texts(partial(book.archive.open, book.strings_path)) if book.strings_path else SharedTexts()
        present = _Presented(texts, book.times, book.since_1904)
        for line, raw in sheet_rows(partial(book.archive.open, sheet.path)):
            if line > after:
                yield line, present.row(raw)
    except _BAD as error:
        raise damaged() from error


class _Presented:
    """Raw cells as text."""

    def __init__(self, texts: SharedTexts, times: Mapping[int, str], since_1904: bool) -> None:
        self._texts = texts
        self._times = {str(style): kind for style, kind in times.items()}
        self._epoch = MAC_EPOCH if since_1904 else WINDOWS_EPOCH

    def row(self, raw: list[RawCell]) -> list[str]:
        """Cells up to the last one that has something."""
        cells: list[str] = []
        for column, kind, style, text in raw:
            if column > MAX_COLUMNS:
                column = MAX_COLUMNS
            if column >= len(cells):
                cells.extend([""] * (column + 1 - len(cells)))
            cells[column] = self._cell(kind, style, text)
        return cells

    def _cell(self, kind: str, style: str, text: str) -> str:
        if kind == "s":
            try:
                found = self._texts[int(text)]
            except (ValueError, IndexError):
                return ""
            return unshield(found) if found[:1] == "'" else found
        if kind == "n":
            times = self._times.get(style)
            return _number(text) if times is None else self._moment(times, text)
        if kind == "b":
            return "true" if text == "1" else "false"
        found = unescaped(text)
        return unshield(found) if found[:1] == "'" else found

    def _moment(self, kind: str, text: str) -> str:
        try:
            found = from_excel(float(text), self._epoch, timedelta=kind == "span")
        except (ValueError, OverflowError, TypeError):
            return _number(text)
        if isinstance(found, datetime):
            if found.time() == _MIDNIGHT and kind != "time":
                return found.date().isoformat()
            return found.replace(microsecond=0).isoformat()
        if isinstance(found, time | date):
            return found.isoformat()
        return _number(text) if not isinstance(found, timedelta) else str(found)


def _number(text: str) -> str:
    """Excel keeps 15 digits and writes 17: the last two are noise of its binary numbers."""
    if text.isdigit():
        return text
    try:
        value = float(text)
    except ValueError:
        return text
    short = f"{value:.15g}"
    return decimal_text(Decimal(short)) if "e" in short and "n" not in short else short
