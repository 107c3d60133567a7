"""What a new declaration must be besides readable. Asked when something is declared or tried, never when a book is
loaded: what was accepted earlier must go on being read, since no clock moves without it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any
from zoneinfo import available_timezones

from services.service_desk.domain.policies import Moment, Target
from services.service_desk.promises.keeping import TICKET
from services.service_desk.schema.choices import PRIORITIES
from shared.kernel.errors import ErrorList, FieldError, Invalid
from shared.kernel.json import dumps
from shared.service.entities import Draft
from shared.service.foreign import Foreign
from shared.service.home import Home
from shared.service.references import unknown_references

MOST_ORDER = 1_000_000
_NOWHERE = frozenset({"Factory", "localtime"})
_TIME = re.compile(r"[0-9]{1,2}:[0-9]{2}")


def judge_calendar(raw: Mapping[str, Any]) -> list[FieldError]:
    """What is wrong with a calendar that can be read."""
    errors = ErrorList()
    if raw.get("time_zone") not in zones():
        message = f"there is no time zone {str(raw.get('time_zone'))[:50]}; one is Europe/Berlin"
        errors.add("time_zone", "INVALID_OPTION", message)
    hours, exceptions = (_object(raw.get(name)) for name in ("hours", "exceptions"))
    if not any(hours.values()):
        # Exceptions come to an end: behind the last of them, no deadline would ever come.
        errors.add("hours", "REQUIRED_FIELD", "hours: a week has business hours on at least one of its days")
    for where, days in (("hours", hours), ("exceptions", exceptions)):
        for day, parts in days.items():
            _parts(parts, f"{where}.{day}"[:100], errors)
    return errors.errors


def judge_policy(raw: Mapping[str, Any], home: Home, foreign: Foreign | None) -> list[FieldError]:
    """What is wrong with a policy; foreign: who knows whether owners and queues exist, not asked when absent."""
    errors = ErrorList()
    if not isinstance(raw.get("withdrawn", False), bool):
        errors.add("withdrawn", "INVALID_BOOLEAN", "withdrawn must be true or false")
    place = raw.get("order", 0)
    if isinstance(place, int) and abs(place) > MOST_ORDER:
        errors.add("order", "INVALID_INTEGER", f"order must be a whole number of at most {MOST_ORDER:,} either way")
    errors.errors += [*judge_empty(raw, "filter", "all tickets"), *judge_conditions(home, raw.get("filter"))]
    errors.errors += _judge_targets(raw)
    thresholds = raw.get("thresholds")
    for at, one in enumerate(thresholds if isinstance(thresholds, list) else ()):
        actions = one.get("actions") if isinstance(one, Mapping) else None
        for number, action in enumerate(actions if isinstance(actions, list) else ()):
            wanted = _object(action.get("set")) if isinstance(action, Mapping) else {}
            where = f"thresholds[{at}].actions[{number}].set"
            found = [*unfit(home, wanted), *(_made_up(home, foreign, wanted) if foreign is not None else ())]
            errors.errors += [FieldError(f"{where}.{one.name}", one.code, f"{where}: {one.message}") for one in found]
    return errors.errors


def judge_conditions(home: Home, tree: Any) -> list[FieldError]:
    """What is wrong with conditions, those on linked entities included. Entities of ours are changed by whoever works
    on them, which would move clocks of others: only mirrors of other services' entities are asked."""
    if not isinstance(tree, Mapping) or not tree:
        return []
    try:
        home.asking.check(TICKET, tree)
    except Invalid as refused:
        return list(refused.errors)
    near = sorted(home.asking.types(TICKET, tree) - home.asking.mirrored())
    message = "filter: a policy looks through links at contacts, companies, deals and activities, not at "
    return [FieldError("filter", "NOT_AVAILABLE", f"{message}{one}") for one in near]


def judge_empty(raw: Mapping[str, Any], name: str, null: str) -> list[FieldError]:
    """Conditions without any say nothing. null: what is meant by no conditions."""
    if raw.get(name) != {}:
        return []
    return [FieldError(name, "INVALID_FILTER", f"{name}: {{}} says nothing; null, or leaving it out, means {null}")]


