"""The rows of one sheet's XML and the shared texts of a workbook, parsed as streams. Only for `sheet_reading`.

By expat itself: it is four times as fast as a tree that is built and thrown away, and keeps nothing. A document type
ends the reading, so that no entity can be declared. Prefixes of names are dropped: some programs write them.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Callable, Iterator
from typing import IO
from xml.parsers import expat

from shared.service.files.formats import refused
from shared.service.files.rows import MAX_CELL

_BLOCK = 256 * 1024
_MAX_TEXTS = 1024**3
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
_LETTERS = {chr(code): code - 64 for code in range(65, 91)}

RawCell = tuple[int, str, str, str]
"""Column from 0, kind, style, text."""


class SharedTexts:
    """The texts that cells refer to by number, kept as bytes: a fifth of what as many strings would take."""

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._ends = array("Q", (0,))

    def add(self, text: str) -> None:
        """Append one. Raises Invalid when all together are too many."""
        self._bytes += text.encode("utf-8", "replace")
        self._ends.append(len(self._bytes))
        if len(self._bytes) > _MAX_TEXTS:
            raise refused("UNPACKED_TOO_LARGE", f"The texts of the workbook take more than {_MAX_TEXTS // 1024**2} MB")

    def __getitem__(self, place: int) -> str:
        if place < 0:
            raise IndexError(place)
        begin, end = self._ends[place : place + 2]
        return self._bytes[begin:end].decode()


class _Parser:
    """Text of some elements, between start and end of others. Subclasses say of which."""

    gathered = frozenset(("t",))

    def __init__(self) -> None:
        self._parts: list[str] | None = None
        self._length = 0
        self._skipped = 0
        self._names: dict[str, str] = {}
        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        parser.StartDoctypeDeclHandler = _no_doctype
        self._parser = parser

    def feed(self, block: bytes, final: bool) -> None:
        """Raises Invalid for broken XML and for document types."""
        try:
            self._parser.Parse(block, final)
        except expat.ExpatError as error:
            raise refused("DAMAGED_FILE", f"A part of the workbook is no sound XML: line {error.lineno}") from error

    def _local(self, name: str) -> str:
        found = self._names.get(name)
        if found is None:
            found = self._names[name] = name.rpartition(":")[2]
        return found

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        name = self._local(name)
        if name == "rPh":  # how to pronounce the text, not the text
            self._skipped += 1
        elif name in self.gathered and not self._skipped:
            self._parts, self._length = [], 0
        else:
            self.began(name, attributes)

    def _end(self, name: str) -> None:
        name = self._local(name)
        if name == "rPh":
            self._skipped -= 1
        elif name in self.gathered and self._parts is not None:
            self.text(name, "".join(self._parts))
            self._parts = None
        else:
            self.ended(name)

    def _characters(self, text: str) -> None:
        if self._parts is not None:
            if self._length <= MAX_CELL:  # one piece beyond it, so that the row is refused for its length
                self._parts.append(text)
            self._length += len(text)

    def began(self, name: str, attributes: dict[str, str]) -> None:
        """An element that is not gathered begins."""

    def ended(self, name: str) -> None:
        """It ends."""

    def text(self, name: str, text: str) -> None:
        """A gathered element and what it holds."""


def _no_doctype(*_: object) -> None:
    raise refused("DAMAGED_FILE", "The workbook declares a document type, as in an attack")


class _TextsParser(_Parser):
    def __init__(self, texts: SharedTexts) -> None:
        super().__init__()
        self._texts = texts
        self._item: list[str] = []

    def text(self, name: str, text: str) -> None:
        self._item.append(text)

    def ended(self, name: str) -> None:
        if name == "si":
            self._texts.add(unescaped("".join(self._item)))
            self._item.clear()


class _RowsParser(_Parser):
    """Complete rows gather in `rows`: (number, cells)."""

    gathered = frozenset(("v", "t"))

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[tuple[int, list[RawCell]]] = []
        self._row = 0
        self._column = -1
        self._cells: list[RawCell] = []
        self._kind = self._style = ""
        self._texts: list[str] = []
        self._columns: dict[str, int] = {}

    def began(self, name: str, attributes: dict[str, str]) -> None:
        if name == "c":
            place = attributes.get("r")
            self._column = self._column + 1 if place is None else self._column_of(place)
            self._kind = attributes.get("t", "n")
            self._style = attributes.get("s", "")
            self._texts.clear()
        elif name == "row":
            number = attributes.get("r", "")
            self._row = int(number) if number.isdigit() and len(number) < 10 else self._row + 1
            self._column = -1
            self._cells = []

    def text(self, name: str, text: str) -> None:
        self._texts.append(text)

    def ended(self, name: str) -> None:
        if name == "c":
            if self._texts:
                self._cells.append((self._column, self._kind, self._style, "".join(self._texts)))
        elif name == "row":
            self.rows.append((self._row, self._cells))

    def _column_of(self, place: str) -> int:
        letters = place.rstrip("0123456789")
        found = self._columns.get(letters)
        if found is None:
            found = 0
            for letter in letters:
                found = min(found * 26 + _LETTERS.get(letter, 0), 10**6)
            found = self._columns[letters] = found - 1
        return found


def shared_texts(opened: Callable[[], IO[bytes]]) -> SharedTexts:
    """All of them. Raises Invalid, and what unpacking raises."""
    texts = SharedTexts()
    parser = _TextsParser(texts)
    for block in _blocks(opened):
        parser.feed(block, not block)
    return texts


def sheet_rows(opened: Callable[[], IO[bytes]]) -> Iterator[tuple[int, list[RawCell]]]:
    """The rows in the file's order. Raises Invalid, and what unpacking raises."""
    parser = _RowsParser()
    for block in _blocks(opened):
        parser.feed(block, not block)
        yield from parser.rows
        parser.rows.clear()


def unescaped(text: str) -> str:
    """Excel writes characters that XML cannot hold as `_x000D_`."""
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text) if "_x" in text else text


def _blocks(opened: Callable[[], IO[bytes]]) -> Iterator[bytes]:
    with opened() as stream:
        while block := stream.read(_BLOCK):
            yield block
        yield b""
