"""Tables and statements of match keys. Set-wise; a look-up is a walk down the primary key per key.

Keys of archived entities stay where they are, since look-ups only answer entities that are live.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from functools import cache

from shared.eav.tables import table_name
from shared.kernel import arrays
from shared.kernel.db import Connection

Key = tuple[int, int]
"""(rule number, hash)"""
Kept = tuple[int, int, int]
"""(rule number, hash, entity id)"""

# How many entities a single key shows: a key that hundreds share says nothing about any of them.
MOST_PER_KEY = 50

_LOCK = 7009
# Arrays come through sub-selects, so that PostgreSQL does not see how long they are: else every execution looks
# cheaper planned anew, which costs more than the look-up itself, since a table of entities has very many indexes.
_KEYS = "(select %(r)s::int[]), (select %(k)s::bigint[])"
_ADD = f"""
insert into match_key (rule, key, entity_id)
select * from unnest({_KEYS}, (select %(e)s::bigint[])) order by 1, 2, 3 on conflict do nothing
"""
_DROP = """
delete from match_key m using unnest(%(r)s::int[], %(k)s::bigint[], %(e)s::bigint[]) g(r, k, e)
where m.rule = g.r and m.key = g.k and m.entity_id = g.e
"""
_SHARING = """
cross join lateral (
    select m.entity_id from match_key m join {table} e on e.id = m.entity_id
    where m.rule = g.r and m.key = g.k order by m.entity_id desc limit {most}) c
"""
_FIND = f"select g.r, g.k, c.entity_id from unnest({_KEYS}) g(r, k) {_SHARING}"
# A statement does not see what it writes itself: who had the keys before is what it answers.
_ADD_AND_FIND = f"""
with added as ({_ADD})
select g.r, g.k, c.entity_id
from (select distinct r, k from unnest({_KEYS}) listed(r, k)) g {_SHARING}
"""
_RULES = "select id, type_id, name, version from match_rule"
_REGISTER = """
insert into match_rule (type_id, name, version) select t.id, %(name)s, %(version)s from eav_type t
where t.name = %(type)s on conflict do nothing
"""


def create_statements() -> list[str]:
    """DDL of rules and keys."""
    return [
        # upto: keys of entities with an id up to this one were made after the fact; later ones by their own writes.
        """create table match_rule (
            id int generated always as identity primary key, type_id int not null references eav_type on delete cascade,
            name text not null, version int not null, upto bigint not null default 0,
            done boolean not null default false, unique (type_id, name, version))""",
        """create table match_key (
            rule int not null, key bigint not null, entity_id bigint not null, primary key (rule, key, entity_id))""",
    ]


DROP = "drop table if exists match_key, match_rule"


def register(connection: Connection, entity_type: str, name: str, version: int) -> None:
    """Give a rule a number, once."""
    connection.run(_REGISTER, {"type": entity_type, "name": name, "version": version})


def numbers(connection: Connection) -> dict[tuple[int, str, int], int]:
    """(type id, rule name, version) -> the rule's number."""
    return {(type_id, name, version): ident for ident, type_id, name, version in connection.rows(_RULES)}


def hold(connection: Connection, type_id: int, *, shared: bool = False) -> None:
    """Keep erasures (shared) and pieces of backfill of a type apart, until the transaction ends."""
    how = "pg_advisory_xact_lock_shared" if shared else "pg_advisory_xact_lock"
    connection.row(f"select {how}({_LOCK}, %(type)s)", {"type": type_id})


def add(connection: Connection, kept: Collection[Kept]) -> None:
    """Keep keys; those that are there are fine."""
    _run(connection, _ADD, kept)


def drop(connection: Connection, kept: Collection[Kept]) -> None:
    """Forget keys."""
    _run(connection, _DROP, kept)


def _run(connection: Connection, sql: str, kept: Collection[Kept]) -> None:
    if kept:
        connection.run(sql, _columns("rke", kept), prepare=True)


def forget(connection: Connection, type_id: int, ids: Collection[int]) -> None:
    """Forget every key of entities that are erased, whichever rule and write it is of; reads all keys."""
    hold(connection, type_id, shared=True)
    connection.run("delete from match_key where entity_id = any(%(ids)s::bigint[])", {"ids": list(ids)})


def find(connection: Connection, table: int, keys: Sequence[Key]) -> list[Kept]:
    """Live entities that share these keys, the newest first, at most MOST_PER_KEY for each."""
    if not keys:
        return []
    sql = _FIND.format(table=table_name(table), most=MOST_PER_KEY)
    return [(row[0], row[1], row[2]) for row in connection.rows(sql, _columns("rk", keys), prepare=True)]


def add_and_find(connection: Connection, table: int, kept: Collection[Kept]) -> list[Kept]:
    """Keep keys, and find the live entities that had one of them before, as `find` does; one statement."""
    if not kept:
        return []
    return [
        (row[0], row[1], row[2]) for row in connection.rows(_add_and_find(table), _columns("rke", kept), prepare=True)
    ]


@cache
def _add_and_find(table: int) -> str:
    return _ADD_AND_FIND.format(table=table_name(table), most=MOST_PER_KEY)


def _columns(names: str, rows: Iterable[Sequence[int]]) -> dict[str, str]:
    columns = list(zip(*rows, strict=True)) or [()] * len(names)
    return {name: arrays.numbers(column) for name, column in zip(names, columns, strict=True)}
