"""Whether a replica is what its source holds: by sums of checksums, range by range, and by looking closer where these
differ. Each side also reads its own values again, so that damage is told apart from lag.

What differs is looked at entity by entity. An entity in flight (a newer version here than was seen there) is no
difference; one that is older here, though all that the source had told is applied, is one: its events were put aside or
given up. What is wrong here is taken over anew, with the log kept out. Where it was damaged that is no change: whatever
was made of facts (cells) was made when they were right. Where it was never told here, it is one like any other, and is
handed to `project`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from shared.kernel.clock import now
from shared.kernel.db import Connection, Database
from shared.kernel.json import loads
from shared.service.replica.catalogs import Catalogs, KnownType
from shared.service.replica.comparing import (
    MISSED,
    Difference,
    Kept,
    Theirs,
    compared,
    confirmed,
    my_facts,
    their_entities,
)
from shared.service.replica.copying import Ask, Project
from shared.service.replica.facts import system_keys
from shared.service.replica.takeover import take_over
from shared.service.replica.tracing import Traces

SPAN = 10_000
RANGES = 500
PAGE = 2000
# Of archived ones how many there are, and everybody's versions: their checksums are made otherwise there than here.
_SUMS = """select (id - 1) / %(span)s::bigint, count(*) filter (where not archived),
    coalesce(sum(checksum) filter (where not archived), 0)::text,
    count(*) filter (where archived), sum(version)::text from fact