def _judge_targets(raw: Mapping[str, Any]) -> list[FieldError]:
    """Targets that promise nothing, thresholds of what is not promised, warnings that would come before anything began.
    A warning longer than what is promised at one priority only is reached there at once: others are warned in time."""
    promised = {}
    errors = []
    for name, goal in _object(raw.get("targets")).items():
        if goal is None:
            continue
        lengths = [*_object(_object(goal).get("by_priority")).values(), _object(goal).get("otherwise")]
        promised[name] = [one for one in lengths if isinstance(one, int)]
        if isinstance(goal, Mapping) and not any(one is not None for one in lengths):
            message = f"targets.{name} promises nothing: give it by_priority or otherwise, or leave it out"
            errors.append(FieldError(f"targets.{name}"[:100], "REQUIRED_FIELD", message))
    thresholds = raw.get("thresholds")
    for at, one in enumerate(thresholds if isinstance(thresholds, list) and raw.get("withdrawn") is not True else ()):
        where, target = f"thresholds[{at}]", one.get("target") if isinstance(one, Mapping) else None
        if target not in (*Target,):
            continue
        offset, longest = one.get("offset"), max(promised.get(str(target), ()), default=None)
        if target not in promised:
            message = f"{where}.target: nothing is promised about {target}; targets: {', '.join(promised) or 'none'}"
            errors.append(FieldError(f"{where}.target", "INVALID_OPTION", message))
        elif one.get("moment") == Moment.BEFORE and isinstance(offset, int) and longest and offset >= longest:
            message = f"{where}.offset: {offset:,} seconds before the end is no later than the beginning: at most "
            message += f"{longest:,} are promised about {target}"
            errors.append(FieldError(f"{where}.offset", "INVALID_INTEGER", message))
    return errors


def storable(raw: Mapping[str, Any]) -> list[FieldError]:
    """Whether it can be kept as JSON: a number may be greater than any that the database reads again."""
    try:
        dumps(raw)
    except TypeError:
        return [FieldError("body", "INVALID_INTEGER", "a number in it is greater than 64 bits")]
    return []


def unfit(home: Home, wanted: Mapping[str, Any]) -> list[FieldError]:
    """Values of an action that no ticket can have."""
    found = [FieldError(name, "INVALID_TYPE", f"{name}: null clears it") for name, one in wanted.items() if one == ""]
    priority = wanted.get("priority")
    priorities = [one.value for one in PRIORITIES]
    if priority not in (None, "", *priorities):
        found.append(
            FieldError("priority", "INVALID_OPTION", f"{str(priority)[:50]} is none of {', '.join(priorities)}")
        )
    try:
        home.check(TICKET, {name: one for name, one in wanted.items() if name != "priority"})
    except Invalid as refused:
        found += refused.errors
    return found


def _made_up(home: Home, foreign: Foreign, wanted: Mapping[str, Any]) -> Iterable[FieldError]:
    return unknown_references(foreign, home.type(TICKET), [Draft(wanted)]).get(0, ())


@cache
def zones() -> frozenset[str]:
    """Names of time zones."""
    return frozenset(available_timezones()) - _NOWHERE


def _parts(parts: Any, where: str, errors: ErrorList) -> None:
    for part in parts if isinstance(parts, list) else ():
        if not isinstance(part, list) or not all(isinstance(one, str) and _TIME.fullmatch(one) for one in part):
            errors.add(where, "INVALID_TYPE", f'{where}: a part of a day is ["09:00", "17:00"]')
        elif len(part) == 2 and part[0].zfill(5) == part[1].zfill(5):
            errors.add(where, "INVALID_TYPE", f"{where}: {part[0]} to {part[1]} is no time at all; all day is to 24:00")


def _object(raw: Any) -> Mapping[str, Any]:
    return raw if isinstance(raw, Mapping) else {}
