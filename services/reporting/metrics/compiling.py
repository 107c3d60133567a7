"""A definition against the types in force: what an entity contributes to a metric, as a pure function of its values."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NamedTuple

from services.reporting.domain.definitions import (
    CURRENCY,
    FILTER_PREFIX,
    LINKED,
    RATE_DAY,
    TIME,
    Definition,
    Dimension,
)
from services.reporting.domain.periods import bucketed
from shared.kernel.errors import ErrorList, Invalid
from shared.kernel.json import canonical
from shared.service.replica.catalogs import KnownType
from shared.service.replica.conditions import LinkedTest, linked_test
from shared.service.replica.evaluating import (
    DATES,
    NUMBERS,
    attribute_of,
    compiled_filter,
    filter_keys,
    group_text,
    number,
)
from shared.service.replica.linkages import Linkage, linkage, split
from shared.service.schema import AttributeDef

Values = Mapping[str, Any]
Test = Callable[[Values], bool]
Dims = tuple[str | None, ...]
_ZERO = Decimal(0)
_KINDS_OF = {"sum": NUMBERS, "average": NUMBERS, "min": NUMBERS | DATES, "max": NUMBERS | DATES}
MEASURE = "measure"
COUNTED_BY_VALUE = frozenset({"min", "max", "distinct"})


@dataclass(frozen=True, slots=True)
class Join:
    """A dimension that is an attribute of the type at the end of a linkage. Cells hold the id that leads there."""

    linkage: Linkage
    attribute: AttributeDef


class Contribution(NamedTuple):
    """What one live entity adds: itself to a group; a value (m is 1 then), as a number (s) or to be counted (value)."""

    dims: Dims
    m: int = 0
    s: Decimal = _ZERO
    value: str | None = None


@dataclass(frozen=True, slots=True)
class Compiled:
    """A metric that can be evaluated: `adds` gives the contribution of an entity that passes the filter, `test`.

    filtered: the same for metrics over one type whose filters are the same, b"" without a filter.
    keys: of every value that these may look at, so that changes of others cost nothing; one left out makes wrong cells.
    joins: by the name of a dimension, the attribute of another type that its ids are joined to when cells are read.
    beyond: conditions on those, which are tried then.
    """

    definition: Definition
    test: Test
    filtered: bytes
    adds: Callable[[Values], Contribution]
    keys: tuple[str, ...]
    joins: Mapping[str, Join] = field(default_factory=dict)
    beyond: tuple[LinkedTest, ...] = ()

    def of(self, values: Values) -> Contribution | None:
        """What an entity contributes, None when the filter leaves it out."""
        return self.adds(values) if self.test(values) else None

    @property
    def linkages(self) -> tuple[Linkage, ...]:
        """The ways by links, each once: what entities lead to has to be put among their values."""
        return tuple(dict.fromkeys(one.linkage for one in self.joins.values() if one.linkage.relation))

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
    joins: dict[str, Join] = {}
    own, beyond = definition.conditions
    try:
        test = compiled_filter(live, own)
        keys |= filter_keys(live, own)
    except Invalid as error:
        errors.errors.extend(error.errors)
    for place, one in enumerate(definition.groups):
        where = TIME if one is definition.time else f"dimensions[{place}]"
        where = "filter" if one.name[0] == LINKED else where
        where = MEASURE if one.name in (CURRENCY, RATE_DAY) and definition.measure.currency else where
        try:
            key_of, join = _grouped(known, one, where)
            if join is not None:
                joins[one.name] = join
            groups.append(_linked(key_of) if join else _group(key_of, one))
            keys.add(key_of)
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
    if beyond and definition.name.startswith(FILTER_PREFIX):
        told = "filter: a saved filter asks of entities themselves; a metric may ask what they are linked to"
        raise Invalid.one("filter", "INVALID_FILTER", told)
    filtered = b"" if own is None else canonical(own)
    adds = _contribution(groups, key, measure.kind)
    return Compiled(definition, test or _all, filtered, adds, tuple(sorted(keys)), joins, tuple(_tests(beyond, joins)))


def _tests(beyond: Iterable[Mapping[str, Any]], joins: Mapping[str, Join]) -> Iterator[LinkedTest]:
    for raw in beyond:
        name = LINKED + str(raw["attribute"])
        if name not in joins:  # an attribute of the entity that happens to be called so
            raise Invalid.one("filter", "INVALID_METRIC", f"filter: {name[1:]} is an attribute: use its internal name")
        yield linked_test(raw, name, joins[name].linkage.target, joins[name].attribute)


def _all(_values: Values) -> bool:
    return True


def _grouped(known: KnownType, one: Dimension, where: str) -> tuple[str, Join | None]:
    """The key of the values that make the groups; with the attribute they are joined to, where that is another's."""
    kinds = DATES if one.bucket else None
    named = split(known, one.attribute)
    if named is None:
        return attribute_of(known.live, one.attribute, where, kinds).key, None
    if where in (TIME, MEASURE):
        told = f"{where}: {one.attribute[:80]} must be an attribute of the entity itself"
        raise Invalid.one(where, "INVALID_METRIC", told)
    way = linkage(known.among, known, named[0])
    return way.key, Join(way, attribute_of(way.target.live, named[1], where, kinds))


def _linked(key: str) -> Callable[[Values], str | None]:
    return lambda values: values.get(key)


def _group(key: str, one: Dimension) -> Callable[[Values], str | None]:
    if not one.bucket:

        def plain(values: Values) -> str | None:
            value = values.get(key)
            return value if value.__class__ is str else group_text(value)

        return plain
    bucket, zone = one.bucket, one.time_zone

    def dated(values: Values) -> str | None:
        value = values.get(key)
        return None if value is None else bucketed(value, bucket, zone)

    return dated


def _contribution(
    groups: list[Callable[[Values], str | None]], key: str, kind: str
) -> Callable[[Values], Contribution]:
    numeric = kind in ("sum", "average")

    def adds(values: Values) -> Contribution:
        dims = tuple([group(values) for group in groups])  # a list: this runs twice per event and metric
        value = values.get(key) if key else None
        if value is None:
            return Contribution(dims)
        if numeric:
            return Contribution(dims, 1, number(value) or _ZERO)
        return Contribution(dims, 1, value=group_text(value))

    return adds
