"""Whether the links of a replica are those that their homes hold: sums by relation and range of ids, then one by one.

A link between two services lives in both: it is right here when both have it, or neither. Where they differ, or have
it in one direction only, the damage is there: it is named, and nothing here is made to follow it. Everything else that
differs is made what the homes say. Cells are not touched, as with damaged facts: they are verified after.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from shared.eav.holdings import link_sums
from shared.eav.links.relations import worked_out
from shared.kernel.db import Connection, Database
from shared.service.relations import BUILTIN
from shared.service.replica.catalogs import Catalogs, KnownTypes
from shared.service.replica.copying import Ask
from shared.service.replica.facts import LINKED, UNLINKED, write_links
from shared.service.replica.said import speaks_of
from shared.service.replica.takeover import Link

SPAN = 10_000
PAGE = 5000
LOOKS = 4
PAUSE = 1.0
"""Seconds between looks: what one home was told by another takes its way there."""
_MOST_ID = 2**63 - 1
_MINE = """select relation, from_id, to_id from fact_link
where relation = %(relation)s and from_id > %(low)s and from_id <= %(high)s"""
_HOLD = "select 1 from watermark where source = any(%(sources)s) order by subscription for update"

Place = tuple[int, int]
"""(relation, number of the range)."""
Sums = dict[Place, tuple[int, str]]
Why = Literal["missing here", "missing there", "damaged there"]


@dataclass(frozen=True, slots=True)
class LinkDifference:
    """One direction of one link. told: what to say of it; types, ids and what is wrong."""

    link: Link
    why: Why
    told: str


@dataclass(slots=True)
class LinkOutcome:
    """What a check of all links came to. unproven: relations whose links are still not the same on both sides."""

    links: int = 0
    ranges: int = 0
    differences: list[LinkDifference] = field(default_factory=list)
    repaired: int = 0
    unproven: set[int] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class LinkMeans:
    """What a check of links works with. asks: by source. settle: waits until what a source had told by now is applied
    here."""

    database: Database
    asks: Mapping[str, Ask]
    settle: Callable[[str], None]
    mend: bool = False
    pause: float = PAUSE


def check_links(means: LinkMeans, catalogs: Catalogs) -> LinkOutcome:
    """Compare all links with their homes; on demand, put right what is wrong here."""
    outcome = LinkOutcome()
    theirs = {source: _their_sums(source, ask) for source, ask in means.asks.items()}
    with means.database.connect() as connection:
        types, mine = catalogs.types(connection), _my_sums(connection)
    homes = _Homes(types, {source: {place[0] for place in sums} for source, sums in theirs.items()})
    outcome.links = sum(count for count, _ in mine.values())
    outcome.ranges = len({*mine, *(place for sums in theirs.values() for place in sums)})
    places = {
        place
        for source, sums in theirs.items()
        for place in {*mine, *sums}
        if source in homes.of(place[0]) and mine.get(place) != sums.get(place)
    }
    if not places:
        return outcome
    found = _persisting(means, homes, places)
    outcome.differences = [one for _, one in sorted(found.items())]
    outcome.unproven = {link[0] for link in found}
    if means.mend and found:
        outcome.repaired = _mend(means, homes, found)
        left = _persisting(means, homes, {_place(link) for link in found})
        outcome.unproven = {link[0] for link in left if link in found}
    return outcome


class _Homes:
    """Which sources a relation's links live in, and what it leads from and to."""

    def __init__(self, types: KnownTypes, told: Mapping[str, set[int]]) -> None:
        self._told = told
        self._speak = {source: speaks_of(types, source, relations) for source, relations in told.items()}
        self._ends = {one.id: (one.from_type, one.to_type, one.inverse) for one in BUILTIN}
        made = ((worked_out(one.live.defn.wire_id), one.name) for one in types)
        self._names = {one["number"]: name for one, name in made if one is not None}
        sample = worked_out("0-1")
        assert sample is not None
        self._base, self._span = sample["base"], sample["span"]

    def of(self, relation: int) -> set[str]:
        """The sources; of relations that people made and nobody tells of any more, all."""
        return {source for source, speaks in self._speak.items() if speaks(relation)} or (
            set(self._told) if relation < self._base and relation not in self._ends else set()
        )

    def opposite(self, link: Link) -> Link | None:
        """The other direction of a link; None where that is not known here."""
        relation, start, end = link
        if relation in self._ends:
            return self._ends[relation][2], end, start
        if relation < self._base:
            return None
        first, second = divmod(relation - self._base, self._span)
        return self._base + second * self._span + first, end, start

    def told(self, link: Link, why: str) -> str:
        """A difference in words."""
        relation, start, end = link
        names: tuple[str, ...] = self._ends.get(relation, ("", "", 0))[:2]
        if relation >= self._base:
            names = tuple(self._names.get(number, "") for number in divmod(relation - self._base, self._span))
        ends = " to ".join(f"{name} {ident}".strip() for name, ident in zip(names, (start, end), strict=True))
        return f"link {relation} of {ends} is {why}"


