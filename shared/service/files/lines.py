"""Decoded lines of a text file, one at a time, knowing where in the file they end and what is odd about them.

Only for `delimited`. Lines longer than MAX_RECORD are cut off while they are read, so that memory stays flat.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import BinaryIO, NamedTuple, TypeVar

MAX_RECORD = 8 * 1024 * 1024
"""Characters of one row, its line ends included."""
_Text = TypeVar("_Text", str, bytes)


class TooLong(Exception):
    """The line, or the row that the lines so far belong to, exceeds MAX_RECORD."""


class Line(NamedTuple):
    """A line with its end. broken: not all of it is of the encoding; cut: its end was dropped."""

    text: str
    broken: bool = False
    cut: bool = False


_NONE = Line("")


class Lines:
    """An iterator for the csv module.

    first: the first line of the row that is being read; count: how many it has so far, `length` characters in all.
    offset: where the next line begins, None where lines cannot be found by their bytes. ended: a line was asked for
    that is not there. broken, nul, marked: of the row: wrong bytes, NULs, apostrophes.
    """

    def __init__(self, stream: BinaryIO, encoding: str, offset: int | None) -> None:
        self.offset = offset
        self._encoding = encoding
        self._stream = stream
        self._wide: io.TextIOWrapper | None = None
        self._number = 0
        self.first = _NONE
        self._behind_first = (offset, 0)
        self.count = self.length = 0
        self.ended = self.broken = self.nul = self.marked = False
        self._go_to(offset, 0)

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._read()
        text = line.text
        if not text:
            self.ended = True
            raise StopIteration
        if self.count == 0:
            self.first, self._behind_first = line, (self.offset, self._number)
        self.count += 1
        self.length += len(text)
        if line.cut or self.length > MAX_RECORD:
            raise TooLong
        if line.broken:
            self.broken = True
        if "\x00" in text:
            self.nul = True
        if "'" in text:
            self.marked = True
        return text

    def begin_row(self) -> None:
        """Forget the lines of the row that was read."""
        self.first = _NONE
        self.count = self.length = 0
        self.ended = self.broken = self.nul = self.marked = False

    def keep_first(self) -> Line:
        """Go back to behind the row's first line, which is answered; the next row begins there."""
        line = self.first
        self._go_to(*self._behind_first)
        self.begin_row()
        return line

    def ends_quoted(self, delimiter: str) -> bool:
        """Pass over the rest of a row whose quote is open; whether it is closed as it should be, and the row with it.

        Only after TooLong. Answers False at what cannot stand behind a closing quote, and at the end of the file.
        """
        opened = True
        while text := self._read().text:
            for part in text.replace('""', "").split('"')[1:]:
                opened = not opened
                if not opened and not part.startswith((delimiter, "\r", "\n")) and part:
                    return False
            if not opened:
                return True
        return False

    def _go_to(self, offset: int | None, number: int) -> None:
        self.offset, self._number = offset, number
        if offset is not None:
            self._stream.seek(offset)
            return
        if self._wide is not None:
            self._wide.detach()
        self._stream.seek(0)
        self._wide = io.TextIOWrapper(self._stream, self._encoding, errors="replace", newline="")
        for _ in range(number):
            _line_of(self._wide.readline)

    def _read(self) -> Line:
        self._number += 1
        if self._wide is not None:
            text, dropped = _line_of(self._wide.readline)
            return Line(text, "\ufffd" in text, dropped > 0)
        raw, dropped = _line_of(self._stream.readline)
        assert self.offset is not None
        self.offset += len(raw) + dropped
        try:
            return Line(raw.decode(self._encoding), False, dropped > 0)
        except UnicodeDecodeError:
            return Line(_mended(raw, self._encoding), True, dropped > 0)


def _line_of(readline: Callable[[int], _Text]) -> tuple[_Text, int]:
    """A line, at most MAX_RECORD long, and how much of it was dropped."""
    line = readline(MAX_RECORD)
    dropped = 0
    rest = line
    while len(rest) >= MAX_RECORD and not _ends(rest):
        rest = readline(MAX_RECORD)
        dropped += len(rest)
    return line, dropped


def _ends(line: str | bytes) -> bool:
    return line.endswith(("\n", "\r")) if isinstance(line, str) else line.endswith(b"\n")


def _mended(raw: bytes, encoding: str) -> str:
    """The line with the bytes that are not of the encoding read as Western ones: mostly right, and always told."""
    text = raw.decode(encoding, "surrogateescape")
    return "".join(
        bytes((ord(letter) - 0xDC00,)).decode("cp1252", "replace") if "\udc80" <= letter <= "\udcff" else letter
        for letter in text
    )
