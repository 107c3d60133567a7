"""The text format of COPY ... FROM STDIN: for many rows, whose values are text already or become it cheaply.

Not for a handful of rows: those go as parameters.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

NULL = r"\N"
_LINES = 200


def escaped(text: str) -> str:
    """A value as it stands between tabs. No text is NULL by accident: its backslash is doubled."""
    if "\\" in text:
        text = text.replace("\\", "\\\\")
    if "\n" in text:
        text = text.replace("\n", "\\n")
    if "\t" in text:
        text = text.replace("\t", "\\t")
    return text.replace("\r", "\\r") if "\r" in text else text


def blocks(lines: Iterable[str]) -> Iterator[str]:
    """Lines, each with its newline, in portions that are worth sending."""
    left = iter(lines)
    while block := "".join(islice(left, _LINES)):
        yield block
