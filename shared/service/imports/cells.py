"""Reading what people and spreadsheets write in cells: dates, numbers, yes and no. Pure; text in, raw value out.

What comes out is what the engine takes as raw value of that kind. Nothing is guessed: a cell that could mean two
things is refused until the import declares its form. Not for validation: that is the engine's.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from shared.service.imports.spec import DateFormat, Decimals

COULD_NOT_PARSE_DATE = "COULD_NOT_PARSE_DATE"
COULD_NOT_PARSE_NUMBER = "COULD_NOT_PARSE_NUMBER"
INVALID_BOOLEAN = "INVALID_ENUMERATION_OPTION"

YES = frozenset("true t yes y on 1 x ✓ ✔ ja j wahr si sí s oui o vrai sim 是 はい да".split())
NO = frozenset("false f no n off 0 nein falsch non faux não nao 否 いいえ нет".split())

_EXCEL_EPOCH = datetime(1899, 12, 30, tzinfo=UTC)
_SERIAL = re.compile(r"\d{5}(?:[.,]\d{1,12})?", re.ASCII)
_COMPACT = re.compile(r"(\d{4})(\d\d)(\d\d)", re.ASCII)
_EPOCH_MILLISECONDS = re.compile(r"-?\d{11,14}", re.ASCII)
_ISO = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d.*)?", re.ASCII)
_STORED = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", re.ASCII)
_PARTS = re.compile(r"(\d{1,4})([./\-\s])\s*(\d{1,2})\2\s*(\d{1,4})(?:[,T\s]+(.+))?", re.ASCII)
_NAMED = re.compile(
    r"(?:(\d{1,2})[.\s-]+([^\W\d_]{3,9})\.?|([^\W\d_]{3,9})\.?\s+(\d{1,2}),?)[\s,-]+(\d{4})(?:\s+(.+))?"
)
_CLOCK = re.compile(r"(\d{1,2}):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?\s*(AM|PM)?", re.ASCII | re.IGNORECASE)
_MONTHS = {name: n for n, name in enumerate("jan feb mar apr may jun jul aug sep oct nov dec".split(), 1)}
_LONG_MONTHS = frozenset(
    "january february march april june july august september sept october november december".split()
)
_PIVOT = 69
_LONGEST = 64

_ORDERS: dict[str, tuple[int, int, int]] = {"DMY": (2, 1, 0), "MDY": (2, 0, 1), "YMD": (0, 1, 2)}
"""Where year, month and day stand among the three numbers."""

_GAPS = "    '’_"
_CURRENCY = re.compile(r"^[€$£¥₹₽]\s*|\s*[€$£¥₹₽]$")
_PLAIN = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?", re.ASCII)
_MARKS: tuple[tuple[Decimals, str], ...] = ((".", ","), (",", "."))
_GROUPED: dict[Decimals, re.Pattern[str]] = {
    mark: re.compile(
        rf"[+-]?(?:\d{{1,3}}(?:[{re.escape(group)}{_GAPS}]\d{{3}})+|\d+)(?:{re.escape(mark)}\d+)?", re.ASCII
    )
    for mark, group in _MARKS
}


class CellProblem(Exception):
    """A cell that cannot be read; the message never quotes it."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def read_boolean(text: str) -> bool:
    """Yes or no in several languages and signs; raises CellProblem."""
    word = text.strip().casefold()
    if word in YES:
        return True
    if word in NO:
        return False
    raise CellProblem(INVALID_BOOLEAN, "neither yes nor no: write true or false, yes or no, 1 or 0")


def number_reader(mark: Decimals | None) -> Callable[[str], str]:
    """A reader of numbers with this decimal mark; None takes plain ones only."""

    def read(text: str) -> str:
        """Plain decimal text; raises CellProblem."""
        stripped = text.strip()
        found = _number(_CURRENCY.sub("", stripped) if mark else stripped, mark)
        if found is None:
            hint = (
                f"with the decimal mark {mark}"
                if mark
                else "as plain as 1234.5: declare the decimal mark, then currencies and marks between thousands go too"
            )
            raise CellProblem(COULD_NOT_PARSE_NUMBER, f"not a number {hint}")
        return found

    return read


def _number(text: str, mark: Decimals | None) -> str | None:
    if len(text) > _LONGEST * 8:
        return None
    if mark is not None:
        if mark == "." and _PLAIN.fullmatch(text):
            return text
        return _ungrouped(text, mark) if _GROUPED[mark].fullmatch(text) else None
    # Each cell alone could be read in one way, and two of them in two: a column is of one form.
    return text if _PLAIN.fullmatch(text) else None


def _ungrouped(text: str, mark: str) -> str:
    whole, _, fraction = text.partition(mark)
    digits = "".join(one for one in whole if one.isdigit() or one in "+-")
    return f"{digits}.{fraction}" if fraction else digits


