"""What each kind takes in and what it refuses, case by case."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import email_validator
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared.eav.types import KINDS, ValueProblem
from shared.eav.types.email import plain
from tests.unit.eav.samples import ATTRIBUTES, attribute


def coerce(kind: str, raw: object, old: Any = None) -> Any:
    return KINDS[kind].coerce(raw, ATTRIBUTES[kind], old)


@pytest.mark.parametrize("raw", ["a\x00b", "\ud800", "x" * 65_537, "a" + "\u0301\u0323" * 200])
@pytest.mark.parametrize("kind", ["string", "long_text", "email", "phone", "url", "enumeration", "multi_enumeration"])
def test_text_that_cannot_be_stored(kind: str, raw: str) -> None:
    with pytest.raises(ValueProblem):
        coerce(kind, raw)


def test_text_keeps_what_was_typed() -> None:
    assert coerce("string", "  Straße ") == "  Straße "
    assert coerce("string", 12.50) == "12.5"
    assert coerce("string", True) == "true"
    assert coerce("string", 10**30) == "1" + "0" * 30
    assert coerce("string", "x" * 65_536)
    assert coerce("string", "👩‍👩‍👧‍👦" * 100)
    assert KINDS["string"].to_slot("Straße", ATTRIBUTES["string"]) == "strasse"


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("12.50", "12.5"),
        (" 100 ", "100"),
        (12.5, "12.5"),
        ("-0.0", "0"),
        ("1e3", "1000"),
        ("+.5", "0.5"),
        (0.1, "0.1"),
        (1.2345678901234567e-05, "0.000012345678901235"),
        ("9" * 38, "9" * 38),
        ("0.000000000000000001", "0.000000000000000001"),
        ("0" * 100 + "7", "7"),
        (Decimal("1E+3"), "1000"),
    ],
)
def test_numbers(raw: object, expected: str) -> None:
    assert KINDS["number"].to_text(coerce("number", raw)) == expected


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "abc",
        "1,000",
        "1_000",
        "NaN",
        "Infinity",
        "1e999999",
        "1e38",
        "0.0000000000000000001",
        "9" * 39,
        "١٢",
        "0x10",
        True,
        float("nan"),
        float("inf"),
        1e300,
        10**38,
        Decimal("1e999999"),
        Decimal("1e-999999"),
        Decimal("NaN"),
        None,
    ],
)
def test_no_numbers(raw: object) -> None:
    with pytest.raises(ValueProblem) as caught:
        coerce("number", raw)
    assert caught.value.code == "INVALID_INTEGER"


@pytest.mark.parametrize(("raw", "expected"), [("TRUE", True), ("False ", False), (True, True)])
def test_booleans(raw: object, expected: bool) -> None:
    assert coerce("boolean", raw) is expected


@pytest.mark.parametrize("raw", ["yes", 1, 0, "1", "", []])
def test_no_booleans(raw: object) -> None:
    with pytest.raises(ValueProblem):
        coerce("boolean", raw)


@pytest.mark.parametrize(
    "raw",
    [
        "2024-02-29",
        1709164800000,
        "1709164800000",
        "2024-02-29T00:00:00Z",
        "2024-02-29T02:00:00+02:00",
        date(2024, 2, 29),
    ],
)
def test_dates(raw: object) -> None:
    assert coerce("date", raw) == date(2024, 2, 29)


@pytest.mark.parametrize(
    "raw",
    [
        "2023-02-29",
        1709164800001,
        "29.02.2024",
        "2024-2-9",
        "10000-01-01",
        10**18,
        "2024-02-29T01:00:00Z",
        True,
        "0000-01-01",
    ],
)
def test_no_dates(raw: object) -> None:
    with pytest.raises(ValueProblem) as caught:
        coerce("date", raw)
    assert caught.value.code == "INVALID_DATE"


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("2024-05-01T10:00:00+02:00", "2024-05-01T08:00:00.000Z"),
        ("2024-05-01T10:00:00.123456Z", "2024-05-01T10:00:00.123Z"),
        ("2024-05-01 10:00", "2024-05-01T10:00:00.000Z"),
        ("2024-05-01t10:00:00z", "2024-05-01T10:00:00.000Z"),
        ("2024-05-01", "2024-05-01T00:00:00.000Z"),
        (0, "1970-01-01T00:00:00.000Z"),
        ("-1", "1969-12-31T23:59:59.999Z"),
        (1714557600000.0, "2024-05-01T10:00:00.000Z"),
        (-62135596800000, "0001-01-01T00:00:00.000Z"),
        (253402300799999, "9999-12-31T23:59:59.999Z"),
        (datetime(2024, 5, 1, 10, tzinfo=UTC), "2024-05-01T10:00:00.000Z"),
    ],
)
def test_datetimes(raw: object, expected: str) -> None:
    assert KINDS["datetime"].to_text(coerce("datetime", raw)) == expected


@pytest.mark.parametrize(
    "raw",
    [
        "now",
        "0001-01-01T00:00:00+01:00",
        "9999-12-31T23:59:59-01:00",
        253402300800000,
        -62135596800001,
        "2024-05-01T25:00",
        "2024-05-01T10:00:00+25:00",
        "2024-W01-1",
        "20240501T1000",
        float("nan"),
        1.5,
        "2024-05-01x10:00",
        True,
        "9" * 18,
    ],
)
def test_no_datetimes(raw: object) -> None:
    with pytest.raises(ValueProblem) as caught:
        coerce("datetime", raw)
    assert caught.value.code == "INVALID_LONG"


def test_a_date_is_compared_with_any_instant() -> None:
    held, defn = KINDS["date"], ATTRIBUTES["date"]
    assert held.operand("2024-05-01T10:00:00Z", defn) > held.to_slot(date(2024, 5, 1), defn)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [("new", "new"), ("NEW", "new"), ("in progress", "in_progress"), (" Done", "done"), ("预计收入", "预计")],
)
def test_options(raw: str, expected: str) -> None:
    assert coerce("enumeration", raw) == expected


def test_unknown_options_name_the_nearest() -> None:
    with pytest.raises(ValueProblem) as caught:
        coerce("enumeration", "in_progres")
    assert caught.value.code == "INVALID_OPTION"
    assert caught.value.nearest == ("in_progress",)
    assert "in_progress" in caught.value.message


def test_options_spelled_alike_are_chosen_by_value_only() -> None:
    twins = attribute(
        "enumeration",
        options=(*ATTRIBUTES["enumeration"].options, type(ATTRIBUTES["enumeration"].options[0])("NEW", "x", id=20)),
    )
    held = KINDS["enumeration"]
    assert held.coerce("NEW", twins) == "NEW"
    assert held.coerce("new", twins) == "new"
    with pytest.raises(ValueProblem):
        held.coerce("New ", twins)


def test_retired_options_are_read_and_filtered_but_not_chosen_anew() -> None:
    held, defn = KINDS["enumeration"], ATTRIBUTES["enumeration"]
    with pytest.raises(ValueProblem):
        held.coerce("lost", defn)
    assert held.coerce("lost", defn, "lost") == "lost"
    assert held.operand("lost", defn) == held.to_slot("lost", defn) == 19
    assert held.text_of(defn)(19) == "lost"


def test_several_options() -> None:
    assert coerce("multi_enumeration", "new;done;new") == ("new", "done")
    assert coerce("multi_enumeration", [" Done", "NEW"]) == ("done", "new")
    assert coerce("multi_enumeration", ";done", ("new",)) == ("new", "done")
    assert coerce("multi_enumeration", ";done") == ("done",)
    assert coerce("multi_enumeration", "lost;new", ("lost",)) == ("lost", "new")
    assert coerce("multi_enumeration", []) is None
    assert coerce("multi_enumeration", ";") is None
    assert coerce("multi_enumeration", ";", ("new",)) == ("new",)
    with pytest.raises(ValueProblem):
        coerce("multi_enumeration", "new;nope")


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (" Anna@Example.COM ", "anna@example.com"),
        ("x@company.local", "x@company.local"),
        ("x@some.test", "x@some.test"),
        ("Info@BÜCHER.de", "info@bücher.de"),
        ("用户@例子.广告", "用户@例子.广告"),
    ],
)
def test_emails(raw: str, expected: str) -> None:
    assert coerce("email", raw) == expected


@pytest.mark.parametrize(
    "raw", ["anna", "anna@", "@x.de", "a b@x.de", "a@b", "Anna <a@b.de>", "a..b@c.de", "x" * 400 + "@b.de", 5]
)
def test_no_emails(raw: object) -> None:
    with pytest.raises(ValueProblem) as caught:
        coerce("email", raw)
    assert caught.value.code == "INVALID_EMAIL"


def test_references() -> None:
    assert coerce("reference", " 42 ") == 42
    for raw in (0, -1, 2**63, "x", True, 1.5, "1" * 30):
        with pytest.raises(ValueProblem):
            coerce("reference", raw)
    assert KINDS["reference"].operand("0", ATTRIBUTES["reference"]) == 0


_PARTS = st.text("abz09.-_+'!@x", max_size=70)


@given(
    st.one_of(st.text("ab.-9@", max_size=12), st.builds("{}@{}.{}".format, _PARTS, _PARTS, st.text("az0-", max_size=4)))
)
@example(f"{'a' * 64}@{'b' * 63}.com")
@example(f"{'a' * 65}@b.com")
@example(f"a@{'b' * 64}.com")
@example(f"a@{'b.' * 125}co")
@example(f"a@{'b.' * 126}co")
@example("a@xn--80ak6aa92e.com")
@example("a@b.c0m")
def test_addresses_of_the_plain_form_are_what_the_library_makes_of_them(text: str) -> None:
    if plain(text):
        assert email_validator.validate_email(text, check_deliverability=False).normalized == text


def test_ordinary_addresses_are_of_the_plain_form() -> None:
    assert plain("anna.o'neil+news@mail.example.co.uk")
    assert not plain("jürgen@müller.example")
