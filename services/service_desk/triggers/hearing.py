"""The consumer of our own log: what happened to tickets, and the triggers that heed it.

A page's effects, its rows of the ledger and the place in the log move in one transaction, so that who is killed has
done nothing, and a page that comes again finds the ledger full. Conditions are judged on the versions that the event
tells of, not on what became of the ticket since; a trigger heeds what happened since it was declared, as it was then.
What triggers do is told on the same log and heard here in its turn: so they follow from one another.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from services.service_desk.promises.keeping import ENTRY, TICKET
from services.service_desk.triggers import ledger, timing
from services.service_desk.triggers.firing import Stage, fire
from services.service_desk.triggers.ledger import Cause
from services.service_desk.triggers.spelling import CHANGED, CREATED, SAID, STATUS, Trigger
from shared.contracts import event as kinds
from shared.contracts.event import Event
from shared.kernel.json import dumps, loads
from shared.service.home import LiveType, Step
from shared.service.parts import MERGING
from shared.service.questions import with_answers

IMPORTING = "IMPORT"
Values = Mapping[str, Any]


@dataclass(frozen=True)
class Happening:
    """One event about a ticket: which kinds of triggers it concerns, and the ticket before and after."""

    event: Event
    ticket: int
    on: frozenset[str]
    before: Values
    after: Values
    entry: Values | None = None

    @property
    def cause(self) -> str:
        """Its name: the version of an entity that it tells of."""
        return f"{self.event.entity_type}/{self.event.entity_id}/{self.event.version}"

    @cached_property
    def touched(self) -> frozenset[str]:
        """Keys of the ticket's attributes that it changed."""
        return frozenset() if self.entry is not None else frozenset(self.event.changed)

    def heeded(self, trigger: Trigger) -> str | None:
        """The kind by which a trigger heeds it, None when it does not."""
        if self.event.source == MERGING or (self.event.source == IMPORTING and not trigger.imports):
            return None
        for kind in sorted(self.on & trigger.on):
            if kind == SAID and trigger.said is not None and not trigger.said(self.entry or {}):
                continue
            if trigger.heeds(self.before, self.after, self.touched, kind):
                return kind
        return None

    def why(self, kind: str, live: LiveType) -> dict[str, Any]:
        """What the ledger tells of it."""
        # A creation is no change of anything in particular.
        keys = () if kind == CREATED else self.touched
        names = sorted(live.by_id[int(key)].name for key in keys if int(key) in live.by_id)
        told = {"on": kind, "changed": names, "by": self.event.actor, "source": self.event.source}
        return {name: one for name, one in told.items() if one}


def hear(stage: Stage, events: Sequence[Event]) -> int:
    """Have triggers fire for a page of events; how many did."""
    told = [one for one in events if one.entity_type in (TICKET, ENTRY) and one.entity_id is not None]
    gone = [one.entity_id or 0 for one in told if one.kind in (kinds.ARCHIVED, kinds.ERASED)]
    timing.forget(stage.connection, [ident for ident in gone if ident])
    if not stage.book.versions:
        return 0
    live = stage.book.lives[0]
    chains = ledger.chains(stage.connection, {one.cause for one in told})
    fired = 0
    # A page at a time would see what its own triggers did: each is judged by the versions it tells of.
    happenings = linked(stage, list(happened(stage, told)))
    for one in happenings:
        chain = chains.get(one.event.cause or "", ())
        for trigger in stage.book.at(one.event.at):
            kind = one.heeded(trigger)
            if kind is not None:
                cause = Cause(one.cause, chain, one.why(kind, live))
                fired += fire(stage, trigger, one.ticket, cause, one.event.correlation)
        if one.entry is None:
            timing.follow(stage, one.ticket, one.before, one.after, chain)
    return fired


def linked(stage: Stage, happenings: Sequence[Happening]) -> Sequence[Happening]:
    """The same with what triggers ask of linked entities: as it is now, before and after alike."""
    asked = stage.book.links
    fits = stage.answers(asked, {one.ticket for one in happenings}) if asked else {}
    return [
        replace(one, before=with_answers(one.before, fits[one.ticket]), after=with_answers(one.after, fits[one.ticket]))
        if one.ticket in fits
        else one
        for one in happenings
    ]


def happened(stage: Stage, events: Iterable[Event]) -> Iterable[Happening]:
    """What events tell of live tickets, in order."""
    tickets, entries = stage.book.lives
    listed = [one for one in events if one.kind in (kinds.CREATED, kinds.UPDATED, kinds.RESTORED)]
    about = {id(one): _ticket(entries, one) for one in listed}
    known = _versions(stage, {one for one in about.values() if one})
    for one in listed:
        ticket = about[id(one)]
        if ticket not in known:
            continue
        first, steps = known[ticket]
        if one.entity_type == ENTRY:
            if one.kind == kinds.CREATED:
                now = steps[-1].values if steps else first
                yield Happening(one, ticket, frozenset({SAID}), now, now, _made(one.changed))
            continue
        step = next((each for each in steps if each.version == one.version), None)
        if one.kind == kinds.CREATED or one.version == 1:
            yield Happening(one, ticket, frozenset({CREATED}), {}, first)
        elif one.kind == kinds.RESTORED:
            yield Happening(one, ticket, frozenset(), {}, step.values if step else first)
        elif step is not None:
            status = {STATUS} if tickets.attributes["status"].key in one.changed else set()
            yield Happening(one, ticket, frozenset({CHANGED, *status}), step.before, step.values)


def _versions(stage: Stage, ids: Iterable[int]) -> dict[int, tuple[Values, list[Step]]]:
    """Of live tickets, the values that they were made with, and every version since."""
    wanted = sorted(ids)
    states = stage.home.states(stage.connection, TICKET, wanted)
    steps = stage.home.steps(stage.connection, TICKET, wanted)
    return {
        ident: (several[0].before if several else states[ident].values, several)
        for ident, several in steps.items()
        if ident in states
    }


def _ticket(entries: LiveType, event: Event) -> int:
    """The ticket that an event is about, 0 for none."""
    if event.entity_type == TICKET:
        return event.entity_id or 0
    shown = _made(event.changed).get(entries.attributes["ticket_id"].key)
    return int(shown) if shown and str(shown).isdecimal() else 0


def _made(changed: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
    values = {key: new for key, (_, new) in changed.items() if new is not None}
    return dict(loads(dumps(values)))