def moment_reader(form: DateFormat | None) -> Callable[[str], str]:
    """A reader of dates and instants of this form; see `read_moment`."""

    def read(text: str) -> str:
        """`YYYY-MM-DD` or ISO with a time; raises CellProblem."""
        return read_moment(text.strip(), form)

    return read


@lru_cache(maxsize=65_536)
def read_moment(text: str, form: DateFormat | None) -> str:
    """`YYYY-MM-DD`, or an ISO instant when a time of day (other than midnight) is given; raises CellProblem.

    ISO, epoch milliseconds and written months are taken whatever the form, Excel serials (five digits) where they are
    declared; None takes, besides, what makes a date in one way only.
    """
    for attempt in (_iso, _named, *((_serial,) if form == "SERIAL" else ())):
        found = attempt(text) if len(text) <= _LONGEST else None
        if found is not None:
            return found
    parts = _PARTS.fullmatch(text) if len(text) <= _LONGEST else None
    if parts is None:
        raise CellProblem(COULD_NOT_PARSE_DATE, f"not a date{_told(form)}")
    numbers = (parts[1], parts[3], parts[4])
    readings = set(_readings(numbers, form))
    if len(readings) > 1:
        raise CellProblem(COULD_NOT_PARSE_DATE, "could be more than one day: declare the date format")
    if not readings:
        raise CellProblem(COULD_NOT_PARSE_DATE, f"no such day{_told(form)}")
    return _joined(readings.pop(), parts[5])


def _told(form: str | None) -> str:
    return f" of the form {form}" if form else ""


def _readings(numbers: tuple[str, str, str], form: str | None) -> Iterator[tuple[int, int, int]]:
    """Every (year, month, day) that the numbers make. A year of four digits in front is always year, month, day."""
    leading = len(numbers[0]) == 4
    forms = ("YMD",) if leading else (form,) if form in _ORDERS else ("DMY", "MDY", "YMD")
    for one in forms:
        year, month, day = (numbers[place] for place in _ORDERS[one])
        if len(year) not in (2, 4) or len(month) > 2 or len(day) > 2:
            continue
        found = (_full_year(year), int(month), int(day))
        if _exists(*found):
            yield found


def _full_year(text: str) -> int:
    year = int(text)
    return year if len(text) == 4 else 2000 + year if year < _PIVOT else 1900 + year


def _exists(year: int, month: int, day: int) -> bool:
    try:
        datetime(year, month, day, tzinfo=UTC)
    except ValueError:
        return False
    return True


def _iso(text: str) -> str | None:
    if _STORED.fullmatch(text) and _reads(text):
        return text  # as the engine keeps it: so it is known again
    compact = _COMPACT.fullmatch(text)
    if compact is not None and _exists(*map(int, compact.groups())):
        return "-".join(compact.groups())
    if _EPOCH_MILLISECONDS.fullmatch(text):
        return text
    if not _ISO.fullmatch(text):
        return None
    try:
        instant = datetime.fromisoformat(text.upper())
    except ValueError:
        return None
    return _shown(instant)


def _reads(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _shown(instant: datetime) -> str:
    if instant.tzinfo is None and (instant.hour, instant.minute, instant.second, instant.microsecond) == (0, 0, 0, 0):
        return instant.date().isoformat()
    return instant.isoformat()


def _serial(text: str) -> str | None:
    """Days since the end of 1899, as spreadsheets keep dates; rounded to the second, which is all they are good for."""
    if not _SERIAL.fullmatch(text):
        return None
    days = float(text.replace(",", "."))
    return _shown((_EXCEL_EPOCH + timedelta(seconds=round(days * 86_400))).replace(tzinfo=None))


def _named(text: str) -> str | None:
    parts = _NAMED.fullmatch(text)
    if parts is None:
        return None
    word = (parts[2] or parts[3]).casefold()
    month = _MONTHS.get(word) or (_MONTHS.get(word[:3]) if word in _LONG_MONTHS else None)
    found = (int(parts[5]), month or 0, int(parts[1] or parts[4]))
    return _joined(found, parts[6]) if _exists(*found) else None


def _joined(day: tuple[int, int, int], clock: str | None) -> str:
    """The day, with its time of day if one is written."""
    if not clock:
        return datetime(*day, tzinfo=UTC).date().isoformat()
    parts = _CLOCK.fullmatch(clock.strip())
    if parts is None:
        raise CellProblem(COULD_NOT_PARSE_DATE, "the time of day cannot be read")
    hour, half = int(parts[1]), (parts[5] or "").upper()
    if half:
        hour = hour % 12 + (12 if half == "PM" else 0) if 1 <= hour <= 12 else 24
    microsecond = int((parts[4] or "0").ljust(6, "0")[:6])
    try:
        instant = datetime(*day, hour, int(parts[2]), int(parts[3] or 0), microsecond)  # noqa: DTZ001 (UTC is meant)
    except ValueError:
        raise CellProblem(COULD_NOT_PARSE_DATE, "there is no such time of day") from None
    return _shown(instant)
