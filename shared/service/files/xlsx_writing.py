"""An XLSX workbook of one sheet as a stream of bytes: a sixth of what openpyxl takes, and no file in between.

Cells hold their texts themselves (no shared table), so that nothing has to be kept: memory is flat and the first bytes
leave at once. Numbers and dates are such where a spreadsheet keeps them exactly, else text; so are instants, of which
it would lose the milliseconds. Not for styles or formulas.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

CONTENT_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MOST_ROWS = 1_048_576
LONGEST = 32_767
_DIGITS = 15  # more than a double keeps exactly
_BIG = 10_000_000  # cells: above it the sheet may pass 2 GB, which must be announced beforehand

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_PARTS = {
    "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/xml"/>'
    f'<Override PartName="/xl/workbook.xml" ContentType="{_TYPE}.sheet.main+xml"/>'
    f'<Override PartName="/xl/styles.xml" ContentType="{_TYPE}.styles+xml"/>'
    f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{_TYPE}.worksheet+xml"/></Types>',
    "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">'
    f'<Relationship Id="rId1" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
    "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}">'
    '<sheets><sheet name="Export" sheetId="1" r:id="rId1"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">'
    f'<Relationship Id="rId1" Type="{_OFFICE}/worksheet" Target="worksheets/sheet1.xml"/>'
    f'<Relationship Id="rId2" Type="{_OFFICE}/styles" Target="styles.xml"/></Relationships>',
    "xl/styles.xml": f'<styleSheet xmlns="{_MAIN}">'
    '<numFmts count="1"><numFmt numFmtId="164" formatCode="yyyy\\-mm\\-dd"/></numFmts>'
    '<fonts count="1"><font><sz val="11"/><name val="Calibri"/></font></fonts><fills count="2">'
    '<fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills>'
    '<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>'
    '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs><cellXfs count="2">'
    '<xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>'
    '<xf numFmtId="164" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/></cellXfs>'
    '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>',
}
_BEGIN = (
    f'{_HEAD}<worksheet xmlns="{_MAIN}"><sheetViews><sheetView workbookViewId="0">'
    '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews><sheetData>'
)
_END = "</sheetData></worksheet>"
# What XML cannot hold or would change, in the notation spreadsheets have for it; and what looks like that notation.
_UNHEARD_OF = re.compile("[\x00-\x08\x0b-\x1f\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)")
_SPECIAL = re.compile("[&<>\x00-\x1f\ufffe\uffff]|_x|^\\s|\\s$")
_DAY_ZERO = date(1899, 12, 30).toordinal()
_FIRST_DAY = "1900-03-01"  # before it spreadsheets count a day that never was


def noted(text: str) -> str:
    """A text as a cell holds it: a control character as `_x000D_`."""
    return _UNHEARD_OF.sub(lambda found: f"_x{ord(found[0]):04X}_", text)


def pieces(
    header: Sequence[str], kinds: Sequence[str], blocks: Iterable[Sequence[Sequence[Any]]], rows: int
) -> Iterator[bytes]:
    """The workbook's bytes: a header row and the rows of the blocks, which are columns of texts of these kinds.

    rows: how many there will be. Raises ValueError when they are too many for a sheet: see to that before you begin.
    """
    if rows >= MOST_ROWS:
        raise ValueError(f"a sheet has at most {MOST_ROWS} rows, the header included")
    sink = _Sink()
    makers = [_MAKERS.get(kind, _text) for kind in kinds]
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as book:  # type: ignore[call-overload]
        for name, content in _PARTS.items():
            book.writestr(name, _HEAD + content)
        with book.open("xl/worksheets/sheet1.xml", "w", force_zip64=rows * len(kinds) > _BIG) as part:
            part.write(f"{_BEGIN}<row>{''.join(map(_text, header))}</row>".encode())
            for block in blocks:
                cells = (map(make, column) for make, column in zip(makers, block, strict=True))
                part.write("".join(f"<row>{''.join(row)}</row>" for row in zip(*cells, strict=True)).encode())
                yield sink.taken()
            part.write(_END.encode())
    yield sink.taken()


class _Sink:
    """Where the archive is written to; it can be neither told nor sought, as a connection cannot."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def write(self, piece: bytes) -> int:
        """Keep a piece until it is taken."""
        self._pieces.append(bytes(piece))
        return len(piece)

    def flush(self) -> None:
        """Nothing waits here."""

    def taken(self) -> bytes:
        """What was written since the last time."""
        piece = b"".join(self._pieces)
        self._pieces.clear()
        return piece


def _text(value: str | None) -> str:
    if not value:
        return "<c/>"
    if _SPECIAL.search(value) is None:
        return f'<c t="inlineStr"><is><t>{value}</t></is></c>'
    safe = noted(value).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return f'<c t="inlineStr"><is><t xml:space="preserve">{safe}</t></is></c>'


def _number(value: str | None) -> str:
    if value is not None and (len(value) <= _DIGITS or sum(map(str.isdigit, value)) <= _DIGITS):
        return f"<c><v>{value}</v></c>"
    return _text(value)


def _boolean(value: str | None) -> str:
    return "<c/>" if value is None else f'<c t="b"><v>{int(value == "true")}</v></c>'


def _date(value: str | None) -> str:
    if value is None or value < _FIRST_DAY:
        return _text(value)
    return f'<c s="1"><v>{date.fromisoformat(value).toordinal() - _DAY_ZERO}</v></c>'


_MAKERS: Mapping[str, Callable[[Any], str]] = {"number": _number, "boolean": _boolean, "date": _date}
