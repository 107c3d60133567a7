"""Who lives where: giving attributes their slots, and keeping spare indexed slots and banks ready.

A slot is taken at an attribute's first value, in a short transaction of its own. The provisioner works beside the
traffic: CREATE INDEX CONCURRENTLY on an all-NULL column, whole new banks, spare tables for new entity types.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import psycopg

from shared.eav.catalog import LiveType
from shared.eav.declare import AttributeDef
from shared.eav.tables import FAMILIES, SPARE_INDEXES, Pool, bank_statements, index_statement, table_statements
from shared.eav.types import kind_of
from shared.eav.views import view_statements
from shared.kernel.db import Connection, Database

SPARE_SLOTS = 4
SPARE_TABLES = 2
_MAKE_LOCK = 7002
_PROVISION_LOCK = 7004

_BUMP_TABLE = """
update eav_version v set version = version + 1 from eav_type t where t.id = v.type_id and t.table_number = %(n)s
"""
_TAKE = """
with free as (
    select table_number, bank, column_name from eav_slot
    where table_number = %(table)s and family = %(family)s and state = 'free'
    order by bank, indexed desc, ord limit 1 for update skip locked),
taken as (
    update eav_slot s set state = 'used', attribute_id = %(attribute)s from free f
    where (s.table_number, s.bank, s.column_name) = (f.table_number, f.bank, f.column_name)
    returning s.bank, s.column_name)
update eav_attribute a set bank = taken.bank, column_name = taken.column_name from taken
where a.id = %(attribute)s returning a.column_name
"""


def take(database: Database, live: LiveType, attributes: Iterable[AttributeDef]) -> None:
    """Give each of these attributes a slot, unless somebody just did; bumps the catalog version once.

    Adds a bank first when the pool of a family has run out: new tables, so no lock on data.
    """
    wanted = [one for one in attributes if kind_of(one).family is not None]
    with database.connect() as connection:
        banks = live.banks
        while not _take_all(connection, live, wanted):
            banks = add_bank(connection, live.table, live.pool, after=banks)


def take_within(connection: Connection, live: LiveType, attributes: Iterable[AttributeDef]) -> None:
    """The same in the caller's transaction, for a type whose pool has room for all it will ever have (a mirror's)."""
    wanted = [one for one in attributes if kind_of(one).family is not None]
    if not _take_all(connection, live, wanted):
        raise RuntimeError(f"the pool of {live.name} has no room for {', '.join(one.name for one in wanted)}")


def _take_all(connection: Connection, live: LiveType, attributes: Iterable[AttributeDef]) -> bool:
    """Whether there was room for all of them; nothing is taken when there was not."""
    try:
        with connection.transaction():
            # The version is locked first, as every change of definitions does: two first values at once must not take
            # two slots, nor one take a slot for a kind that is just being changed.
            connection.row("select from eav_version where type_id = %(id)s for update", {"id": live.id})
            taken = [_take_one(connection, live, attribute) for attribute in attributes]
            if any(taken):
                connection.run("update eav_version set version = version + 1 where type_id = %(id)s", {"id": live.id})
    except _NoRoom:
        return False
    return True


class _NoRoom(Exception):
    """No slot of a family is free."""


def _take_one(connection: Connection, live: LiveType, attribute: AttributeDef) -> bool:
    """Whether a slot was taken: not when the attribute has one, or is of another kind by now."""
    row = connection.row("select kind, column_name from eav_attribute where id = %(id)s", {"id": attribute.id})
    if row != (attribute.kind, None):
        return False
    params: dict[str, Any] = {
        "table": live.table,
        "family": kind_of(attribute).family,
        "attribute": attribute.id,
    }
    if connection.row(_TAKE, params) is None:
        if not dict(zip(FAMILIES, live.pool, strict=True))[params["family"]]:
            raise RuntimeError(f"the pool of {live.name} has no slots for {attribute.kind}")
        raise _NoRoom
    return True


def add_bank(connection: Connection, number: int, pool: Pool, *, after: int) -> int:
    """Add one more bank to a slot table that has `after` of them; says how many there are then.

    Somebody else may have been faster: nothing is added when there are more already.
    """
    with connection.transaction():
        connection.row("select pg_advisory_xact_lock(%(key)s)", {"key": _MAKE_LOCK})
        row = connection.row("select banks from eav_table where number = %(n)s for update", {"n": number})
        assert row is not None
        if row[0] > after:
            return int(row[0])
        bank = row[0] + 1
        for statement in bank_statements(number, bank, pool):
            connection.run(statement)
        connection.run("update eav_table set banks = %(bank)s where number = %(n)s", {"bank": bank, "n": number})
        connection.run(_BUMP_TABLE, {"n": number})
        make_views(connection)
    return int(bank)


def make_table(connection: Connection, pool: Pool) -> int:
    """Make a spare slot table of this size and say its number. Runs inside the caller's transaction."""
    connection.row("select pg_advisory_xact_lock(%(key)s)", {"key": _MAKE_LOCK})
    row = connection.row("select coalesce(max(number), 0) + 1 from eav_table")
    assert row is not None
    for statement in table_statements(row[0], pool):
        connection.run(statement)
    make_views(connection)
    return int(row[0])


