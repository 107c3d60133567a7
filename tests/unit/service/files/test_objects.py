"""NDJSON as it comes: keys that only some lines have, objects and lists within, numbers, bad lines, long ones."""

from __future__ import annotations

import io

import pytest

from shared.kernel.errors import Invalid
from shared.service.files.lines import MAX_RECORD
from shared.service.files.reading import Table, inspect, open_table, read_rows
from shared.service.files.rows import MAX_CELL, Row


def table(*lines: str | bytes) -> Table:
    raw = b"\n".join(one.encode() if isinstance(one, str) else one for one in lines)
    return open_table(lambda: io.BytesIO(raw))


def test_every_key_of_any_line_is_a_column():
    found = table('{"a": "x", "b": null}', "", ' {"c": "y", "a": ""} ')
    assert (found.found.format, found.header) == ("ndjson", ("a", "b", "c"))
    assert list(found.rows) == [Row(1, ["x", "", ""]), Row(3, ["", "", "y"])]


def test_values_are_cells_as_an_import_reads_them():
    found = table('{"n": 12345678901234567890.10, "t": true, "f": false, "l": ["a", 2, null], "o": {"p": {"q": -1e3}}}')
    assert found.header == ("n", "t", "f", "l", "o.p.q")
    assert [row.cells for row in found.rows] == [["12345678901234567890.10", "true", "false", "a;2;", "-1e3"]]


def test_text_stays_as_it_is():
    found = table('{"a": "\'=1+1", "b": "=1+1\\n\\u00e4"}')
    assert [row.cells for row in found.rows] == [["'=1+1", "=1+1\nä"]]


def test_names_are_told_apart_as_everywhere():
    found = table('{"Name": 1, "name": 2, "": 3}')
    assert found.header == ("Name", "name (2)", "Column 3")
    assert [row.cells for row in found.rows] == [["1", "2", "3"]]
    assert len(found.found.notes) == 2


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('{"a": 1', "no JSON object"),
        ('{"a": NaN}', "no JSON object"),
        ("[1]", "no object"),
        ("12", "no object"),
        ('{"a": [[1]]}', "fits no cell"),
        ('{"a": ' * 12 + "1" + "}" * 12, "within each other"),
        ("[" * 100_000, "no JSON object"),
        (b'{"a": "\xff"}', "not UTF-8"),
        ('{"a": "x\\u0000y"}', "NUL"),
        ('{"a": "' + "x" * (MAX_CELL + 1) + '"}', "at most"),
        ('{"a": "' + "x" * MAX_RECORD + '"}', "more than"),
    ],
)
def test_a_bad_line_stops_nobody(line: str | bytes, told: str):
    first, bad, last = table('{"a": "1"}', line, '{"a": "3"}').rows
    assert (first, last) == (Row(1, ["1"]), Row(3, ["3"]))
    assert bad.problem is not None
    assert told in bad.problem.message
    assert "\x00" not in "".join(bad.cells)


def test_a_line_longer_than_what_is_looked_at_first():
    found = table('{"a": "' + "x" * 10_000 + '", "b": 1}', '{"a": "y"}')
    assert [row.cells for row in found.rows] == [["x" * 10_000, "1"], ["y", ""]]


@pytest.mark.parametrize("content", [b'\n[{"a": 1}]', b'{"a": [{"b": 1}]}\n'])
def test_what_is_no_table_is_refused(content: bytes):
    with pytest.raises(Invalid):
        open_table(lambda: io.BytesIO(content))


def test_reading_goes_on_where_it_stopped():
    raw = '\ufeff{"a": "1"}\n\n{"a": \n{"a": "ä", "b": 2}\r\n{"b": 3}'.encode()
    found = inspect(lambda: io.BytesIO(raw))
    whole = list(read_rows(lambda: io.BytesIO(raw), found))
    assert [row.line for row in whole] == [1, 3, 4, 5]
    for stop in range(1, len(whole)):
        walk = read_rows(lambda: io.BytesIO(raw), found)
        begun = iter(walk)
        first = [next(begun) for _ in range(stop)]
        rest = read_rows(lambda: io.BytesIO(raw), found, first[-1].line, walk.offset)
        assert first + list(rest) == whole
