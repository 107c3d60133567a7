"""How a file is cut into chunks, and in which order chunks with rows of the same entity must be worked on. Pure.

Chunks depend on the file alone, so that cutting again after a crash makes the same ones.
"""

from __future__ import annotations

import unicodedata
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation

MAX_ROWS = 1000
MAX_CHARACTERS = 1_000_000

Cells = Sequence[str]


@dataclass
class Cutter:
    """Rows gather until they are a chunk. rows: (line, cells) to be sent; refused: rows that could not be read.

    first, last: the lines between which all of them are.
    """

    rows: list[tuple[int, Cells]] = field(default_factory=list)
    refused: list[tuple[int, Cells, Mapping[str, str]]] = field(default_factory=list)
    characters: int = 0
    first: int = 0
    last: int = 0

    def add(self, line: int, cells: Cells) -> None:
        """A row that can be sent."""
        self.rows.append((line, cells))
        self._count(line, cells)

    def refuse(self, line: int, cells: Cells, error: Mapping[str, str]) -> None:
        """A row that cannot: it counts, and is kept for the error file."""
        self.refused.append((line, cells, error))
        self._count(line, cells)

    def _count(self, line: int, cells: Cells) -> None:
        self.first, self.last = self.first or line, line
        self.characters += sum(map(len, cells)) + 3 * len(cells)

    @property
    def full(self) -> bool:
        """Whether this is a chunk."""
        return len(self.rows) + len(self.refused) >= MAX_ROWS or self.characters >= MAX_CHARACTERS

    @property
    def empty(self) -> bool:
        """Whether nothing has gathered."""
        return not self.rows and not self.refused


def order_key(cell: str) -> int | None:
    """A number that is the same for all ways of writing one key; None for none.

    Coarser than keys really are (case, marks and spaces count for nothing): two different keys under one number only
    make two chunks wait for each other.
    """
    text = unicodedata.normalize("NFKC", cell).strip()
    if not text:
        return None
    told = _numeral(text) or "".join(letter for letter in text.casefold() if letter.isalnum()) or text
    raw = told.encode("utf-8", "replace")
    return zlib.crc32(raw) << 31 | zlib.adler32(raw) >> 1


def _numeral(text: str) -> str | None:
    """One spelling for `12`, `12.0` and `+12`; words are none."""
    if not text[0].isdigit() and text[0] not in "+-.":
        return None
    try:
        value = Decimal(text)
    except InvalidOperation:
        return None
    return str(value.normalize()) if value.is_finite() else None
