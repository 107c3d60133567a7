"""Raw values to canonical ones, column by column: many items have the same columns, many cells the same text.

Says the same as the first half of `validation.complete` does for one entity; names are looked up once per set of
columns, a repeated text is read once, and a text that the entity holds already is not read at all: normalisers leave
alone what they made, so it would come to the same. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from shared.eav.catalog import LiveType
from shared.eav.declare import AttributeDef
from shared.eav.types import AttributeType, ValueProblem, kind_of
from shared.eav.validation import Judge, Values, coerce, misnamed
from shared.kernel.errors import FieldError

# Texts a column remembers; more different ones than that are not repeated often enough to be worth it.
REMEMBERED = 4096
Cell = tuple[Any, Any]
"""A canonical value and its canonical JSON."""


class Column:
    """One attribute of one call, and what its texts were read as (`cells`: where the entity holds nothing)."""

    __slots__ = ("_beside", "_judge", "_live", "attribute", "cells", "heeds_old", "key", "kind", "name", "plain")

    def __init__(self, judge: Judge, live: LiveType, attribute: AttributeDef) -> None:
        self.attribute = attribute
        self.name, self.key = attribute.name, attribute.key
        self.kind = kind_of(attribute)
        self.heeds_old = self.kind.heeds_old
        self.plain = type(self.kind).from_json is AttributeType.from_json
        self.cells: dict[str, Cell] = {}
        self._beside: dict[tuple[str, Any], Cell] = {}
        self._judge = judge
        self._live = live

    def read(self, raw: object, old: Any = None) -> Cell:
        """What a raw value means beside the stored canonical JSON; raises ValueProblem."""
        if type(raw) is not str:
            return self._coerced(raw, old)
        cells: dict[Any, Cell] = self.cells
        key: Any = raw
        if self.heeds_old and old is not None:
            cells = self._beside
            key = (raw, tuple(old) if isinstance(old, list) else old)
        found = cells.get(key)
        if found is None:
            found = self._coerced(raw, old)
            if len(cells) < REMEMBERED:
                cells[key] = found
        return found

    def _coerced(self, raw: object, old: Any) -> Cell:
        held = None
        if self.heeds_old and old is not None:
            held = {self.name: self.kind.from_json(old, self.attribute)}
        value = coerce(self._judge, self._live, self.attribute, raw, held)
        return value, None if value is None else self.kind.to_json(value)


@dataclass(slots=True)
class Reading:
    """The values of one item: canonical by internal name, as JSON by attribute key; and what is wrong with others."""

    values: Values
    jsons: dict[str, Any]
    errors: list[FieldError]


@dataclass(slots=True)
class Shape:
    """What all items with the same names have in common. `names`: internal name -> the name the caller used."""

    columns: tuple[tuple[str, Column], ...]
    names: dict[str, str]
    errors: tuple[FieldError, ...]

    def read(self, raws: Mapping[str, object], held: Mapping[str, Any]) -> Reading:
        """The values of an item about an entity that holds this canonical JSON by attribute key."""
        values: Values = {}
        jsons: dict[str, Any] = {}
        errors = list(self.errors)
        for name, column in self.columns:
            raw, old, cell = raws[name], held.get(column.key), None
            if type(raw) is str:
                if raw == old:
                    cell = (old if column.plain else column.kind.from_json(old, column.attribute), old)
                elif old is None or not column.heeds_old:
                    cell = column.cells.get(raw)
            if cell is None:
                try:
                    cell = column.read(raw, old)
                except ValueProblem as problem:
                    errors.append(FieldError(name, problem.code, problem.message, problem.nearest))
                    continue
            values[column.name], jsons[column.key] = cell
        return Reading(values, jsons, errors)


@dataclass
class Shapes:
    """The columns and shapes of one call."""

    judge: Judge
    live: LiveType
    _columns: dict[str, Column] = field(default_factory=dict)
    _shapes: dict[tuple[str, ...], Shape] = field(default_factory=dict)

    def column(self, attribute: AttributeDef) -> Column:
        """The one column of an attribute."""
        found = self._columns.get(attribute.name)
        if found is None:
            found = self._columns[attribute.name] = Column(self.judge, self.live, attribute)
        return found

    def of(self, values: Mapping[str, object]) -> Shape:
        """The shape of an item with these values."""
        names = tuple(values)
        shape = self._shapes.get(names)
        if shape is None:
            shape = self._shapes[names] = self._made(names)
        return shape

    def _made(self, given: tuple[str, ...]) -> Shape:
        names: dict[str, str] = {}
        errors: list[FieldError] = []
        columns: list[tuple[str, Column]] = []
        for name in given:
            attribute = self.live.find(name)
            error = misnamed(self.live, name, attribute, names)
            if error is not None:
                errors.append(error)
            elif attribute is not None:
                names[attribute.name] = name
                columns.append((name, self.column(attribute)))
        return Shape(tuple(columns), names, tuple(errors))
