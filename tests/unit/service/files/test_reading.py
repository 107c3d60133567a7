"""Delimited files as they come: encodings, delimiters, quotes, bad rows. A bad row never stops the ones behind it."""

from __future__ import annotations

import io
from typing import BinaryIO

import pytest

from shared.kernel.errors import Invalid
from shared.service.files.lines import MAX_RECORD
from shared.service.files.reading import Table, inspect, open_table, read_rows
from shared.service.files.rows import MAX_CELL, Row


def table(content: str | bytes, **given: object) -> Table:
    raw = content.encode() if isinstance(content, str) else content
    return open_table(lambda: io.BytesIO(raw), **given)  # type: ignore[arg-type]


def rows(content: str | bytes, **given: object) -> list[Row]:
    return list(table(content, **given).rows)


def cells(content: str | bytes, **given: object) -> list[list[str]]:
    found = rows(content, **given)
    assert all(one.problem is None for one in found)
    return [one.cells for one in found]


def code(content: bytes, **given: object) -> str:
    with pytest.raises(Invalid) as caught:
        rows(content, **given)
    return caught.value.errors[0].code


def message(content: bytes) -> str:
    with pytest.raises(Invalid) as caught:
        rows(content)
    return caught.value.message


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
def test_delimiters_and_line_ends(delimiter: str, ends: str):
    text = ends.join(delimiter.join(row) for row in (("a", "b", "c"), ("1", "2", "3"), ("", "5", "6"))) + ends
    found = table(text)
    assert (found.header, found.found.delimiter) == (("a", "b", "c"), delimiter)
    assert list(found.rows) == [Row(2, ["1", "2", "3"]), Row(3, ["", "5", "6"])]


def test_a_delimiter_is_not_a_decimal_comma():
    assert cells("name;price;rate\nA;1,5;2,5\nB;2,5;3,0\n") == [["A", "1,5", "2,5"], ["B", "2,5", "3,0"]]


def test_a_delimiter_may_be_told():
    assert cells("sep=^\na^b\n1^2\n") == [["1", "2"]]
    assert cells("a^b\n1^2\n", delimiter="^") == [["1", "2"]]
    assert code(b"a\n1\n", delimiter="^^") == "INVALID_DELIMITER"


def test_one_column():
    assert cells("name\nA\nB\n") == [["A"], ["B"]]


GERMAN = "Name;Straße;Ort\nMüller;Königstr. 1;Köln\nGroß;Ährenweg;München\n"
POLISH = "imię;nazwisko\nŁukasz;Wiśniewski\nŻaneta;Dąbrowska\n"
RUSSIAN = "имя;фамилия\nИван;Петров\nНаталья;Смирнова\n"
CHINESE = "姓名,城市\n王小明,北京\n李雷,上海\n张伟,广州\n"


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (GERMAN, "utf-8"),
        (GERMAN, "utf-8-sig"),
        (GERMAN, "utf-16"),
        (GERMAN, "utf-16-le"),
        (GERMAN, "utf-16-be"),
        (GERMAN, "cp1252"),
        ("nombre\nPeña\nLogroño\n", "cp1252"),
        (POLISH, "cp1250"),
        (RUSSIAN, "cp1251"),
        (RUSSIAN, "koi8_r"),
        (CHINESE, "utf-8"),
        (CHINESE, "gb18030"),
        (CHINESE, "utf-16"),
    ],
)
def test_encodings(text: str, encoding: str):
    lines = [line.replace(";", ",").split(",") for line in text.splitlines()]
    found = table(text.encode(encoding))
    assert found.header == tuple(lines[0])
    assert [row.cells for row in found.rows] == lines[1:]


def test_an_encoding_that_shows_only_deep_in_the_file():
    raw = b"name,town\n" + b"Plain,Name\n" * 200_000 + "Hélène,Orléans\n".encode("cp1252")
    found = table(raw)
    *_, last = found.rows
    assert (last.cells, last.line) == (["Hélène", "Orléans"], 200_002)


def test_an_encoding_may_be_given():
    assert cells("имя\nИван\n".encode("cp866"), encoding="cp866") == [["Иван"]]
    assert code(b"a\n1\n", encoding="no-such") == "UNKNOWN_ENCODING"


def test_a_small_file_of_two_encodings_is_utf8_but_for_the_odd_row():
    raw = "email,firstname\nb9@t.example,Zoë\n".encode() + b"b10@t.example,Zo\xeb\n"
    assert inspect(lambda: io.BytesIO(raw)).encoding == "utf-8"
    assert [(row.cells[1], row.problem is None) for row in rows(raw)] == [("Zoë", True), ("Zoë", False)]


