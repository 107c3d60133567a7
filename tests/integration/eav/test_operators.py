"""Every operator of every kind: what PostgreSQL finds and counts is what evaluation in Python says, NOT included."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import pytest

from shared.eav.catalog import LiveType
from shared.eav.engine import Engine
from shared.eav.filters import And, Condition, Node, Not, Operator, Or, Text
from shared.eav.types import KINDS
from tests.factories.asking import create, found, matching, typed
from tests.factories.kinds import OPERANDS, RAW, TOKENS, attribute, every_kind

Op = Operator
POOLS = {"one bank": (8, 8, 4, 4), "several banks": (2, 2, 1, 1)}
PAIRS = [(kind, operator) for kind in KINDS for operator in Op if operator in KINDS[kind].operators]


@dataclass(frozen=True)
class Stored:
    """An entity type with entities: canonical values by attribute id, by entity id."""

    name: str
    engine: Engine
    entities: Mapping[int, Mapping[int, Any]]

    def agree(self, node: Node) -> list[int]:
        """Assert that SQL and Python agree on a filter and its opposite; what it finds."""
        matched = matching(self.engine, self.name, node, self.entities)
        assert found(self.engine, self.name, node) == matched, node
        others = [ident for ident in sorted(self.entities) if ident not in set(matched)]
        assert found(self.engine, self.name, Not(node)) == others, node
        return matched


@pytest.fixture(scope="module", params=list(POOLS))
def stored(request: pytest.FixtureRequest, engine: Engine, make_type: Callable[..., LiveType]) -> Stored:
    """An entity for every sample value of every kind, some with several values, some with none."""
    # A second attribute of every kind: what belongs to one must not be found through the other.
    twins = [attribute(f"other_{kind}", kind) for kind in KINDS]
    live = make_type(*every_kind(), *twins, pool=POOLS[request.param])
    drafts: list[dict[str, object]] = [{}, {}]
    for kind, raws in RAW.items():
        drafts += [{kind: raw} for raw in raws]
        drafts += [{f"other_{kind}": raw} for raw in raws[:2]]
    drafts += [{kind: raws[n % len(raws)] for kind, raws in RAW.items()} for n in range(6)]
    made = create(engine, live.name, *drafts)
    live = engine.catalog.type(live.name)
    entities = {one.id: typed(live, draft) for one, draft in zip(made, drafts, strict=True)}
    assert live.banks == (1 if request.param == "one bank" else 4)
    return Stored(live.name, engine, entities)


def conditions(kind: str, operator: Operator) -> Iterator[Node]:
    """Conditions with every operand that makes sense, values of entities and others."""
    operands = (*RAW[kind], *OPERANDS[kind])
    if kind == "multi_enumeration":
        operands = OPERANDS[kind]
    if operator in (Op.HAS, Op.NOT_HAS):
        yield Condition(kind, operator)
    elif operator in (Op.CONTAINS_TOKEN, Op.NOT_CONTAINS_TOKEN):
        yield from (Condition(kind, operator, (one,)) for one in TOKENS)
    elif operator is Op.BETWEEN:
        yield from (Condition(kind, operator, (low, high)) for low, high in pairwise((*operands, operands[0])))
    elif operator in (Op.IN, Op.NOT_IN):
        yield from (Condition(kind, operator, operands[n : n + 3]) for n in range(0, len(operands), 2))
        yield Condition(kind, operator, operands)
    else:
        yield from (Condition(kind, operator, (one,)) for one in operands)


@pytest.mark.parametrize(("kind", "operator"), PAIRS, ids=[f"{kind}-{operator.value}" for kind, operator in PAIRS])
def test_sql_agrees_with_python(stored: Stored, kind: str, operator: Operator) -> None:
    several = [stored.agree(node) for node in conditions(kind, operator)]
    assert any(several), "no operand found anything: the samples are no test"


# Decision 15: a missing value is like no value at all, but NOT_IN and NOT_CONTAINS_TOKEN ask what is not there.
MATCHES_MISSING = {
    Op.EQ: False,
    Op.NEQ: False,
    Op.LT: False,
    Op.LTE: False,
    Op.GT: False,
    Op.GTE: False,
    Op.BETWEEN: False,
    Op.IN: False,
    Op.NOT_IN: True,
    Op.HAS: False,
    Op.NOT_HAS: True,
    Op.CONTAINS_TOKEN: False,
    Op.NOT_CONTAINS_TOKEN: True,
    Op.STARTS_WITH: False,
}


def test_missing_values(engine: Engine, make_type: Callable[..., LiveType]) -> None:
    """The truth table, where an entity lacks the value, where every one does, and where none ever had one."""
    live = make_type(*every_kind(), *(attribute(f"never_{kind}", kind) for kind in KINDS))
    full = {kind: raws[0] for kind, raws in RAW.items()}
    empty, valued = (one.id for one in create(engine, live.name, {}, full))
    for kind, operator in PAIRS:
        raw = OPERANDS[kind][0] if kind == "multi_enumeration" else RAW[kind][0]
        count = {Op.HAS: 0, Op.NOT_HAS: 0, Op.BETWEEN: 2}.get(operator, 1)
        expected = MATCHES_MISSING[operator]
        condition = Condition(kind, operator, (raw,) * count)
        assert (empty in found(engine, live.name, condition)) is expected, condition
        assert (empty in found(engine, live.name, Not(condition))) is not expected, condition
        never = Condition(f"never_{kind}", operator, (raw,) * count)
        assert found(engine, live.name, never) == ([empty, valued] if expected else []), never
        assert found(engine, live.name, Not(never)) == ([] if expected else [empty, valued]), never


def test_trees(stored: Stored) -> None:
    """Conditions on several attributes, in and across banks, under every connective."""
    name = Condition("string", Op.STARTS_WITH, ("an",))
    number = Condition("number", Op.GTE, (1,))
    options = Condition("multi_enumeration", Op.NOT_IN, ("done",))
    words = Condition("long_text", Op.CONTAINS_TOKEN, ("anna",))
    day = Condition("date", Op.NEQ, ("2024-02-29",))
    ident = Condition("id", Op.GT, (min(stored.entities) + 20,))
    entities = {one: {**values, _id(stored): one} for one, values in stored.entities.items()}
    every = Stored(stored.name, stored.engine, entities)
    for node in (
        And((name, number)),
        Or((name, number, day)),
        And((Or((name, words)), Not(options))),
        Or((And((ident, number)), Not(Or((day, Not(words)))))),
        Not(And((Not(name), Not(number), ident))),
        And(()),
        Or(()),
        And((ident, Text("anna"))),
        Or((day, Not(Text("anna müller")))),
    ):
        every.agree(node)


def _id(stored: Stored) -> int:
    return stored.engine.catalog.type(stored.name).attributes["id"].id


@pytest.mark.parametrize("query", [*TOKENS, "anna müller", "ann mül", "收入 2024", "done ✅", "example com", "nothing"])
def test_free_text(stored: Stored, query: str) -> None:
    stored.agree(Text(query))
    alone = found(stored.engine, stored.name, None, text=query)
    assert alone == matching(stored.engine, stored.name, Text(query), stored.entities)
