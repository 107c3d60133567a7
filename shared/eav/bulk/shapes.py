"""Raw values to canonical ones, column by column: many items have the same columns, many cells the same text.

Says the same as the first half of `validation.complete` does for one entity; names are looked up once per set of
columns, a repeated text is read once, and a text that the entity holds already is not read at all: normalisers leave
alone what they made, so it would come to the same. What was read is remembered from call to call, as long as the type
stays as it is. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from shared.eav.catalog import LiveType
from shared.eav.declare import AttributeDef
from shared.eav.types import AttributeType, ValueProblem, kind_of
from shared.eav.validation import Judge, Values, misnamed
from shared.kernel.errors import FieldError

# Texts a column remembers before it begins anew.
REMEMBERED = 4096
Cell = tuple[Any, Any]
"""A canonical value and its canonical JSON."""
K = TypeVar("K")
V = TypeVar("V")


def remember(known: dict[K, V], key: K, value: V) -> V:
    """Note what something came to."""
    if len(known) >= REMEMBERED:
        known.clear()
    known[key] = value
    return value


class Column:
    """One attribute, what its texts were read as (`cells`: where the entity holds nothing), and where its canonical
    JSON goes (`placed`, see `placing`)."""

    __slots__ = ("_beside", "_normalise", "attribute", "cells", "heeds_old", "key", "kind", "name", "placed", "plain")

    def __init__(self, judge: Judge, live: LiveType, attribute: AttributeDef) -> None:
        self.attribute = attribute
        self.name, self.key = attribute.name, attribute.key
        self.kind = kind_of(attribute)
        self.heeds_old = self.kind.heeds_old
        self.plain = type(self.kind).from_json is AttributeType.from_json
        self.cells: dict[str, Cell] = {}
        self.placed: dict[Any, Any] = {}
        self._beside: dict[tuple[str, Any], Cell] = {}
        self._normalise = partial(judge.normalised, live.name, attribute.name)

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
        return remember(cells, key, self._coerced(raw, old)) if found is None else found

    def _coerced(self, raw: object, old: Any) -> Cell:
        """See `validation.coerce`."""
        raw = self._normalise(raw)
        if raw is None or raw == "":
            return None, None
        held = self.kind.from_json(old, self.attribute) if self.heeds_old and old is not None else None
        value = self.kind.coerce(raw, self.attribute, held)
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

    columns: tuple[tuple[str, str, str, dict[str, Cell], Column], ...]
    """The name the caller used, the internal name, the key and the remembered cells of each column."""
    names: dict[str, str]
    errors: tuple[FieldError, ...]

    def read(self, raws: Mapping[str, object], held: Mapping[str, Any]) -> Reading:
        """The values of an item about an entity that holds this canonical JSON by attribute key."""
        values: Values = {}
        jsons: dict[str, Any] = {}
        errors = list(self.errors)
        for name, inner, key, cells, column in self.columns:
            raw, old = raws[name], held.get(key) if held else None
            cell = None
            if raw.__class__ is str:
                if raw == old:
                    cell = (old if column.plain else column.kind.from_json(old, column.attribute), old)
                elif old is None or not column.heeds_old:
                    cell = cells.get(raw)
            if cell is None:
                try:
                    cell = column.read(raw, old)
                except ValueProblem as problem:
                    errors.append(FieldError(name, problem.code, problem.message, problem.nearest))
                    continue
            values[inner], jsons[key] = cell
        return Reading(values, jsons, errors)


@dataclass
class Shapes:
    """The columns and shapes of one type, as long as it stays as it is. Threads may share them."""

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
        return remember(self._shapes, names, self._made(names)) if shape is None else shape

    def _made(self, given: tuple[str, ...]) -> Shape:
        names: dict[str, str] = {}
        errors: list[FieldError] = []
        columns = []
        for name in given:
            attribute = self.live.find(name)
            error = misnamed(self.live, name, attribute, names)
            if error is not None:
                errors.append(error)
            elif attribute is not None:
                names[attribute.name] = name
                column = self.column(attribute)
                columns.append((name, column.name, column.key, column.cells, column))
        return Shape(tuple(columns), names, tuple(errors))
