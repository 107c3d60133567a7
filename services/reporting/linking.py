"""Metrics by attributes of linked entities: their cells are kept by the id that an entity leads to by its links.

A page of events may change values and links. What entities led to is noted before the page is folded (`watch`); then
every change of values is told with it, and what the page did to links follows as changes of its own. Several sources
tell of links between the same types, so that whoever looks at what a type leads to, and writes cells by it, holds that
type's lock.

More links than MOST_AT_ONCE in a page are noted only (`relink`: the id that cells still count the entity under) and
worked off by a job, piece by piece; until then the metric says that it catches up, and is exact for what it says.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from shared.contracts.event import LINK, Event
from shared.kernel.clock import now
from shared.kernel.context import Context
from shared.kernel.db import Connection
from shared.kernel.json import loads
from shared.service.replica.catalogs import KnownType, KnownTypes
from shared.service.replica.facts import FactChange
from shared.service.replica.fold import told_links
from shared.service.replica.linkages import Leads, Linkage, leads, with_links
from shared.service.work import ledger

RELINK = "relink"
MOST_AT_ONCE = 5000
PIECE = 2000
_LOCK = "select pg_advisory_xact_lock(7101, %(no)s::int)"
_LATER = "select id, was from relink where relation = %(relation)s and id = any(%(ids)s)"
_PUT_OFF = """insert into relink (relation, id, was, at)
select %(relation)s, id, was, %(at)s from unnest(%(ids)s::bigint[], %(was)s::bigint[]) late(id, was)
on conflict do nothing"""
_SETTLED = "delete from relink where relation = %(relation)s and id = any(%(ids)s)"
_LEFT = "select relation, count(*) from relink where relation = any(%(relations)s) group by relation"
_WAITING = "select id from relink where relation = %(relation)s order by id limit %(limit)s for update"
_FACTS = """select id, values::text from fact
where type_no = %(no)s and id = any(%(ids)s) and not archived order by id"""
Moved = dict[int, datetime]


@dataclass(frozen=True, slots=True)
class Start:
    """A linkage of a type, and what some of its entities led to before; those that cells count by an older id are
    `late`. moved: entities whose links may have changed, and when."""

    known: KnownType
    linkage: Linkage
    before: Leads
    late: frozenset[int]
    moved: Moved = field(default_factory=dict)


Linked = tuple[KnownType, Linkage]


def hold(connection: Connection, types: Iterable[KnownType]) -> None:
    """Keep others from writing cells by what these types lead to, until the transaction is over."""
    for no in sorted({one.no for one in types}):
        connection.row(_LOCK, {"no": no})


def counted_under(connection: Connection, linkage: Linkage, ids: Collection[int]) -> tuple[Leads, frozenset[int]]:
    """What cells count these entities under: what they lead to, or what they led to while that waits for the job."""
    found = leads(connection, linkage, ids)
    late = dict(connection.rows(_LATER, {"relation": linkage.relation, "ids": list(ids)})) if ids else {}
    return found | late, frozenset(late)


def watch(connection: Connection, linked: Sequence[Linked], types: KnownTypes, events: Sequence[Event]) -> list[Start]:
    """What the entities that a page tells of lead to before it is folded, under the lock of their types."""
    valued: dict[str, set[int]] = {}
    moved: dict[tuple[int, int], datetime] = {}
    for one in events:
        if one.entity_id is not None and one.kind.startswith("entity."):
            known = types.find(one.entity_type)
            valued.setdefault(known.name if known else one.entity_type, set()).add(one.entity_id)
        for relation, inverse, here, there, _ in told_links(one):
            moved[relation, here] = moved[inverse, there] = one.at
    return begin(connection, linked, valued, moved)


def begin(
    connection: Connection,
    linked: Sequence[Linked],
    valued: Mapping[str, Collection[int]],
    moved: Mapping[tuple[int, int], datetime],
) -> list[Start]:
    """Likewise, of entities by the name of their type, and of links as (relation, from id) with their instants."""
    mine = [
        {ident: at for (relation, ident), at in moved.items() if relation in linkage.relations} for _, linkage in linked
    ]
    ids: dict[str, set[int]] = {}
    for (known, _), some in zip(linked, mine, strict=True):
        ids.setdefault(known.name, set(valued.get(known.name, ()))).update(some)
    hold(connection, (known for known, _ in linked if ids[known.name]))
    return [
        Start(known, linkage, *counted_under(connection, linkage, ids[known.name]), moved=some)
        for (known, linkage), some in zip(linked, mine, strict=True)
        if ids[known.name]
    ]


def told(connection: Connection, starts: Sequence[Start], changes: Sequence[FactChange]) -> list[FactChange]:
    """The changes of a page with what their entities led to, and what the page did to links. After it was folded."""
    found = [placed(starts, one) for one in changes]
    for start in starts:
        found += _moves(connection, start, starts)
    return found


def placed(starts: Sequence[Start], change: FactChange) -> FactChange:
    """A change of values with what its entity leads to."""
    places = _places(starts, change.known, change.id)
    if not places:
        return change
    return replace(change, old=with_links(change.old, places), new=with_links(change.new, places))


def _places(starts: Sequence[Start], known: KnownType, ident: int) -> list[tuple[str, int | None]]:
    return [(one.linkage.key, one.before.get(ident)) for one in starts if one.known.no == known.no]


def _moves(connection: Connection, start: Start, starts: Sequence[Start]) -> list[FactChange]:
    """Changes of links as changes of what entities lead to; what is put off counts as before."""
    after = leads(connection, start.linkage, start.moved)
    differing = {ident: lead for ident, lead in after.items() if start.before[ident] != lead}
    if len(differing) > MOST_AT_ONCE:
        put_off(connection, start, differing)
        return []
    if not start.late.isdisjoint(start.moved):
        settle(connection, start.linkage, start.moved)
    return moved_to(connection, start, differing, starts)


def settle(connection: Connection, linkage: Linkage, ids: Collection[int]) -> None:
    """Note that cells count these entities under what they lead to."""
    connection.run(_SETTLED, {"relation": linkage.relation, "ids": list(ids)})


def moved_to(connection: Connection, start: Start, leading: Leads, starts: Sequence[Start]) -> list[FactChange]:
    """Entities that lead elsewhere from now on, as changes, noted in `start`."""
    rows = connection.rows(_FACTS, {"no": start.known.no, "ids": list(leading)}) if leading else []
    found = []
    for ident, text in rows:
        old = with_links(loads(text), _places(starts, start.known, ident))
        start.before[ident] = leading[ident]
        new = with_links(loads(text), _places(starts, start.known, ident))
        at = start.moved.get(ident) or now()
        found.append(FactChange(start.known, ident, 0, LINK, at, at, old, new))
    start.before.update(leading)
    return found


def put_off(connection: Connection, start: Start, ids: Collection[int]) -> None:
    """Note what cells count these entities under, for a job to move them."""
    at = max(start.moved.values()).astimezone(UTC).replace(tzinfo=None)
    late = {"ids": list(ids), "was": [start.before[one] for one in ids], "at": at}
    connection.run(_PUT_OFF, {"relation": start.linkage.relation, **late})
    begin_work(connection, start.linkage, start.known)


def begin_work(connection: Connection, linkage: Linkage, known: KnownType) -> None:
    """See to it that a job works off what was put off."""
    number = linkage.relation
    job = ledger.find(connection, RELINK, number, lock=True)
    if job is None or job.state != ledger.RUNNING:
        context = Context(source="SYSTEM")
        ledger.start(connection, RELINK, number, entity_type=known.name, phase=RELINK, context=context)


def waiting(connection: Connection, relations: Collection[int]) -> dict[int, int]:
    """How many entities wait to be counted under what they lead to, by (plain) relation."""
    return dict(connection.rows(_LEFT, {"relations": list(relations)})) if relations else {}


def next_piece(connection: Connection, linkage: Linkage) -> list[int]:
    """Entities that wait, some of them, locked."""
    return [row[0] for row in connection.rows(_WAITING, {"relation": linkage.relation, "limit": PIECE})]


def forget(connection: Connection, relation: int) -> None:
    """Let nothing wait under a relation that no metric asks for."""
    connection.run("delete from relink where relation = %(relation)s", {"relation": relation})
