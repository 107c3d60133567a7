"""Tables as files, written piece by piece in flat memory: CSV, NDJSON and XLSX. `FORMATS` knows them by name.

What is written can be imported again: text that a spreadsheet would run is shielded (see `formulas`), a missing value
is an empty cell, numbers keep all their digits. CSV is RFC 4180 in UTF-8. NDJSON is one JSON object per line, typed,
with every column as a key. Not for reading: see `reading`.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from shared.eav.extract import Block, Extraction
from shared.kernel import json
from shared.service.files import xlsx_writing
from shared.service.files.formulas import RISKY, shield

Pieces = Callable[[Extraction, Sequence[str]], Iterator[bytes]]
# What these hold is written by us alone: a number with a minus is no formula.
_SAFE = frozenset({"number", "date", "datetime", "boolean", "reference", "links"})
_LOOKED_AT = RISKY | {"'"}


@dataclass(frozen=True, slots=True)
class Format:
    """A kind of file. `pieces(extraction, header)` are its bytes; `form` is how values are wanted.

    most_rows: how many rows there may be below the header; longest: how long a text may be, in UTF-16 units.
    """

    name: str
    content_type: str
    form: Literal["text", "json"]
    pieces: Pieces
    most_rows: int | None = None
    longest: int | None = None


def _shielded(found: Extraction) -> Iterator[Block]:
    """Blocks whose texts are harmless."""
    texts = [at for at, column in enumerate(found.columns) if column.kind not in _SAFE]
    for block in found:
        for at in texts:
            block[at] = [shield(one) if one and one[0] in _LOOKED_AT else one for one in block[at]]
        yield block


def _csv(found: Extraction, header: Sequence[str]) -> Iterator[bytes]:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow([shield(one) for one in header])
    for block in _shielded(found):
        writer.writerows(zip(*block, strict=True))
        yield _taken(text)
    yield _taken(text)


def _taken(text: io.StringIO) -> bytes:
    piece = text.getvalue().encode()
    text.seek(0)
    text.truncate()
    return piece


def _ndjson(found: Extraction, header: Sequence[str]) -> Iterator[bytes]:
    for block in found:
        rows: Iterator[tuple[Any, ...]] = zip(*block, strict=True)
        yield b"".join([json.dumps(dict(zip(header, row, strict=True))) + b"\n" for row in rows])


def _xlsx(found: Extraction, header: Sequence[str]) -> Iterator[bytes]:
    kinds = [column.kind for column in found.columns]
    return xlsx_writing.pieces([shield(one) for one in header], kinds, _shielded(found), found.total or 0)


FORMATS: Mapping[str, Format] = {
    one.name: one
    for one in (
        Format("csv", "text/csv; charset=utf-8; header=present", "text", _csv),
        Format("ndjson", "application/x-ndjson", "json", _ndjson),
        Format("xlsx", xlsx_writing.CONTENT_TYPE, "text", _xlsx, xlsx_writing.MOST_ROWS - 1, xlsx_writing.LONGEST),
    )
}
