"""What actions come to for tickets: first planned, as values, entries and events; then carried out, all of it or none.

Inside the caller's transaction. What is wrong with any ticket is told together with what is wrong with the others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from services.service_desk.macros.giving import given_out
from services.service_desk.macros.speaking import Speaker
from services.service_desk.macros.spelling import POOL, RULES, Action
from services.service_desk.macros.templates import rendered
from services.service_desk.promises.keeping import ENTRY, TICKET
from services.service_desk.references import lost
from shared.contracts.event import DESK_NOTICE, DESK_SIGNAL, Event
from shared.kernel.clock import now
from shared.kernel.context import Actor, Context
from shared.kernel.db import Connection
from shared.kernel.errors import CrmError, FieldError, Invalid, NotFound
from shared.service.home import Home, LiveType, State
from shared.service.steps import tell

Ask = Callable[[Connection, State, int, Context], str | None]
"""Asks who closed a ticket how it was, within days: the address of the page, None when they were asked before."""


@dataclass(slots=True)
class Deed:
    """What is to be done about one ticket. events: (kind, detail). give: it is given out, from a pool or (None) by the
    rules of assignment. named: owners who are told of it."""

    ticket: int
    values: dict[str, object] = field(default_factory=dict)
    entries: list[dict[str, object]] = field(default_factory=list)
    events: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    give: tuple[str | None] | None = None
    named: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Hand:
    """Who acts: texts of canned replies by name, whose words are used, what entries say of their author.
    reader: who is shown what is said, where that is not who acts."""

    connection: Connection
    home: Home
    replies: Mapping[str, str]
    context: Context
    author: Mapping[str, object]
    agent: tuple[str, str] = ("", "")
    reader: Actor | None = None
    ask: Ask | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one ticket: changed values {name: [old, new]}, what was said, and what was told."""

    ticket: int
    changed: dict[str, list[Any]]
    said: list[dict[str, Any]]
    told: list[dict[str, Any]]

    def as_json(self) -> dict[str, Any]:
        """As doors and the ledger show it."""
        return {"ticket": str(self.ticket), "changed": self.changed, "said": self.said, "told": self.told}


def carried_out(hand: Hand, actions: Sequence[Action], tickets: Sequence[int]) -> list[Outcome]:
    """Do it. Raises NotFound naming all unknown tickets, Invalid with everything wrong; then nothing may be kept."""
    states = hand.home.states(hand.connection, TICKET, sorted(set(tickets)), lock=True)
    unknown = [str(one) for one in tickets if one not in states]
    if unknown:
        raise NotFound(TICKET, unknown)
    live, deeds = hand.home.type(TICKET), planned(hand, actions, states)
    gone = lost(hand.connection, live, _named(deeds))
    if gone:
        raise Invalid(gone)
    before = {ident: dict(one.values) for ident, one in states.items()}
    errors: list[FieldError] = []
    after = _tried(errors, lambda: given_out(hand, deeds, _changed(hand, deeds))) or {}
    drafts = [(deed.ticket, draft) for deed in deeds for draft in deed.entries]
    made = _tried(errors, lambda: _said(hand, [draft for _, draft in drafts])) or []
    if errors:
        raise Invalid(errors)
    tell(hand.connection, [_event(hand, deed.ticket, *one) for deed in deeds for one in deed.events])
    said: dict[int, list[dict[str, Any]]] = {}
    for (ticket, draft), state in zip(drafts, made, strict=True):
        said.setdefault(ticket, []).append(
            {"id": str(state.id), "visibility": draft["visibility"], "body": draft["body"]}
        )
    return [
        Outcome(
            deed.ticket,
            _difference(live, before[deed.ticket], after[deed.ticket].values if deed.ticket in after else None),
            said.get(deed.ticket, []),
            [{"kind": kind, **detail} for kind, detail in deed.events],
        )
        for deed in deeds
    ]


def planned(hand: Hand, actions: Sequence[Action], states: Mapping[int, State]) -> list[Deed]:
    """What is to be done about each ticket; texts are filled in as the ticket is before. Raises Invalid."""
    speaker = Speaker(hand.connection, hand.home, states, hand.agent, hand.reader or hand.context.actor)
    deeds, errors = [], []
    for ident, state in states.items():
        deed, words = Deed(ident), speaker.words(ident)
        for place, action in enumerate(actions):
            try:
                _PLANNERS[action.kind](hand, deed, state, words, action.body)
            except Invalid as refused:
                errors += [
                    FieldError(f"actions[{place}]", one.code, f"ticket {ident}, actions[{place}]: {one.message}")
                    for one in refused.errors
                ]
        deeds.append(deed)
    if errors:
        raise Invalid(errors)
    return deeds


