"""The filter language: what it accepts, what it answers to mistakes, and that its text and tree say the same."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.filter_language import All, AnyOf, Condition, FilterError, Not, filter_json, filter_text, names, parse

TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=12)
ODD_NAMES = ["score", "预计收入", "and", "not", "Expected revenue", 'a"b', "back\\", "x'y"]
NAMES = TEXTS.filter(bool) | st.sampled_from(ODD_NAMES)
PIECES = st.sampled_from(["a", "=", "(", ")", "and", "not", "in", "is", "set", '"', ","])


def _refusal(text: str) -> FilterError | None:
    try:
        parse(text)
    except FilterError as error:
        return error
    return None


def _conditions() -> st.SearchStrategy[Condition]:
    one, many = st.tuples(TEXTS), st.lists(TEXTS, min_size=1, max_size=3).map(tuple)
    return st.one_of(
        st.builds(Condition, NAMES, st.sampled_from(["EQ", "NEQ", "LT", "LTE", "GT", "GTE"]), one),
        st.builds(Condition, NAMES, st.sampled_from(["CONTAINS_TOKEN", "NOT_CONTAINS_TOKEN", "STARTS_WITH"]), one),
        st.builds(Condition, NAMES, st.just("BETWEEN"), st.tuples(TEXTS, TEXTS)),
        st.builds(Condition, NAMES, st.sampled_from(["HAS_PROPERTY", "NOT_HAS_PROPERTY"])),
        st.builds(Condition, NAMES, st.sampled_from(["IN", "NOT_IN"]), many),
    )


NODES = st.recursive(
    _conditions(),
    lambda inner: st.one_of(
        st.builds(Not, inner),
        st.builds(All, st.lists(inner, min_size=2, max_size=3).map(tuple)),
        st.builds(AnyOf, st.lists(inner, min_size=2, max_size=3).map(tuple)),
    ),
    max_leaves=8,
)


@given(NODES)
def test_text_of_a_tree_parses_back_to_it(node):
    assert parse(filter_text(node)) == node


@given(st.text(max_size=40) | st.lists(PIECES).map(" ".join))
def test_any_text_is_read_or_refused_at_a_place_inside_it(text):
    error = _refusal(text)
    assert error is None or (0 <= error.column <= len(text) and str(error).endswith("^"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("score > 50", {"attribute": "score", "operator": "GT", "value": "50"}),
        ("score>=50.5", {"attribute": "score", "operator": "GTE", "value": "50.5"}),
        ("city = 北京", {"attribute": "city", "operator": "EQ", "value": "北京"}),
        (
            '"收入" between 1 and 2',
            {"attribute": "收入", "operator": "BETWEEN", "value": "1", "high_value": "2"},
        ),
        ("a IN (x, 'y z')", {"attribute": "a", "operator": "IN", "values": ["x", "y z"]}),
        ("a not in (x)", {"attribute": "a", "operator": "NOT_IN", "values": ["x"]}),
        ("a is set", {"attribute": "a", "operator": "HAS_PROPERTY"}),
        ("a is not set", {"attribute": "a", "operator": "NOT_HAS_PROPERTY"}),
        ("email contains *@x.example", {"attribute": "email", "operator": "CONTAINS_TOKEN", "value": "*@x.example"}),
        ("a not contains b", {"attribute": "a", "operator": "NOT_CONTAINS_TOKEN", "value": "b"}),
        ("a starts with b", {"attribute": "a", "operator": "STARTS_WITH", "value": "b"}),
        ("phone = 0049", {"attribute": "phone", "operator": "EQ", "value": "0049"}),
        ("last = O'Brien", {"attribute": "last", "operator": "EQ", "value": "O'Brien"}),
        ('x = "a \\"b\\" \\\\ c\\d"', {"attribute": "x", "operator": "EQ", "value": 'a "b" \\ c\\d'}),
        ("城市 = 「New York」", {"attribute": "城市", "operator": "EQ", "value": "New York"}),
    ],
)
def test_one_condition(text, expected):
    assert filter_json(parse(text)) == expected


def test_and_binds_closer_than_or_and_not_closest():
    one, two, three = (Condition(name, "HAS_PROPERTY") for name in "abc")
    assert parse("a is set or b is set and not c is set") == AnyOf((one, All((two, Not(three)))))
    assert parse("(a is set or b is set) and c is set") == All((AnyOf((one, two)), three))


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        ("", 0, "expected the name of an attribute, not the end"),
        ("a = 1 and", 9, "expected the name"),
        ("name = New York", 11, "a value of several words needs quotes"),
        ("(a = 1", 6, "expected ')'"),
        ("a = 1)", 5, "one too many"),
        ("a ! 1", 2, "'!' cannot stand here"),
        ("a between 1 or 2", 12, "expected 'and'"),
        ("a in 1", 5, "expected '('"),
        ("a is full", 5, "expected 'set'"),
        ("a not = 1", 6, "expected 'in' or 'contains'"),
        ("a = and", 4, "put it in quotes"),
        ('a = "open', 4, "never closed"),
        ("a frobs b", 2, "expected = != <"),
        ("not " * 60 + "a is set", 164, "nested deeper"),
        ("(" * 60 + "a is set" + ")" * 60, 41, "nested deeper"),
    ],
)
def test_mistakes_are_pointed_at(text, column, message):
    error = _refusal(text)
    assert error is not None
    assert message in error.message
    assert error.column == column


def test_the_caret_stands_under_the_place_even_after_wide_characters():
    with pytest.raises(FilterError) as caught:
        parse("城市 = 北 京")
    _message, text, caret = str(caught.value).split("\n")
    assert text == "  城市 = 北 京"
    assert caret == "  " + " " * len("....") + "   " + "  " + " " + "^"


def test_names_are_resolved_where_they_stand():
    node = parse('"Score" > 1 and not (score < 9 or City = x)')
    seen = []
    resolved = filter_json(node, lambda name, column: seen.append((name, column)) or name.lower())
    assert seen == [("Score", 0), ("score", 21), ("City", 34)]
    assert resolved["and"][0]["attribute"] == "score"
    assert names(node) == ["Score", "score", "City"]
