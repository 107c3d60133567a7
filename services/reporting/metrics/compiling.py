"""A definition against the types in force: what an entity contributes to a metric, as a pure function of its values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple

from services.reporting.domain.definitions import Definition, Dimension
from services.reporting.domain.periods import bucket_of, local_day
from shared.kernel.errors import ErrorList, Invalid
from shared.service.replica.catalogs import KnownType
from shared.service.replica.evaluating import (
    DATES,
    NUMBERS,
    attribute_of,
    compiled_filter,
    filter_keys,
    group_text,
    number,
)

Values = Mapping[str, Any]
Dims = tuple[str | None, ...]
_ZERO = Decimal(0)
_KINDS_OF = {"sum": NUMBERS, "average": NUMBERS, "min": NUMBERS | DATES, "max": NUMBERS | DATES}
COUNTED_BY_VALUE = frozenset({"min", "max", "distinct"})


class Contribution(NamedTuple):
    """What one live entity adds: itself to a group; a value (m is 1 then), as a number (s) or to be counted (value)."""

    dims: Dims
    m: int = 0
    s: Decimal = _ZERO
    value: str | None = None


@dataclass(frozen=True, slots=True)
class Compiled:
    """A metric that can be evaluated. `of` gives an entity's contribution, None when the filter leaves it out.

    keys: of every value that `of` may look at, so that changes of others cost nothing; one left out makes wrong cells.
    """

    definition: Definition
    of: Callable[[Values], Contribution | None]
    keys: tuple[str, ...]

    @property
    def by_value(self) -> bool:
        """Whether single values are counted, since no sum can answer the measure."""
        return self.definition.measure.kind in COUNTED_BY_VALUE


def compile_metric(definition: Definition, known: KnownType) -> Compiled:
    """Raises Invalid with every problem: unknown attributes, kinds that do not fit, a filter that is none."""
    errors = ErrorList()
    live = known.live
    test, groups, key = None, [], ""
    keys: set[str] = set()
    try:
        test = compiled_filter(live, definition.filter)
        keys |= filter_keys(live, definition.filter)
    except Invalid as error:
        errors.errors.extend(error.errors)
    for place, one in enumerate(definition.groups):
        where = "time" if one is definition.time else f"dimensions[{place}]"
        try:
            kinds = DATES if one.bucket else None
            attribute = attribute_of(live, one.attribute, where, kinds)
            groups.append(_group(attribute.key, one))
            keys.add(attribute.key)
        except Invalid as error:
            errors.errors.extend(error.errors)
    measure = definition.measure
    if measure.attribute:
        try:
            key = attribute_of(live, measure.attribute, "measure.attribute", _KINDS_OF.get(measure.kind)).key
            keys.add(key)
        except Invalid as error:
            errors.errors.extend(error.errors)
    errors.raise_if_any()
    return Compiled(definition, _contribution(test, groups, key, measure.kind), tuple(sorted(keys)))


def _group(key: str, one: Dimension) -> Callable[[Values], str | None]:
    if not one.bucket:

        def plain(values: Values) -> str | None:
            value = values.get(key)
            return value if value.__class__ is str else group_text(value)

        return plain
    bucket, zone = one.bucket, one.time_zone

    def dated(values: Values) -> str | None:
        value = values.get(key)
        return None if value is None else bucket_of(local_day(value, zone), bucket)

    return dated


def _contribution(
    test: Callable[[Values], bool] | None, groups: list[Callable[[Values], str | None]], key: str, kind: str
) -> Callable[[Values], Contribution | None]:
    numeric = kind in ("sum", "average")

    def of(values: Values) -> Contribution | None:
        if test is not None and not test(values):
            return None
        dims = tuple([group(values) for group in groups])  # a list: this runs twice per event and metric
        value = values.get(key) if key else None
        if value is None:
            return Contribution(dims)
        if numeric:
            return Contribution(dims, 1, number(value) or _ZERO)
        return Contribution(dims, 1, value=group_text(value))

    return of
