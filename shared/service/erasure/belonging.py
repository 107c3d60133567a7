"""What goes with an erased entity, and what cannot: entities of other types that belong to it alone, or to others too.

A note about one person is theirs, and is erased with them. One about two people cannot be: what in it is certainly of
the one alone is taken out, and it is listed for somebody to look at the rest, or to erase it. Whoever else is erased
later may leave it to nobody: then it goes too, and off the list.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.kernel.clock import iso
from shared.kernel.db import Connection

PAGE = 500
Belongings = Mapping[str, tuple[str, ...]]
"""By name of an entity type: the types of which entities go with an erased one, unless another one has them too."""
Parts = Mapping[str, tuple[tuple[str, str], ...]]
"""By name of an entity type: (type, attribute) of the entities that it consists of, which refer to it by that
attribute and go with it whoever else is linked."""


@dataclass(frozen=True, slots=True)
class Claim:
    """Entities of ours that name a mirrored entity by a value rather than by a link: `attribute` of `type` holds what
    `theirs` is of the mirrored one.

    whole: such an entity is the work of the one whom it names, and is erased with them whoever else it concerns.
    besides: attributes that tell of the one whom it names too; where an entity stays because it is others' as well,
    these and `attribute` are emptied, in all that was ever told of them.
    listed: something may be left that somebody has to look at.
    """

    theirs: str
    type: str
    attribute: str
    besides: tuple[str, ...] = ()
    whole: bool = False
    listed: bool = True


Claims = Mapping[str, tuple[Claim, ...]]
"""By name of a mirrored entity type."""
Forget = Callable[[Connection, str, Collection[int]], None]
"""Takes erased entities (type, ids) out of what a service keeps of them besides."""

_STILL = """
select distinct g.to_type, l.from_id
from unnest(%(types)s::text[], %(relations)s::int[], %(ids)s::bigint[]) g(to_type, relation, id)
join eav_link l on l.relation = g.relation and l.from_id = g.id
"""
_NOTE = """
insert into erasure_review (erased_type, erased_id, entity_type, entity_id)
select %(erased_type)s, * from unnest(%(erased)s::bigint[], %(types)s::text[], %(ids)s::bigint[]) on conflict do nothing
"""
_GONE = "delete from erasure_review where entity_type = %(type)s and entity_id = any(%(ids)s::bigint[])"
_LISTED = """
select id, erased_type, erased_id, entity_type, entity_id, at, settled_at, settled_by from erasure_review
where id > %(after)s and (%(settled)s or settled_at is null) order by id limit %(limit)s
"""
_SETTLE = """
update erasure_review set settled_at = timezone('utc', clock_timestamp()), settled_by = %(by)s
where id = %(id)s and settled_at is null
"""
_THERE = "select 1 from erasure_review where id = %(id)s"

Link = tuple[str, int, int, int]
"""A link that an erased entity had: (type of the other, relation back from there, erased id, other id)."""


Named = Mapping[tuple[int, str], Collection[int]]
"""(erased id, type of ours) -> entities of ours that name the erased one by a value."""


def create_statements() -> list[str]:
    """DDL of the list."""
    return [
        """create table erasure_review (
            id bigint generated always as identity primary key, erased_type text not null, erased_id bigint not null,
            entity_type text not null, entity_id bigint not null,
            at timestamp not null default timezone('utc', clock_timestamp()), settled_at timestamp, settled_by text,
            unique (entity_type, entity_id, erased_type, erased_id))""",
    ]


DROP = "drop table if exists erasure_review"


@dataclass(frozen=True, slots=True)
class Review:
    """One entity that was linked to an erased one and to others of its type too."""

    id: int
    erased_type: str
    erased_id: int
    entity_type: str
    entity_id: int
    at: datetime
    settled_at: datetime | None
    settled_by: str | None

    def to_document(self) -> dict[str, Any]:
        """As JSON."""
        found: dict[str, Any] = {
            "id": str(self.id),
            "erased": {"type": self.erased_type, "id": str(self.erased_id)},
            "entity": {"type": self.entity_type, "id": str(self.entity_id)},
            "at": iso(self.at),
        }
        if self.settled_at is not None:
            found |= {"settled_at": iso(self.settled_at), "settled_by": self.settled_by}
        return found


def parted(connection: Connection, links: Iterable[Link]) -> tuple[dict[str, list[int]], list[Link]]:
    """What the erased had alone, by type, and the links to what others have too. Their own links are gone already."""
    listed = sorted(set(links))
    if not listed:
        return {}, []
    params = {name: [one[n] for one in listed] for name, n in (("types", 0), ("relations", 1), ("ids", 3))}
    still = {(kind, ident) for kind, ident in connection.rows(_STILL, params)}
    alone: dict[str, set[int]] = {}
    for kind, _, _, ident in listed:
        if (kind, ident) not in still:
            alone.setdefault(kind, set()).add(ident)
    return {kind: sorted(ids) for kind, ids in alone.items()}, [one for one in listed if (one[0], one[3]) in still]


def note_all(connection: Connection, erased_type: str, erased: int, entity_type: str, ids: Collection[int]) -> None:
    """List entities for one that was erased."""
    note(connection, erased_type, [(entity_type, 0, erased, one) for one in ids])


def note(connection: Connection, erased_type: str, shared: Collection[Link]) -> None:
    """List what is shared with others."""
    if shared:
        columns = {name: [one[n] for one in shared] for name, n in (("types", 0), ("erased", 2), ("ids", 3))}
        connection.run(_NOTE, {"erased_type": erased_type, **columns})


def forget(connection: Connection, entity_type: str, ids: Collection[int]) -> None:
    """Entities that are erased themselves need no looking at."""
    connection.run(_GONE, {"type": entity_type, "ids": list(ids)})


def listed(connection: Connection, after: int, limit: int, *, settled: bool) -> list[Review]:
    """A page of the list, in the order it came about; settled: also what was looked at."""
    return [Review(*row) for row in connection.rows(_LISTED, {"after": after, "limit": limit, "settled": settled})]


def settle(connection: Connection, ident: int, by: str) -> bool | None:
    """Note that somebody looked at it; False: somebody had, None: no such line."""
    if connection.run(_SETTLE, {"id": ident, "by": by}) > 0:
        return True
    return False if connection.row(_THERE, {"id": ident}) is not None else None
