"""Triggers as doors write them, read into tests. All that is wrong is told at once.

{"name": "escalate", "on": ["created", "changed"], "filter": {native filter} | null, "became": true, "was": {filter},
"changed": ["priority"], "said": {filter over entries}, "at": {"attribute": "stage_entered_at", "after": 172800},
"order": 0, "enabled": true, "imports": false, "actions": [..]}

on: `created`, `changed` (any value), `status` (what its stage means), `said` (an entry was added), `time`. filter: how
the ticket is after it; was: how it was before; became: it was not so before (what `changed` alone means by itself
unless `was` is given). at: seconds after or before an instant of the ticket.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.service_desk.macros.commands import read_label
from services.service_desk.macros.speaking import linkless
from services.service_desk.macros.spelling import ASK, Action, Reading, read_actions
from services.service_desk.macros.store import Declared
from services.service_desk.promises.instants import from_text
from services.service_desk.promises.judging import judge_empty
from services.service_desk.promises.keeping import ENTRY, TICKET
from shared.kernel.errors import ErrorList, Invalid
from shared.service.home import LiveType
from shared.service.questions import Question, compiled_conditions, questions
from shared.service.replica.evaluating import Test, Values

CREATED, CHANGED, STATUS, SAID, TIME = "created", "changed", "status", "said", "time"
KINDS = (CREATED, CHANGED, STATUS, SAID, TIME)
KEYS = (
    "name", "label", "order", "enabled", "on", "filter", "was", "became", "changed", "said", "at", "imports", "actions",
)  # fmt: skip
MOST_SECONDS = 366 * 24 * 3600
CONDITIONS = ("filter", "was", "said")
_MOST_ORDER = 1_000_000
_INSTANTS = frozenset({"date", "datetime"})


@dataclass(frozen=True, slots=True)
class Timing:
    """So many milliseconds after (before, where negative) an instant of the ticket, by attribute key."""

    key: str
    offset: int


@dataclass(frozen=True, slots=True)
class Trigger:
    """One version of a trigger, read."""

    id: int
    name: str
    version: int
    at: datetime
    on: frozenset[str]
    order: int
    enabled: bool
    imports: bool
    became: bool
    changed: frozenset[str]
    fits: Test | None
    was: Test | None
    said: Test | None
    timing: Timing | None
    body: Mapping[str, Any]
    links: tuple[Question, ...] = ()
    """What it asks of linked entities; answers belong among the values that it is shown."""

    def holds(self, values: Values) -> bool:
        """Whether a ticket is as its filter says."""
        return self.fits is None or self.fits(values)

    def heeds(self, before: Values, after: Values, touched: frozenset[str], kind: str) -> bool:
        """Whether a change of a ticket that is of one of its kinds makes it fire."""
        if self.changed and touched.isdisjoint(self.changed):
            return False
        if not self.holds(after) or not (self.was is None or self.was(before)):
            return False
        return not (self.became and kind == CHANGED and self.fits is not None and self.fits(before))

    def due(self, values: Values) -> int | None:
        """When time makes it fire for a ticket that is so, in milliseconds; None for never."""
        shown = None if self.timing is None else values.get(self.timing.key)
        if self.timing is None or shown is None or not self.holds(values):
            return None
        return from_text(shown) + self.timing.offset


def read_trigger(one: Declared, live: LiveType, entries: LiveType, errors: ErrorList) -> Trigger:
    """The trigger; its actions are not looked at here. What is wrong goes to `errors`."""
    raw = one.body
    on = _kinds(raw.get("on"), errors)
    tests = {name: _test(live, raw, name, errors) for name in ("filter", "was")}
    said = _test(entries, raw, "said", errors)
    if said is not None and SAID not in on:
        errors.add("said", "INVALID_FILTER", 'said asks what was said: it needs "said" in on')
    timing = _timing(live, raw.get("at"), errors)
    if (timing is None) == (TIME in on) and "at" not in {error.name for error in errors.errors}:
        errors.add("at", "REQUIRED_FIELD", '"time" in on and at go together')
    return Trigger(
        id=one.id,
        name=one.name,
        version=one.version,
        at=one.at,
        on=on,
        order=_order(raw.get("order", 0), errors),
        enabled=_flag(raw, "enabled", True, errors),
        imports=_flag(raw, "imports", False, errors),
        became=_flag(raw, "became", tests["was"] is None, errors),
        changed=_attributes(live, raw.get("changed"), errors),
        fits=tests["filter"],
        was=tests["was"],
        said=said,
        timing=timing,
        body=raw,
        links=tuple(dict.fromkeys(one for name in ("filter", "was") for one in _links(live, raw.get(name)))),
    )


def check(one: Declared, live: LiveType, entries: LiveType, reading: Reading) -> Trigger:
    """The trigger with its actions. Raises Invalid with everything that is wrong."""
    read_label(one.body, reading.errors)
    found = read_trigger(one, live, entries, reading.errors)
    actions = read_actions(one.body.get("actions"), reading, automatic=True)
    told = {one.name for one in reading.errors.errors}
    _check_meaning(one.body, found.on, reading.errors)
    _check_asks(actions, reading)
    for name in ("filter", "was"):
        _check_links(reading, one.body.get(name), name, told)
    reading.errors.raise_if_any()
    return found


def types(type_of: Any) -> tuple[LiveType, LiveType]:
    """The types that triggers ask about."""
    return type_of(TICKET), type_of(ENTRY)


def _kinds(raw: object, errors: ErrorList) -> frozenset[str]:
    several = [raw] if isinstance(raw, str) else raw
    if not isinstance(several, list) or not several or not all(one in KINDS for one in several):
        errors.add("on", "INVALID_OPTION", f"on must be one or more of {', '.join(KINDS)}")
        return frozenset()
    return frozenset(several)


def _test(live: LiveType, raw: Mapping[str, Any], name: str, errors: ErrorList) -> Test | None:
    tree = raw.get(name)
    if tree is not None and not isinstance(tree, Mapping):
        errors.add(name, "INVALID_FILTER", f"{name} must be a filter, or null")
        return None
    try:
        if name == "said" and _links(live, tree):
            message = "said asks what was said itself: ask what its ticket is linked to in filter"
            raise Invalid.one("filter", "NOT_AVAILABLE", message)
        return compiled_conditions(live, tree or None)
    except Invalid as refused:
        for one in refused.errors:
            errors.add(f"{name}.{one.name}", one.code, f"{name}: {one.message}", one.nearest)
        return None


def _check_asks(actions: Iterable[Action], reading: Reading) -> None:
    """Surveys that nobody could answer, where nothing else is wrong with actions."""
    if any(one.name.startswith("actions") for one in reading.errors.errors):
        return
    for place, one in enumerate(actions):
        if one.kind == ASK:
            text = one.body["text"] if "text" in one.body else reading.replies[one.body["canned"]].body["text"]
            reading.errors.errors += linkless(text, f"actions[{place}].{ASK}")


def _check_meaning(raw: Mapping[str, Any], on: frozenset[str], errors: ErrorList) -> None:
    """What can be read and means nothing: conditions without any, and what a change was where no change is heeded."""
    for name in CONDITIONS:
        errors.errors += judge_empty(raw, name, "whatever it is")
    for name in ("was", "changed"):
        if raw.get(name) and on and on.isdisjoint((CHANGED, STATUS)):
            kinds = f'"{CHANGED}" or "{STATUS}" in on, which has {", ".join(sorted(on))} only'
            errors.add(name, "NOT_AVAILABLE", f"{name} asks about a change: it needs {kinds}")


def _links(live: LiveType, tree: object) -> tuple[Question, ...]:
    return questions(live, tree) if isinstance(tree, Mapping) else ()


def _check_links(reading: Reading, tree: object, where: str, told: set[str]) -> None:
    """What is wrong with conditions on linked entities, where nothing else is."""
    if not isinstance(tree, Mapping) or not tree or any(one.startswith(where) for one in told):
        return
    try:
        reading.home.asking.check(TICKET, tree)
    except Invalid as refused:
        for one in refused.errors:
            reading.errors.add(f"{where}.{one.name}", one.code, f"{where}: {one.message}", one.nearest)


def _attributes(live: LiveType, raw: object, errors: ErrorList) -> frozenset[str]:
    several = raw if isinstance(raw, list) else []
    if raw is not None and not isinstance(raw, list):
        errors.add("changed", "INVALID_LIST", "changed must be a list of attributes")
    found = set()
    for name in several:
        attribute = live.find(str(name))
        if attribute is None:
            near = live.suggestions(str(name))
            errors.add("changed", "PROPERTY_DOESNT_EXIST", f"changed: there is no attribute {str(name)[:80]}", near)
        else:
            found.add(attribute.key)
    return frozenset(found)


def _timing(live: LiveType, raw: object, errors: ErrorList) -> Timing | None:
    if raw is None:
        return None
    body = raw if isinstance(raw, Mapping) else {}
    ways = [name for name in ("after", "before") if name in body]
    attribute = live.find(str(body.get("attribute", "")))
    seconds = body.get(ways[0]) if len(ways) == 1 else None
    if attribute is None or attribute.kind not in _INSTANTS or attribute.name not in live.stored:
        dates = ", ".join(name for name in live.stored if live.attributes[name].kind in _INSTANTS)
        errors.add("at", "INVALID_OPTION", f"at.attribute must be a date that tickets hold: {dates}")
        return None
    if not isinstance(seconds, int) or isinstance(seconds, bool) or not 0 <= seconds <= MOST_SECONDS:
        errors.add("at", "INVALID_INTEGER", f"at: after or before, a whole number of seconds up to {MOST_SECONDS:,}")
        return None
    return Timing(attribute.key, seconds * 1000 * (1 if ways[0] == "after" else -1))


def _order(raw: object, errors: ErrorList) -> int:
    if not isinstance(raw, int) or isinstance(raw, bool) or abs(raw) > _MOST_ORDER:
        errors.add("order", "INVALID_INTEGER", "order must be a whole number")
        return 0
    return raw


def _flag(raw: Mapping[str, Any], name: str, usual: bool, errors: ErrorList) -> bool:
    found = raw.get(name, usual)
    if not isinstance(found, bool):
        errors.add(name, "INVALID_BOOLEAN", f"{name} must be true or false")
        return usual
    return found
