"""How many entities one is linked to, kept as its value: declared by a service (`Manifest.counts`), the kit keeps it.

Whatever changes a link or puts an entity away notes, in its own transaction, whose number may be another one: a trigger
on the table of links and on the archives does, one insert per statement, whichever way the change came (doors, imports,
words of other services, merges, erasures). Notes are only added, so that writers never wait for each other. Soon after
(`recount`), the numbers are worked out from the links and written like any value that the system keeps: a version with
history and event for each entity whose number is another one, however many links changed meanwhile. Doing it twice, or
late, changes nothing. Archived entities are not counted, and no number is kept of them; it is, when they are back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from shared.bus.dead_letters import Handler
from shared.contracts.event import ARCHIVED, ERASED, LINK, MERGED, RESTORED, UNMERGED, Event
from shared.eav.tables import table_name
from shared.kernel.config import Settings
from shared.kernel.context import SYSTEM, Context
from shared.kernel.db import Connection, Database
from shared.service.following import Subscription, beside
from shared.service.home import Home
from shared.service.relations import BUILTIN

SOURCE = "LINKS"
_AT_ONCE = 2000
_TURN = "select pg_try_advisory_xact_lock(7031)"
_TAKE = """
delete from link_recount where ctid = any(array(select ctid from link_recount limit %(limit)s))
returning relation, entity_id
"""
_COUNT = """
select g.id, (select count(*) from eav_link l join {table} e on e.id = l.to_id
    where l.relation = %(relation)s and l.from_id = g.id)
from unnest(%(ids)s::bigint[]) g(id)
"""
_TABLES = "select name, table_number from eav_type where name = any(%(names)s::text[])"
_DECLARE = """
insert into link_counted (relation, inverse, own_table, other_table)
values (%(relation)s, %(inverse)s, %(own)s, %(other)s)
on conflict (relation) do update set inverse = excluded.inverse, own_table = excluded.own_table,
    other_table = excluded.other_table
