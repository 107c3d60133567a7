"""What one entity of a replica is against the same entity at its home: the two sides of a comparison, and what differs.

Pure but for reading both sides. Which ranges are looked at, and what is done about differences, is `checking`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from shared.eav.store.state import checksum
from shared.kernel.db import Connection
from shared.kernel.json import loads
from shared.service.replica.catalogs import KnownType
from shared.service.replica.copying import Ask, state_of
from shared.service.replica.facts import system_keys
from shared.service.replica.takeover import State

MOST_ID = 2**63 - 1
_FACTS = """select id, version, archived, at, checksum, values::text from fact
where type_no = %(no)s and id > %(after)s and id <= %(upto)s order by id"""

Why = Literal["missing here", "missing there", "damaged here", "damaged there", "older here", "newer here"]
AHEAD: frozenset[Why] = frozenset({"missing there", "newer here"})
"""What the source may not have shown yet when it was read: it is asked again."""
MISSED: frozenset[Why] = frozenset({"older here", "newer here"})
"""What was never told here, rather than damaged: nothing that is made of facts knows of it."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One entity that is not the same on both sides, and not because something is under way."""

    entity_type: str
    id: int
    why: Why

    @property
    def told(self) -> str:
        """What to tell of it: type, id and what is wrong; never values."""
        return f"{self.entity_type} {self.id} is {self.why}"


@dataclass(frozen=True, slots=True)
class Kept:
    """A fact as it is stored."""

    version: int
    archived: bool
    at: datetime
    checksum: int
    values: Mapping[str, Any]

    def sound(self, system: frozenset[str]) -> bool:
        """Whether the values are those that the checksum was made of."""
        told = {key: value for key, value in self.values.items() if key not in system}
        return checksum(told, self.version) == self.checksum

    @property
    def erased(self) -> bool:
        """Erased entities leave an empty fact behind, so that no late event revives them; homes list them no more."""
        return self.archived and not self.values


@dataclass(frozen=True, slots=True)
class Theirs:
    """An entity as its home tells it, with the checksum that is kept there."""

    told: State
    checksum: int

    @property
    def sound(self) -> bool:
        """Whether the values are those that the checksum was made of."""
        return checksum(self.told.values, self.told.version - self.told.archived) == self.checksum


def their_entities(known: KnownType, ask: Ask, low: int, high: int) -> dict[int, Theirs]:
    """The entities with low < id <= high at their home, archived ones among them."""
    found: dict[int, Theirs] = {}
    after = low
    while True:
        page = ask(f"/api/v1/{known.source}/entities/{known.name}?after={after}")
        for one in page["results"]:
            if int(one["id"]) <= high:
                found[int(one["id"])] = Theirs(state_of(one), int(one["checksum"]))
        after = int(page.get("next_after") or MOST_ID)
        if after >= high:
            return found


def my_facts(connection: Connection, known: KnownType, low: int, high: int) -> dict[int, Kept]:
    """The facts with low < id <= high."""
    rows = connection.rows(_FACTS, {"no": known.no, "after": low, "upto": high})
    return {
        ident: Kept(version, archived, at.replace(tzinfo=UTC), summed, loads(values))
        for ident, version, archived, at, summed, values in rows
    }


def compared(
    known: KnownType, states: Mapping[int, Theirs], facts: Mapping[int, Kept], began: datetime
) -> Iterator[Difference]:
    """What differs between facts and what their home told before everything up to then was applied here. What the
    home may not have shown yet (AHEAD) is among it: see `confirmed`. began: when the home was read."""
    system = system_keys(known)
    for ident in sorted({*states, *facts}):
        why = _why(states.get(ident), facts.get(ident), system, began)
        if why is not None:
            yield Difference(known.name, ident, why)


def _why(theirs: Theirs | None, mine: Kept | None, system: frozenset[str], began: datetime) -> Why | None:
    if theirs is None:
        assert mine is not None
        # What was made since is no ghost.
        return "missing there" if mine.at < began and not mine.erased else None
    if not theirs.sound:
        return "damaged there"
    if mine is None:
        return "missing here"
    if not mine.sound(system):
        return "damaged here"
    if mine.version != theirs.told.version:
        return "older here" if mine.version < theirs.told.version else "newer here"
    if mine.archived != theirs.told.archived:
        return "damaged here"
    return "damaged here" if not mine.archived and mine.checksum != theirs.checksum else None


def confirmed(
    differences: Sequence[Difference], facts: Mapping[int, Kept], look: Callable[[int, int], Mapping[int, Theirs]]
) -> tuple[list[Difference], int]:
    """The differences that remain when the home is asked once more (`look`), and how many entities were in flight: it
    had committed what we knew of only after it was read."""
    asked = [one.id for one in differences if one.why in AHEAD]
    if not asked:
        return list(differences), 0
    states = look(min(asked) - 1, max(asked))
    gone = {one.id for one in differences if one.why in AHEAD and _passed(one, facts[one.id], states.get(one.id))}
    return [one for one in differences if one.id not in gone], len(gone)


def _passed(one: Difference, mine: Kept, theirs: Theirs | None) -> bool:
    if theirs is None:  # erased there since
        return one.why == "newer here"
    return theirs.told.version >= mine.version
