"""What is written is read again as it was: any text, numbers of all digits, dates; in CSV and in XLSX."""

from __future__ import annotations

import io
from contextlib import ExitStack
from decimal import Decimal

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.eav.extract import Column, Extraction
from shared.service.files.reading import open_table
from shared.service.files.writing import FORMATS

TEXT = st.text(
    st.sampled_from("=+-@'\t\r\n\",;_x000D <&>\x01\x0b\x1f\u2028\ufeff\ufffe\uffff𝄞 ")
    | st.characters(exclude_categories=["Cs"], exclude_characters="\x00"),
    min_size=1,
    max_size=12,
)
NUMBER = st.decimals(allow_nan=False, allow_infinity=False, places=6, min_value=-(10**20), max_value=10**20).map(
    lambda one: f"{one.normalize():f}"
)
CELLS = (
    TEXT,
    TEXT,
    NUMBER,
    st.dates().map(str),
    st.booleans().map(lambda one: str(one).lower()),
    st.sampled_from(["-a", "b;c"]),
)
ROWS = st.lists(st.tuples(*(st.none() | one for one in CELLS)), min_size=1, max_size=4)
COLUMNS = ("string", "long_text", "number", "date", "boolean", "multi_enumeration")


def written(kind: str, rows: list, names: tuple[str, ...] = COLUMNS, portion: int = 2) -> bytes:
    """The bytes of rows of texts; an id stands in front."""
    whole = [(str(at), *row) for at, row in enumerate(rows, 1)]
    blocks = [
        [list(one) for one in zip(*whole[at : at + portion], strict=True)] for at in range(0, len(whole), portion)
    ]
    columns = (Column("id", "Id", "reference"), *(Column(one, one, one) for one in names))
    found = Extraction(columns, len(rows), iter(blocks), ExitStack())
    return b"".join(FORMATS[kind].pieces(found, [one.name for one in columns]))


def read(content: bytes) -> list[list[str]]:
    """The cells behind the id."""
    table = open_table(lambda: io.BytesIO(content))
    assert table.header == ("id", *COLUMNS)
    return [row.cells[1:] for row in table.rows]


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
@settings(deadline=None)
@given(rows=ROWS)
def test_every_table_comes_back(kind: str, rows: list):
    for cells, row in zip(read(written(kind, rows)), rows, strict=True):
        expected = ["" if one is None else one for one in row]
        assert [_exact(at, one) for at, one in enumerate(cells)] == [_exact(at, one) for at, one in enumerate(expected)]


def _exact(place: int, text: str) -> object:
    """Numbers may be spelled in another way."""
    return Decimal(text) if COLUMNS[place] == "number" and text else text


def test_a_workbook_holds_numbers_dates_and_truths():
    row = ("=1+1", "a <b> & c", "12.5", "2026-03-01", "true", "b")
    many = ("x", "y", "1234567890123456.5", "1850-03-01", "false", "b")
    sheet = openpyxl.load_workbook(io.BytesIO(written("xlsx", [row, many]))).active
    header, first, second = sheet.iter_rows()
    assert [one.value for one in header] == ["id", *COLUMNS]
    assert [one.value for one in first][1:3] == ["'=1+1", "a <b> & c"]
    assert (first[3].value, str(first[4].value), first[5].value) == (12.5, "2026-03-01 00:00:00", True)
    assert first[4].is_date
    assert [one.value for one in second][3:6] == ["1234567890123456.5", "1850-03-01", False]
    assert sheet.freeze_panes == "A2"


def test_csv_is_plain_rfc_4180():
    rows = [('a"b', None, None, None, None, None), ("a,b\nc", "'=", "-5", "2026-03-01", "true", "-a")]
    assert written("csv", rows).decode() == (
        "id,string,long_text,number,date,boolean,multi_enumeration\r\n"
        '1,"a""b",,,,,\r\n'
        "2,\"a,b\nc\",''=,-5,2026-03-01,true,'-a\r\n"
    )


def test_nobody_is_a_header_alone():
    assert written("csv", []) == b"id,string,long_text,number,date,boolean,multi_enumeration\r\n"
    assert written("ndjson", []) == b""
    assert openpyxl.load_workbook(io.BytesIO(written("xlsx", []))).active.max_row == 1
