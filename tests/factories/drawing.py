"""Hypothesis strategies over an entity type in force: attributes, raw values, filters, sorts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hypothesis import strategies as st

from shared.eav.catalog import LiveType
from shared.eav.declare import AttributeDef, OptionDef
from shared.eav.filters import And, Condition, Node, Not, Operator, Or, Text
from shared.eav.requests import Sort
from shared.eav.types import KINDS, kind_of
from shared.eav.types.operators import LISTS, PRESENCE, TOKENS
from tests.factories import kinds

Op = Operator
_WRONG = ({"an": "object"}, "no such thing \x00", [["nested"]])
_NAMES = [f"a{n}" for n in range(8)]


@st.composite
def attributes(draw: st.DrawFn) -> AttributeDef:
    """An attribute of any kind, some unique, some searched by free text."""
    kind = draw(st.sampled_from(sorted(KINDS)))
    unique = KINDS[kind].can_be_unique and draw(st.integers(0, 3)) == 0
    name = draw(st.sampled_from(_NAMES))
    return kinds.attribute(name, kind, unique=unique, searchable=draw(st.booleans()), default=draw(st.booleans()))


def options() -> st.SearchStrategy[tuple[OptionDef, ...]]:
    """Some of the options."""
    return st.lists(st.sampled_from(kinds.OPTIONS), min_size=1, max_size=4, unique=True).map(tuple)


def _stored(live: LiveType) -> list[AttributeDef]:
    return [live.attributes[name] for name in live.stored]


def raw(attribute: AttributeDef) -> st.SearchStrategy[object]:
    """A raw value: mostly good, sometimes clearing, seldom wrong. Of unique ones few, so that they meet."""
    good = kinds.RAW[attribute.kind][: 4 if attribute.unique else None]
    return st.integers(0, 29).flatmap(
        lambda n: st.sampled_from(_WRONG if n == 0 else (None, "") if n < 4 else good)  # type: ignore[arg-type]
    )


def values(live: LiveType) -> st.SearchStrategy[Mapping[str, object]]:
    """Raw values by any names of a few attributes; seldom one that is unknown or read-only."""
    known = _stored(live)

    @st.composite
    def drawn(draw: st.DrawFn) -> Mapping[str, object]:
        chosen = draw(st.lists(st.sampled_from(known), min_size=1, max_size=4, unique=True)) if known else []
        found = {draw(st.sampled_from([one.name, one.wire, one.label])): draw(raw(one)) for one in chosen}
        if draw(st.integers(0, 40)) == 0:
            found[draw(st.sampled_from(["no_such_attribute", "id", "created_at"]))] = "1"
        return found

    return drawn()


def _conditions(live: LiveType, prefix: str = "") -> st.SearchStrategy[Node]:
    """Conditions on one type; `prefix`: the type's name and a dot, where the filter is another type's."""
    known = [*_stored(live), live.attributes["id"]]

    @st.composite
    def drawn(draw: st.DrawFn) -> Node:
        attribute = draw(st.sampled_from(known))
        operator = draw(st.sampled_from([one for one in Op if one in kind_of(attribute).operators]))
        if operator in PRESENCE:
            return Condition(prefix + attribute.name, operator)
        if operator in TOKENS:
            return Condition(prefix + attribute.wire, operator, (draw(st.sampled_from(kinds.TOKENS)),))
        multiple = attribute.kind == "multi_enumeration"
        pool = (*(() if multiple else kinds.RAW[attribute.kind]), *kinds.OPERANDS[attribute.kind])
        least, most = (1, 4) if operator in LISTS else (2, 2) if operator is Op.BETWEEN else (1, 1)
        operands = draw(st.lists(st.sampled_from(pool), min_size=least, max_size=most))
        return Condition(prefix + attribute.name, operator, tuple(operands))

    return drawn()


def _links(name: str, ids: Sequence[int]) -> st.SearchStrategy[Node]:
    """Conditions on the ids that entities are linked to."""
    asked = f"associations.{name}"
    some = st.lists(st.sampled_from([*ids, 2**40]), min_size=1, max_size=4)
    return st.one_of(
        st.sampled_from([Op.HAS, Op.NOT_HAS]).map(lambda operator: Condition(asked, operator)),
        st.builds(lambda operator, one: Condition(asked, operator, tuple(one)), st.sampled_from(sorted(LISTS)), some),
        st.builds(lambda operator, one: Condition(asked, operator, (one[0],)), st.sampled_from([Op.EQ, Op.NEQ]), some),
    )


def filters(
    live: LiveType, linked: Mapping[str, tuple[LiveType, Sequence[int]]] | None = None
) -> st.SearchStrategy[Node]:
    """Trees of conditions and free texts. linked: types, by any of their names, that the filter may ask for by links,
    and ids of theirs."""
    leaves = st.one_of(_conditions(live), _conditions(live), st.sampled_from(kinds.TOKENS).map(Text))
    for name, (other, ids) in (linked or {}).items():
        leaves = st.one_of(leaves, _conditions(other, f"{name}."), _links(name, ids))
    return st.recursive(
        leaves,
        lambda one: st.one_of(
            st.lists(one, max_size=3).map(lambda children: And(tuple(children))),
            st.lists(one, max_size=3).map(lambda children: Or(tuple(children))),
            one.map(Not),
        ),
        max_leaves=5,
    )


def sorts(live: LiveType) -> st.SearchStrategy[Sequence[Sort]]:
    """Up to three sorts, by values and by id."""
    names = [one.name for one in _stored(live) if kind_of(one).sortable] + ["id"]
    one: Any = st.builds(Sort, st.sampled_from(names), st.booleans())
    return st.lists(one, max_size=3)
