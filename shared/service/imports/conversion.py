"""From a row's cells to what the engine is asked to write. Pure: a specification and definitions in, rows out.

Every error of a row is told, and none of them quotes a cell. References that are no ids and link targets are left as
text for `lookups.py`, which asks the database once per chunk. Not for validation of values: the engine's judge sees
the row even when errors were found here, so that all are told together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from shared.eav.declare import AttributeDef
from shared.kernel.clock import read_instant
from shared.kernel.errors import FieldError
from shared.service.effective import EFFECTIVE_AT, refusal
from shared.service.imports.cells import CellProblem, moment_reader, number_reader, read_boolean
from shared.service.imports.spec import Column, ImportSpec

WRONG_WIDTH = "INCORRECT_NUMBER_OF_COLUMNS"
NO_ATTRIBUTE = "PROPERTY_DEFINITION_NOT_FOUND"
INVALID_ID = "INVALID_OBJECT_ID"
REQUIRED = "REQUIRED_FIELD"
SEPARATOR = ";"
_REMEMBERED = 4096
_LONGEST_REMEMBERED = 64
_LONGEST_ID = 18


class _Keep:
    """The outcome of a cell that means: write nothing."""


_KEEP = _Keep()
_PLAIN = frozenset({str, bool, type(None)})
Read = Callable[[str], Any]
Find = Callable[[str], AttributeDef | None]


@dataclass(frozen=True, slots=True)
class Named:
    """A reference given by something else than its id, such as an owner's e-mail address."""

    text: str


@dataclass(slots=True)
class Row:
    """One converted row.

    key: raw value of the key attribute; id: when rows are found by id. lookups: attribute -> what its reference is
    named by. links: place in `spec.links` -> the texts that name targets.
    """

    line: int
    values: dict[str, Any] = field(default_factory=dict)
    key: Any = None
    id: int | None = None
    effective_at: datetime | None = None
    lookups: dict[str, str] = field(default_factory=dict)
    links: dict[int, tuple[str, ...]] = field(default_factory=dict)
    errors: list[FieldError] = field(default_factory=list)


def _as_written(text: str) -> Any:
    return text


def _reference(text: str) -> Any:
    stripped = text.strip()
    return stripped if stripped.isdecimal() and stripped.isascii() else Named(stripped)


def _options(text: str) -> Any:
    """Several options may stand on lines of their own in a cell."""
    return text.replace("\r\n", "\n").replace("\n", SEPARATOR)


_READERS: Mapping[str, Callable[[Column], Read]] = {
    "number": lambda column: number_reader(column.decimal),
    "boolean": lambda column: read_boolean,
    "date": lambda column: moment_reader(column.date_format),
    "datetime": lambda column: moment_reader(column.date_format),
    "multi_enumeration": lambda column: _options,
    "reference": lambda column: _reference,
}
"""Kinds whose cells need reading before the engine's own coercion; all others are taken as written."""


class _Cell:
    """One column's reader, which remembers what short cells came to: most columns repeat themselves."""

    __slots__ = ("_blank", "_blanks", "_read", "_values", "known")

    def __init__(self, spec: ImportSpec, column: Column, read: Read) -> None:
        self._read = read
        self._blanks = blank_words(spec)
        self._blank = None if (column.blank or spec.blank) == "clear" else _KEEP
        self._values = {old.strip(): new for old, new in column.values.items()}
        self.known: dict[str, Any] = {}

    def __call__(self, cell: str) -> Any:
        """The raw value, None to clear, _KEEP, or a CellProblem. Ask `known` first."""
        try:
            found = self._meant(cell)
        except CellProblem as problem:
            found = problem
        if len(cell) <= _LONGEST_REMEMBERED and len(self.known) < _REMEMBERED:
            self.known[cell] = found
        return found

    def _meant(self, cell: str) -> Any:
        stripped = cell.strip()
        if stripped in self._values:
            cell = self._values[stripped]
            return self._read(cell) if cell else None
        if not stripped or stripped.casefold() in self._blanks:
            return self._blank
        return self._read(cell)


def blank_words(spec: ImportSpec) -> frozenset[str]:
    """The words that mean nothing, folded."""
    return frozenset(word.strip().casefold() for word in spec.blanks)


def reader_of(attribute: AttributeDef, column: Column) -> Read:
    """How cells of a column become raw values of an attribute."""
    return _READERS.get(attribute.kind, lambda column: _as_written)(column)


