"""What may be somebody's unique value in the cells of a row: cells, and words of cells. Pure.

A row that was rejected led to no entity, so that nothing but its text says whose it is: `Ada <ada@fair.example>`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_BETWEEN = re.compile(r"[\s,;|<>()\[\]{}\"'=]+|mailto:", re.IGNORECASE)
_EDGES = ".:!?/\\-"
_SHORTEST = 3
_WORDS = 400
_TOGETHER = 4


def mentions(cells: Iterable[str | None]) -> frozenset[str]:
    """Every text worth a look. Of a long cell only the first words are looked at."""
    found: set[str] = set()
    for cell in cells:
        if cell is None or len(cell) < _SHORTEST:
            continue
        words = [word for part in _BETWEEN.split(cell, _WORDS)[:_WORDS] if (word := part.strip(_EDGES))]
        runs = (
            " ".join(words[start : start + length])
            for length in range(1, _TOGETHER + 1)
            for start in range(len(words) - length + 1)
        )
        found.update(text for text in (cell.strip(), *runs) if len(text) >= _SHORTEST)
    return frozenset(found)
