"""Values of every kind: taken in, stored, compared, presented."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import orjson
import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.eav.folding import words
from shared.eav.types import KINDS, Operator, ValueProblem, kind_of
from shared.kernel.db import compiled
from shared.kernel.json import Raw, canonical, dumps, loads
from tests.unit.eav.samples import ATTRIBUTES, RAW, anything


def coerce(kind: str, raw: object, old: Any = None) -> Any:
    return KINDS[kind].coerce(raw, ATTRIBUTES[kind], old)


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
@settings(max_examples=60)
def test_values_survive_json_and_coercion(kind: str, data: st.DataObject) -> None:
    value = coerce(kind, data.draw(RAW[kind]))
    held = KINDS[kind]
    assert held.from_json(loads(canonical(held.to_json(value))), ATTRIBUTES[kind]) == value
    assert coerce(kind, value) == value
    assert coerce(kind, held.to_text(value)) == value
    assert isinstance(held.to_text(value), str)


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
@settings(max_examples=40)
def test_an_operand_equals_the_slot_of_the_same_value(kind: str, data: st.DataObject) -> None:
    held = KINDS[kind]
    if Operator.EQ not in held.operators:
        return
    raw = data.draw(RAW[kind])
    value = coerce(kind, raw)
    slots = held.comparable(value, ATTRIBUTES[kind])
    chosen = value if isinstance(value, tuple) else (value,)
    assert [
        held.operand(held.to_text(one) if kind != "multi_enumeration" else one, ATTRIBUTES[kind]) for one in chosen
    ] == list(slots)


def _fit_for_an_answer(problem: ValueProblem) -> None:
    assert problem.code
    assert problem.message
    assert len(problem.message.encode()) < 2000


@pytest.mark.parametrize("kind", KINDS)
@given(raw=anything)
@settings(max_examples=150)
def test_hostile_input_is_refused_and_never_crashes(kind: str, raw: object) -> None:
    held = KINDS[kind]
    try:
        value = coerce(kind, raw)
    except ValueProblem as problem:
        _fit_for_an_answer(problem)
    else:
        if value is not None:
            held.to_text(value).encode()
            held.to_slot(value, ATTRIBUTES[kind])
            held.words(value)
    if Operator.EQ in held.operators:
        try:
            held.operand(raw, ATTRIBUTES[kind])
        except ValueProblem as problem:
            _fit_for_an_answer(problem)


@pytest.mark.parametrize("kind", KINDS)
def test_lists_and_objects_are_no_scalars(kind: str) -> None:
    for raw in ({"a": 1}, [["a"]], [{"a": 1}]):
        with pytest.raises(ValueProblem):
            coerce(kind, raw)


def test_phone_words_find_spaced_numbers_without_spaces() -> None:
    assert KINDS["phone"].words("(555) 123-45") == " 555 123 45 55512345 "
    assert KINDS["phone"].words("55512345") == words("55512345")


def test_fetched_values_become_text_and_json() -> None:
    def shown(kind: str, fetched: object) -> tuple[object, object]:
        held, defn = KINDS[kind], ATTRIBUTES[kind]
        text_of, json_of = held.text_of(defn), held.json_of(defn)
        return (text_of(fetched) if text_of else fetched, json_of(fetched) if json_of else fetched)

    assert shown("boolean", 1) == ("true", True)
    assert shown("boolean", 0) == ("false", False)
    assert shown("boolean", None) == (None, None)
    assert shown("enumeration", 12) == ("in_progress", "in_progress")
    assert shown("enumeration", None) == (None, None)
    assert shown("multi_enumeration", [11, 19]) == ("new;lost", ["new", "lost"])
    text, literal = shown("number", "1234567890123456789.5")
    assert text == "1234567890123456789.5"
    assert isinstance(literal, Raw)
    assert dumps(KINDS["number"].to_native(Decimal("0.10"))) == b"0.1"
    assert KINDS["number"].canonical_of(ATTRIBUTES["number"]) is None
    assert dumps({"n": literal}) == b'{"n":1234567890123456789.5}'
    assert orjson.loads(dumps(KINDS["number"].json_of(ATTRIBUTES["number"])(None))) is None


@pytest.mark.parametrize("kind", [name for name, one in KINDS.items() if one.family])
def test_selects_compile_once_to_plain_sql(kind: str) -> None:
    sql = compiled(sa.select(KINDS[kind].select(sa.column("x1"))))
    assert "x1" in sql
    assert "%(" not in sql


def test_every_kind_says_what_it_offers() -> None:
    text = set(Operator)
    compared = text - {Operator.CONTAINS_TOKEN, Operator.NOT_CONTAINS_TOKEN, Operator.STARTS_WITH}
    chosen = {Operator.EQ, Operator.NEQ, Operator.IN, Operator.NOT_IN, Operator.HAS, Operator.NOT_HAS}
    words_only = {Operator.HAS, Operator.NOT_HAS, Operator.CONTAINS_TOKEN, Operator.NOT_CONTAINS_TOKEN}
    expected = dict.fromkeys(["string", "email", "phone", "url"], text)
    expected |= dict.fromkeys(["number", "date", "datetime", "reference"], compared)
    expected |= dict.fromkeys(["boolean", "enumeration", "multi_enumeration"], chosen)
    assert {name: set(kind.operators) for name, kind in KINDS.items()} == expected | {"long_text": words_only}
    assert {name for name, kind in KINDS.items() if kind.family is None} == {"long_text", "multi_enumeration"}
    assert all(kind_of(defn).name == name for name, defn in ATTRIBUTES.items())
