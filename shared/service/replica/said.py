"""Links between entities of two services: both tell of them, in logs of their own, and the last word counts.

Words have stamps (clock, service), and of a link is kept when it was last made and last undone, so that it does not
matter which log is read first. Links within one service need none of this: its log tells of them in order.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Any

from shared.contracts.event import ERASED, LINK, MERGED, UNMERGED, Event
from shared.eav.links.relations import worked_out
from shared.kernel.db import Connection
from shared.service.relations import BUILTIN
from shared.service.replica.catalogs import KnownTypes

Stamp = tuple[int, str]
NEVER_AGAIN: Stamp = (2**62, "")
"""When an erased entity's links were undone: later than anybody can make them."""
_NOT: Stamp = (0, "")
_KNOWN = """select r from unnest(%(relations)s::int[]) r
where exists (select from fact_link_said s where s.relation = r)"""
_LATER = "(excluded.{one}, excluded.{one}_by) > (s.{one}, s.{one}_by)"
_SAY = """insert into fact_link_said as s (relation, from_id, to_id, made, made_by, undone, undone_by)
select * from unnest(%(relation)s::int[], %(from_id)s::bigint[], %(to_id)s::bigint[], %(made)s::bigint[],
    %(made_by)s::text[], %(undone)s::bigint[], %(undone_by)s::text[]) order by 1, 2, 3
on conflict (relation, from_id, to_id) do update set """ + ", ".join(
    f"{column} = case when {_LATER.format(one=one)} then excluded.{column} else s.{column} end"
    for one in ("made", "undone")
    for column in (one, f"{one}_by")
) + " returning relation, from_id, to_id, (made, made_by) > (undone, undone_by)"  # fmt: skip


def create_statement() -> str:
    """DDL: one row per link that two services know of, under the smaller of its two names."""
    return """create table fact_link_said (
        relation int not null, from_id bigint not null, to_id bigint not null, made bigint not null,
        made_by text collate "C" not null, undone bigint not null, undone_by text collate "C" not null,
        primary key (relation, from_id, to_id))"""


@dataclass(frozen=True, slots=True)
class Word:
    """One event's word on one link."""

    relation: int
    inverse: int
    from_id: int
    to_id: int
    live: bool
    stamp: Stamp

    @property
    def name(self) -> tuple[int, int, int]:
        """The link's name, the same from both ends."""
        return min((self.relation, self.from_id, self.to_id), (self.inverse, self.to_id, self.from_id))


def stamp_of(source: str, event: Event) -> Stamp:
    """When an event's links were made or undone, and by whom."""
    if event.kind == ERASED:
        return NEVER_AGAIN
    return int(event.detail.get("clock") or 0), str(event.detail.get("origin") or source)


def across(connection: Connection, types: KnownTypes, events: Iterable[Event]) -> set[int]:
    """Which relations of these events lead from one service to another, in either direction."""
    found: set[int] = set()
    asked: set[int] = set()
    for one in events:
        if one.kind == LINK:
            homes = {known.source if (known := types.find(one.detail[end]["type"])) else "" for end in ("from", "to")}
            if len(homes) > 1:
                found |= {int(one.detail["relation"]), int(one.detail["inverse"])}
        elif one.kind in (MERGED, UNMERGED, ERASED):
            asked |= {int(ident) for row in one.detail.get("links", ()) for ident in row[:2]}
    asked -= found
    rows = connection.rows(_KNOWN, {"relations": sorted(asked)}) if asked else []
    told = {row[0] for row in rows}
    for one in events:
        for row in one.detail.get("links", ()) if one.kind in (MERGED, UNMERGED, ERASED) else ():
            if told & {int(row[0]), int(row[1])}:
                found |= {int(row[0]), int(row[1])}
    return found


def say(connection: Connection, words: Iterable[Word]) -> dict[tuple[int, int, int], bool]:
    """Take in words; by the links they are about, in both directions, whether those are there now."""
    by_name: dict[tuple[int, int, int], Word] = {}
    made: dict[tuple[int, int, int], Stamp] = {}
    undone: dict[tuple[int, int, int], Stamp] = {}
    for one in words:
        by_name[one.name] = one
        kept = made if one.live else undone
        kept[one.name] = max(one.stamp, kept.get(one.name, _NOT))
    if not by_name:
        return {}
    rows = [(*name, *made.get(name, _NOT), *undone.get(name, _NOT)) for name in by_name]
    columns = ("relation", "from_id", "to_id", "made", "made_by", "undone", "undone_by")
    params: dict[str, Any] = {column: [row[n] for row in rows] for n, column in enumerate(columns)}
    found: dict[tuple[int, int, int], bool] = {}
    for relation, start, end, holds in connection.rows(_SAY, params, prepare=True):
        word = by_name[relation, start, end]
        found[word.relation, word.from_id, word.to_id] = holds
        found[word.inverse, word.to_id, word.from_id] = holds
    return found


def speaks_of(types: KnownTypes, source: str, told: Collection[int]) -> Callable[[int], bool]:
    """Whether a source is to be believed about links of a relation: those that lead to or from its own entities. Of
    relations that people made, those it has told of (`told`)."""
    homes = {one.name: one.source for one in types}
    listed = {one.id: {homes.get(one.from_type), homes.get(one.to_type)} for one in BUILTIN}
    numbers = {
        made["number"]: homes[one.name] for one in types if (made := worked_out(one.live.defn.wire_id)) is not None
    }
    sample = worked_out("0-1")
    assert sample is not None
    base, span = sample["base"], sample["span"]

    def speaks(relation: int) -> bool:
        if relation in listed:
            return source in listed[relation]
        if relation >= base:
            start, end = divmod(relation - base, span)
            return source in (numbers.get(start), numbers.get(end))
        return relation in told

    return speaks