def test_a_header_that_was_made_harmless_is_itself_again():
    assert table("'=HYPERLINK(1),town\n'=1,Ulm\n").header == ("=HYPERLINK(1)", "town")


def test_a_guessed_encoding_is_told():
    raw = "name,town\nHélène,Orléans\n".encode("cp1252")
    assert "cp1252" in inspect(lambda: io.BytesIO(raw)).notes[0]
    assert not inspect(lambda: io.BytesIO(raw), encoding="cp1252").notes


def test_mixed_encodings_refuse_the_odd_row_and_show_it_readable():
    raw = (
        "name,town\nZoë,Köln\nHélène,Orléans\n".encode() * 3 + "Peña,Logroño\n".encode("cp1252") + "Ende,Ülm\n".encode()
    )
    found = rows(raw)
    odd = [row for row in found if row.problem]
    assert [(row.line, row.cells) for row in odd] == [(10, ["Peña", "Logroño"])]
    assert odd[0].problem is not None
    assert "UTF-8" in odd[0].problem.message
    assert found[-1].cells == ["Ende", "Ülm"]


def test_quotes_with_line_ends_and_quotes_within():
    text = 'a,b\n"two\nlines","say ""hi"", he said"\nx,y\n'
    assert rows(text) == [Row(2, ["two\nlines", 'say "hi", he said']), Row(3, ["x", "y"])]


@pytest.mark.parametrize("end", ["", "\n", '\n"late","quotes"\n'])
def test_a_quote_that_is_never_closed_costs_one_row(end: str):
    text = 'a,b\n1,2\n"open,3\n4,5\n"6",7' + end
    found = rows(text)
    bad = [row for row in found if row.problem]
    assert [(row.line, row.cells) for row in bad] == [(3, ['"open', "3"])]
    assert [row.cells for row in found if not row.problem][:3] == [["1", "2"], ["4", "5"], ["6", "7"]]


def test_text_behind_a_closing_quote_is_taken_as_it_stands():
    assert cells('a,b\n"5" disk,2\n3,"4" x\n') == [["5 disk", "2"], ["3", "4 x"]]