def make_views(connection: Connection) -> None:
    """Replace the tuple views, so that they cover every table and bank."""
    tables = connection.rows("select number, banks from eav_table order by number")
    for statement in view_statements([(number, banks) for number, banks in tables]):
        connection.run(statement)


def claim_table(connection: Connection, pool: Pool) -> int:
    """A spare table of at least this size for a new entity type, made on the spot when none is left."""
    row = connection.row(
        """select number from eav_table p
        where not exists (select from eav_type t where t.table_number = p.number)
          and texts = %(t)s and integers = %(i)s and timestamps = %(d)s and numerics = %(n)s
        order by number limit 1 for update skip locked""",
        dict(zip("tidn", pool, strict=True)),
    )
    return int(row[0]) if row else make_table(connection, pool)


def provision(database: Database, spare_pool: Pool | None = None) -> list[str]:
    """Build missing indexes of used and spare slots, add banks and spare tables; says what it did.

    Idempotent. Of several processes that call it at once one does the work, the others answer at once that they did
    nothing. Call it periodically and before an import that makes attributes.
    """
    # A lock of a transaction that does nothing else. The statement has no parameters on purpose: with some, the driver
    # leaves a portal open whose snapshot an index build in the other connection would wait for, and so for ever.
    with database.transaction() as keeper:
        if keeper.row(f"select pg_try_advisory_xact_lock({_PROVISION_LOCK})") != (True,):
            return []
        with database.connect() as connection:
            return _provision(connection, spare_pool)


def _provision(connection: Connection, spare_pool: Pool | None) -> list[str]:
    done: list[str] = []
    for number, pool, banks in _running_out(connection):
        done.append(f"bank {add_bank(connection, number, pool, after=banks)} of table {number}")
    if spare_pool is not None:
        while _spare_tables(connection, spare_pool) < SPARE_TABLES:
            with connection.transaction():
                done.append(f"spare table {make_table(connection, spare_pool)}")
    done += [name for name in _missing_indexes(connection) if name]
    return done


def _running_out(connection: Connection) -> list[tuple[int, Pool, int]]:
    """(table, pool, banks) of the tables with too few free slots of some family."""
    rows = connection.rows(
        """select p.number, p.banks, p.texts, p.integers, p.timestamps, p.numerics from eav_table p
        join eav_type t on t.table_number = p.number
        where exists (select from eav_slot s where s.table_number = p.number group by s.family
            having count(*) filter (where s.state = 'free')
                < least(%(spare)s, count(*) filter (where s.bank = 1))) order by 1""",
        {"spare": SPARE_SLOTS},
    )
    return [(number, tuple(pool), banks) for number, banks, *pool in rows]


def _spare_tables(connection: Connection, pool: Pool) -> int:
    row = connection.row(
        """select count(*) from eav_table p where texts = %(t)s and integers = %(i)s and timestamps = %(d)s
        and numerics = %(n)s and not exists (select from eav_type t where t.table_number = p.number)""",
        dict(zip("tidn", pool, strict=True)),
    )
    return int(row[0]) if row else 0


def _missing_indexes(connection: Connection) -> Iterable[str]:
    rows = connection.rows(
        """select table_number, bank, column_name from (
            select s.*, row_number() over (partition by table_number, family, state order by bank, ord) as place
            from eav_slot s) ranked
        where not indexed and (state <> 'free' or place <= %(spare)s) order by 1, 2, 3""",
        {"spare": SPARE_INDEXES},
    )
    for number, bank, column in rows:
        yield _build(connection, number, bank, column)


def _build(connection: Connection, number: int, bank: int, column: str) -> str:
    """One index, built without blocking writers; a left-over of a cancelled build is dropped first."""
    name = f"{index_statement(number, bank, column, concurrently=True).split()[6]}"
    invalid = connection.row(
        "select not indisvalid from pg_index where indexrelid = to_regclass(%(name)s)", {"name": name}
    )
    try:
        if invalid and invalid[0]:
            connection.run(f"drop index concurrently if exists {name}")
        connection.run(index_statement(number, bank, column, concurrently=True))
    except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected, psycopg.errors.UniqueViolation):
        return ""  # another provisioner is at it; the next round looks again
    built = connection.row(
        """update eav_slot set indexed = true where (table_number, bank, column_name) = (%(n)s, %(b)s, %(c)s)
        returning state""",
        {"n": number, "b": bank, "c": column},
    )
    if built != ("free",):  # a spare one is in nobody's catalog; a version each would send every reader back again
        connection.run(_BUMP_TABLE, {"n": number})
    return name
