"""Cells as people and spreadsheets write them."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.eav.types.moment import parse_date, parse_datetime
from shared.eav.types.number import parse_number
from shared.service.imports.cells import CellProblem, number_reader, read_boolean, read_moment

MOMENTS = [
    ("7/9/2016", "MDY", "2016-07-09"),
    ("7/9/2016", "DMY", "2016-09-07"),
    ("10/20/2016", "MDY", "2016-10-20"),
    ("31.12.2025", "DMY", "2025-12-31"),
    ("31.12.2025", None, "2025-12-31"),
    ("31-12-25", "DMY", "2025-12-31"),
    ("24-02-29", "YMD", "2024-02-29"),
    ("10/20/16", None, "2016-10-20"),
    ("1/2/69", "DMY", "1969-02-01"),
    ("1/2/68", "DMY", "2068-02-01"),
    ("2016/7/9", None, "2016-07-09"),
    ("2016/7/9", "DMY", "2016-07-09"),
    ("16/7/9", "YMD", "2016-07-09"),
    ("2016-07-09", "MDY", "2016-07-09"),
    ("20160709", None, "2016-07-09"),
    ("2016-07-09T10:00:00Z", None, "2016-07-09T10:00:00+00:00"),
    ("2016-07-09 10:00:00+02:00", "DMY", "2016-07-09T10:00:00+02:00"),
    ("7/9/2016 0:00", "MDY", "2016-07-09"),
    ("7/9/2016 2:05 PM", "MDY", "2016-07-09T14:05:00"),
    ("7/9/2016 12:05:06.25 am", "MDY", "2016-07-09T00:05:06.250000"),
    ("42560", "SERIAL", "2016-07-09"),
    ("42560.5", "SERIAL", "2016-07-09T12:00:00"),
    ("1468022400000", None, "1468022400000"),
    ("31 Dec 2025", None, "2025-12-31"),
    ("December 31, 2025 23:59", "MDY", "2025-12-31T23:59:00"),
    ("5/5/2020", None, "2020-05-05"),
    ("29.02.2024", "DMY", "2024-02-29"),
]
NO_MOMENTS = [
    ("7/9/2016", None, "declare"),
    ("24-02-29", None, "declare"),
    ("45000", None, "not a date"),
    ("45000", "DMY", "not a date"),
    ("12/31/2025", "DMY", "no such day"),
    ("29.02.2023", "DMY", "no such day"),
    ("soon", None, "not a date"),
    ("31/12-2025", "DMY", "not a date"),
    ("7/9/2016 25:00", "MDY", "no such time"),
    ("7/9/2016 13:00 PM", "MDY", "no such time"),
    ("7/9/2016 noon", "MDY", "time of day"),
    ("2016", "YMD", "not a date"),
    ("7/9/201", "MDY", "no such day"),
    ("31 Foo 2025", None, "not a date"),
    ("٣١.١٢.٢٠٢٥", "DMY", "not a date"),
    ("1" * 5000, None, "not a date"),
]
NUMBERS = [
    ("1.234,56", ",", "1234.56"),
    ("1,234.56", ".", "1234.56"),
    ("1100.04", None, "1100.04"),
    ("1.234", ",", "1234"),
    ("1,234", ".", "1234"),
    ("1.234", ".", "1.234"),
    ("-1.234.567,5", ",", "-1234567.5"),
    ("1 234 567,5", ",", "1234567.5"),
    ("1'234.5", ".", "1234.5"),
    ("€ 1.234,56", ",", "1234.56"),
    ("$1,100", ".", "1100"),
    (" 42 ", None, "42"),
    ("1e3", ".", "1e3"),
    ("0", ",", "0"),
]
NO_NUMBERS = [
    ("1,234", None),
    ("1.234,56", None),
    ("1,234.56", None),
    ("1100,04", None),
    ("$5", None),
    ("1_000", None),
    ("1100.04", ","),
    ("1,2,3", "."),
    ("12.34.56", ","),
    ("many", None),
    ("12%", "."),
    ("1" * 1000, ","),
    ("", "."),
    ("٣", "."),
]


@pytest.mark.parametrize(("text", "form", "meant"), MOMENTS)
def test_moments(text, form, meant):
    assert read_moment(text, form) == meant
    assert parse_datetime(meant)


@pytest.mark.parametrize(("text", "form", "said"), NO_MOMENTS)
def test_what_is_no_moment_is_refused_without_being_quoted(text, form, said):
    with pytest.raises(CellProblem, match=said) as refused:
        read_moment(text, form)
    assert text not in refused.value.message
    assert refused.value.code == "COULD_NOT_PARSE_DATE"


SHAPES = {
    "DMY": "{2:02}.{1:02}.{0:04}",
    "MDY": "{1}/{2}/{0:04}",
    "YMD": "{0:04}/{1}/{2}",
    "ISO": "{0:04}-{1:02}-{2:02}",
}


@given(st.dates(min_value=date(1000, 1, 1)), st.sampled_from(sorted(SHAPES)))
def test_every_day_written_in_its_declared_form_is_read_back(day, form):
    assert parse_date(read_moment(SHAPES[form].format(day.year, day.month, day.day), form)) == day


@given(st.integers(10_000, 99_999))
def test_spreadsheet_serials_count_days(serial):
    assert parse_date(read_moment(str(serial), "SERIAL")) == date(1899, 12, 30) + timedelta(days=serial)


@given(st.text(max_size=30), st.sampled_from([None, "DMY", "MDY", "YMD", "ISO", "SERIAL"]))
def test_any_text_is_a_moment_or_refused(text, form):
    try:
        meant = read_moment(text, form)
    except CellProblem:
        return
    parse_datetime(meant)


@pytest.mark.parametrize(("text", "mark", "meant"), NUMBERS)
def test_numbers(text, mark, meant):
    assert number_reader(mark)(text) == meant


@pytest.mark.parametrize(("text", "mark"), NO_NUMBERS)
def test_what_is_no_number_is_refused(text, mark):
    with pytest.raises(CellProblem) as refused:
        number_reader(mark)(text)
    assert refused.value.code == "COULD_NOT_PARSE_NUMBER"


@given(st.decimals(allow_nan=False, allow_infinity=False, places=2, min_value=-(10**15), max_value=10**15))
def test_numbers_with_groups_are_read_back_under_either_mark(number):
    english = f"{number:,f}"
    german = english.replace(",", "_").replace(".", ",").replace("_", ".")
    assert parse_number(number_reader(".")(english)) == number
    assert parse_number(number_reader(",")(german)) == number


@given(st.text(max_size=20), st.sampled_from([None, ".", ","]))
def test_any_text_is_a_number_or_refused(text, mark):
    try:
        found = number_reader(mark)(text)
    except CellProblem:
        return
    if abs(Decimal(found).adjusted()) < 18:  # the engine has limits of its own
        assert parse_number(found) == Decimal(found)


@pytest.mark.parametrize("text", ["true", "Yes", "JA", "1", "x", " wahr ", "是"])
def test_yes(text):
    assert read_boolean(text) is True


@pytest.mark.parametrize("text", ["false", "No", "nein", "0", "否"])
def test_no(text):
    assert read_boolean(text) is False


@pytest.mark.parametrize("text", ["perhaps", "2", ""])
def test_neither(text):
    with pytest.raises(CellProblem):
        read_boolean(text)