def text_of(hand: Hand, body: Mapping[str, Any], words: Mapping[str, Mapping[str, str]]) -> str:
    """The text of an action, filled in. Raises Invalid, also for a canned reply that is no more."""
    canned = body.get("canned")
    source = body.get("text") if canned is None else hand.replies.get(canned)
    if source is None:
        raise Invalid.one("canned", "INVALID_OPTION", f"there is no canned reply {canned}")
    return rendered(source, words)


def _set(hand: Hand, deed: Deed, state: State, words: Any, body: Any) -> None:
    deed.values.update(body)


def _entry(visibility: str) -> Callable[[Hand, Deed, State, Any, Any], None]:
    def add(hand: Hand, deed: Deed, state: State, words: Any, body: Any) -> None:
        text = text_of(hand, body, words)
        about = {"ticket_id": str(deed.ticket), "visibility": visibility, "body": text}
        because = hand.author.get("said_for")
        once = {} if because is None else {"said_for": f"{because}/{len(deed.entries)}"}
        deed.entries.append({**about, **hand.author, **once})

    return add


def _assign(hand: Hand, deed: Deed, state: State, words: Any, body: Any) -> None:
    deed.values.update({name: value for name, value in body.items() if name not in (POOL, RULES)})
    if POOL in body or RULES in body:
        deed.give = (body.get(POOL),)


def _follow(hand: Hand, deed: Deed, state: State, words: Any, body: Any) -> None:
    held = deed.values.get("followers", words["ticket"].get("followers")) or ""
    there = [one.strip() for one in str(held).split(";") if one.strip()]
    deed.named += body
    deed.values["followers"] = ";".join(dict.fromkeys([*there, *body]))


def _notify(hand: Hand, deed: Deed, state: State, words: Any, body: Any) -> None:
    deed.named += body["owners"]
    deed.events.append((DESK_NOTICE, {"owners": body["owners"], "text": text_of(hand, body, words)}))


def _emit(hand: Hand, deed: Deed, state: State, words: Any, body: Any) -> None:
    deed.events.append((DESK_SIGNAL, {"name": body["name"], "detail": dict(body["detail"])}))


def _ask(hand: Hand, deed: Deed, state: State, words: Any, body: Any) -> None:
    if hand.ask is None:
        raise Invalid.one("ask", "NOT_AVAILABLE", "nobody can be asked here")
    url = hand.ask(hand.connection, state, body["days"], hand.context)
    if url is not None:
        _entry("PUBLIC")(hand, deed, state, {**words, "satisfaction": {"url": url}}, body)


Planner = Callable[[Hand, Deed, State, Any, Any], None]
_PLANNERS: Mapping[str, Planner] = {
    "set": _set,
    "assign": _assign,
    "reply": _entry("PUBLIC"),
    "note": _entry("INTERNAL"),
    "follow": _follow,
    "notify": _notify,
    "emit": _emit,
    "ask": _ask,
}


def _changed(hand: Hand, deeds: Sequence[Deed]) -> dict[int, State]:
    values = {one.ticket: one.values for one in deeds if one.values}
    return hand.home.update(hand.connection, TICKET, values, hand.context)


def _said(hand: Hand, drafts: Sequence[Mapping[str, object]]) -> list[State]:
    return hand.home.create(hand.connection, ENTRY, drafts, hand.context)


def _named(deeds: Sequence[Deed]) -> list[Mapping[str, object]]:
    """Whom they name, as values of tickets."""
    return [*(one.values for one in deeds), *({"owner_id": owner} for one in deeds for owner in one.named)]


def _tried(errors: list[FieldError], do: Callable[[], Any]) -> Any:
    """What it comes to; what is wrong is noted, so that the next is looked at too."""
    try:
        return do()
    except Invalid as refused:
        errors += refused.errors
    except NotFound:
        raise
    except CrmError as refused:
        errors.append(FieldError(getattr(refused, "attribute", None) or "actions", refused.category, refused.message))
    return None


def _difference(live: LiveType, before: Mapping[str, Any], after: Mapping[str, Any] | None) -> dict[str, list[Any]]:
    if after is None:
        return {}
    found = {}
    for name in live.stored:
        key = live.attributes[name].key
        if before.get(key) != after.get(key):
            found[name] = [before.get(key), after.get(key)]
    return found


def _event(hand: Hand, ticket: int, kind: str, detail: Mapping[str, Any]) -> Event:
    context = hand.context
    return Event(
        kind=kind,
        entity_type=TICKET,
        at=now(),
        entity_id=ticket,
        actor=context.actor.id,
        source=context.source,
        source_id=context.source_id,
        cause=context.cause,
        correlation=context.correlation,
        detail=dict(detail),
    )
