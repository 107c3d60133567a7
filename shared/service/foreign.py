"""References to entities of another service: known ids, kept as a replica of that service's log.

`Foreign.unknown` answers which of some ids nobody knows, asking the log once more (rarely) before it says so. While
the other service cannot be asked, ids are taken on trust: a write here must not depend on a neighbour being up.
Not for links, which have a life of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence

from shared.contracts.event import ARCHIVED, ENTITY_KINDS, ERASED, Event
from shared.kernel.db import Connection, Database
from shared.service.pulling import Pulling

_APPLY = """
insert into foreign_entity as f (entity_type, id, version, archived)
select * from unnest(%(types)s::text[], %(ids)s::bigint[], %(versions)s::bigint[], %(archived)s::bool[])
on conflict (entity_type, id) do update set version = excluded.version, archived = excluded.archived
where f.version < excluded.version
"""
_DROP = "delete from foreign_entity where entity_type = %(type)s and id = any(%(ids)s)"
_MADE_UP = """
select g.id from unnest(%(ids)s::bigint[]) g(id)
where not exists (select from foreign_entity f where f.entity_type = %(type)s and f.id = g.id)
    and exists (select from foreign_entity f where f.entity_type = %(type)s)
"""
_KNOWN = "select id from foreign_entity where entity_type = %(type)s and id = any(%(ids)s)"


def create_statements() -> list[str]:
    """DDL of the replica."""
    return [
        """create table foreign_entity (
            entity_type text not null, id bigint not null, version bigint not null, archived bool not null,
            primary key (entity_type, id))"""
    ]


def apply_entity_events(connection: Connection, events: Sequence[Event]) -> None:
    """Note which entities exist; in any order, any number of times."""
    newest: dict[tuple[str, int], Event] = {}
    for event in events:
        if event.kind in ENTITY_KINDS and event.entity_id is not None:
            key = (event.entity_type, event.entity_id)
            if key not in newest or newest[key].version < event.version:
                newest[key] = event
    _put(
        connection,
        [(kind, ident, one.version, one.kind in (ARCHIVED, ERASED)) for (kind, ident), one in sorted(newest.items())],
    )


def put_known(connection: Connection, entity_type: str, rows: Iterable[tuple[int, int, bool]]) -> None:
    """Note entities read from their home: (id, version, archived)."""
    _put(connection, [(entity_type, *row) for row in rows])


def drop_known(connection: Connection, entity_type: str, ids: Collection[int]) -> None:
    """Nothing is there under these ids any more: whoever refers to them is refused."""
    connection.run(_DROP, {"type": entity_type, "ids": list(ids)})


def _put(connection: Connection, rows: Sequence[tuple[str, int, int, bool]]) -> None:
    if rows:
        names = ("types", "ids", "versions", "archived")
        connection.run(_APPLY, {name: [row[n] for row in rows] for n, name in enumerate(names)}, prepare=True)


def made_up(connection: Connection, entity_type: str, ids: Collection[int]) -> frozenset[int]:
    """Those of some ids that nobody knows, as far as the replica at hand tells; none while it knows nobody at all."""
    rows = connection.rows(_MADE_UP, {"type": entity_type, "ids": sorted(ids)}, prepare=True) if ids else []
    return frozenset(row[0] for row in rows)


class Foreign:
    """What is known of other services' entities. `pull` brings the newest events; None where nothing is followed."""

    def __init__(self, database: Database, types: Collection[str], pull: Callable[[], None] | None) -> None:
        self._database = database
        self.types = frozenset(types)
        self._pulling = None if pull is None else Pulling("foreign entities", pull)

    def follows(self, entity_type: str) -> bool:
        """Whether ids of this type can be told real from made up here."""
        return entity_type in self.types

    def unknown(self, entity_type: str, ids: Collection[int]) -> frozenset[int]:
        """Ids that nobody knows; empty while that cannot be found out."""
        missing = frozenset(ids) - self._known(entity_type, ids)
        if missing and self._pulling is not None:
            if not self._pulling.fresh():
                return frozenset()
            missing -= self._known(entity_type, missing)
        return missing

    def _known(self, entity_type: str, ids: Collection[int]) -> frozenset[int]:
        with self._database.connect() as connection:
            rows = connection.rows(_KNOWN, {"type": entity_type, "ids": list(ids)}, prepare=True)
        return frozenset(row[0] for row in rows)
