"""Dates in buckets, and periods of time as people name them. Days are local dates of a metric's own time zone."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class Period:
    """Days from `first` to `last`, both included."""

    first: date
    last: date

    @property
    def days(self) -> int:
        """How many."""
        return (self.last - self.first).days + 1

    @property
    def before(self) -> Period:
        """The period of the same length that ends the day before."""
        return Period(self.first - timedelta(self.days), self.first - timedelta(1))

    @property
    def year_before(self) -> Period:
        """The same days one year earlier: the end of a month stays the end of that month."""
        return Period(_year_before(self.first), _year_before(self.last, ends=True))


def _year_before(day: date, *, ends: bool = False) -> date:
    last = monthrange(day.year - 1, day.month)[1]
    at_the_end = ends and day.day == monthrange(day.year, day.month)[1]
    return day.replace(year=day.year - 1, day=last if at_the_end else min(day.day, last))


@lru_cache(maxsize=128)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def local_day(instant: str, zone: str) -> str:
    """The local date of an ISO instant; a date stays what it is."""
    if len(instant) == 10:
        return instant
    if zone == "UTC" and instant[-1] == "Z":  # most are, and this runs for every event
        return instant[:10]
    return datetime.fromisoformat(instant).astimezone(_zone(zone)).date().isoformat()


def bucketed(instant: str, bucket: str, zone: str) -> str:
    """The bucket that an ISO instant or date lies in: a day, or a minute or full hour such as 2026-03-01T09:30."""
    if bucket not in _FINE:
        return bucket_of(local_day(instant, zone), bucket)
    if len(instant) == 10:
        return f"{instant}T00:00"
    local = instant
    if zone != "UTC" or instant[-1] != "Z":
        local = datetime.fromisoformat(instant).astimezone(_zone(zone)).isoformat()
    return local[: _FINE["minute"]] if bucket == "minute" else f"{local[: _FINE['hour']]}:00"


@lru_cache(maxsize=4096)
def bucket_of(day: str, bucket: str) -> str:
    """The first day of the bucket that an ISO date lies in. Weeks begin on Monday (ISO 8601)."""
    if bucket in ("", "day"):
        return day
    return _FIRST[bucket](date.fromisoformat(day)).isoformat()


_FIRST: dict[str, Callable[[date], date]] = {
    "week": lambda day: day - timedelta(day.weekday()),
    "month": lambda day: day.replace(day=1),
    "quarter": lambda day: day.replace(month=day.month - (day.month - 1) % 3, day=1),
    "year": lambda day: day.replace(month=1, day=1),
}

_FINE = {"minute": 16, "hour": 13}
_BOUND = re.compile(r"now(?:([+-])(\d{1,5})([mhd]))?")
_STEPS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}


def is_range(text: str | None) -> bool:
    """Whether a group of a bucketed dimension is a stretch of them."""
    return text is not None and ".." in text


def moves(text: str) -> bool:
    """Whether a range is another one a minute later."""
    return "now" in text


def parse_range(text: str, bucket: str, zone: str, moment: datetime) -> tuple[str, str]:
    """`now..now+2h`, `..now-3d`, `2026-03-01..2026-03-05T12:00`: the first and the last bucket, both included, "" for
    an open end. Raises ValueError naming these forms."""
    first, _, last = text.partition("..")
    return _bound(first.strip(), bucket, zone, moment), _bound(last.strip(), bucket, zone, moment)


def _bound(text: str, bucket: str, zone: str, moment: datetime) -> str:
    if not text:
        return ""
    found = _BOUND.fullmatch(text)
    try:
        if found is None:
            given = datetime.fromisoformat(text)
            at = given if given.tzinfo else given.replace(tzinfo=_zone(zone))
        else:
            sign, count, step = found.groups()
            at = moment + (int(count) * _STEPS[step] * (1 if sign == "+" else -1) if sign else timedelta(0))
        # Of the first and last years some instants are in no year of the other zone.
        return bucketed(at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"), bucket, zone)
    except (ValueError, OverflowError) as error:
        told = "write now, now+2h, now-30m, now-7d, 2026-03-01 or 2026-03-01T09:30 on either side of .., or nothing"
        raise ValueError(f"{text[:40]!r} is no bound of a range: {told}") from error


# So that the period before a period, and the day behind it, are dates still.
EARLIEST, LATEST = 1600, 2999
MOST_DAYS = 36_525

_FORMS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"(\d{4})-(\d\d)-(\d\d)"), "day"),
    (re.compile(r"(\d{4})-W(\d\d)"), "week"),
    (re.compile(r"(\d{4})-Q([1-4])"), "quarter"),
    (re.compile(r"(\d{4})-(\d\d)"), "month"),
    (re.compile(r"(\d{4})"), "year"),
)
_RELATIVE = re.compile(r"(today|yesterday|(this|last) (week|month|quarter|year)|last (\d{1,4}) days)")


def parse_period(text: str, today: date) -> Period:
    """`2026`, `2026-Q1`, `2026-03`, `2026-W10`, `2026-03-01`, `2026-01-01..2026-02-15`, `today`, `yesterday`,
    `this month`, `last quarter`, `last 30 days`. Raises ValueError naming these forms."""
    wanted = text.strip()
    if ".." in wanted:
        first, last = (parse_period(part, today) for part in wanted.split("..", 1))
        if first.first > last.last:
            raise ValueError("a period ends before it begins")
        whole = Period(first.first, last.last)
        if whole.days > MOST_DAYS:
            raise ValueError("a period is at most a hundred years")
        return whole
    relative = _RELATIVE.fullmatch(wanted)
    if relative is not None:
        return _relative(relative, today)
    for pattern, bucket in _FORMS:
        found = pattern.fullmatch(wanted)
        if found is not None:
            return _whole(_first_day(bucket, _sane(found)), bucket)
    raise ValueError(
        f"{wanted[:40]!r} is not a period: write 2026, 2026-Q1, 2026-03, 2026-W10, 2026-03-01, two of them with .. "
        "between, today, this month, last quarter or last 30 days"
    )


def _sane(found: re.Match[str]) -> list[int]:
    numbers = [int(one) for one in found.groups()]
    if not EARLIEST <= numbers[0] <= LATEST:
        raise ValueError(f"periods lie between the years {EARLIEST} and {LATEST}")
    if len(numbers) > 1 and not 1 <= numbers[1] <= (53 if "W" in found[0] else 12):
        raise ValueError(f"there is no {found[0]}")
    return numbers


def _first_day(bucket: str, numbers: list[int]) -> date:
    year, *rest = numbers
    if bucket == "week":
        return date.fromisocalendar(year, rest[0], 1)
    month = {"quarter": lambda: rest[0] * 3 - 2, "year": lambda: 1}.get(bucket, lambda: rest[0])()
    return date(year, month, rest[1] if bucket == "day" else 1)


def _relative(found: re.Match[str], today: date) -> Period:
    if found[0] == "today":
        return Period(today, today)
    if found[0] == "yesterday":
        return Period(today - timedelta(1), today - timedelta(1))
    if found[4]:
        if not int(found[4]):
            raise ValueError("a period has at least one day")
        return Period(today - timedelta(int(found[4]) - 1), today)
    first = _FIRST[found[3]](today)
    return _whole(first if found[2] == "this" else _FIRST[found[3]](first - timedelta(1)), found[3])


def _whole(first: date, bucket: str) -> Period:
    if bucket == "day":
        return Period(first, first)
    following = _FIRST[bucket](first + timedelta({"week": 7, "month": 32, "quarter": 93, "year": 367}[bucket]))
    return Period(first, following - timedelta(1))
