"""What may be somebody's unique value in the cells of a row: cells, and words of cells. Pure.

A row that was rejected led to no entity, so that nothing but its text says whose it is: `Ada <ada@fair.example>`. Nor
does one that was only tried, or one of others that names them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

_BETWEEN = re.compile(r"[\s,;|<>()\[\]{}\"'=]+|mailto:", re.IGNORECASE)
_EDGES = ".:!?/\\-"
_SHORTEST = 3
_WORDS = 400
_TOGETHER = 4
_KEPT = 100_000


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


class Mentions:
    """Whether texts hold one of the values that a test knows. forms: signs that such a value has, all of one form; a
    text without them is not looked at closer. Answers are kept, up to some number, since columns repeat themselves."""

    def __init__(self, theirs: Callable[[str], bool], forms: Iterable[str]) -> None:
        self._theirs = theirs
        self._forms = tuple(set(forms))
        self._known: dict[str, bool] = {}

    def within(self, text: str) -> bool:
        """Whether it is one of them, or holds one as words."""
        if not any(all(sign in text for sign in form) for form in self._forms):
            return False
        found = self._known.get(text)
        if found is None:
            if len(self._known) >= _KEPT:
                self._known.clear()
            found = self._known[text] = any(map(self._theirs, mentions((text,))))
        return found

    def without(self, document: Any) -> Any:
        """JSON without texts that hold one: empty instead, and left out of lists and among names. The same object when
        there is none."""
        if isinstance(document, str):
            return "" if self.within(document) else document
        if isinstance(document, dict):
            left = {key: self.without(one) for key, one in document.items() if not self.within(key)}
            same = len(left) == len(document) and all(one is document[key] for key, one in left.items())
            return document if same else left
        if isinstance(document, list | tuple):
            listed = [self.without(one) for one in document if not (isinstance(one, str) and self.within(one))]
            same = len(listed) == len(document) and all(map(_same, listed, document))
            return document if same else listed
        return document


def _same(one: object, other: object) -> bool:
    return one is other
