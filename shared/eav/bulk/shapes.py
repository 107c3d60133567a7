"""Raw values to canonical ones, column by column: many items have the same columns, many cells the same text.

Says the same as `validation.complete` does for one entity; names are looked up once per set of columns, a repeated
text is read once. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from shared.eav.catalog import LiveType
from shared.eav.declare import AttributeDef
from shared.eav.types import ValueProblem, kind_of
from shared.eav.validation import Judge, Values, coerce, misnamed
from shared.kernel.errors import FieldError

# Texts a column remembers; more different ones than that are not repeated often enough to be worth it.
_REMEMBERED = 4096


class Column:
    """One attribute of one call, with what its texts were read as."""

    __slots__ = ("_judge", "_live", "_read", "attribute", "heeds_old")

    def __init__(self, judge: Judge, live: LiveType, attribute: AttributeDef) -> None:
        self.attribute = attribute
        self.heeds_old = kind_of(attribute).heeds_old
        self._judge = judge
        self._live = live
        self._read: dict[Any, Any] = {}

    def read(self, raw: object, old: Any = None) -> Any:
        """The canonical value; raises ValueProblem."""
        if type(raw) is not str:
            return self._coerced(raw, old)
        key = (raw, old) if self.heeds_old else raw
        try:
            return self._read[key]
        except KeyError:
            value = self._coerced(raw, old)
            if len(self._read) < _REMEMBERED:
                self._read[key] = value
            return value

    def _coerced(self, raw: object, old: Any) -> Any:
        held = None if old is None else {self.attribute.name: old}
        return coerce(self._judge, self._live, self.attribute, raw, held)


@dataclass(slots=True)
class Shape:
    """What all items with the same names have in common. `names`: internal name -> the name the caller used."""

    columns: tuple[tuple[str, Column], ...]
    names: dict[str, str]
    errors: tuple[FieldError, ...]
    heeding: tuple[tuple[str, Column], ...]


@dataclass(slots=True)
class Given:
    """The values of one item as far as they can be read without knowing the entity, and what is wrong with them."""

    shape: Shape
    values: Values
    errors: list[FieldError] = field(default_factory=list)

    def complete(self, raw: Mapping[str, object], old: Mapping[str, Any]) -> tuple[Values, list[FieldError]]:
        """All values and errors, those included whose reading depends on what the entity holds."""
        values, errors = self.values, [*self.shape.errors, *self.errors]
        if self.shape.heeding:
            values = dict(values)
            for name, column in self.shape.heeding:
                _read(column, name, raw[name], old.get(column.attribute.name), values, errors)
        return values, errors


def _read(column: Column, name: str, raw: object, old: Any, values: Values, errors: list[FieldError]) -> None:
    try:
        values[column.attribute.name] = column.read(raw, old)
    except ValueProblem as problem:
        errors.append(FieldError(name, problem.code, problem.message, problem.nearest))


class Shapes:
    """The columns and shapes of one call."""

    def __init__(self, judge: Judge, live: LiveType) -> None:
        self._judge = judge
        self._live = live
        self._columns: dict[str, Column] = {}
        self._shapes: dict[tuple[str, ...], Shape] = {}

    def column(self, attribute: AttributeDef) -> Column:
        """The one column of an attribute."""
        found = self._columns.get(attribute.name)
        if found is None:
            found = self._columns[attribute.name] = Column(self._judge, self._live, attribute)
        return found

    def given(self, values: Mapping[str, object]) -> Given:
        """What an item gives."""
        names = tuple(values)
        shape = self._shapes.get(names)
        if shape is None:
            shape = self._shapes[names] = self._shape(names)
        given = Given(shape, {})
        for name, column in shape.columns:
            _read(column, name, values[name], None, given.values, given.errors)
        return given

    def _shape(self, given: tuple[str, ...]) -> Shape:
        names: dict[str, str] = {}
        errors: list[FieldError] = []
        columns: list[tuple[str, Column]] = []
        for name in given:
            attribute = self._live.find(name)
            error = misnamed(self._live, name, attribute, names)
            if error is not None or attribute is None:
                errors += [error] if error else []
                continue
            names[attribute.name] = name
            columns.append((name, self.column(attribute)))
        plain = tuple(one for one in columns if not one[1].heeds_old)
        return Shape(plain, names, tuple(errors), tuple(one for one in columns if one[1].heeds_old))
