"""Where a text file's rows begin, and what stands between its cells: found by trying, told by the header's fit."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import islice

from shared.service.files.delimited import records
from shared.service.files.encodings import find_encoding
from shared.service.files.formats import refused
from shared.service.files.formulas import unshield
from shared.service.files.headers import make_header, numbered
from shared.service.files.lines import Lines, TooLong
from shared.service.files.rows import Found, Source

DELIMITERS = (",", ";", "\t", "|")
_SAMPLE_LINES = 200
_SAMPLE = 256 * 1024
_BLOCK = 1024 * 1024
_WIDE = frozenset(("utf-16", "utf-16-le", "utf-16-be", "utf-32"))
_GUESSED = "The file is not UTF-8. It is read as {}, going by its letters: say its encoding where that is wrong"
_TOLD = re.compile(r'"?sep=(.)"?\s*')


def find_layout(source: Source, encoding: str, delimiter: str, has_header: bool) -> Found:
    """Everything about a delimited file; what is given is not guessed. Raises Invalid when it holds no row at all."""
    given = encoding
    with source() as stream:
        encoding = encoding or find_encoding(stream)
        stream.seek(0)
        start = _start(stream.read(_BLOCK), encoding)
        found = Found("csv", (), "utf-8" if encoding == "utf-8-sig" and start is not None else encoding)
        sample = _sample(Lines(stream, found.encoding, start))
    told = _TOLD.fullmatch(sample[0]) if sample else None
    chosen = delimiter or (told[1] if told else find_delimiter(sample))
    found = replace(found, delimiter=chosen)
    with source() as stream:
        found = _with_header(found, Lines(stream, found.encoding, start), told is not None, has_header)
    if given or encoding.startswith("utf"):
        return found
    return replace(found, notes=(_GUESSED.format(encoding), *found.notes))


def find_delimiter(sample: Sequence[str]) -> str:
    """The candidate under which most rows are as wide as the header, then the one that makes most columns."""
    return max(DELIMITERS, key=lambda one: _fit(sample, one))


def _fit(sample: Sequence[str], delimiter: str) -> tuple[bool, float, int]:
    try:
        widths = [len(row) for row in csv.reader(sample, delimiter=delimiter) if row]
    except csv.Error:
        return (False, 0.0, 0)
    if not widths or widths[0] < 2:
        return (False, 0.0, 0)
    fitting = sum(width == widths[0] for width in widths) / len(widths)
    return (True, round(fitting, 1), widths[0])


def _start(head: bytes, encoding: str) -> int | None:
    """Where the first line begins; None for encodings and line ends that cannot be told apart by bytes."""
    if encoding in _WIDE or (b"\r" in head and b"\n" not in head):
        return None
    return 3 if encoding == "utf-8-sig" and head.startswith(b"\xef\xbb\xbf") else 0


def _sample(lines: Lines) -> list[str]:
    found: list[str] = []
    try:
        for text in islice(lines, _SAMPLE_LINES):
            found.append(text)
            if sum(map(len, found)) > _SAMPLE:
                break
            lines.begin_row()
    except TooLong:
        found.append(lines.first.text)
    return found


def _with_header(found: Found, lines: Lines, told: bool, has_header: bool) -> Found:
    """The first row that is not blank is the header, or tells how wide a file without one is."""
    begin, begin_line = lines.offset, 0
    for line, (cells, refusal) in enumerate(records(lines, found.delimiter), 1):
        if (told and line == 1) or (refusal is None and not any(cell.strip() for cell in cells)):
            begin, begin_line = lines.offset, line
            continue
        if not has_header:
            return replace(found, header=numbered(len(cells)), line=begin_line, offset=begin)
        if refusal is not None:
            raise refused("NO_HEADER", f"The header cannot be read: {refusal}")
        header, notes = make_header([unshield(cell) for cell in cells])
        return replace(found, header=header, notes=notes, line=line, offset=lines.offset)
    raise refused("EMPTY_FILE", "The file holds nothing but blank lines")
