"""Calendars and policies as doors write them, read into values. All that is wrong is told at once.

A calendar: {"time_zone": "Europe/Berlin", "hours": {"monday": [["09:00", "12:00"], ["13:00", "17:00"]]},
"holidays": ["2026-12-25"], "exceptions": {"2026-12-24": [["09:00", "12:00"]]}}.

A policy: {"calendar": "office", "filter": {native filter} | null, "order": 0, "on_change": "keep",
"targets": {"resolution": {"by_priority": {"URGENT": 14400}, "otherwise": 144000, "pauses": ["waiting_on_customer"]}},
"thresholds": [{"name": "soon", "target": "resolution", "moment": "before", "offset": 1800, "actions":
[{"set": {"priority": "URGENT"}}]}]}. Lengths and offsets are business seconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from enum import StrEnum
from typing import Any, TypeVar

from services.service_desk.domain.calendars import Calendar, CalendarProblem, UnknownZone, joined, week_of
from services.service_desk.domain.policies import Goal, Moment, OnChange, PolicyVersion, Target, Threshold
from services.service_desk.schema.choices import PRIORITIES, STATUSES
from shared.kernel.errors import ErrorList, Invalid

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
SETTABLE = ("priority", "owner_id", "queue_id")
"""What an action may set of a ticket."""
_SECOND = 1000
_MOST_SECONDS = 10 * 366 * 24 * 3600
_MOST_THRESHOLDS = 20
_E = TypeVar("_E", bound=StrEnum)
Raw = Mapping[str, Any]


def read_calendar(raw: Raw) -> Calendar:
    """The calendar. Raises Invalid."""
    errors = ErrorList()
    _known(raw, ("time_zone", "hours", "holidays", "exceptions"), "", errors)
    hours = _object(raw, "hours", errors)
    _known(hours, DAYS, "hours.", errors)
    week = {place: _parts(hours.get(day, []), f"hours.{day}", errors) for place, day in enumerate(DAYS)}
    exceptions = {}
    for text, parts in _object(raw, "exceptions", errors).items():
        day = _date(text, "exceptions", errors)
        if day is not None:
            exceptions[day] = _parts(parts, f"exceptions.{text}", errors)
    found = (_date(text, "holidays", errors) for text in _list(raw, "holidays", errors))
    holidays = frozenset(day for day in found if day is not None)
    errors.raise_if_any()
    try:
        own = {day: joined(parts) for day, parts in exceptions.items()}
        return Calendar(str(raw.get("time_zone", "")), week_of(week), holidays, own)
    except UnknownZone as problem:
        raise Invalid.one("time_zone", "INVALID_OPTION", str(problem)) from None
    except CalendarProblem as problem:
        raise Invalid.one("hours", "INVALID_CALENDAR", str(problem)) from None


def read_policy(raw: Raw, *, policy: int, version: int, valid_from: int, calendar: int) -> PolicyVersion:
    """The policy under its numbers. Its filter is not looked at here. Raises Invalid."""
    errors = ErrorList()
    known = ("calendar", "filter", "order", "on_change", "targets", "thresholds", "withdrawn")
    _known(raw, known, "", errors)
    targets = {name: one for name, one in _object(raw, "targets", errors).items() if one is not None}
    goals = {
        target: _goal(goal, f"targets.{name}", errors)
        for name, goal in targets.items()
        if (target := _one_of(Target, name, "targets", errors)) is not None
    }
    withdrawn = raw.get("withdrawn") is True
    if not goals and not withdrawn:
        errors.add("targets", "REQUIRED_FIELD", "a policy promises something: name at least one target")
    thresholds = _thresholds(_list(raw, "thresholds", errors), errors)
    on_change = _one_of(OnChange, raw.get("on_change", OnChange.KEEP), "on_change", errors) or OnChange.KEEP
    place = raw.get("order", 0)
    if not isinstance(place, int) or isinstance(place, bool):
        errors.add("order", "INVALID_INTEGER", "order must be a whole number")
    errors.raise_if_any()
    condition = raw.get("filter")
    return PolicyVersion(
        policy, version, valid_from, calendar, goals, condition, on_change, thresholds, place, withdrawn
    )  # fmt: skip


def _goal(raw: Any, where: str, errors: ErrorList) -> Goal:
    if not isinstance(raw, Mapping):
        errors.add(where, "INVALID_TYPE", f"{where} must be an object")
        return Goal()
    _known(raw, ("by_priority", "otherwise", "pauses"), f"{where}.", errors)
    priorities = {one.value for one in PRIORITIES}
    lengths = {}
    for priority, seconds in _object(raw, "by_priority", errors, where).items():
        if priority not in priorities:
            _wrong(errors, f"{where}.by_priority", priority, sorted(priorities))
        lengths[priority] = _seconds(seconds, f"{where}.by_priority.{priority}", errors)
    otherwise = raw.get("otherwise")
    states = {one.value for one in STATUSES} - {"closed"}
    pauses = _list(raw, "pauses", errors, where)
    for state in pauses:
        if not isinstance(state, str) or state not in states:
            _wrong(errors, f"{where}.pauses", state, sorted(states))
    usual = None if otherwise is None else _seconds(otherwise, f"{where}.otherwise", errors)
    return Goal(lengths, usual, frozenset(str(one) for one in pauses))


def _thresholds(raw: Iterable[Any], errors: ErrorList) -> tuple[Threshold, ...]:
    found: dict[tuple[Target, str], Threshold] = {}
    for place, one in enumerate(raw):
        where = f"thresholds[{place}]"
        if not isinstance(one, Mapping) or place >= _MOST_THRESHOLDS:
            errors.add(where, "INVALID_TYPE", f"{where} must be an object; at most {_MOST_THRESHOLDS} of them")
            continue
        _known(one, ("name", "target", "moment", "offset", "actions"), f"{where}.", errors)
        target = _one_of(Target, one.get("target"), f"{where}.target", errors)
        moment = _one_of(Moment, one.get("moment"), f"{where}.moment", errors)
        name = one.get("name")
        if not isinstance(name, str) or not 0 < len(name) <= 100:
            errors.add(f"{where}.name", "REQUIRED_FIELD", f"{where}.name must be a text of at most 100 characters")
            continue
        if target is None or moment is None:
            continue
        if (target, name) in found:
            errors.add(f"{where}.name", "DUPLICATE", f"{target} has a threshold {name} already")
        offset = 0 if moment is Moment.AT else _seconds(one.get("offset"), f"{where}.offset", errors)
        found[target, name] = Threshold(name, target, moment, offset, _actions(one, where, errors))
    return tuple(found.values())


def _actions(raw: Raw, where: str, errors: ErrorList) -> tuple[Raw, ...]:
    actions = _list(raw, "actions", errors, where)
    for place, one in enumerate(actions):
        inside = one.get("set") if isinstance(one, Mapping) and set(one) == {"set"} else None
        if not isinstance(inside, Mapping) or not inside or not set(inside) <= set(SETTABLE):
            message = f'an action is {{"set": {{...}}}} with {" or ".join(SETTABLE)}; an event is told in any case'
            errors.add(f"{where}.actions[{place}]", "INVALID_TYPE", message)
    return tuple(actions)


def _parts(raw: Any, where: str, errors: ErrorList) -> list[tuple[int, int]]:
    found = []
    for part in raw if isinstance(raw, list) else [None]:
        ends = [_minutes(text) for text in part] if isinstance(part, list) and len(part) == 2 else []
        if len(ends) != 2 or ends[0] is None or ends[1] is None:
            errors.add(where, "INVALID_TYPE", f'{where}: a part of a day is ["09:00", "17:00"]')
            return []
        found.append((ends[0], ends[1]))
    return found


def _minutes(text: Any) -> int | None:
    hour, colon, minute = str(text).partition(":")
    if not (colon and hour.isdecimal() and minute.isdecimal() and len(hour) <= 2 == len(minute)):
        return None
    found = int(hour) * 60 + int(minute)
    return found if int(minute) < 60 and found <= 1440 else None


def _date(text: Any, where: str, errors: ErrorList) -> date | None:
    try:
        return date.fromisoformat(str(text))
    except ValueError:
        errors.add(where, "INVALID_DATE", f"{where}: {str(text)[:50]} is no day such as 2026-12-25")
        return None


def _seconds(raw: Any, where: str, errors: ErrorList) -> int:
    if not isinstance(raw, int) or isinstance(raw, bool) or not 0 < raw <= _MOST_SECONDS:
        errors.add(where, "INVALID_INTEGER", f"{where} must be a whole number of seconds from 1 to {_MOST_SECONDS:,}")
        return _SECOND
    return raw * _SECOND


def _one_of(kind: type[_E], raw: Any, where: str, errors: ErrorList) -> _E | None:
    try:
        return kind(raw)
    except ValueError:
        _wrong(errors, where, raw, [one.value for one in kind])
        return None


def _wrong(errors: ErrorList, where: str, raw: Any, allowed: Iterable[str]) -> None:
    errors.add(where, "INVALID_OPTION", f"{where}: {str(raw)[:50]} is none of {', '.join(allowed)}")


def _known(raw: Raw, allowed: tuple[str, ...], where: str, errors: ErrorList) -> None:
    for name in raw:
        if name not in allowed:
            _wrong(errors, f"{where}{name}"[:100], name, allowed)


def _object(raw: Raw, name: str, errors: ErrorList, where: str = "") -> Raw:
    found = raw.get(name) or {}
    if not isinstance(found, Mapping):
        path = f"{where}.{name}".lstrip(".")
        errors.add(path, "INVALID_TYPE", f"{path} must be an object")
        return {}
    return found


def _list(raw: Raw, name: str, errors: ErrorList, where: str = "") -> list[Any]:
    found = raw.get(name) or []
    if not isinstance(found, list):
        path = f"{where}.{name}".lstrip(".")
        errors.add(path, "INVALID_TYPE", f"{path} must be a list")
        return []
    return found
