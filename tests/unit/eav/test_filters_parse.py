"""Reading the native JSON grammar of filters."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.eav.filters import And, Condition, Not, Operator, Or, Text, parse
from shared.eav.filters.nodes import MAX_DEPTH, MAX_LIST, MAX_NODES
from shared.kernel.errors import Invalid
from tests.unit.eav.samples import anything


def errors(raw: object) -> dict[str, tuple[str, tuple[str, ...]]]:
    with pytest.raises(Invalid) as caught:
        parse(raw)
    return {error.name: (error.code, error.nearest) for error in caught.value.errors}


def condition(**given: Any) -> dict[str, Any]:
    return {"attribute": "a", "operator": "EQ", "value": 1} | given


def test_every_form() -> None:
    raw = {
        "and": [
            {"or": [condition(), condition(operator="HAS_PROPERTY")]},
            {"not": {"attribute": "b", "operator": "IN", "values": [1, "2"]}},
            {"attribute": "c", "operator": "BETWEEN", "value": 1, "high_value": 2},
            {"text": "anna"},
        ]
    }
    assert parse(raw) == And(
        (
            Or((Condition("a", Operator.EQ, (1,)), Condition("a", Operator.HAS))),
            Not(Condition("b", Operator.IN, (1, "2"))),
            Condition("c", Operator.BETWEEN, (1, 2)),
            Text("anna"),
        )
    )


def test_all_errors_at_once_each_with_its_path() -> None:
    raw = {
        "and": [
            condition(operator="CONTAINS_TOKN"),
            {"or": [condition(attribute=""), {"attribute": "a", "operator": "IN", "values": []}, 5]},
            {"not": {"attribute": "a", "operator": "BETWEEN", "value": 1}},
            {"text": 7},
            {"attribut": "a"},
            condition(valeu=3),
            {"and": {}, "or": []},
            condition(value=None),
        ]
    }
    found = errors(raw)
    assert set(found) == {
        "filter.and[0].operator",
        "filter.and[1].or[0].attribute",
        "filter.and[1].or[1].values",
        "filter.and[1].or[2]",
        "filter.and[2].not.high_value",
        "filter.and[3].text",
        "filter.and[4]",
        "filter.and[5].valeu",
        "filter.and[6]",
        "filter.and[7].value",
    }
    assert found["filter.and[0].operator"] == ("INVALID_OPERATOR", ("CONTAINS_TOKEN", "NOT_CONTAINS_TOKEN"))
    assert found["filter.and[5].valeu"][1] == ("value", "values")


@pytest.mark.parametrize("raw", [None, [], "x", 1, {}, {"and": {}}, {"not": None}, {"or": "x"}, {"attribute": ["a"]}])
def test_what_is_no_filter(raw: object) -> None:
    assert errors(raw)


def nested(levels: int) -> dict[str, Any]:
    raw: dict[str, Any] = condition()
    for _ in range(levels - 1):
        raw = {"not": raw}
    return raw


def test_limits() -> None:
    assert parse(nested(MAX_DEPTH))
    assert errors(nested(MAX_DEPTH + 1))
    assert errors(nested(300))
    assert parse({"and": [condition()] * (MAX_NODES - 1)})
    assert len(errors({"and": [condition()] * MAX_NODES})) == 1
    assert len(errors({"and": [condition()] * 100_000})) == 1
    assert parse({"attribute": "a", "operator": "IN", "values": list(range(MAX_LIST))})
    assert errors({"attribute": "a", "operator": "IN", "values": list(range(MAX_LIST + 1))})


keys = st.sampled_from(["and", "or", "not", "text", "attribute", "operator", "value", "values", "high_value", "x"])
shaped = st.recursive(
    st.one_of(anything, st.sampled_from([*(one.value for one in Operator), "eq"])),
    lambda one: st.lists(one, max_size=3) | st.dictionaries(keys, one, max_size=4),
)


@given(shaped)
@settings(max_examples=300)
def test_hostile_filters_raise_invalid_only(raw: object) -> None:
    with suppress(Invalid):
        parse(raw)
