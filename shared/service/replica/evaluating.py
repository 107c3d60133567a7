"""Looking at facts through their types: filters of the search grammar, values as numbers and as groups.

For projections over a replica. Facts hold canonical JSON by attribute key; only what is asked for is read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from shared.eav.catalog import LiveType
from shared.eav.declare import AttributeDef, OptionDef
from shared.eav.filters import check, matches, parse
from shared.eav.folding import nearest
from shared.eav.types import kind_of
from shared.kernel.errors import Invalid

Values = Mapping[str, Any]
Test = Callable[[Values], bool]
NUMBERS = frozenset({"number"})
DATES = frozenset({"date", "datetime"})
# Groups by free text would be as many as there are entities.
UNGROUPED = frozenset({"long_text"})
MOST_TOLD = 10
"""Options that a message lists when none is near."""


class _Typed(Mapping[int, Any]):
    """Canonical Python values by attribute id over canonical JSON by key, read when asked for."""

    __slots__ = ("_live", "_values")

    def __init__(self, live: LiveType, values: Values) -> None:
        self._live = live
        self._values = values

    def __getitem__(self, key: int) -> Any:
        value = self._values[str(key)]
        attribute = self._live.by_id[key]
        return kind_of(attribute).from_json(value, attribute)

    def __iter__(self) -> Iterator[int]:
        return iter(int(key) for key in self._values)

    def __len__(self) -> int:
        return len(self._values)


def compiled_filter(live: LiveType, raw: Mapping[str, Any] | None) -> Test | None:
    """A filter of the native grammar as a test of values, None for none. Raises Invalid with every error.

    Conditions on linked entities are refused: their truth changes without an event of this entity.
    """
    if raw is None:
        return None
    checked = check(parse(raw), live)
    return lambda values: matches(checked, _Typed(live, values))


def filter_keys(live: LiveType, raw: Mapping[str, Any] | None) -> frozenset[str]:
    """Keys of all values that a filter may look at. Raises Invalid as `compiled_filter` does."""
    return frozenset() if raw is None else frozenset(_keys(check(parse(raw), live).root))


def _keys(node: Any) -> Iterator[str]:
    """Whatever a node holds: attributes, children, one or several. A node of a new shape is refused, not missed."""
    found = [name for name in ("attribute", "attributes", "child", "children") if hasattr(node, name)]
    if not found:
        raise TypeError(f"what a {type(node).__name__} looks at is not known here")
    for name in found:
        inside = getattr(node, name)
        for one in inside if isinstance(inside, tuple) else (inside,):
            if name.startswith("attribute"):
                yield one.key
            else:
                yield from _keys(one)


def attribute_of(live: LiveType, name: str, where: str, kinds: frozenset[str] | None = None) -> AttributeDef:
    """A live attribute by any of its names; raises Invalid naming `where` and, when it is of no fitting kind, these."""
    found = live.attribute(name)
    if kinds is not None and found.kind not in kinds:
        wanted = " or ".join(sorted(kinds))
        raise Invalid.one(where, "INVALID_METRIC", f"{where}: {name} is of kind {found.kind}, {wanted} is needed")
    if found.kind in UNGROUPED:
        raise Invalid.one(where, "INVALID_METRIC", f"{where}: {name} is long text, which makes no groups")
    return found


def number(value: Any) -> Decimal | None:
    """A canonical number, None for none."""
    return None if value is None else Decimal(value)


def group_text(value: Any) -> str | None:
    """A canonical value as the name of a group, None for no value; several options are one group of their own."""
    if value is None or value == []:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    return ";".join(value) if isinstance(value, list) else str(value)


def no_option(value: str, options: Sequence[OptionDef]) -> str:
    """That there is no such option, with the nearest ones by value or label."""
    names = {name: one.value for one in options for name in (one.label, one.value) if name}
    close = dict.fromkeys(names[name] for name in nearest(value, names))
    if close:
        return f"{value[:40]!r} is no option; did you mean {', '.join(close)}?"
    few = ", ".join(one.value for one in options[:MOST_TOLD])
    return f"{value[:40]!r} is no option; there are {few}{', ...' if len(options) > MOST_TOLD else ''}"
