"""From events to facts: every version of every entity is folded in, once, in order, set-wise; links likewise.

`fold` works inside the transaction that moves the watermark. What it answers, one FactChange per version, is what
projections (metrics, timelines, segments) are made of. A version already folded has no effect; a version that is
missing is an error, never a guess.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache

from shared.bus.dead_letters import Gap
from shared.contracts.event import ERASED, LINK, MERGED, UNMERGED, Event
from shared.kernel import arrays
from shared.kernel.db import Connection
from shared.kernel.json import dumps, loads
from shared.service.replica.catalogs import Catalogs, KnownType, KnownTypes, apply_catalog_events
from shared.service.replica.facts import (
    LINKED,
    NEVER,
    UNLINKED,
    VERSION_SUM,
    VERSIONS,
    Fact,
    FactChange,
    Key,
    Step,
    advance,
    forget,
    kind_of,
    naive,
    new_fact,
    store,
    write_links,
)
from shared.service.replica.said import Word, across, say, stamp_of

_OLD = """select f.type_no, f.id, f.version, f.archived, f.values::text
from unnest(%(types)s::smallint[], %(ids)s::bigint[]) asked(type_no, id) join fact f using (type_no, id)
order by f.type_no, f.id for update of f"""
_TRANSITIONS = """insert into fact_transition (type_no, id, attribute_id, version, at, effective_at, old, new)
select * from unnest(%(t)s::smallint[], %(i)s::bigint[], %(a)s::int[], %(v)s::bigint[], %(at)s::timestamp[],
    %(since)s::timestamp[], %(old)s::text[], %(new)s::text[])
on conflict do nothing"""

_BETWEEN = "where type_no = %(no)s and id = %(id)s and version between %(low)s and %(high)s"
_LEFT = "changed - %(keys)s::text[]"
_UNLEARN = (
    f"update fact_version set changed = {_LEFT}, checksum = {VERSION_SUM.format(changed=_LEFT)} {_BETWEEN}",
    f"update fact_transition set old = null, new = null {_BETWEEN} and attribute_id::text = any(%(keys)s::text[])",
)


class Missing(Gap):
    """A version, or the definition of a type, that must have come before is not here."""


def fold(connection: Connection, catalogs: Catalogs, source: str, events: Sequence[Event]) -> list[FactChange]:
    """Fold a page of a source's events; what each version changed. Raises Missing."""
    apply_catalog_events(connection, source, events)
    types = catalogs.types(connection)
    told = [one for one in events if one.kind.startswith("entity.") and one.entity_id is not None]
    facts = _facts(connection, {_key(types, one) for one in told})
    folded = [(change, one) for one in told if (change := _folded(types, facts, one))]
    changes = [change for change, _ in folded]
    store(connection, facts)
    _note(connection, folded)
    _links(connection, types, source, events)
    forget(connection, [one for one in changes if one.kind == ERASED])
    _unlearn(connection, types, [one for one in told if one.detail.get("lent")])
    return changes


def _key(types: KnownTypes, event: Event) -> Key:
    known = types.find(event.entity_type)
    if known is None:
        raise Missing(f"an event about {event.entity_type} came before its definition")
    return known.no, event.entity_id or 0


def _facts(connection: Connection, keys: Iterable[Key]) -> dict[Key, Fact]:
    wanted = sorted(keys)
    if not wanted:
        return {}
    params = {"types": [no for no, _ in wanted], "ids": [ident for _, ident in wanted]}
    rows = connection.rows(_OLD, params, prepare=True)
    return {(no, ident): Fact(version, archived, NEVER, loads(values)) for no, ident, version, archived, values in rows}


def _folded(types: KnownTypes, facts: dict[Key, Fact], event: Event) -> FactChange | None:
    key = _key(types, event)
    fact = facts.get(key)
    if fact is not None and event.version <= fact.version:
        return None
    if event.version != (1 if fact is None else fact.version + 1):
        raise Missing(f"version {event.version} of {event.entity_type} {event.entity_id} came before an earlier one")
    if fact is None:
        fact = facts[key] = new_fact()
    since = event.effective_at or event.at
    return advance(
        types.by_no[key[0]], fact, Step(key[1], event.version, kind_of(event), event.at, since, event.changed)
    )