def _persisting(means: LinkMeans, homes: _Homes, places: Collection[Place]) -> dict[Link, LinkDifference]:
    """Differences that are seen in every look: those that are on their way are gone in a later one."""
    found: dict[Link, LinkDifference] | None = None
    for look in range(LOOKS):
        if look:
            time.sleep(means.pause)
        held = _held(means, homes, places)
        for source in sorted({source for relation, _ in places for source in homes.of(relation)}):
            means.settle(source)
        with means.database.connect() as connection:
            seen = _compared(means, homes, held, _mine(connection, places))
        found = seen if found is None else {link: one for link, one in seen.items() if found.get(link) == one}
        if not found:
            return {}
    return found or {}


Held = dict[Link, set[str]]
"""By link: the sources that have it."""


def _held(means: LinkMeans, homes: _Homes, places: Iterable[Place]) -> Held:
    found: Held = {}
    for place in sorted(places):
        for source in sorted(homes.of(place[0])):
            for link in _their_links(source, means.asks[source], place):
                found.setdefault(link, set()).add(source)
    return found


def _compared(means: LinkMeans, homes: _Homes, held: Held, mine: set[Link]) -> dict[Link, LinkDifference]:
    differing = {
        link for link in {*held, *mine} if held.get(link, set()) != (homes.of(link[0]) if link in mine else ())
    }
    turned = {other: link for link in differing if (other := homes.opposite(link)) is not None}
    back = _held(means, homes, {_place(other) for other in turned}) if turned else {}
    found = {}
    for link in differing:
        has, all_of = held.get(link, set()), homes.of(link[0])
        other = homes.opposite(link)
        one_way = other is not None and bool(has) != bool(back.get(other))
        if one_way or (has and has != all_of):
            at = sorted(all_of - has) or sorted(all_of)
            found[link] = LinkDifference(link, "damaged there", homes.told(link, f"damaged in {', '.join(at)}"))
        else:
            why: Why = "missing here" if has else "missing there"
            found[link] = LinkDifference(link, why, homes.told(link, why))
    return found


def _mend(means: LinkMeans, homes: _Homes, found: Mapping[Link, LinkDifference]) -> int:
    """Make links what their homes say by now, with all logs kept out; how many were."""
    wrong = {link for link, one in found.items() if one.why != "damaged there"}
    places = {_place(link) for link in wrong}
    if not places:
        return 0
    with means.database.transaction() as connection:
        connection.rows(_HOLD, {"sources": sorted(means.asks)})
        held, mine = _held(means, homes, places), _mine(connection, places)
        made = [link for link in wrong if link not in mine and held.get(link) == homes.of(link[0])]
        gone = [link for link in wrong if link in mine and link not in held]
        write_links(connection, LINKED, made)
        write_links(connection, UNLINKED, gone)
    return len(made) + len(gone)


def _place(link: Link) -> Place:
    return link[0], (link[1] - 1) // SPAN


def _mine(connection: Connection, places: Iterable[Place]) -> set[Link]:
    found: set[Link] = set()
    for relation, part in places:
        params = {"relation": relation, "low": part * SPAN, "high": (part + 1) * SPAN}
        found |= {(row[0], row[1], row[2]) for row in connection.rows(_MINE, params)}
    return found


def _their_links(source: str, ask: Ask, place: Place) -> set[Link]:
    relation, part = place
    found: set[Link] = set()
    after = f"{relation}.{part * SPAN}.{_MOST_ID // 10}"
    while True:
        page = ask(f"/api/v1/{source}/links?after={after}&limit={PAGE}")
        links = [(int(one[0]), int(one[1]), int(one[2])) for one in page["results"]]
        found |= {link for link in links if _place(link) == place}
        after = page.get("next_after") or ""
        if not after or _place(links[-1]) != place:
            return found


def _their_sums(source: str, ask: Ask) -> Sums:
    found: Sums = {}
    after = ""
    while True:
        page = ask(f"/api/v1/{source}/links?sums=true&span={SPAN}&after={after}")
        for relation, low, _, count, total in page["results"]:
            found[int(relation), (int(low) - 1) // SPAN] = (int(count), total)
        after = page.get("next_after") or ""
        if not after:
            return found


def _my_sums(connection: Connection) -> Sums:
    found: Sums = {}
    after = 0, 0
    while True:
        rows = link_sums(connection, after=after, span=SPAN, limit=PAGE, table="fact_link")
        found |= {(one.relation, (one.low - 1) // SPAN): (one.count, one.total) for one in rows}
        if len(rows) < PAGE:
            return found
        after = rows[-1].relation, rows[-1].high