class Converter:
    """An ImportSpec made ready for the definitions in force. `find`: an attribute by any of its names, or None."""

    def __init__(self, spec: ImportSpec, find: Find) -> None:
        self._spec = spec
        self._width = len(spec.header)
        self._blanks = blank_words(spec)
        self._errors: list[FieldError] = []
        self._cells = [(one.index, one.attribute, self._cell(one, find)) for one in spec.columns]
        self._set = {name: value or None for name, value in spec.set.items()}
        self._key = self._key_cell(find)
        self._key_filled = spec.key is not None and any(one.attribute == spec.key.attribute for one in spec.columns)
        self._moment = moment_reader(spec.effective_at.date_format) if spec.effective_at else None

    @property
    def errors(self) -> tuple[FieldError, ...]:
        """What is wrong with the specification itself: attributes that do not exist."""
        return tuple(self._errors)

    def _cell(self, column: Column, find: Find) -> _Cell:
        attribute = find(column.attribute)
        if attribute is None:
            self._errors.append(FieldError(column.attribute, NO_ATTRIBUTE, f"{column.attribute} is no attribute"))
            return _Cell(self._spec, column, _as_written)
        return _Cell(self._spec, column, reader_of(attribute, column))

    def _key_cell(self, find: Find) -> tuple[int, Read] | None:
        key = self._spec.key
        if key is None:
            return None
        same = (one for one in self._spec.columns if one.index == key.column and one.attribute == key.attribute)
        column = next(same, Column(index=key.column, attribute=key.attribute))
        return key.column, self._cell(column, find)

    def __call__(self, line: int, cells: Sequence[str | None]) -> Row:
        """One row; whatever is wrong with it is in its errors."""
        row = Row(line)
        if not self._fits(cells):
            message = f"{len(cells)} cells where the header has {self._width}"
            row.errors.append(FieldError("", WRONG_WIDTH, message))
            return row
        values, width = row.values, len(cells)
        for index, name, read in self._cells:
            cell = (cells[index] or "") if index < width else ""
            value = read.known.get(cell, read)
            if value is read:
                value = read(cell)
            if value.__class__ in _PLAIN:
                values[name] = value
            elif value is not _KEEP:
                self._put(row, name, value)
        row.values.update((name, value) for name, value in self._set.items() if name not in row.values)
        self._find_entity(row, cells)
        self._since(row, cells)
        self._links(row, cells)
        return row

    def _fits(self, cells: Sequence[str | None]) -> bool:
        if not self._width or len(cells) == self._width:
            return True
        return len(cells) > self._width and not any(cells[self._width :])

    def _put(self, row: Row, name: str, value: Any) -> None:
        if isinstance(value, CellProblem):
            row.errors.append(FieldError(name, value.code, value.message))
        elif isinstance(value, Named):
            row.lookups[name] = value.text
        else:
            row.values[name] = value

    def _find_entity(self, row: Row, cells: Sequence[str | None]) -> None:
        key, column = self._spec.key, self._spec.id_column
        if column is not None:
            text = (_at(cells, column)).strip()
            if text.isdecimal() and text.isascii() and len(text) <= _LONGEST_ID:
                row.id = int(text)
            else:
                row.errors.append(FieldError(self._header(column), INVALID_ID, "not the id of an entity"))
        if key is None or self._key is None:
            return
        value = self._key[1](_at(cells, key.column))
        if isinstance(value, CellProblem):
            if not self._key_filled:
                row.errors.append(FieldError(key.attribute, value.code, value.message))
        elif value is _KEEP or value is None or isinstance(value, Named):
            if self._spec.mode != "create":
                row.errors.append(FieldError(key.attribute, REQUIRED, "the key is empty: the row cannot be told apart"))
        else:
            row.key = value
            if self._spec.mode == "create" and not self._key_filled:
                row.values[key.attribute] = value

    def _since(self, row: Row, cells: Sequence[str | None]) -> None:
        if self._moment is None or self._spec.effective_at is None:
            return
        text = _at(cells, self._spec.effective_at.column).strip()
        if not text or text.casefold() in self._blanks:
            return
        try:
            at = _instant(self._moment(text))
        except CellProblem as problem:
            row.errors.append(FieldError(EFFECTIVE_AT, problem.code, problem.message))
            return
        except (ValueError, OverflowError):
            row.errors.append(FieldError(EFFECTIVE_AT, "INVALID_DATE", "not an instant"))
            return
        refused = refusal(at)
        if refused is None:
            row.effective_at = at
        else:
            row.errors.append(FieldError(EFFECTIVE_AT, *refused))

    def _links(self, row: Row, cells: Sequence[str | None]) -> None:
        for place, link in enumerate(self._spec.links):
            texts = (one.strip() for one in _at(cells, link.column).split(SEPARATOR))
            if link.values:
                texts = (link.values.get(one, one).strip() for one in texts)
            named = dict.fromkeys(one for one in texts if one and one.casefold() not in self._blanks)
            if named:
                row.links[place] = tuple(named)

    def _header(self, column: int) -> str:
        return self._spec.header[column] if column < self._width else str(column)


def _at(cells: Sequence[str | None], column: int) -> str:
    return (cells[column] or "") if column < len(cells) else ""


def _instant(text: str) -> datetime:
    """The UTC instant of what `moment_reader` answers."""
    if text.lstrip("-").isdecimal():
        return datetime.fromtimestamp(int(text) / 1000, UTC)
    return read_instant(text)
