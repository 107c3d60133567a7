"""The one exception that a refused value raises; whoever knows the attribute's name makes a FieldError of it."""

from __future__ import annotations

from collections.abc import Sequence

_SHOWN = 100

INVALID_TEXT = "INVALID_STRING"
TOO_LONG = "VALUE_TOO_LONG"
INVALID_NUMBER = "INVALID_INTEGER"
INVALID_DATE = "INVALID_DATE"
INVALID_DATETIME = "INVALID_LONG"
INVALID_OPTION = "INVALID_OPTION"
INVALID_EMAIL = "INVALID_EMAIL"


class ValueProblem(Exception):
    """A raw value that an attribute's kind does not take. `code` is for machines, `nearest` are values that exist."""

    def __init__(self, code: str, message: str, nearest: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.nearest = tuple(nearest)


def shown(raw: object) -> str:
    """A raw value as a message quotes it: short, on one line, encodable."""
    if isinstance(raw, int) and raw.bit_length() > 4 * _SHOWN:
        return "a number of very many digits"
    if isinstance(raw, list | tuple):
        return "a list"
    if isinstance(raw, dict):
        return "an object"
    if isinstance(raw, bool):
        return str(raw).lower()
    text = raw if isinstance(raw, str) else str(raw)
    cut = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
    printable = "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in cut)
    return f'"{printable}"' if isinstance(raw, str) else printable
