"""What every reader of tables answers: rows with their line, and what is wrong with a row that cannot be taken.

A line is the row's number as a spreadsheet shows it, the header being 1 when it stands on top.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, NamedTuple, Protocol

from shared.kernel.errors import FieldError
from shared.service.files.formats import Format

MAX_CELL = 1_000_000
"""Characters of one cell; a row with a longer one is refused."""
SHOWN = 1_000
"""Characters kept of a cell that is too long, for the error file."""


Source = Callable[[], BinaryIO]
"""Opens the file anew, at its beginning; what it answers can seek and is closed by who asked."""


class Row(NamedTuple):
    """One row, as wide as the header unless it has a problem. Blank rows are never answered."""

    line: int
    cells: list[str]
    problem: FieldError | None = None


class Rows(Protocol):
    """Rows in the file's order. `offset`: the byte behind the last one answered, None where reading cannot begin."""

    def __iter__(self) -> Iterator[Row]: ...
    @property
    def offset(self) -> int | None: ...


@dataclass(frozen=True, slots=True)
class Found:
    """What a file turned out to be; enough to go on reading it later without looking again.

    line, offset: the last line before the rows (0 without a header), and where they begin. keys: of NDJSON, what its
    lines call the columns of `header`.
    """

    format: Format
    header: tuple[str, ...]
    encoding: str = ""
    delimiter: str = ""
    sheet: str = ""
    sheets: tuple[str, ...] = ()
    line: int = 0
    offset: int | None = None
    notes: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()


def problem(code: str, message: str, column: str = "") -> FieldError:
    """What is wrong with a row; `column` is a header, "" for the row as a whole."""
    return FieldError(column, code, message)


def fitted(line: int, cells: list[str], header: tuple[str, ...]) -> Row:
    """The row as wide as the header: missing cells are blank, further ones refuse it unless they are blank."""
    width = len(header)
    if len(cells) < width:
        return Row(line, cells + [""] * (width - len(cells)))
    if any(cells[width:]):
        text = f"The row has {len(cells)} cells, the header {width}"
        return Row(line, cells, problem("INCORRECT_NUMBER_OF_COLUMNS", text))
    return Row(line, cells[:width])


def shortened(line: int, cells: list[str], header: tuple[str, ...]) -> Row:
    """A row with a cell of more than MAX_CELL characters: refused, and shown in part."""
    place = max(range(len(cells)), key=lambda one: len(cells[one]))
    column = header[place] if place < len(header) else ""
    text = f"A cell of the row has {len(cells[place])} characters; at most {MAX_CELL} can be read"
    return Row(line, [cell[:SHOWN] for cell in cells], problem("COULD_NOT_PARSE_ROW", text, column))
