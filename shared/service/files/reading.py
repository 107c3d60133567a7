"""Files as tables: delimited text in any encoding, XLSX and NDJSON, told by their content, read as streams.

    table = open_table(lambda: path.open("rb"))
    for line, cells, problem in table.rows: ...

`inspect` and `read_rows` are its two halves, for work that stops and goes on later. A file that is no table at all is
refused with Invalid; a row that cannot be taken is answered with its problem, and reading goes on. Not for writing.
"""

from __future__ import annotations

import codecs
from dataclasses import dataclass

from shared.kernel.errors import Invalid
from shared.service.files.delimited import DelimitedRows
from shared.service.files.delimiters import find_layout
from shared.service.files.formats import NDJSON, real_format, refused
from shared.service.files.objects import ObjectRows, find_objects, first_object
from shared.service.files.rows import Found, Rows, Source
from shared.service.files.sheet_reading import SheetRows, find_sheet

__all__ = ["Found", "Rows", "Source", "Table", "inspect", "open_table", "read_rows"]


@dataclass(frozen=True, slots=True)
class Table:
    """An open table. The rows can be read once."""

    found: Found
    rows: Rows

    @property
    def header(self) -> tuple[str, ...]:
        """Unique names of the columns, in order."""
        return self.found.header


def inspect(
    source: Source, *, sheet: str = "", encoding: str = "", delimiter: str = "", has_header: bool = True
) -> Found:
    """What the file is and which columns it has; what is given is taken for granted. Raises Invalid."""
    _check(encoding, delimiter)
    with source() as stream:
        kind = real_format(stream, first_object)
    if kind == "xlsx":
        return find_sheet(source, sheet, has_header)
    if kind == NDJSON:
        return find_objects(source)
    return find_layout(source, encoding, delimiter, has_header)


def read_rows(source: Source, found: Found, line: int | None = None, offset: int | None = None) -> Rows:
    """The rows behind `line`, whose `offset` was told with it; from the first row when neither is given.

    Raises Invalid when a workbook turns out to be damaged. Who asks reads to the end or lets the process do it: the
    file stays open as long as the rows are in use.
    """
    if line is None:
        line, offset = found.line, found.offset
    if found.format == "xlsx":
        return SheetRows(source(), found, line)
    if found.format == NDJSON:
        return ObjectRows(source(), found, line, offset)
    return DelimitedRows(source(), found, line, offset)


def open_table(
    source: Source, *, sheet: str = "", encoding: str = "", delimiter: str = "", has_header: bool = True
) -> Table:
    """Both in one. Raises Invalid."""
    found = inspect(source, sheet=sheet, encoding=encoding, delimiter=delimiter, has_header=has_header)
    return Table(found, read_rows(source, found))


def _check(encoding: str, delimiter: str) -> None:
    if encoding:
        try:
            codecs.lookup(encoding)
        except LookupError:
            raise refused("UNKNOWN_ENCODING", f"{encoding[:40]} is not the name of an encoding") from None
    if delimiter and (len(delimiter) != 1 or delimiter in '"\r\n\x00'):
        raise Invalid.one("delimiter", "INVALID_DELIMITER", "A delimiter is one character, no quote and no line end")
