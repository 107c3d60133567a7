"""Dates and datetimes. Both live in timestamp slots, in UTC; a date at midnight.

Input is ISO 8601 or epoch milliseconds, as number or text. Datetimes are cut to milliseconds.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import sqlalchemy as sa

from shared.eav.declare import AttributeDef
from shared.eav.types.kind import AttributeType
from shared.eav.types.operators import COMPARISON
from shared.eav.types.problem import INVALID_DATE, INVALID_DATETIME, ValueProblem, shown
from shared.kernel.clock import iso

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_FIRST = (datetime.min.replace(tzinfo=UTC) - _EPOCH) // _MILLISECOND
_LAST = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // _MILLISECOND
_EPOCH_TEXT = re.compile(r"[+-]?\d{1,18}", re.ASCII)
_ISO = re.compile(
    r"\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?(?:Z|[+-]\d{2}(?::?\d{2})?)?)?", re.ASCII
)

_CANONICAL = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", re.ASCII)


def _whole(raw: object) -> int | None:
    """Epoch milliseconds, when raw is that."""
    if isinstance(raw, bool):
        return None
    if isinstance(raw, int):
        return raw
    if isinstance(raw, float) and raw.is_integer():
        return int(raw)
    if isinstance(raw, str) and _EPOCH_TEXT.fullmatch(raw):
        return int(raw)
    return None


def _instant(raw: object) -> datetime | None:
    """The aware UTC instant of a raw one in any accepted form, None when it has none within years 1 to 9999."""
    if type(raw) is str and _CANONICAL.fullmatch(raw):
        try:
            return datetime.fromisoformat(raw)
        except ValueError:
            return None
    stripped = raw.strip() if isinstance(raw, str) else raw
    milliseconds = _whole(stripped)
    if milliseconds is not None:
        return _EPOCH + timedelta(milliseconds=milliseconds) if _FIRST <= milliseconds <= _LAST else None
    if isinstance(stripped, str):
        upper = stripped.upper()
        if not _ISO.fullmatch(upper):
            return None
        try:
            stripped = datetime.fromisoformat(upper)
        except ValueError:
            return None
    if isinstance(stripped, datetime):
        return _in_utc(stripped)
    return datetime.combine(stripped, time(), UTC) if isinstance(stripped, date) else None


def _in_utc(instant: datetime) -> datetime | None:
    if instant.tzinfo is None:
        instant = instant.replace(tzinfo=UTC)
    try:
        instant = instant.astimezone(UTC)
    except OverflowError:
        return None
    return instant.replace(microsecond=instant.microsecond // 1000 * 1000)


def parse_datetime(raw: object) -> datetime:
    """An aware UTC instant of ISO text (no offset means UTC), epoch milliseconds or a datetime; raises ValueProblem."""
    instant = _instant(raw)
    if instant is None:
        raise ValueProblem(
            INVALID_DATETIME, f"{shown(raw)} was not a valid datetime: use ISO 8601 or epoch milliseconds"
        )
    return instant


def parse_date(raw: object) -> date:
    """A date of `YYYY-MM-DD`, a UTC midnight in any form of parse_datetime, or a date; raises ValueProblem."""
    instant = _instant(raw)
    if instant is None:
        raise ValueProblem(
            INVALID_DATE, f"{shown(raw)} was not a valid date: use YYYY-MM-DD or epoch milliseconds at UTC midnight"
        )
    if instant.timetz() != time(tzinfo=UTC):
        raise ValueProblem(INVALID_DATE, f"{shown(raw)} is at {iso(instant)}, not at midnight UTC: a date has no time")
    return instant.date()


class DateType(AttributeType):
    """A calendar day."""

    name = "date"
    family = "d"
    operators = COMPARISON

    def coerce(self, raw: object, attribute: AttributeDef, old: Any = None) -> date:
        """Takes `YYYY-MM-DD` or a UTC midnight; see AttributeType."""
        return parse_date(raw)

    def to_json(self, value: date) -> str:
        """`YYYY-MM-DD`."""
        return value.isoformat()

    def from_json(self, json: str, attribute: AttributeDef) -> date:
        """The day of `YYYY-MM-DD`."""
        return date.fromisoformat(json)

    def to_slot(self, value: date, attribute: AttributeDef) -> datetime:
        """Midnight, without zone."""
        return datetime.combine(value, time())

    def operand(self, raw: object, attribute: AttributeDef) -> datetime:
        """Any instant: a day is compared by its midnight."""
        instant = _instant(raw)
        if instant is None:
            raise ValueProblem(INVALID_DATE, f"{shown(raw)} was not a valid date: use ISO 8601 or epoch milliseconds")
        return instant.replace(tzinfo=None)

    def select(self, column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
        """The text form, made by PostgreSQL."""
        return sa.func.to_char(column, sa.literal_column("'YYYY-MM-DD'"), type_=sa.Text)


class DatetimeType(AttributeType):
    """An instant, to the millisecond."""

    name = "datetime"
    family = "d"
    operators = COMPARISON

    def coerce(self, raw: object, attribute: AttributeDef, old: Any = None) -> datetime:
        """Takes ISO text or epoch milliseconds; see AttributeType."""
        return parse_datetime(raw)

    def to_json(self, value: datetime) -> str:
        """`YYYY-MM-DDThh:mm:ss.sssZ`."""
        return iso(value)

    def from_json(self, json: str, attribute: AttributeDef) -> datetime:
        """The instant of to_json's text."""
        return datetime.fromisoformat(json)

    def to_slot(self, value: datetime, attribute: AttributeDef) -> datetime:
        """UTC without zone."""
        return value.replace(tzinfo=None)

    def operand(self, raw: object, attribute: AttributeDef) -> datetime:
        """An instant, UTC without zone."""
        return parse_datetime(raw).replace(tzinfo=None)

    def select(self, column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
        """The text form, made by PostgreSQL."""
        return sa.func.to_char(column, sa.literal_column('\'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"\''), type_=sa.Text)
