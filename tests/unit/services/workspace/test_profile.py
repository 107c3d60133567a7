"""Profiles: what a column's cells are, how they are written, and that a pass may be broken off anywhere."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence

import pytest

from services.workspace.domain.distinct import Distinct
from services.workspace.domain.kinds import MAX_OPTIONS
from services.workspace.domain.profile import ColumnSummary, Profile
from services.workspace.domain.readings import DAY, DMY, MDY, NUMBER, POINT, TRUTH, YMD, readings
from shared.service.imports.cells import CellProblem, moment_reader, number_reader, read_boolean


def profiled(cells: Sequence[str], header: str = "x") -> ColumnSummary:
    profile = Profile([header])
    profile.add([[cell] for cell in cells])
    return profile.summary()[0]


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (["1", "2.5", "-3"], "number"),
        (["1", "0", "1"], "boolean"),
        (["1", "1", "1"], "number"),
        (["yes", "No", "YES"], "boolean"),
        (["ja", "nein"], "boolean"),
        (["2026-01-31", "2026-02-01"], "date"),
        (["2026-01-31 00:00:00", "2026-02-01"], "date"),
        (["2026-01-31T10:00:00Z"], "datetime"),
        (["12 Mar 2020", "April 1, 2021"], "date"),
        (["a@example.org", "b.c@example.org"], "email"),
        (["https://example.org/x", "www.example.org"], "url"),
        (["007", "012"], "string"),
        (["one", "two"], "string"),
        (["one\ntwo", "three"], "long_text"),
        (["x" * 300], "long_text"),
        (["new", "open"] * 10, "enumeration"),
        (["a;b", "b", "c;a", "a;c", "b;c"] * 5, "multi_enumeration"),
        ([f"word {n}" for n in range(MAX_OPTIONS + 1)] * 5, "string"),
        ([], "string"),
        (["", " "], "string"),
    ],
)
def test_kinds(cells: list[str], kind: str):
    assert profiled(cells).kind == kind


def test_telephones_are_told_by_their_header():
    cells = ["+49 30 1234567", "(030) 123-456"]
    assert (profiled(cells, "Telefon").kind, profiled(cells, "Code").kind) == ("phone", "string")


@pytest.mark.parametrize(
    ("cells", "form", "is_open"),
    [
        (["1/2/2026", "13/2/2026"], "DMY", False),
        (["1/2/2026", "2/13/2026"], "MDY", False),
        (["2026/2/13"], "ISO", False),
        (["1/2/2026", "3/4/2026"], None, True),
        (["31.12.99"], "DMY", False),
        (["99/12/31"], "YMD", False),
    ],
)
def test_the_data_decides_the_form_of_dates(cells: list[str], form: str | None, is_open: bool):
    found = profiled(cells)
    assert (found.kind, found.date_format, found.open) == ("date", form, is_open)
    assert bool(found.notes) == is_open


@pytest.mark.parametrize(
    ("cells", "mark", "is_open"),
    [
        (["1", "1,234.5"], ".", False),
        (["1", "1.234,5"], ",", False),
        (["0,5"], ",", False),
        (["12", "7"], None, False),
        (["1.234", "5.678"], None, True),
        (["€ 1.234", "2,5 €"], ",", False),
    ],
)
def test_the_data_decides_the_decimal_mark(cells: list[str], mark: str | None, is_open: bool):
    found = profiled(cells)
    assert (found.kind, found.decimal, found.open) == ("number", mark, is_open)


def test_words_that_mean_nothing_are_no_values():
    found = profiled(["Select", "1", "", "SELECT", "n/a", "2", "unknown"])
    assert (found.kind, found.filled, found.blank) == ("number", 3, 1)
    assert found.nothing == {"Select": 1, "SELECT": 1, "n/a": 1}
    assert found.perhaps == {"unknown": 1}


def test_a_column_that_is_nearly_of_a_kind_says_so():
    found = profiled([*map(str, range(200)), "twelve"])
    assert found.kind == "string"
    assert "All cells but 1 are of the kind number, such as twelve" in found.notes


def test_least_and_greatest():
    assert (profiled(["9", "10", "-1.5"]).least, profiled(["9", "10", "-1.5"]).greatest) == ("-1.5", "10")
    found = profiled(["13/2/2026", "1/12/2025"])
    assert (found.least, found.greatest) == ("1/12/2025", "13/2/2026")


def test_values_are_counted_as_long_as_they_are_few():
    found = profiled(["a", "b", "a"])
    assert found.values == (("a", 2), ("b", 1))
    many = profiled([str(n) + "x" for n in range(5000)])
    assert many.values is None
    assert (many.distinct, many.distinct_exact, many.unique) == (5000, True, True)


@pytest.mark.parametrize("count", [1, 100, 16_384, 16_385, 60_000])
def test_different_texts_are_counted_in_bounded_memory(count: int):
    counter = Distinct(16_384)
    for n in range(count):
        counter.add([f"person{n}@example.org", f"person{n // 2}@example.org"])
    assert counter.exact == (count <= 16_384)
    assert abs(counter.count - count) <= (0 if counter.exact else count * 0.03)
    assert len(counter.state()) <= 8 * 16_385


def test_a_pass_may_be_broken_off_anywhere():
    draw = random.Random(7)
    words = ["1", "2.5", "", "Select", "none", "x", "a@b.org", "13/2/2026", "1/2/2026", "yes", " y ", "q" * 130]
    rows = [[draw.choice(words[: 3 + column * 2]) for column in range(6)] for _ in range(3000)]
    rows += [[f"{n}-{column}" for column in range(6)] for n in range(6000)]
    header = [f"c{column}" for column in range(6)]
    whole, parts = Profile(header), Profile(header)
    for begin in range(0, len(rows), 500):
        batch = rows[begin : begin + 500]
        whole.add(batch)
        parts.add(batch)
        parts = Profile.restored(header, json.loads(json.dumps(parts.state())))
    assert parts.summary() == whole.summary()


def test_a_summary_is_json():
    found = profiled(["a", "b", "a", "Select"])
    assert ColumnSummary.from_document(json.loads(json.dumps(found.document()))) == found


TEXTS = """1 0 12 -3 0.5 0,5 1.234 1,234 1,234.56 1.234,56 5€ 1e5 1'000 20/10/2016 10/20/2016 1/2/2026 2016-10-20
2016-10-20T10:00 20.10.2016 1.2.26 31-12-1999 2020/1/5 05/06/07 yes No ja true f oui 是""".split()


@pytest.mark.parametrize("text", [*TEXTS, "12 Mar 2020", "March 12, 2020", "€ 5", "20.10.2016 00:00", "1 234,5"])
def test_what_is_recognised_is_what_the_import_reads(text: str):
    found = readings(text)
    assert found
    if found & NUMBER:
        number_reader("." if found & POINT else ",")(text)
    for form, reading in (("DMY", DMY), ("MDY", MDY), ("YMD", YMD)):
        if found & reading:
            moment_reader(form)(text)  # type: ignore[arg-type]
    if found & TRUTH:
        read_boolean(text)
    if not found & (NUMBER | DAY):
        with pytest.raises(CellProblem):
            number_reader(".")(text)
