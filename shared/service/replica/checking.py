"""Whether a replica is what its source holds: by sums of checksums, range by range, and by looking closer where these
differ. Each side also reads its own values again, so that damage is told apart from lag.

What differs is looked at entity by entity. An entity in flight (another version here than there) is no difference;
it is looked at again when the log has passed. What is damaged here is taken over anew. That is no change: whatever was
made of facts (cells) was made when they were right, and has a verification of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from shared.eav.store.state import checksum
from shared.kernel.clock import now
from shared.kernel.db import Connection, Database
from shared.kernel.json import loads
from shared.service.replica.catalogs import Catalogs, KnownType
from shared.service.replica.copying import Ask, state_of
from shared.service.replica.facts import system_keys
from shared.service.replica.takeover import State, take_over

SPAN = 10_000
RANGES = 500
PAGE = 2000
_MOST_ID = 2**63 - 1
_SUMS = """select (id - 1) / %(span)s::bigint, count(*), sum(checksum)::text from fact
where type_no = %(no)s and not archived and id > %(after)s and id <= %(upto)s group by 1"""
_FACTS = """select id, version, archived, at, checksum, values::text from fact
where type_no = %(no)s and id > %(after)s and id <= %(upto)s order by id"""
_SOME_FACTS = """select id, version, archived, at, checksum, values::text from fact
where type_no = %(no)s and id > %(after)s order by id limit %(limit)s"""

Why = Literal["missing here", "missing there", "damaged here", "damaged there"]


@dataclass(frozen=True, slots=True)
class Difference:
    """One entity that is not the same on both sides, though both are at the same version (or one has none)."""

    entity_type: str
    id: int
    why: Why


@dataclass(slots=True)
class Outcome:
    """What a check of one source came to. in_flight: entities that were at another version here, twice looked at."""

    entities: int = 0
    ranges: int = 0
    differences: list[Difference] = field(default_factory=list)
    in_flight: int = 0
    repaired: int = 0


def check(
    database: Database,
    catalogs: Catalogs,
    source: str,
    ask: Ask,
    *,
    settle: Callable[[], None],
    mend: bool = False,
    reread: bool = False,
) -> Outcome:
    """Compare everything kept of a source with it; with `mend`, put right what is damaged or missing here.

    reread: both sides read every value again, to find what was damaged under a checksum that was not; slow.

    settle: waits until what the source had told by now is applied here; called before an entity is called different.
    """
    outcome = Outcome()
    with database.connect() as connection:
        mine = [one for one in catalogs.types(connection) if one.source == source]
    for known in mine:
        differing = [one for one in _ranges(database, known, ask, outcome) if not _same(database, known, ask, *one)]
        unsound = _unsound(database, known, ask) if reread else set()
        for place in sorted({*differing, *unsound}):
            check_range(database, known, ask, place, outcome, settle=settle, mend=mend)
    return outcome


def check_range(
    database: Database,
    known: KnownType,
    ask: Ask,
    place: tuple[int, int],
    outcome: Outcome,
    *,
    settle: Callable[[], None],
    mend: bool,
) -> int:
    """Compare the entities with low < id <= high one by one, whatever sums say; how many there are. See `check`."""
    began, states = now(), _their_entities(known, ask, *place)
    # From here on we are not behind what was read there; what is ahead of it is in flight.
    settle()
    with database.transaction() as connection:
        differences = _look(connection, known, states, place, began, outcome)
        if mend:
            _mend(connection, known, states, differences, outcome)
    return len(states)


def _ranges(database: Database, known: KnownType, ask: Ask, outcome: Outcome) -> Iterator[tuple[int, int]]:
    """Ranges (low, high] whose sums differ."""
    after, last = 0, last_id(database, known, ask)
    while after <= last:
        there = _their_sums(known, ask, after, RANGES)
        upto = after + SPAN * RANGES
        with database.connect() as connection:
            here = _my_sums(connection, known, after, upto)
        for part in sorted({*there, *here}):
            outcome.ranges += 1
            outcome.entities += there.get(part, (0, ""))[0]
            if there.get(part) != here.get(part):
                yield part * SPAN, (part + 1) * SPAN
        after = upto


def _unsound(database: Database, known: KnownType, ask: Ask) -> set[tuple[int, int]]:
    """Ranges in which somebody's values are not those that their checksum was made of."""
    system = system_keys(known)
    found: set[int] = set()
    after: int | None = 0
    while after is not None:
        with database.connect() as connection:
            rows = connection.rows(_SOME_FACTS, {"no": known.no, "after": after, "limit": PAGE})
        for ident, version, archived, at, summed, values in rows:
            if not _Kept(version, archived, at, summed, loads(values)).sound(system):
                found.add(ident)
        after = rows[-1][0] if len(rows) == PAGE else None
    place = "0"
    while place:
        page = ask(f"/api/v1/{known.source}/checksums/{known.name}?verify=true&after={place}")
        found |= {int(one["id"]) for one in page["results"]}
        place = page.get("next_after") or ""
    parts = {(ident - 1) // SPAN for ident in found}
    return {(part * SPAN, (part + 1) * SPAN) for part in parts}


def last_id(database: Database, known: KnownType, ask: Ask) -> int:
    """The greatest id on either side, roughly: the end of the last range anybody has."""
    with database.connect() as connection:
        row = connection.row("select coalesce(max(id), 0) from fact where type_no = %(no)s", {"no": known.no})
    return max(row[0] if row else 0, int(ask(f"/api/v1/{known.source}/checksums/{known.name}?last=true")["last"]))


def _their_sums(known: KnownType, ask: Ask, after: int, ranges: int) -> dict[int, tuple[int, str]]:
    path = f"/api/v1/{known.source}/checksums/{known.name}?after={after}&span={SPAN}&ranges={ranges}"
    return {(int(one["low"]) - 1) // SPAN: (one["count"], one["total"]) for one in ask(path)["results"]}


def _my_sums(connection: Connection, known: KnownType, after: int, upto: int) -> dict[int, tuple[int, str]]:
    params = {"no": known.no, "span": SPAN, "after": after, "upto": upto}
    return {part: (count, total) for part, count, total in connection.rows(_SUMS, params)}


def _same(database: Database, known: KnownType, ask: Ask, low: int, high: int) -> bool:
    """Look a second time: most differences were writes on their way."""
    there = _their_sums(known, ask, low, 1)
    with database.connect() as connection:
        return there == _my_sums(connection, known, low, high)


def _look(
    connection: Connection,
    known: KnownType,
    states: Mapping[int, _Theirs],
    place: tuple[int, int],
    began: datetime,
    outcome: Outcome,
) -> list[Difference]:
    """Compare a range entity by entity."""
    rows = connection.rows(_FACTS, {"no": known.no, "after": place[0], "upto": place[1]})
    facts = {
        ident: _Kept(version, archived, at.replace(tzinfo=UTC), summed, loads(values))
        for ident, version, archived, at, summed, values in rows
    }
    found = list(_compared(known, states, facts, began, outcome))
    outcome.differences += found
    return found


def _mend(
    connection: Connection,
    known: KnownType,
    states: Mapping[int, _Theirs],
    differences: Sequence[Difference],
    outcome: Outcome,
) -> None:
    for one in differences:
        if one.why != "damaged there":
            state = states.get(one.id)
            some = [] if state is None else [state.told]
            take_over(connection, known, some, one.id - 1, one.id)
            outcome.repaired += 1


@dataclass(frozen=True, slots=True)
class _Kept:
    version: int
    archived: bool
    at: datetime
    checksum: int
    values: Mapping[str, Any]

    def sound(self, system: frozenset[str]) -> bool:
        told = {key: value for key, value in self.values.items() if key not in system}
        return checksum(told, self.version) == self.checksum


@dataclass(frozen=True, slots=True)
class _Theirs:
    told: State
    checksum: int

    @property
    def sound(self) -> bool:
        return checksum(self.told.values, self.told.version - self.told.archived) == self.checksum


def _their_entities(known: KnownType, ask: Ask, low: int, high: int) -> dict[int, _Theirs]:
    found: dict[int, _Theirs] = {}
    after = low
    while True:
        page = ask(f"/api/v1/{known.source}/entities/{known.name}?after={after}")
        for one in page["results"]:
            if int(one["id"]) <= high:
                found[int(one["id"])] = _Theirs(state_of(one), int(one["checksum"]))
        after = int(page.get("next_after") or _MOST_ID)
        if after >= high:
            return found


def _compared(
    known: KnownType,
    states: Mapping[int, _Theirs],
    facts: Mapping[int, _Kept],
    began: datetime,
    outcome: Outcome,
) -> Iterator[Difference]:
    system = system_keys(known)
    for ident in sorted({*states, *facts}):
        theirs, mine = states.get(ident), facts.get(ident)
        why: Why | None = None
        if theirs is None:
            assert mine is not None
            # What was made since is no ghost.
            why = "missing there" if mine.at < began else None
        elif not theirs.sound:
            why = "damaged there"
        elif mine is None:
            why = "missing here"
        elif not mine.sound(system):
            why = "damaged here"
        elif mine.version != theirs.told.version:
            outcome.in_flight += 1
        elif not mine.archived and mine.checksum != theirs.checksum:
            why = "damaged here"
        if why is not None:
            yield Difference(known.name, ident, why)


def damaged(differences: Sequence[Difference]) -> list[str]:
    """What to tell of differences: entity types, ids and what is wrong; never values."""
    return [f"{one.entity_type} {one.id} is {one.why}" for one in differences]