def test_a_quote_that_is_never_closed_costs_one_row_of_a_large_file():
    line = b"x" * 1000 + b",y\n"
    found = rows(b'a,b\n"open,1\n' + line * (MAX_RECORD // 900))
    assert [row.line for row in found if row.problem] == [2]
    assert len(found) == 1 + MAX_RECORD // 900


def test_too_many_open_quotes_end_the_reading():
    pieces = [b'"open,1\n' + b"x" * MAX_RECORD + b"\n"] * 2
    assert len([row for row in rows(b"a,b\n" + b"".join(pieces)) if row.problem]) == 4


def test_ragged_rows():
    found = rows("a,b,c\n1\n1,2,3,4\n1,2,3,,\n\n,,\n5,6,7\n")
    assert [(row.line, row.cells) for row in found] == [
        (2, ["1", "", ""]),
        (3, ["1", "2", "3", "4"]),
        (4, ["1", "2", "3"]),
        (7, ["5", "6", "7"]),
    ]
    (bad,) = [row for row in found if row.problem]
    assert bad.problem is not None
    assert (bad.line, bad.problem.code) == (3, "INCORRECT_NUMBER_OF_COLUMNS")


def test_headers_are_made_unique_and_told():
    found = table("Name,Name,,name (2),Name,\n1,2,3,4,5,6\n")
    assert found.header == ("Name", "Name (3)", "Column 3", "name (2)", "Name (4)", "Column 6")
    assert len(found.found.notes) == 4


def test_ten_thousand_equal_headers():
    found = table(",".join(["x"] * 10_000) + "\n" + ",".join(["1"] * 10_000) + "\n")
    assert len(set(found.header)) == 10_000
    assert len(found.found.notes) < 30
    assert [len(row.cells) for row in found.rows] == [10_000]


def test_more_columns_than_a_spreadsheet_has_are_refused_by_the_limit():
    assert "16384" in message((",".join(f"c{n}" for n in range(16_385)) + "\n").encode())


def test_no_header():
    found = table("1,2\n3,4\n", has_header=False)
    assert found.header == ("Column 1", "Column 2")
    assert list(found.rows) == [Row(1, ["1", "2"]), Row(2, ["3", "4"])]


def test_header_only_and_blank_lines_before_it():
    assert rows("\n\n , \na,b\n") == []
    assert table("\n\na,b\n1,2\n").header == ("a", "b")
    assert rows("\n\na,b\n1,2\n") == [Row(4, ["1", "2"])]


@pytest.mark.parametrize("raw", [b"", b"\n", b"\r\n \r\n", b"\xef\xbb\xbf", "\n".encode("utf-16")])
def test_empty_files(raw: bytes):
    assert code(raw) == "EMPTY_FILE"


def test_nul_characters_refuse_their_row():
    found = rows(b"a,b\n1,2\nx\x00y,3\n4,5\n")
    assert [(row.cells, row.problem is None) for row in found] == [
        (["1", "2"], True),
        (["xy", "3"], False),
        (["4", "5"], True),
    ]


def test_a_cell_of_ten_megabytes_refuses_its_row():
    found = rows(b"a,b\n1,2\n" + b"x" * 10_000_000 + b",3\n" + b'"' + b'yy""yyyyy\n' * 1_000_000 + b'",4\n5,6\n')
    assert [row.line for row in found] == [2, 3, 4, 5]
    assert found[1].problem is not None
    assert found[-1].cells == ["5", "6"]
    assert max(len(cell) for row in found for cell in row.cells) <= 1000


def test_a_cell_over_the_limit_names_its_column():
    found = rows(b"a,b\n1," + b"x" * (MAX_CELL + 1) + b"\n5,6\n")
    assert found[0].problem is not None
    assert (found[0].problem.name, found[0].line) == ("b", 2)
    assert len(found[0].cells[1]) == 1000
    assert found[1].cells == ["5", "6"]


def test_a_stray_carriage_return_refuses_its_row():
    found = rows(b"a,b\n1,2\nx\ry,3\n4,5\n")
    assert [row.problem is None for row in found] == [True, False, True]


def test_neutral_formulas_come_back_as_they_were():
    assert cells("a,b\n'=1+1,'tis\n''+x,'-5\n") == [["=1+1", "'tis"], ["'+x", "-5"]]


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 600, ".xls"),
        (b"%PDF-1.7\n", "PDF"),
        (b"<!DOCTYPE html><html><body><table>", "HTML"),
        (b"  <table><tr><td>1</td>", "HTML"),
        (b'<?xml version="1.0"?><Workbook>', "XML"),
        (b'{"a": [{"b": 1}]}', "JSON"),
        (b'{\n  "a": 1\n}\n', "JSON"),
        (b'[{"a": 1}]', "JSON"),
        (b"\x89PNG\r\n\x1a\n", "PNG"),
        (b"\x1f\x8b\x08\x00", "gzip"),
        (bytes(range(256)) * 8, "binary"),
    ],
)
def test_other_formats_are_refused_by_their_real_name(raw: bytes, name: str):
    assert name in message(raw)


def test_reading_goes_on_where_it_stopped():
    raw = b"\xef\xbb\xbf" + 'a,b\n1,"x\ny"\nä,3\n\n"open,4\n5,6\n7,8\n'.encode()
    for start in (raw, raw.decode("utf-8-sig").encode("utf-16")):
        whole = rows(start)
        found = inspect(lambda start=start: io.BytesIO(start))  # type: ignore[misc]
        for stop in range(1, len(whole)):
            walk = read_rows(lambda start=start: io.BytesIO(start), found)  # type: ignore[misc]
            begun = iter(walk)
            first = [next(begun) for _ in range(stop)]
            rest = read_rows(lambda start=start: io.BytesIO(start), found, first[-1].line, walk.offset)  # type: ignore[misc]
            assert first + list(rest) == whole


def test_memory_does_not_grow_with_the_file():
    class Endless(io.RawIOBase):
        """200 MB that are never in memory."""

        def __init__(self) -> None:
            self.place = 0

        def readable(self) -> bool:
            return True

        def seekable(self) -> bool:
            return True

        def seek(self, place: int, whence: int = 0) -> int:
            self.place = place
            return place

        def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
            line = b"0123456789abcde\n"
            size = min(len(buffer), 2_000_000 - self.place)
            piece = line * (size // 16 + 2)
            begin = self.place % 16
            buffer[:size] = piece[begin : begin + size]
            self.place += size
            return size

    def source() -> BinaryIO:
        return io.BufferedReader(Endless(), 1024 * 64)  # type: ignore[return-value]

    assert sum(1 for _ in open_table(source).rows) == 2_000_000 // 16 - 1
