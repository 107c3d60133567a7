"""What the timeline makes of the logs it follows: contacts' own, and those of services with entities of customers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache

from services.contacts.domain.activities import TYPES as ACTIVITIES
from services.contacts.timeline import activities, entries, saying, store, turning
from services.contacts.timeline.entries import CUSTOMERS, HOMES, TICKET
from services.contacts.timeline.store import Key, Stamp
from shared.contracts.event import ENTITY_KINDS, ERASED, LINK, MERGED, RESTORED, UNMERGED, Event
from shared.kernel.clock import now
from shared.kernel.db import Connection
from shared.service.home import Home, LiveType
from shared.service.relations import BUILTIN
from shared.service.replica.catalogs import Catalogs, apply_catalog_events

OWN = "contacts"
_RELATIONS = {one.id: one for one in BUILTIN}
_RANKS: Mapping[str, int] = {
    **dict.fromkeys(CUSTOMERS, 0),
    **dict.fromkeys(HOMES, 1),
    **dict.fromkeys(ACTIVITIES, 2),
}
"""Lines of what ranks higher stand on the timelines of what it is linked to and ranks lower."""


class Timeline:
    """Applies events, in any order and any number of times, inside the transaction of whoever follows."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._foreign = Catalogs()

    def apply(self, connection: Connection, source: str, events: Sequence[Event]) -> None:
        """Everything that one service's log says."""
        store.one_at_a_time(connection)
        if source != OWN:
            apply_catalog_events(connection, source, events)
        gone = {(one.entity_type, one.entity_id) for one in events if one.kind == ERASED and one.entity_id is not None}
        store.forget(connection, gone)
        for one in events:
            if one.entity_id is not None:
                store.unlearn(connection, one)
        # Asked once per type, not per event: each answer looks through all of them.
        meaning = cache(lambda name: self._meaning(connection, source, name, events))
        told = list(entries.entries_of(source, meaning, events))
        store.put(connection, told)
        said = _said(events)
        store.link(connection, said)
        store.pass_on(
            connection, {(one[0], one[1]) for one in said} | {(one.subject_type, one.subject_id) for one in told}
        )
        heard = saying.keep(connection, saying.sayings(meaning, events))
        saying.stand(connection, heard, {ident for kind, ident, _, _ in said if kind == TICKET})
        # What went on with their activities while they were archived has not been written to them. Those of an erased
        # activity are told of by its event: nothing here knows them any more.
        back = {(one.entity_type, one.entity_id or 0) for one in events if one.kind == RESTORED}
        back.update(*(_left(one) for one in events if one.kind == ERASED))
        self.stand(connection, _touched(events, said), _cause(source, events), back)

    def stand(
        self, connection: Connection, touched: activities.Touched, cause: str | None, also: Iterable[Key] = ()
    ) -> None:
        """Bring activities to where they belong, and what contacts and companies (`also` these) show of them."""
        store.one_at_a_time(connection)
        subjects = {*activities.refresh(connection, self._home, touched), *also}
        turning.settle(connection, self._home, subjects, now(), cause)

    def turn(self, connection: Connection) -> int:
        """What time alone changes; how many entities that was looked at for."""
        store.one_at_a_time(connection)
        return turning.turn(connection, self._home, now())

    def _meaning(self, connection: Connection, source: str, name: str, events: Sequence[Event]) -> LiveType | None:
        """The definition of a type; ours is looked at again when an event has an attribute that it does not know."""
        if source != OWN:
            known = self._foreign.types(connection).find(name)
            return None if known is None else known.live
        return self._home.type(name, {key for one in events if one.entity_type == name for key in one.changed})


def _said(events: Iterable[Event]) -> dict[tuple[str, int, str, int], tuple[Stamp, bool]]:
    """What links say of timelines that another service has a part in; the last word on each."""
    said: dict[tuple[str, int, str, int], tuple[Stamp, bool]] = {}
    for one in events:
        if one.kind != LINK or not entries.is_plain(int(one.detail["relation"])):
            continue
        ends = sorted(
            (
                (_RANKS.get(end["type"], -1), end["type"], int(end["id"]))
                for end in (one.detail["from"], one.detail["to"])
            ),
            reverse=True,
        )
        (rank, kind, ident), (lower, subject, subject_id) = ends
        if lower < 0 or rank <= lower or not HOMES.keys() & {kind, subject}:
            continue
        stamp = int(one.detail["clock"]), str(one.detail["origin"])
        key = kind, ident, subject, subject_id
        if key not in said or said[key][0] < stamp:
            said[key] = stamp, bool(one.detail["live"])
    return said


def _touched(events: Iterable[Event], said: Iterable[tuple[str, int, str, int]]) -> dict[str, set[int]]:
    """Activities of which events say that something about them or their links changed."""
    found: dict[str, set[int]] = {}
    for kind, ident in (*_ends(events), *((one[0], one[1]) for one in said)):
        if kind in ACTIVITIES:
            found.setdefault(kind, set()).add(ident)
    return found


def _ends(events: Iterable[Event]) -> Iterator[Key]:
    for one in events:
        if one.kind == LINK:
            yield from ((end["type"], int(end["id"])) for end in (one.detail["from"], one.detail["to"]))
        elif one.kind in ENTITY_KINDS and one.entity_id is not None:
            yield one.entity_type, one.entity_id
            if one.kind in (MERGED, UNMERGED):
                yield from _others((link[0], link[3]) for link in one.detail.get("links", ()))
            elif one.kind == ERASED:
                yield from _left(one)


def _left(erased: Event) -> Iterator[Key]:
    """Whom an erased entity was linked to."""
    return _others((link[0], link[2]) for link in erased.detail.get("links", ()))


def _others(links: Iterable[tuple[int, str]]) -> Iterator[Key]:
    for relation, other in links:
        known = _RELATIONS.get(int(relation))
        if known is not None:
            yield known.to_type, int(other)


def _cause(source: str, events: Sequence[Event]) -> str | None:
    """The newest of what was told, by the id that its write answered with."""
    about = [one for one in events if one.entity_id is not None]
    return f"{source}/{about[-1].entity_type}/{about[-1].entity_id}/{about[-1].version}" if about else None