def _note(connection: Connection, folded: Sequence[tuple[FactChange, Event]]) -> None:
    """Every version with its instant, and every move of a single-choice attribute."""
    if not folded:
        return
    versions, moves = [], []
    for one, event in folded:
        at, since = naive(one.at), naive(one.effective_at)
        versions.append({
            "type_no": one.known.no,
            "id": one.id,
            "version": one.version,
            "at": at,
            "effective_at": since,
            "kind": one.kind,
            "actor": event.actor,
            "changed": event.changed,
        })  # fmt: skip
        choices = _choices(one.known)
        for key, (old, new) in event.changed.items():
            if key in choices:
                moves.append((one.known.no, one.id, choices[key], one.version, at, since, old, new))
    connection.run(VERSIONS, {"rows": dumps(versions).decode()}, prepare=True)
    if moves:
        columns = list(zip(*moves, strict=True))
        params = {name: arrays.numbers(column) for name, column in zip("tiav", columns[:4], strict=True)}
        told = zip(("at", "since", "old", "new"), columns[4:], strict=True)
        params |= {name: arrays.texts(column) for name, column in told}
        connection.run(_TRANSITIONS, params, prepare=True)


@lru_cache(maxsize=256)
def _choices(known: KnownType) -> Mapping[str, int]:
    """The single-choice attributes of a type in force, by key."""
    return {one.key: one.id for one in known.live.by_id.values() if one.kind == "enumeration"}


def _unlearn(connection: Connection, types: KnownTypes, lent: Sequence[Event]) -> None:
    """What entities have, or once had by merges that were undone, of somebody who is erased leaves their versions."""
    for event in lent:
        no = _key(types, event)[0]
        for ident, low, high, attributes in event.detail["lent"]:
            params = {"no": no, "id": int(ident), "low": low, "high": high, "keys": attributes}
            for statement in _UNLEARN:
                connection.run(statement, params)


def _links(connection: Connection, types: KnownTypes, source: str, events: Sequence[Event]) -> None:
    """The last word on each pair counts; both directions are kept. Between services it is the newest by its stamp."""
    last: dict[tuple[int, int, int], bool] = {}
    between = across(connection, types, events)
    words: list[Word] = []
    for one in events:
        for relation, inverse, here, there, live in told_links(one):
            if relation in between:
                words.append(Word(relation, inverse, here, there, live, stamp_of(source, one)))
            else:
                last[relation, here, there] = live
                last[inverse, there, here] = live
    last |= say(connection, words)
    for live, statement in ((False, UNLINKED), (True, LINKED)):
        write_links(connection, statement, [key for key, now_live in last.items() if now_live is live])


Told = Iterator[tuple[int, int, int, int, bool]]
"""Links as (relation, inverse, from, to, whether they are there)."""


def told_links(event: Event) -> Told:
    """The links that an event tells of."""
    return _TOLD.get(event.kind, _no_links)(event)


def _no_links(event: Event) -> Told:
    yield from ()


def _link(event: Event) -> Told:
    detail = event.detail
    ends = int(detail["from"]["id"]), int(detail["to"]["id"])
    yield int(detail["relation"]), int(detail["inverse"]), *ends, bool(detail["live"])


def _merged(event: Event) -> Told:
    """The absorbed lose their links; the survivor has those that moved. Undoing it is the same backwards."""
    undone = event.kind == UNMERGED
    for relation, inverse, absorbed, other, moved in event.detail.get("links", ()):
        yield relation, inverse, int(absorbed), int(other), undone
        if moved:
            yield relation, inverse, event.entity_id or 0, int(other), not undone


def _erased(event: Event) -> Told:
    for relation, inverse, other in event.detail.get("links", ()):
        yield relation, inverse, event.entity_id or 0, int(other), False


_TOLD: Mapping[str, Callable[[Event], Told]] = {LINK: _link, MERGED: _merged, UNMERGED: _merged, ERASED: _erased}
