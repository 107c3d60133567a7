"""How one cell's text can be read: as a number, a date, a truth value, an address... all ways that are possible.

A column is of a kind when every cell can be read so; what one cell leaves open, another decides (`1/2/2026` is a day
in February or in January, `1/13/2026` is not). Only forms that the import itself reads are recognised.
"""

from __future__ import annotations

import re
from datetime import date

POINT, COMMA, TRUTH, ISO, DMY, MDY, YMD, EMAIL, URL, DOMAIN, PHONE = (1 << place for place in range(11))
NUMBER = POINT | COMMA
DAY = ISO | DMY | MDY | YMD
EVERY = (1 << 11) - 1
NAMES = ("point", "comma", "truth", "iso", "dmy", "mdy", "ymd", "email", "url", "domain", "phone")

NOTHING = frozenset(
    "select|please select|select...|- select -|-|--|---|n/a|#n/a|null|nil|nan|(blank)|(none)|undefined|?|.".split("|")
)
"""Words that never mean anything: what forms and tables write where nothing was chosen."""
PERHAPS_NOTHING = frozenset("none na unknown k.a. keine leer vide".split())
"""Words that mean nothing in a column of numbers or dates, and may mean something in a column of words."""

_TRUTHS = frozenset(
    "true false yes no y n t f ja nein si sí oui non sim não wahr falsch vrai faux 是 否 да нет 0 1".split()
)
_SIGN = r"[+-]?(?:[€$£¥₹]\s?)?"
_CURRENCY = r"(?:\s?[€$£¥₹])?"
_GAP = "'’  _\u00a0"
_POINTED = re.compile(
    rf"{_SIGN}(?:\d{{1,3}}(?:[,{_GAP}]\d{{3}})+|\d+)(?:\.\d*)?(?:[eE][+-]?\d{{1,2}})?{_CURRENCY}|{_SIGN}\.\d+{_CURRENCY}",
    re.ASCII,
)
_COMMAED = re.compile(rf"{_SIGN}(?:\d{{1,3}}(?:[.{_GAP}]\d{{3}})+|\d+)(?:,\d+)?{_CURRENCY}", re.ASCII)
_LEADING_ZERO = re.compile(r"[+-]?0\d", re.ASCII)
_PARTS = re.compile(r"(\d{1,4})([./-])\s?(\d{1,2})\2\s?(\d{1,4})(?:[T ,]+(.+))?", re.ASCII)
_COMPACT_ISO = re.compile(r"(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d:\d\d.*))?", re.ASCII)
_NAMED = re.compile(
    r"(?:(\d{1,2})[.\s-]+([A-Za-z]{3,9})\.?|([A-Za-z]{3,9})\.?\s+(\d{1,2}),?)[\s,-]+(\d{4})(?:\s+(\d.+))?", re.ASCII
)
_CLOCK = re.compile(r"\d{1,2}:\d\d(?::\d\d(?:[.,]\d{1,9})?)?\s*(?:AM|PM)?(?:Z|[+-]\d\d:?\d\d)?", re.IGNORECASE)
_MIDNIGHT = re.compile(r"0?0:00(?::00(?:[.,]0+)?)?Z?")
_MONTHS = {name: str(n) for n, name in enumerate("jan feb mar apr may jun jul aug sep oct nov dec".split(), 1)}
_EMAIL = re.compile(r"[^@\s,;<>]+@[^@\s,;<>]+\.[^@\s,;<>.]{2,}")
_URL = re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)
_DOMAIN = re.compile(r"(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.)+[a-z]{2,24}")
_PHONE = re.compile(r"\+?[\d(][\d\s().\-/x]{4,22}\d", re.ASCII)
_LONGEST = 64
_MOST_DIGITS = 25
_PIVOT = 69

Days = dict[int, date]
"""Reading -> the day it makes."""


