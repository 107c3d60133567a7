"""Checking filters: names, operators and operands, with every error at once; shapes and parameters for SQL."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.eav.filters import And, CheckedCondition, CheckedText, Condition, Node, Not, Operator, Or, Text, check
from shared.eav.filters.nodes import MAX_DEPTH, MAX_NODES
from shared.eav.types import KINDS
from shared.kernel.errors import Invalid
from tests.unit.eav.samples import LIVE, anything

Op = Operator


def errors(node: Node) -> list[tuple[str, str]]:
    with pytest.raises(Invalid) as caught:
        check(node, LIVE)
    return [(error.name, error.code) for error in caught.value.errors]


def test_operands_become_slot_side() -> None:
    checked = check(
        And(
            (
                Condition("string", Op.EQ, ("Straße",)),
                Condition("number", Op.BETWEEN, ("1.50", 2)),
                Condition("date", Op.GTE, (1709164800000,)),
                Condition("enumeration", Op.IN, ("new", "In Progress", "NEW")),
                Condition("boolean", Op.NEQ, ("TRUE",)),
                Condition("string", Op.STARTS_WITH, ("50%_Ü",)),
                Condition("long_text", Op.CONTAINS_TOKEN, ("b3*",)),
                Condition("string", Op.HAS),
                Text("Anna@x.de ok"),
            )
        ),
        LIVE,
    )
    assert checked.params == {
        "p0": "strasse",
        "p1": Decimal("1.5"),
        "p2": Decimal(2),
        "p3": datetime(2024, 2, 29),  # noqa: DTZ001 - slots hold UTC without zone
        "p4": [11, 12],
        "p5": 1,
        "p6": "50\\%\\_ü%",
        "p7": "% b3%",
        "p8": "%anna x de%",
        "p9": "% ok%",
    }
    text = checked.root.children[-1]
    assert isinstance(text, CheckedText)
    assert [one.name for one in text.attributes] == ["string", "email", "phone"]


def test_shapes_hold_no_values() -> None:
    def shape(value: str, values: tuple[str, ...]) -> object:
        node = Or((Not(Condition("string", Op.EQ, (value,))), Condition("string", Op.IN, values)))
        return check(node, LIVE).shape

    assert shape("a", ("b",)) == shape("c", ("d", "e"))
    assert hash(shape("a", ("b",)))
    assert (
        check(Condition("string", Op.EQ, ("a",)), LIVE).shape != check(Condition("string", Op.NEQ, ("a",)), LIVE).shape
    )
    assert check(Condition("string", Op.EQ, ("a",)), LIVE).shape != check(Condition("phone", Op.EQ, ("a",)), LIVE).shape


def test_all_errors_at_once() -> None:
    node = And(
        (
            Condition("nope", Op.EQ, ("a",)),
            Or((Condition("long_text", Op.EQ, ("a",)), Not(Condition("enumeration", Op.EQ, ("newe",))))),
            Condition("number", Op.IN, (1, "x", "y")),
            Condition("date", Op.GT, ("soon",)),
            Condition("string", Op.EQ, ("",)),
            Condition("string", Op.BETWEEN, ("a",)),
            Condition("string", Op.IN, ()),
        )
    )
    assert errors(node) == [
        ("nope", "PROPERTY_DOESNT_EXIST"),
        ("long_text", "INVALID_OPERATOR"),
        ("enumeration", "INVALID_OPTION"),
        ("number", "INVALID_INTEGER"),
        ("number", "INVALID_INTEGER"),
        ("date", "INVALID_DATE"),
        ("string", "REQUIRED_FIELD"),
        ("string", "INVALID_FILTER"),
        ("string", "INVALID_FILTER"),
    ]


def test_a_refused_operator_names_the_rule_and_what_is_offered() -> None:
    with pytest.raises(Invalid) as caught:
        check(Condition("long_text", Op.EQ, ("a",)), LIVE)
    message = caught.value.errors[0].message
    assert "EQ is not offered for long_text" in message
    assert "each kind has its operators" in message
    for one in KINDS["long_text"].operators:
        assert one.value in message


def test_an_unknown_option_names_the_nearest() -> None:
    with pytest.raises(Invalid) as caught:
        check(Condition("multi_enumeration", Op.IN, ("in_progres",)), LIVE)
    assert caught.value.errors[0].nearest == ("in_progress",)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("operator", Operator)
def test_the_table_of_operators_is_what_is_offered(kind: str, operator: Operator) -> None:
    good = {"number": "1", "reference": "1", "boolean": "true", "date": "2024-01-01", "datetime": "2024-01-01"}
    one = good.get(kind, "new")
    count = {Op.HAS: 0, Op.NOT_HAS: 0, Op.BETWEEN: 2}.get(operator, 1)
    node = Condition(kind, operator, (one,) * count)
    if operator in KINDS[kind].operators:
        assert isinstance(check(node, LIVE).root, CheckedCondition)
    else:
        assert errors(node) == [(kind, "INVALID_OPERATOR")]


def test_limits() -> None:
    deep: Node = Text("a")
    for _ in range(MAX_DEPTH):
        deep = Not(deep)
    assert errors(deep) == [("filter", "INVALID_FILTER")]
    assert errors(And((Text("a"),) * MAX_NODES)) == [("filter", "INVALID_FILTER")]
    assert errors(Text("a" * 3001)) == [("text", "INVALID_FILTER")]
    assert errors(Text(" ".join(map(str, range(101))))) == [("text", "INVALID_FILTER")]
    assert errors(Condition("string", Op.CONTAINS_TOKEN, ("a*" * 11,))) == [("string", "INVALID_STRING")]
    assert errors(Condition("string", Op.CONTAINS_TOKEN, ("a" * 3001,))) == [("string", "VALUE_TOO_LONG")]


@given(st.sampled_from(sorted(KINDS)), st.sampled_from(Operator), st.lists(anything, max_size=3))
@settings(max_examples=400)
def test_hostile_operands_raise_invalid_only(kind: str, operator: Operator, operands: list[object]) -> None:
    try:
        check(Condition(kind, operator, tuple(operands)), LIVE)
    except Invalid as error:
        for one in error.errors:
            one.message.encode()