where type_no = %(no)s and id > %(after)s and id <= %(upto)s and not (archived and values = '{}') group by 1"""
_SOME_FACTS = """select id, version, archived, at, checksum, values::text from fact
where type_no = %(no)s and id > %(after)s order by id limit %(limit)s"""
_NOTED = "select 1 from fact_version where type_no = %(no)s and id = %(id)s limit 1"
_HOLD = "select 1 from watermark where source = %(source)s for update"

Sum = tuple[int, str, int, str]
"""Of a range: live entities, the sum of their checksums, archived ones, the sum of all their versions."""


@dataclass(slots=True)
class Outcome:
    """What a check of one source came to. in_flight: entities that were newer here than there when they were looked at.
    unproven: what is still not the same on both sides, told; nothing should be put right by this replica then.
    past: what was found of versions and moves, where these were looked at."""

    entities: int = 0
    ranges: int = 0
    differences: list[Difference] = field(default_factory=list)
    in_flight: int = 0
    repaired: int = 0
    unproven: list[str] = field(default_factory=list)
    past: Traces = field(default_factory=Traces)


@dataclass(frozen=True, slots=True)
class Means:
    """What a check works with. settle: waits until what the source had told by now is applied here; called before an
    entity is called different. mend: put right what is wrong here. project: keeps what is made of facts by changes."""

    database: Database
    ask: Ask
    settle: Callable[[], None]
    mend: bool = False
    project: Project | None = None


def check(means: Means, catalogs: Catalogs, source: str, *, reread: bool = False) -> Outcome:
    """Compare everything kept of a source with it; on demand, put right what is damaged or missing here.

    reread: both sides read every value again, to find what was damaged under a checksum that was not; slow.
    """
    outcome = Outcome()
    with means.database.connect() as connection:
        mine = [one for one in catalogs.types(connection) if one.source == source]
    for known in mine:
        differing = [one for one in _ranges(means, known, outcome) if not _same(means, known, *one)]
        unsound = _unsound(means, known) if reread else set()
        for place in sorted({*differing, *unsound}):
            check_range(means, known, place, outcome)
    return outcome


def check_range(means: Means, known: KnownType, place: tuple[int, int], outcome: Outcome) -> int:
    """Compare the entities with low < id <= high one by one, whatever sums say; how many there are. See `check`."""
    began, states = now(), their_entities(known, means.ask, *place)
    # From here on we are not behind what was read there; what is ahead of it is in flight.
    means.settle()

    def look(low: int, high: int) -> Mapping[int, Theirs]:
        return their_entities(known, means.ask, low, high)

    with means.database.transaction() as connection:
        if means.mend:
            connection.rows(_HOLD, {"source": known.source})
        facts = my_facts(connection, known, *place)
        found, passing = confirmed(list(compared(known, states, facts, began)), facts, look)
        outcome.differences += found
        outcome.in_flight += passing
        left = [one.told for one in found]
        if means.mend and found:
            left = _mend(connection, known, found, facts, means, outcome)
    outcome.unproven += left
    return len(states)


def _ranges(means: Means, known: KnownType, outcome: Outcome) -> Iterator[tuple[int, int]]:
    """Ranges (low, high] whose sums differ."""
    after, last = 0, last_id(means.database, known, means.ask)
    while after <= last:
        there = _their_sums(known, means.ask, after, RANGES)
        upto = after + SPAN * RANGES
        with means.database.connect() as connection:
            here = _my_sums(connection, known, after, upto)
        for part in sorted({*there, *here}):
            outcome.ranges += 1
            outcome.entities += there[part][0] if part in there else 0
            if there.get(part) != here.get(part):
                yield part * SPAN, (part + 1) * SPAN
        after = upto


def _unsound(means: Means, known: KnownType) -> set[tuple[int, int]]:
    """Ranges in which somebody's values are not those that their checksum was made of."""
    system = system_keys(known)
    found: set[int] = set()
    after: int | None = 0
    while after is not None:
        with means.database.connect() as connection:
            rows = connection.rows(_SOME_FACTS, {"no": known.no, "after": after, "limit": PAGE})
        for ident, version, archived, at, summed, values in rows:
            if not Kept(version, archived, at, summed, loads(values)).sound(system):
                found.add(ident)
        after = rows[-1][0] if len(rows) == PAGE else None
    place = "0"
    while place:
        page = means.ask(f"/api/v1/{known.source}/checksums/{known.name}?verify=true&after={place}")
        found |= {int(one["id"]) for one in page["results"]}
        place = page.get("next_after") or ""
    parts = {(ident - 1) // SPAN for ident in found}
    return {(part * SPAN, (part + 1) * SPAN) for part in parts}


def last_id(database: Database, known: KnownType, ask: Ask) -> int:
    """The greatest id on either side, roughly: the end of the last range anybody has."""
    with database.connect() as connection:
        row = connection.row("select coalesce(max(id), 0) from fact where type_no = %(no)s", {"no": known.no})
    return max(row[0] if row else 0, int(ask(f"/api/v1/{known.source}/checksums/{known.name}?last=true")["last"]))


def _their_sums(known: KnownType, ask: Ask, after: int, ranges: int) -> dict[int, Sum]:
    path = f"/api/v1/{known.source}/checksums/{known.name}?after={after}&span={SPAN}&ranges={ranges}"
    return {
        (int(one["low"]) - 1) // SPAN: (one["count"], one["total"], one["archived"], one["versions"])
        for one in ask(path)["results"]
    }


def _my_sums(connection: Connection, known: KnownType, after: int, upto: int) -> dict[int, Sum]:
    params = {"no": known.no, "span": SPAN, "after": after, "upto": upto}
    return {row[0]: (row[1], row[2], row[3], row[4]) for row in connection.rows(_SUMS, params)}


def _same(means: Means, known: KnownType, low: int, high: int) -> bool:
    """Look a second time: most differences were writes on their way."""
    there = _their_sums(known, means.ask, low, 1)
    with means.database.connect() as connection:
        return there == _my_sums(connection, known, low, high)


def _mend(
    connection: Connection,
    known: KnownType,
    differences: Sequence[Difference],
    facts: Mapping[int, Kept],
    means: Means,
    outcome: Outcome,
) -> list[str]:
    """Take over what is wrong here as the source has it now; what remains wrong all the same. The log is kept out, so
    that nothing is older here than it was when the source was read."""
    low, high = differences[0].id - 1, differences[-1].id
    states = their_entities(known, means.ask, low, high)
    ids = {one.id for one in differences}
    for one in differences:
        state, mine = states.get(one.id), facts.get(one.id)
        if state is not None and not state.sound:
            continue
        missed = one.why in MISSED or (mine is None and not connection.row(_NOTED, {"no": known.no, "id": one.id}))
        moved = state is not None and mine is not None and state.told.version != mine.version
        some = [] if state is None else [state.told]
        changes = take_over(connection, known, some, one.id - 1, one.id)
        if means.project is not None and (missed or moved):
            means.project(connection, changes)
        outcome.repaired += 1
    mended = my_facts(connection, known, low, high)
    left = compared(known, states, {ident: one for ident, one in mended.items() if ident in ids}, now())
    return [one.told for one in left if one.id in ids]


def damaged(differences: Sequence[Difference]) -> list[str]:
    """What to tell of differences."""
    return [one.told for one in differences]
