"""Evaluating filters in Python: what each operator means, and what a missing value means to each."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.eav.filters import And, Condition, Node, Not, Operator, Or, Text, check, matches
from shared.eav.types import KINDS
from tests.unit.eav.samples import ATTRIBUTES, LIVE, RAW

Op = Operator


def entity(**raw: object) -> dict[int, Any]:
    return {ATTRIBUTES[kind].id: KINDS[kind].coerce(value, ATTRIBUTES[kind]) for kind, value in raw.items()}


def ask(node: Node, **raw: object) -> bool:
    return matches(check(node, LIVE), entity(**raw))


def operands(operator: Operator, value: object) -> tuple[object, ...]:
    return (value,) * {Op.HAS: 0, Op.NOT_HAS: 0, Op.BETWEEN: 2}.get(operator, 1)


@pytest.mark.parametrize(
    ("operator", "expected"),
    [
        (Op.EQ, False),
        (Op.NEQ, False),
        (Op.LT, False),
        (Op.LTE, False),
        (Op.GT, False),
        (Op.GTE, False),
        (Op.BETWEEN, False),
        (Op.IN, False),
        (Op.NOT_IN, True),
        (Op.HAS, False),
        (Op.NOT_HAS, True),
        (Op.CONTAINS_TOKEN, False),
        (Op.NOT_CONTAINS_TOKEN, True),
        (Op.STARTS_WITH, False),
    ],
)
def test_missing_values(operator: Operator, expected: bool) -> None:
    good = {"number": 1, "reference": 1, "boolean": True, "date": "2024-01-01", "datetime": "2024-01-01"}
    for kind, held in KINDS.items():
        if operator in held.operators:
            node = Condition(kind, operator, operands(operator, good.get(kind, "new")))
            assert ask(node) is expected
            assert ask(Not(node)) is not expected


@pytest.mark.parametrize(
    ("operator", "given_", "expected"),
    [
        (Op.EQ, ("STRASSE",), True),
        (Op.EQ, ("stras",), False),
        (Op.NEQ, ("other",), True),
        (Op.NEQ, ("strasse",), False),
        (Op.LT, ("t",), True),
        (Op.GT, ("T",), False),
        (Op.LTE, ("straße",), True),
        (Op.GTE, ("straße",), True),
        (Op.BETWEEN, ("S", "T"), True),
        (Op.IN, ("x", "StraSSe"), True),
        (Op.NOT_IN, ("x",), True),
        (Op.NOT_IN, ("straße",), False),
        (Op.HAS, (), True),
        (Op.NOT_HAS, (), False),
        (Op.CONTAINS_TOKEN, ("stras*",), True),
        (Op.NOT_CONTAINS_TOKEN, ("stras",), True),
        (Op.STARTS_WITH, ("STRASS",), True),
        (Op.STARTS_WITH, ("trass",), False),
    ],
)
def test_text(operator: Operator, given_: tuple[object, ...], expected: bool) -> None:
    assert ask(Condition("string", operator, given_), string="Straße") is expected


def test_text_is_ordered_by_code_point() -> None:
    assert ask(Condition("string", Op.GT, ("zebra",)), string="Ärger")
    assert ask(Condition("string", Op.LT, ("\U0001f600",)), string="\uffdb")


def test_long_text_is_equal_exactly_and_prefixed_by_its_beginning() -> None:
    long = "a" * 250
    assert ask(Condition("string", Op.EQ, (long.upper(),)), string=long)
    assert not ask(Condition("string", Op.EQ, (long + "a",)), string=long)
    assert ask(Condition("string", Op.STARTS_WITH, (long[:240],)), string=long)


@pytest.mark.parametrize(
    ("kind", "value", "low", "high"),
    [
        ("number", "9", "10", "11"),
        ("date", "2024-01-02", "2024-01-03", "2024-01-04"),
        ("reference", 9, 10, 11),
        ("datetime", "2024-01-02T00:00:00Z", 1704153600001, 1704153600002),
    ],
)
def test_order(kind: str, value: object, low: object, high: object) -> None:
    assert ask(Condition(kind, Op.LT, (low,)), **{kind: value})
    assert ask(Condition(kind, Op.GT, (low,)), **{kind: high})
    assert ask(Condition(kind, Op.BETWEEN, (value, low)), **{kind: low})
    assert not ask(Condition(kind, Op.BETWEEN, (low, high)), **{kind: value})
    assert not ask(Condition(kind, Op.BETWEEN, (high, low)), **{kind: low})


def test_several_options() -> None:
    chosen = "new;done"
    assert ask(Condition("multi_enumeration", Op.EQ, ("done",)), multi_enumeration=chosen)
    assert ask(Condition("multi_enumeration", Op.IN, ("done", "in_progress")), multi_enumeration=chosen)
    assert not ask(Condition("multi_enumeration", Op.NEQ, ("done",)), multi_enumeration=chosen)
    assert ask(Condition("multi_enumeration", Op.NEQ, ("in_progress",)), multi_enumeration=chosen)
    assert not ask(Condition("multi_enumeration", Op.NOT_IN, ("done", "in_progress")), multi_enumeration=chosen)
    assert ask(Condition("multi_enumeration", Op.NOT_IN, ("in_progress",)), multi_enumeration=chosen)


def test_an_option_that_is_gone_is_still_a_value() -> None:
    gone = {ATTRIBUTES["enumeration"].id: "vanished"}
    for operator, expected in ((Op.HAS, True), (Op.EQ, False), (Op.NEQ, True), (Op.NOT_IN, True)):
        node = Condition("enumeration", operator, operands(operator, "new"))
        assert matches(check(node, LIVE), gone) is expected


def test_free_text_looks_inside_the_searchable_attributes() -> None:
    held = {"string": "Anna Smith", "email": "anna@example.com", "long_text": "hidden", "phone": "(555) 123-45"}
    for query, expected in [
        ("nna mit", True),
        ("anna@example", True),
        ("smith example", True),
        ("smith anna", True),
        ("hidden", False),
        ("anna.smith", True),
        ("smith.anna", False),
        ("55512345", True),
        ("an", True),
        ("na", False),
        ("", True),
        ("...", True),
        ("nobody", False),
    ]:
        assert ask(Text(query), **held) is expected, query
    assert not ask(Text("a"))


def test_logic() -> None:
    yes, no = Condition("string", Op.HAS), Condition("number", Op.HAS)
    assert ask(And((yes, Not(no))), string="a")
    assert ask(Or((no, yes)), string="a")
    assert not ask(And((yes, no)), string="a")
    assert ask(And(()))
    assert not ask(Or(()))
    assert ask(Not(Or(())))


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
@settings(max_examples=60)
def test_operators_agree_with_each_other(kind: str, data: st.DataObject) -> None:
    values = data.draw(st.lists(RAW[kind], min_size=2, max_size=3))
    value = entity(**{kind: values[0]})
    if kind == "multi_enumeration":
        values = [one[0] for one in values]

    def holds(operator: Operator, *given_: object) -> bool:
        return matches(check(Condition(kind, operator, given_), LIVE), value)

    offered = KINDS[kind].operators
    assert holds(Op.HAS)
    assert not holds(Op.NOT_HAS)
    if Op.EQ in offered:
        assert holds(Op.EQ, values[0])
        assert holds(Op.NEQ, values[1]) is not holds(Op.EQ, values[1])
        assert holds(Op.IN, *values)
        assert holds(Op.NOT_IN, *values[1:]) is not any(holds(Op.EQ, one) for one in values[1:])
    if Op.LT in offered:
        low, high = values[1], values[-1]
        assert holds(Op.LT, low) is not holds(Op.GTE, low)
        assert holds(Op.GT, low) is not holds(Op.LTE, low)
        assert holds(Op.LTE, low) is (holds(Op.LT, low) or holds(Op.EQ, low))
        assert holds(Op.BETWEEN, low, high) is (holds(Op.GTE, low) and holds(Op.LTE, high))