def readings(text: str, wanted: int = EVERY) -> int:
    """All ways to read a stripped text that is not empty, as far as they are wanted."""
    if text.isdecimal() and text.isascii() and (text[0] != "0" or len(text) == 1):
        found = NUMBER | (PHONE if 6 <= len(text) <= _MOST_DIGITS else 0) | (TRUTH if text in "01" else 0)
        return found & wanted
    found = 0
    first = text[0]
    if len(text) <= _LONGEST:
        if first.isdigit() or first in "+-.€$£¥₹(":
            found = _numeric_readings(text, wanted)
        elif wanted & DAY and first.isalpha() and text[-1].isdigit() and (days := days_of(text)) is not None:
            found = sum(days)
        if wanted & TRUTH and len(text) < 6 and text.casefold() in _TRUTHS:
            found |= TRUTH
    if "." in text and wanted & (EMAIL | URL | DOMAIN):
        found |= _address(text)
    return found & wanted


def _numeric_readings(text: str, wanted: int) -> int:
    found = _number(text) if wanted & NUMBER else 0
    if wanted & PHONE and _PHONE.fullmatch(text):
        found |= PHONE
    if wanted & DAY and (days := days_of(text)) is not None:
        found |= sum(days)
    return found


def _address(text: str) -> int:
    if "@" in text:
        return EMAIL if _EMAIL.fullmatch(text) else 0
    found = URL if _URL.match(text) and not any(map(str.isspace, text)) else 0
    return found | (DOMAIN if _DOMAIN.fullmatch(text) else 0)


def _number(text: str) -> int:
    if _LEADING_ZERO.match(text):  # a code, whose zeros count
        return 0 if text.lstrip("+-0")[:1] not in ".," or _LEADING_ZERO.match(text.lstrip("+-")[:2]) else _plain(text)
    return _plain(text)


def _plain(text: str) -> int:
    return (POINT if _POINTED.fullmatch(text) else 0) | (COMMA if _COMMAED.fullmatch(text) else 0)


def number_of(text: str, comma: bool) -> float:
    """The number a text makes under one convention; raises ValueError when none."""
    try:
        if not comma or ("," not in text and "." not in text):
            return float(text)
    except ValueError:
        pass
    kept = "".join(one for one in text if one.isdigit() or one in "+-.,eE")
    return float(kept.replace(".", "").replace(",", ".") if comma else kept.replace(",", ""))


def days_of(text: str) -> Days | None:
    """The days a text can mean, by reading; None when it is no date. ISO ones and named months can be read as any."""
    if found := _COMPACT_ISO.fullmatch(text):
        return _always(_day(found[1], found[2], found[3]), found[4])
    if found := _PARTS.fullmatch(text):
        return _numeric((found[1], found[3], found[4]), found[5])
    found = _NAMED.fullmatch(text)
    month = _MONTHS.get((found[2] or found[3])[:3].lower()) if found else None
    if found is None or month is None:
        return None
    return _always(_day(found[5], month, found[1] or found[4]), found[6])


def has_time(text: str) -> bool:
    """Whether a date has a time of day other than midnight."""
    found = _COMPACT_ISO.fullmatch(text) or _PARTS.fullmatch(text) or _NAMED.fullmatch(text)
    clock = found[found.re.groups] if found else None
    return clock is not None and not _MIDNIGHT.fullmatch(clock.strip())


def _always(day: date | None, clock: str | None) -> Days | None:
    if day is None or not _is_clock(clock):
        return None
    return dict.fromkeys((ISO, DMY, MDY, YMD), day)


def _numeric(numbers: tuple[str, str, str], clock: str | None) -> Days | None:
    if not _is_clock(clock):
        return None
    a, b, c = numbers
    if len(a) == 4:  # the year in front: nobody writes year, day, month
        return _always(_day(a, b, c), clock)
    made = {YMD: _day(a, b, c) if len(a) == 2 == len(c) else None, DMY: _day(c, b, a), MDY: _day(c, a, b)}
    found = {reading: day for reading, day in made.items() if day is not None and len(a) <= 2}
    return found or None


def _is_clock(clock: str | None) -> bool:
    return clock is None or _CLOCK.fullmatch(clock.strip()) is not None


def _day(year: str, month: str, day: str) -> date | None:
    if len(year) not in (2, 4) or len(day) > 2:
        return None
    full = int(year) if len(year) == 4 else int(year) + (2000 if int(year) < _PIVOT else 1900)
    try:
        return date(full, int(month), int(day))
    except ValueError:
        return None
