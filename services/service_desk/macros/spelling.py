"""Actions as doors write them: a list of objects with one key each. All that is wrong is told at once.

[{"set": {"priority": "HIGH"}}, {"reply": {"canned": "thanks"}}, {"note": {"text": "Seen by {{ agent.name }}"}},
{"assign": {"owner": "12"}}, {"assign": {"queue": "7"}}, {"assign": {"pool": "support"}}, {"assign": {"rules": true}},
{"follow": ["12"]}]

Triggers know more of them: {"notify": {"owners": ["12"], "text": ".."}}, {"emit": {"name": "escalated", "detail": {}}},
{"ask": {"canned": "how-was-it", "days": 14}}.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from services.service_desk.macros.speaking import unasked, vocabulary
from services.service_desk.macros.store import Declared
from services.service_desk.macros.templates import problems
from services.service_desk.promises.keeping import TICKET
from shared.kernel.errors import ErrorList, Invalid
from shared.kernel.json import dumps
from shared.service.home import Home

MOST_ACTIONS = 20
MOST_OWNERS = 50
MOST_DETAIL = 2000
ASK_DAYS, MOST_DAYS = 14, 90
POOL, RULES, ASK = "pool", "rules", "ask"
NAME = re.compile(r"[a-z][a-z0-9_-]{0,62}")


@dataclass(frozen=True, slots=True)
class Action:
    """One thing to be done, read: its kind, and what goes with it."""

    kind: str
    body: Any


@dataclass(frozen=True, slots=True)
class Reading:
    """What actions are read against. replies: canned replies by name; errors: takes what is wrong."""

    home: Home
    replies: Mapping[str, Declared]
    errors: ErrorList = field(default_factory=ErrorList)


def read_actions(raw: object, reading: Reading, *, automatic: bool = False) -> tuple[Action, ...]:
    """The actions. automatic: of a trigger, which may do more. What is wrong goes to `reading.errors`."""
    readers = _AUTOMATIC if automatic else _READERS
    if not isinstance(raw, list) or not raw or len(raw) > MOST_ACTIONS:
        reading.errors.add("actions", "INVALID_LIST", f"actions must be a list of 1 to {MOST_ACTIONS} objects")
        return ()
    found = []
    for place, one in enumerate(raw):
        where = f"actions[{place}]"
        kind, body = next(iter(one.items())) if isinstance(one, Mapping) and len(one) == 1 else ("", None)
        if kind not in readers:
            near = get_close_matches(str(kind), readers, 3, 0.5)
            reading.errors.add(
                where, "INVALID_OPTION", f"{where} must be an object with one of {', '.join(readers)}", near
            )
            continue
        found.append(Action(kind, readers[kind](body, f"{where}.{kind}", reading)))
    return tuple(found)


def read_name(raw: object, errors: ErrorList) -> str:
    """A name by which something is declared."""
    if not isinstance(raw, str) or not NAME.fullmatch(raw):
        errors.add("name", "INVALID_NAME", "name: small letters, digits, _ and - only, a letter first, at most 63")
    return str(raw)


def _set(body: Any, where: str, reading: Reading) -> Any:
    if not isinstance(body, Mapping) or not body:
        reading.errors.add(where, "INVALID_TYPE", f"{where} must be an object of attributes and values")
        return {}
    try:
        reading.home.check(TICKET, body)
    except Invalid as refused:
        for one in refused.errors:
            reading.errors.add(f"{where}.{one.name}", one.code, f"{where}: {one.message}", one.nearest)
    return dict(body)


def _text(body: Any, where: str, reading: Reading, *, asking: bool = False, more: tuple[str, ...] = ()) -> Any:
    keys = set(body) - set(more) if isinstance(body, Mapping) else set()
    if keys not in ({"canned"}, {"text"}):
        reading.errors.add(where, "INVALID_TYPE", f'{where} must be {{"canned": a name}} or {{"text": ".."}}')
        return {"text": ""}
    canned = body.get("canned")
    if canned is not None:
        if not isinstance(canned, str) or canned not in reading.replies:
            near = get_close_matches(str(canned), reading.replies, 3, 0.5)
            message = f"{where}: there is no canned reply {str(canned)[:63]}"
            reading.errors.add(where, "INVALID_OPTION", message, near)
        elif not asking:
            reading.errors.errors += unasked(reading.replies[canned].body["text"], where)
        return {"canned": str(canned)}
    known = vocabulary(reading.home.type(TICKET), asking=asking)
    reading.errors.errors += problems(body.get("text"), known, f"{where}.text")
    return {"text": body.get("text")}


def _assign(body: Any, where: str, reading: Reading) -> Any:
    names = {"owner": "owner_id", "queue": "queue_id"}
    found = body if isinstance(body, Mapping) else {}
    ways = [name for name in ("owner", POOL, RULES) if name in found]
    if not found or not set(found) <= {*names, POOL, RULES} or len(ways) > 1:
        message = (
            f'{where} must be {{"owner": an id}}, {{"pool": a name}} or {{"rules": true}}, {{"queue": an id}} besides'
        )
        reading.errors.add(where, "INVALID_TYPE", message)
        return {}
    if not isinstance(found.get(POOL, ""), str) or found.get(RULES, True) is not True:
        reading.errors.add(where, "INVALID_TYPE", f"{where}: pool is the name of a pool, rules is true or left out")
        return {}
    plain = {names[key]: value for key, value in found.items() if key in names}
    return {**(_set(plain, where, reading) if plain else {}), **{key: found[key] for key in ways if key != "owner"}}


def _owners(body: Any, where: str, reading: Reading) -> list[str]:
    several = body if isinstance(body, list) else []
    ids = [str(one) for one in several if str(one).isdecimal() and len(str(one)) <= 18]
    if not ids or len(ids) < len(several) or len(ids) > MOST_OWNERS:
        reading.errors.add(where, "INVALID_LIST", f"{where} must be a list of 1 to {MOST_OWNERS} ids of owners")
    return ids


def _notify(body: Any, where: str, reading: Reading) -> Any:
    found = body if isinstance(body, Mapping) else {}
    text = _text({"text": found.get("text")}, where, reading)
    return {**text, "owners": _owners(found.get("owners"), f"{where}.owners", reading)}


def _emit(body: Any, where: str, reading: Reading) -> Any:
    found = body if isinstance(body, Mapping) else {}
    name, detail = found.get("name"), found.get("detail") or {}
    if not isinstance(name, str) or not NAME.fullmatch(name):
        reading.errors.add(f"{where}.name", "INVALID_NAME", f"{where}.name: small letters, digits, _ and - only")
    if not isinstance(detail, Mapping) or len(dumps(detail)) > MOST_DETAIL:
        reading.errors.add(
            f"{where}.detail", "INVALID_TYPE", f"{where}.detail: an object of {MOST_DETAIL} bytes at most"
        )
    return {"name": name, "detail": detail}


def _ask(body: Any, where: str, reading: Reading) -> Any:
    days = body.get("days", ASK_DAYS) if isinstance(body, Mapping) else ASK_DAYS
    if not isinstance(days, int) or isinstance(days, bool) or not 1 <= days <= MOST_DAYS:
        reading.errors.add(
            f"{where}.days", "INVALID_INTEGER", f"{where}.days must be a whole number from 1 to {MOST_DAYS}"
        )
    return {**_text(body, where, reading, asking=True, more=("days",)), "days": days}


Reader = Callable[[Any, str, Reading], Any]
_READERS: Mapping[str, Reader] = {"set": _set, "reply": _text, "note": _text, "assign": _assign, "follow": _owners}
_AUTOMATIC: Mapping[str, Reader] = {**_READERS, "notify": _notify, "emit": _emit, ASK: _ask}
