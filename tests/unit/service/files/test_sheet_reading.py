"""Workbooks: what cells come to as text, which sheet is read, and what is refused: damage, bombs, hostile XML."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time
from typing import Any

import pytest
from openpyxl import Workbook

from shared.kernel.errors import Invalid
from shared.service.files import workbooks
from shared.service.files.reading import inspect, open_table, read_rows
from shared.service.files.rows import MAX_CELL, Row


def naive(*parts: int) -> datetime:
    """Workbooks know no time zones."""
    return datetime(*parts, tzinfo=UTC).replace(tzinfo=None)


def workbook(rows: Sequence[Sequence[Any]], change: Callable[[Workbook], None] | None = None) -> bytes:
    book = Workbook()
    for row in rows:
        book.active.append(list(row))
    if change is not None:
        change(book)
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def rows(raw: bytes, **given: Any) -> list[Row]:
    return list(open_table(lambda: io.BytesIO(raw), **given).rows)


def code(raw: bytes, **given: Any) -> str:
    with pytest.raises(Invalid) as caught:
        rows(raw, **given)
    return caught.value.errors[0].code


def repacked(raw: bytes, parts: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(raw)) as old, zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as new:
        for name in {*old.namelist(), *parts}:
            new.writestr(name, parts[name] if name in parts else old.read(name))
    return stream.getvalue()


def sheet_of(xml: str) -> bytes:
    text = f'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>{xml}</sheetData>'
    return repacked(workbook([["a"]]), {"xl/worksheets/sheet1.xml": f"{text}</worksheet>".encode()})


def test_values_in_one_way_of_writing():
    given = [
        ["text", "number", "date", "moment", "time", "truth", "formula"],
        ["Müller", 1234.5, date(2026, 3, 1), naive(2026, 3, 1, 9, 30), time(9, 30), True, "=1+1"],
        ["Ökonom", 12, date(1999, 12, 31), naive(2026, 3, 1), time(0, 0, 5), False, None],
        ["007", 0.1, None, None, None, None, None],
        ["x\ny", 1e21, None, None, None, None, None],
    ]
    assert [row.cells for row in rows(workbook(given))] == [
        ["Müller", "1234.5", "2026-03-01", "2026-03-01T09:30:00", "09:30:00", "true", ""],
        ["Ökonom", "12", "1999-12-31", "2026-03-01", "00:00:05", "false", ""],
        ["007", "0.1", "", "", "", "", ""],
        ["x\ny", "1000000000000000000000", "", "", "", "", ""],
    ]


def test_noise_of_binary_numbers_is_no_value():
    cells = "".join(
        f"<c><v>{text}</v></c>" for text in ("1100.0399999999999", "0.10000000000000001", "123456789012345678")
    )
    found = rows(
        sheet_of(
            f'<row r="1"><c t="inlineStr"><is><t>a</t></is></c><c><v>1</v></c><c><v>2</v></c></row><row>{cells}</row>'
        )
    )
    assert found[0].cells == ["1100.04", "0.1", "123456789012345678"]


def test_rich_text_prefixes_gaps_and_escapes():
    xml = (
        '<x:row r="1" xmlns:x="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><x:c r="A1" t="inlineStr">'
        "<x:is><x:t>a</x:t></x:is></x:c><x:c r='C1' t='str'><x:v>c</x:v></x:c></x:row>"
        '<row r="5"><c r="A5" t="inlineStr"><is><r><t>Zo</t></r><r><t>ë</t></r><rPh><t>zoe</t></rPh></is></c>'
        '<c r="C5" t="str"><v>x_x000D_y</v></c></row><row r="9"><c r="D9" t="str"><v>over</v></c></row>'
    )
    raw = sheet_of(xml)
    assert inspect(lambda: io.BytesIO(raw)).header == ("a", "Column 2", "c")
    found = rows(raw)
    assert found[0] == Row(5, ["Zoë", "", "x\ry"])
    assert found[1].problem is not None
    assert (found[1].line, found[1].problem.code) == (9, "INCORRECT_NUMBER_OF_COLUMNS")


def test_the_first_visible_sheet_or_the_named_one():
    def change(book: Workbook) -> None:
        book.active.sheet_state = "hidden"
        for name in ("Kunden", "Other"):
            sheet = book.create_sheet(name)
            sheet.append(["name"])
            sheet.append([name])

    raw = workbook([["a"], ["hidden"]], change)
    found = open_table(lambda: io.BytesIO(raw))
    assert (found.found.sheet, found.found.sheets) == ("Kunden", ("Sheet", "Kunden", "Other"))
    assert [row.cells for row in found.rows] == [["Kunden"]]
    assert [row.cells for row in rows(raw, sheet="other")] == [["Other"]]
    with pytest.raises(Invalid) as caught:
        rows(raw, sheet="Nobody")
    assert caught.value.errors[0].nearest == ("Sheet", "Kunden", "Other")


def test_its_name_and_mime_type_play_no_part():
    assert inspect(lambda: io.BytesIO(workbook([["a", "b"]]))).format == "xlsx"
    assert inspect(lambda: io.BytesIO(b"a,b\n1,2\n")).format == "csv"


def test_reading_goes_on_where_it_stopped():
    raw = workbook([["n"], *([n] for n in range(50))])
    found = inspect(lambda: io.BytesIO(raw))
    whole = list(read_rows(lambda: io.BytesIO(raw), found))
    assert list(read_rows(lambda: io.BytesIO(raw), found, 20, None)) == whole[19:]


def test_mac_dates():
    def change(book: Workbook) -> None:
        book.epoch = naive(1904, 1, 1)

    assert rows(workbook([["d"], [date(2026, 3, 1)]], change))[0].cells == ["2026-03-01"]


@pytest.mark.parametrize("keep", [0.3, 0.6, 0.95, 0.999])
def test_truncated(keep: float):
    raw = workbook([["a", "b"], *([n, f"text {n}"] for n in range(2000))])
    assert code(raw[: int(len(raw) * keep)]) == "DAMAGED_FILE"


def test_damage_within_a_part():
    raw = workbook([["a", "b"], *([n, f"text {n}"] for n in range(2000))])
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        begin = archive.getinfo("xl/worksheets/sheet1.xml").header_offset + 2000
    assert code(raw[:begin] + bytes(500) + raw[begin + 500 :]) == "DAMAGED_FILE"


def test_empty_sheets():
    assert code(workbook([])) == "EMPTY_FILE"
    assert code(workbook([[None, ""], [" "]])) == "EMPTY_FILE"
    assert rows(workbook([["a", "b"]])) == []


def test_blank_rows_are_passed_over_and_counted_as_lines():
    assert rows(workbook([["a"], [None], ["x"]])) == [Row(3, ["x"])]


@pytest.mark.parametrize(
    ("parts", "name"),
    [
        ({"mimetype": b"application/vnd.oasis.opendocument.spreadsheet", "content.xml": b"<x/>"}, ".ods"),
        ({"word/document.xml": b"<x/>"}, "Word"),
        ({"xl/workbook.bin": b""}, ".xlsb"),
        ({"readme.txt": b"x"}, "ZIP"),
    ],
)
def test_other_packages_are_refused_by_their_real_name(parts: dict[str, bytes], name: str):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for path, content in parts.items():
            archive.writestr(path, content)
    with pytest.raises(Invalid) as caught:
        rows(stream.getvalue())
    assert name in caught.value.message


def test_a_bomb_is_refused_by_its_declared_size(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(workbooks, "_HARMLESS", 1024 * 1024)
    bomb = repacked(workbook([["a"]]), {"xl/worksheets/sheet1.xml": b" " * 20_000_000})
    assert len(bomb) < 100_000
    assert code(bomb) == "UNPACKED_TOO_LARGE"


def test_a_bomb_that_lies_about_its_size_is_cut_off_there():
    bomb = repacked(workbook([["a"]]), {"xl/worksheets/sheet1.xml": b" " * 20_000_000})
    raw = bytearray(bomb)
    name = b"xl/worksheets/sheet1.xml"
    for mark, place in ((b"PK\x01\x02", 24), (b"PK\x03\x04", 22)):
        begin = raw.find(name)
        while begin >= 0:
            record = raw.rfind(mark, 0, begin)
            if begin - record in (46, 30):
                raw[record + place : record + place + 4] = (1000).to_bytes(4, "little")
            begin = raw.find(name, begin + 1)
    assert code(bytes(raw)) == "DAMAGED_FILE"


SPREADSHEET = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'


def with_shared_texts(texts: str) -> bytes:
    rows = "".join(f'<row><c t="s"><v>{n}</v></c></row>' for n in range(5))
    raw = sheet_of(rows)
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        rels = archive.read("xl/_rels/workbook.xml.rels").decode()
    kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/sharedStrings"
    rels = rels.replace("</Rel", f'<Relationship Id="s" Type="{kind}" Target="sharedStrings.xml"/></Rel')
    return repacked(raw, {"xl/_rels/workbook.xml.rels": rels.encode(), "xl/sharedStrings.xml": texts.encode()})


def test_shared_texts():
    items = (
        "<t>name</t>",
        "<t>Zoë</t>",
        "<r><t>San </t></r><r><t>José</t></r><rPh><t>x</t></rPh>",
        "<t/>",
        "<t>_x0041_</t>",
    )
    xml = f"<sst {SPREADSHEET}>{''.join(f'<si>{one}</si>' for one in items)}</sst>"
    assert [row.cells for row in rows(with_shared_texts(xml))] == [["Zoë"], ["San José"], ["A"]]


LAUGHS = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]><x>&b;</x>'


@pytest.mark.parametrize("part", ["xl/worksheets/sheet1.xml", "xl/workbook.xml", "xl/styles.xml"])
def test_entities_are_refused(part: str):
    assert code(repacked(workbook([["a"], ["b"]]), {part: LAUGHS.encode()})) == "DAMAGED_FILE"


def test_entities_in_shared_texts_are_refused():
    assert code(with_shared_texts(LAUGHS)) == "DAMAGED_FILE"


def test_a_cell_over_the_limit_refuses_its_row():
    cell = '<c r="B{}" t="str"><v>{}</v></c>'
    head = '<row r="1"><c r="A1" t="str"><v>a</v></c><c r="B1" t="str"><v>b</v></c></row>'
    xml = head + "".join(
        f'<row r="{n}">{cell.format(n, "x" * length)}</row>' for n, length in ((2, MAX_CELL * 3), (3, 5), (4, MAX_CELL))
    )
    found = rows(sheet_of(xml))
    assert [(row.line, row.problem is None) for row in found] == [(2, False), (3, True), (4, True)]
    assert found[0].problem is not None
    assert found[0].problem.name == "b"


def test_paths_within_the_package_are_never_paths_of_a_disk():
    rels = (
        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" '
        'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" '
        'Target="../../../../../etc/passwd"/></Relationships>'
    )
    assert code(repacked(workbook([["a"]]), {"xl/_rels/workbook.xml.rels": rels.encode()})) == "EMPTY_FILE"
