"""Which kind of attribute a column's cells are made for, and how they are written; what was left open is told."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

from services.workspace.domain.column import Column
from services.workspace.domain.readings import (
    COMMA,
    DAY,
    DMY,
    EMAIL,
    ISO,
    MDY,
    NAMES,
    NUMBER,
    PHONE,
    POINT,
    TRUTH,
    URL,
    YMD,
)

MAX_OPTIONS = 100
_FEW = 4
_ENOUGH = 10
_LONG = 250
_PLAIN = re.compile(r"\s*[+-]?\d+\s*")
_NEARLY = 0.95
_TELEPHONE = re.compile(r"tel|phone|fax|mobil|handy|cell|电话|手机", re.IGNORECASE)
_FORMS = {DMY: "DMY", MDY: "MDY", YMD: "YMD"}
_KINDS = {"point": "number", "comma": "number", "truth": "boolean", "email": "email", "url": "url"}
_KINDS |= dict.fromkeys(("iso", "dmy", "mdy", "ymd"), "date")


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind and its form. options: the values of a choice; notes: what a user should look at."""

    name: str
    date_format: str | None = None
    decimal: str | None = None
    options: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def ambiguous(self) -> bool:
        """Whether cells cannot be read before somebody decides."""
        return bool(self.notes) and self.name in ("date", "datetime", "number")


def kind_of(header: str, column: Column) -> Kind:
    """The narrowest kind that every cell fits."""
    possible = column.possible
    if not column.filled or not column.fits:
        return Kind("string", notes=() if column.filled else ("The column is empty",))
    if possible & (EMAIL | URL):
        return Kind("email" if possible & EMAIL else "url")
    if possible & TRUTH and _both_digits(column):
        return Kind("boolean")
    if possible & DAY:
        return _day(column)
    if possible & NUMBER:
        return _number(column)
    if possible & PHONE and _TELEPHONE.search(header):
        return Kind("phone")
    return _words(column)


def _both_digits(column: Column) -> bool:
    """A column of ones, or of noughts, is rather a number than a truth."""
    told = {text.strip() for text in column.values or ()}
    return not told <= {"0", "1"} or len(told) > 1


def _day(column: Column) -> Kind:
    name = "datetime" if column.timed else "date"
    if column.possible & ISO:
        return Kind(name, "ISO")
    forms = [form for reading, form in _FORMS.items() if column.possible & reading]
    if len(forms) > 1:
        example = column.samples[0]
        return Kind(name, notes=(f"Dates such as {example} can be read as {' or '.join(forms)}: say which",))
    return Kind(name, forms[0])


def _number(column: Column) -> Kind:
    if column.possible & NUMBER != NUMBER:
        return Kind("number", decimal="." if column.possible & POINT else ",")
    if column.separated:
        text = "Every mark in the numbers can be a decimal mark or one between thousands: say which"
        return Kind("number", notes=(text,))
    # Plain numbers need no mark; money does, although it is the same under both.
    return Kind("number", decimal=None if all(map(_PLAIN.fullmatch, column.samples)) else ".")


def _words(column: Column) -> Kind:
    notes = _nearly(column)
    if column.lines or column.longest > _LONG:
        return Kind("long_text", notes=notes)
    values = [text.strip() for text in column.values or ()]
    if column.filled >= _ENOUGH and values:
        parts = Counter(part for text in values for part in set(_parts(text)))
        several = sum(";" in text for text in values)
        if several * 5 >= len(values) > 1 and len(parts) <= MAX_OPTIONS and len(parts) < len(values):
            return Kind("multi_enumeration", options=tuple(sorted(parts)), notes=notes)
        options = dict.fromkeys(values)
        if len(options) <= MAX_OPTIONS and column.filled >= _FEW * len(options) and not several:
            return Kind("enumeration", options=tuple(options), notes=notes)
    return Kind("string", notes=notes)


def _parts(text: str) -> list[str]:
    return [stripped for part in text.split(";") if (stripped := part.strip())]


def _nearly(column: Column) -> tuple[str, ...]:
    """A column of one kind but for a few cells: most likely mistakes, which a text attribute would take silently."""
    read = sum(column.fits.values())
    for place, name in enumerate(NAMES):
        fitting = column.fitting(1 << place)
        if name in _KINDS and _NEARLY * read <= fitting < read:
            odd = next((text for mask, text in column.odd.items() if not mask & (1 << place)), "")
            example = f", such as {odd}" if odd else ""
            return (f"All cells but {read - fitting} are of the kind {_KINDS[name]}{example}",)
    return ()


def range_of(kind: Kind, column: Column) -> tuple[str, str] | None:
    """The least and the greatest cell of a column of numbers or days, as they are written."""
    wanted = {"number": (POINT, COMMA), "date": (ISO, DMY, MDY, YMD), "datetime": (ISO, DMY, MDY, YMD)}
    for reading in wanted.get(kind.name, ()):
        if column.possible & reading and reading in column.extremes:
            _, low, _, high = column.extremes[reading]
            return low, high
    return None
