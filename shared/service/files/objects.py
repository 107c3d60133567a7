"""NDJSON as a stream of rows: one JSON object per line, every key a column, in flat memory.

Objects within become columns of their own (`{"address": {"city": ..}}` is `address.city`), lists one cell with `;`
between, as exports and imports write several values. Numbers keep all their digits. A bad line is answered with its
problem and never stops the ones behind it. Not for other JSON: a document that is one list or one tree is no table.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, BinaryIO

from shared.service.files.formats import NDJSON, refused
from shared.service.files.headers import MAX_COLUMNS, make_header
from shared.service.files.lines import MAX_RECORD, Lines, TooLong
from shared.service.files.rows import MAX_CELL, SHOWN, Found, Row, Source, problem, shortened

BETWEEN = ";"
_MARK = b"\xef\xbb\xbf"
_DEEPEST = 8
_WORDS = {True: "true", False: "false", None: ""}


def _no_number(text: str) -> str:
    raise ValueError(f"{text} is no JSON")


_DECODER = json.JSONDecoder(parse_float=str, parse_int=str, parse_constant=_no_number)


class NoObject(ValueError):
    """A line that holds no object; the message never quotes it."""


def find_objects(source: Source) -> Found:
    """The columns of a file: every key that any line has, in the order in which they come. Raises Invalid.

    Reads the file to its end: the last line may have a key that no other has.
    """
    keys: dict[str, None] = {}
    with source() as stream:
        start = len(_MARK) if stream.read(len(_MARK)) == _MARK else 0
        for _, cells, wrong in _objects(Lines(stream, "utf-8", start)):
            if wrong is None:
                keys.update(dict.fromkeys(cells))
            if len(keys) > MAX_COLUMNS:
                raise refused("TOO_MANY_COLUMNS", f"The lines have more than {MAX_COLUMNS} different keys")
    if not keys:
        raise refused("EMPTY_FILE", "No line of the file holds a JSON object with a key")
    header, notes = make_header(list(keys))
    return replace(Found(NDJSON, header, "utf-8"), keys=tuple(keys), notes=notes, offset=start)


class ObjectRows:
    """The rows behind `line`, which ends at `offset`. The first line of the file is 1."""

    def __init__(self, stream: BinaryIO, found: Found, line: int, offset: int | None) -> None:
        self._lines = Lines(stream, "utf-8", offset or 0)
        self._found = found
        self._line = line

    @property
    def offset(self) -> int | None:
        """The byte behind the last row."""
        return self._lines.offset

    def __iter__(self) -> Iterator[Row]:
        places = {key: place for place, key in enumerate(self._found.keys)}
        for count, cells, wrong in _objects(self._lines):
            row = [""] * len(places)
            for key, cell in cells.items():
                if (place := places.get(key)) is not None:
                    row[place] = cell
            yield self._row(self._line + count, row, wrong)

    def _row(self, line: int, row: list[str], wrong: str | None) -> Row:
        if wrong is not None:
            row[0] = self._lines.first.text.strip()[:SHOWN].replace("\x00", "")
        if wrong is None and any("\x00" in cell for cell in row):
            wrong = "The row holds NUL characters; they are taken out of what is shown here"
            row = [cell.replace("\x00", "") for cell in row]
        if wrong is not None:
            return Row(line, row, problem("COULD_NOT_PARSE_ROW", wrong))
        if self._lines.length > MAX_CELL and any(len(cell) > MAX_CELL for cell in row):
            return shortened(line, row, self._found.header)
        return Row(line, row)


def first_object(head: bytes) -> bool:
    """Whether a file that begins so has an object with values, not a tree of them, in its first line."""
    line = head.removeprefix(_MARK).lstrip().partition(b"\n")[0]
    try:
        found = _read(line.decode())
    except (ValueError, RecursionError):
        return False
    return any(not _is_tree(one) for one in found.values())


def _objects(lines: Lines) -> Iterator[tuple[int, dict[str, str], str | None]]:
    """(number of the line, cells by key, what is wrong) of every line that is not blank. `lines` tells more of it."""
    count = 0
    while True:
        lines.begin_row()
        count += 1
        try:
            text = next(lines)
        except StopIteration:
            return
        except TooLong:
            yield count, {}, f"The line has more than {MAX_RECORD} characters; it cannot be shown"
            continue
        if lines.broken:
            yield count, {}, "The line holds bytes that are not UTF-8"
        elif text.strip():
            yield count, *_cells(text)


def _cells(text: str) -> tuple[dict[str, str], str | None]:
    try:
        return dict(_flat(_read(text), "", 0)), None
    except NoObject as error:
        return {}, str(error)
    except (ValueError, RecursionError):
        return {}, "The line is no JSON object"


def _read(text: str) -> Mapping[str, Any]:
    found = _DECODER.decode(text.strip())
    if not isinstance(found, dict):
        raise NoObject("The line is JSON, but no object")
    return found


def _flat(found: Mapping[str, Any], before: str, depth: int) -> Iterator[tuple[str, str]]:
    if depth > _DEEPEST:
        raise NoObject(f"The object has more than {_DEEPEST} others within each other")
    for name, value in found.items():
        key = f"{before}{name}"
        if isinstance(value, dict):
            yield from _flat(value, f"{key}.", depth + 1)
        else:
            yield key, _cell(key, value)


def _cell(key: str, value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        if any(isinstance(one, list | dict) for one in value):
            raise NoObject(f"{key[:80]} is a list of lists or objects, which fits no cell")
        return BETWEEN.join(_cell(key, one) for one in value)[: MAX_CELL + SHOWN]
    return _WORDS[value]


def _is_tree(value: Any) -> bool:
    return isinstance(value, list) and any(isinstance(one, list | dict) for one in value)