returning xmax = 0
"""
_ALL = "insert into link_recount select distinct relation, from_id from eav_link where relation = %(relation)s"
_FUNCTIONS = (
    """create function link_count_moved() returns trigger language plpgsql as $$ begin
        insert into link_recount (relation, entity_id)
        select distinct m.relation, m.from_id from moved m join link_counted c on c.relation = m.relation;
        return null; end $$""",
    """create function link_count_away() returns trigger language plpgsql as $$ begin
        insert into link_recount (relation, entity_id)
        select c.relation, l.to_id from link_counted c cross join moved m
            join eav_link l on l.relation = c.inverse and l.from_id = m.id where c.other_table = tg_argv[0]::int
        union select c.relation, m.id from link_counted c cross join moved m where c.own_table = tg_argv[0]::int;
        return null; end $$""",
)
_WATCHED = "select 1 from pg_trigger where tgrelid = %(table)s::regclass and tgname = 'link_count_insert'"
_EDGES = (("insert", "new"), ("delete", "old"))


@dataclass(frozen=True, slots=True)
class Counted:
    """`attribute` of entities of a type says how many they are linked to by `relation`, a built-in one from them."""

    type: str
    attribute: str
    relation: int

    @property
    def other(self) -> str:
        """The type of those that are counted."""
        return _BY_ID[self.relation].to_type


_BY_ID = {one.id: one for one in BUILTIN}


def create_statements() -> list[str]:
    """DDL. link_counted: what is counted here; link_recount: whose number may be another one."""
    return [
        """create table link_counted (
            relation int primary key, inverse int not null, own_table int not null, other_table int not null)""",
        "create table link_recount (relation int not null, entity_id bigint not null)",
        *_FUNCTIONS,
    ]


def drop_statements() -> list[str]:
    """The way back."""
    functions = "drop function if exists link_count_moved, link_count_away cascade"
    return [functions, "drop table if exists link_recount, link_counted"]


def _watch(connection: Connection, table: str, function: str) -> None:
    """Note what enters and leaves a table, from now on."""
    if connection.row(_WATCHED, {"table": table}) is None:
        for edge, rows in _EDGES:
            connection.run(
                f"create trigger link_count_{edge} after {edge} on {table} referencing {rows} table as moved"
                f" for each statement execute function {function}"
            )


def declare_counts(database: Database, counts: Sequence[Counted]) -> None:
    """Count from now on what is declared, and what is there already; idempotent."""
    if not counts:
        return
    names = sorted({name for one in counts for name in (one.type, one.other)})
    with database.transaction() as connection:
        connection.row("select pg_advisory_xact_lock(7032)")
        tables: Mapping[str, int] = dict(connection.rows(_TABLES, {"names": names}))
        _watch(connection, "eav_link", "link_count_moved()")
        for number in sorted(tables.values()):
            _watch(connection, table_name(number, archive=True), f"link_count_away({number})")
        for one in counts:
            params = {"relation": one.relation, "inverse": _BY_ID[one.relation].inverse, "own": tables[one.type]}
            new = connection.row(_DECLARE, {**params, "other": tables[one.other]})
            if new is not None and new[0]:
                connection.run(_ALL, {"relation": one.relation})


def recount(connection: Connection, home: Home, counts: Sequence[Counted], cause: str | None = None) -> int:
    """Bring some numbers up to date in the caller's transaction; how many notes that took. One process at a time: a
    number that was worked out first must not be written last."""
    if connection.row(_TURN) != (True,):
        return 0
    by_relation: dict[int, set[int]] = {}
    notes = connection.rows(_TAKE, {"limit": _AT_ONCE})
    for relation, ident in notes:
        by_relation.setdefault(relation, set()).add(ident)
    values: dict[str, dict[int, dict[str, Any]]] = {}
    for one in counts:
        ids = sorted(by_relation.get(one.relation, ()))
        if ids:
            table = table_name(home.linkable(one.other).table)
            rows = connection.rows(_COUNT.format(table=table), {"relation": one.relation, "ids": ids})
            for ident, number in rows:
                values.setdefault(one.type, {}).setdefault(ident, {})[one.attribute] = Decimal(number)
    for kind, found in sorted(values.items()):
        home.keep(connection, kind, found, Context(SYSTEM, SOURCE, cause=cause))
    return len(notes)


def recounted(database: Database, counts: Sequence[Counted]) -> int:
    """Upkeep: whatever is left to count; how many notes that took."""
    home, done = Home.of(database), 0
    while True:
        with database.transaction() as connection:
            taken = recount(connection, home, counts)
        done += taken
        if taken < _AT_ONCE:
            return done


def subscription(service: str, counts: Sequence[Counted], settings: Settings) -> Subscription:
    """Counts soon after links changed here."""
    return Subscription(
        name=f"{service}.counts",
        source=service,
        handler=_counting(Home.of(beside(settings, service)), counts),
        types=_MOVING,
        begin="start",
        rebuild=lambda _database: None,  # notes tell what is left to do, and upkeep does it
    )


def counting_after(one: Subscription, service: str, counts: Sequence[Counted], settings: Settings) -> Subscription:
    """A subscription that counts when it has taken in what another service tells of links."""
    count, handle = _counting(Home.of(beside(settings, service)), counts), one.handler

    def both(connection: Connection, events: Sequence[Event]) -> None:
        handle(connection, events)
        count(connection, events)

    return replace(one, handler=both)


def _counting(home: Home, counts: Sequence[Counted]) -> Handler:
    def count(connection: Connection, events: Sequence[Event]) -> None:
        if any(one.kind in _MOVING for one in events):
            while recount(connection, home, counts) == _AT_ONCE:
                pass

    return count


_MOVING = frozenset({LINK, ARCHIVED, RESTORED, MERGED, UNMERGED, ERASED})
