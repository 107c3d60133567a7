"""The write statements: SQLAlchemy Core, set-wise, compiled once per shape.

The rows of a batch travel as one JSON parameter: an array per column would cost the driver more than the server takes
to read them. Those of a bulk call are copied: new ones straight into their tables, changed ones by way of temporary
tables of the same columns (`staged`, see `store.staging`), keys and options apart; the caller holds the guard. One
statement writes the rows of all banks, history, search documents, unique keys and chosen options of a whole batch. Ids
come from nextval, in input order.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from shared.eav.guard import GUARDED, GUARDED_SQL
from shared.eav.tables import FIXED, MULTI, UNIQUE, VERSIONS, search_name, search_table, slot_table, table_name
from shared.kernel.db import compiled

Columns = tuple[tuple[int, tuple[str, ...]], ...]
_FAMILY: dict[str, Any] = {"t": sa.Text(), "i": sa.BigInteger(), "d": sa.TIMESTAMP(), "n": sa.Numeric()}
_FIXED_TYPES: dict[str, Any] = {
    "bigint": sa.BigInteger(),
    "int": sa.Integer(),
    "timestamp": sa.TIMESTAMP(),
    "text": sa.Text(),
    "json": sa.JSON(),
}
_META = sa.MetaData()
HISTORY = sa.Table(
    "eav_history",
    _META,
    *(
        sa.Column(name, kind)
        for name, kind in (
            ("entity_id", sa.BigInteger()),
            ("version", sa.Integer()),
            ("type_id", sa.Integer()),
            ("kind", sa.Text()),
            ("at", sa.TIMESTAMP()),
            ("effective_at", sa.TIMESTAMP()),
            ("actor", sa.Text()),
            ("source", sa.Text()),
            ("source_id", sa.Text()),
            ("correlation", sa.Text()),
            ("changed", pg.JSONB()),
        )
    ),
)
STAGED_CHANGED, STAGED_STEPS = "bulk_changed", "bulk_steps"
INSERTED = (
    "version", "created_at", "updated_at", "recorded_at", "created_by", "source", "source_id", "checksum", "extra",
    "long",
)  # fmt: skip
UPDATED = ("version", "updated_at", "checksum", "extra", "long")


def _records(name: str, columns: dict[str, Any]) -> sa.TableValuedAlias:
    """The parameter `name`, a JSON list of objects, as rows of these columns."""
    shape = [sa.column(column, kind) for column, kind in columns.items()]
    listed = sa.func.json_to_recordset(sa.cast(sa.bindparam(name, type_=sa.Text()), sa.JSON()))
    return listed.table_valued(*shape).render_derived(name=name, with_types=True)


def _slots(columns: Columns) -> dict[str, Any]:
    return {f"b{bank}_{name}": _FAMILY[name[0]] for bank, names in columns for name in names}


def _fixed(names: tuple[str, ...]) -> dict[str, Any]:
    kinds = dict(FIXED)
    return {name: _FIXED_TYPES[kinds[name]] for name in names}


def _keyed(name: str, value: str, kind: Any) -> sa.TableValuedAlias:
    return _records(name, {"attribute_id": sa.Integer(), value: kind, "at": sa.Integer()})


def _created_shape(columns: Columns) -> dict[str, Any]:
    """The columns of rows to insert."""
    return {"ord": sa.Integer(), **_fixed(INSERTED), **_slots(columns), "doc": sa.Text()}


def changed_shape(columns: Columns) -> dict[str, Any]:
    """The columns of rows to change."""
    return {"id": sa.BigInteger(), **_fixed(UPDATED), **_slots(columns), "doc": sa.Text(), "redoc": sa.Boolean()}


HISTORY_SHAPE: dict[str, Any] = {"changed": sa.JSON(), "effective_at": sa.TIMESTAMP()}
STEP_SHAPE: dict[str, Any] = {"id": sa.BigInteger(), "version": sa.Integer(), **HISTORY_SHAPE}


def staged_table(name: str, shape: dict[str, Any]) -> sa.TableClause:
    """A temporary table of these columns."""
    return sa.table(name, *(sa.column(column, kind) for column, kind in shape.items()), schema="pg_temp")


DRAW = "select nextval('eav_entity_id') from generate_series(1, %(n)s::int)"


def copied_line(columns: Columns) -> tuple[str, ...]:
    """What a line about a new entity holds, cut into those of the single tables by `copies`."""
    return ("id", *INSERTED, *_slots(columns), "doc")


def copies(table: int, columns: Columns) -> list[tuple[str, slice]]:
    """A COPY per table of new entities, and what it gets of a line: the first one all of its part, the others the id
    and, where there is anything, theirs."""
    end = 1 + len(INSERTED) + len(columns[0][1])
    found = [(_copy(table_name(table), ("id", *INSERTED, *columns[0][1])), slice(0, end))]
    for bank, names in columns[1:]:
        found.append((_copy(table_name(table, bank), ("id", *names)), slice(end, end + len(names))))
        end += len(names)
    return [*found, (_copy(search_name(table), ("id", "doc")), slice(end, end + 1))]


def _copy(name: str, columns: tuple[str, ...]) -> str:
    return f"copy {name}({', '.join(columns)}) from stdin"


@lru_cache(maxsize=512)
def insert(table: int, columns: Columns, unique: bool, multi: bool) -> str:
    """Create N entities under the guard; parameters: JSON lists `i` (rows), `u` (unique keys), `m` (chosen options)."""
    fixed = _fixed(INSERTED)
    ident = sa.func.nextval(sa.literal_column("'eav_entity_id'")).label("id")
    given = sa.select(ident, *_records("i", _created_shape(columns)).c).cte("input")
    writes: list[sa.CTE] = []
    for bank, names in columns:
        target = slot_table(table, bank, names)
        common = tuple(fixed) if bank == 1 else ()
        source = sa.select(
            given.c.id,
            *(given.c[name] for name in common),
            *(given.c[f"b{bank}_{name}"] for name in names),
        )
        if bank != 1:
            source = source.where(sa.or_(*(given.c[f"b{bank}_{name}"].is_not(None) for name in names)))
        writes.append(sa.insert(target).from_select(["id", *common, *names], source).cte(f"bank{bank}"))
    search = search_table(table)
    documents = sa.select(given.c.id, given.c.doc).where(given.c.doc.is_not(None))
    writes.append(sa.insert(search).from_select(["id", "doc"], documents).cte("documents"))
    if unique:
        keys = _keyed("u", "key", sa.Text())
        picked = sa.select(keys.c.attribute_id, keys.c.key, given.c.id).join_from(keys, given, given.c.ord == keys.c.at)
        # In the order of keys: two batches with the same keys meet at the first, and do not wait for each other.
        picked = picked.order_by(keys.c.attribute_id, keys.c.key)
        writes.append(sa.insert(UNIQUE).from_select(["attribute_id", "key", "entity_id"], picked).cte("uniques"))
    if multi:
        chosen = _keyed("m", "value", sa.BigInteger())
        picked = sa.select(chosen.c.attribute_id, chosen.c.value, given.c.id).join_from(
            chosen, given, given.c.ord == chosen.c.at
        )
        writes.append(sa.insert(MULTI).from_select(["attribute_id", "value", "entity_id"], picked).cte("options"))
    # Nothing reads the writing CTEs, so they run when this select, and with it the guard, is through.
    made = sa.select(given.c.id).where(GUARDED)
    return compiled(made.order_by(given.c.ord).add_cte(*writes))


@lru_cache(maxsize=1024)
def update(table: int, columns: Columns, staged: bool = False) -> str:
    """Change N locked entities: rows, history, search documents; answers the catalog version it saw.

    Parameters: the JSON list `i` of rows, scalars for the rest. Staged history is apart: one change of an entity each.
    """
    fixed = _fixed(UPDATED)
    shape = changed_shape(columns)
    given: sa.FromClause = staged_table(STAGED_CHANGED, shape)
    steps: sa.FromClause = staged_table(STAGED_STEPS, STEP_SHAPE)
    if not staged:
        given = steps = sa.select(*_records("i", {**shape, **HISTORY_SHAPE}).c).cte("input")
    writes: list[sa.CTE] = []
    main = slot_table(table, 1, dict(columns).get(1, ()))
    values: dict[str, Any] = {name: given.c[name] for name in fixed}
    values |= {name: given.c[f"b1_{name}"] for name in dict(columns).get(1, ())}
    writes.append(sa.update(main).values(values).where(main.c.id == given.c.id).cte("main"))
    for bank, names in columns:
        if bank != 1:
            writes.append(_upsert_bank(given, table, bank, names))
    writes.append(_history(steps))
    search = search_table(table)
    put = pg.insert(search).from_select(
        ["id", "doc"], sa.select(given.c.id, given.c.doc).where(given.c.redoc, given.c.doc.is_not(None))
    )
    writes.append(put.on_conflict_do_update(index_elements=["id"], set_={"doc": put.excluded.doc}).cte("documents"))
    gone = sa.select(given.c.id).where(given.c.redoc, given.c.doc.is_(None))
    writes.append(sa.delete(search).where(search.c.id.in_(gone)).cte("undocumented"))
    seen = sa.select(VERSIONS.c.version).where(VERSIONS.c.type_id == sa.bindparam("type_id", type_=sa.Integer()))
    return compiled(seen.add_cte(*writes))


def _upsert_bank(given: sa.FromClause, table: int, bank: int, names: tuple[str, ...]) -> sa.CTE:
    target = slot_table(table, bank, names)
    put = pg.insert(target).from_select(
        ["id", *names], sa.select(given.c.id, *(given.c[f"b{bank}_{name}"] for name in names))
    )
    return put.on_conflict_do_update(index_elements=["id"], set_={name: put.excluded[name] for name in names}).cte(
        f"bank{bank}"
    )


def _history(given: sa.FromClause) -> sa.CTE:
    names = ["entity_id", "version", "type_id", "kind", "effective_at", "actor", "source", "source_id", "correlation"]
    scalars = ("actor", "source", "source_id", "correlation")
    source = sa.select(
        given.c.id,
        given.c.version,
        sa.bindparam("type_id", type_=sa.Integer()),
        sa.bindparam("kind", type_=sa.Text()),
        given.c.effective_at,
        *(sa.bindparam(name, type_=sa.Text()) for name in scalars),
        sa.cast(given.c.changed, pg.JSONB()),
    )
    return sa.insert(HISTORY).from_select([*names, "changed"], source).cte("history")


# Aliases (values that merges brought along) stay, except one that becomes the entity's own value.
DELETE_UNIQUE = (
    "delete from eav_unique u using unnest(%(a)s::int[], %(e)s::bigint[], %(k)s::text[]) g(a, e, k)"
    " where u.attribute_id = g.a and u.entity_id = g.e and (not u.alias or u.key = g.k)"
)
INSERT_UNIQUE = (
    "insert into eav_unique(attribute_id, key, entity_id)"
    " select * from unnest(%(a)s::int[], %(k)s::text[], %(e)s::bigint[]) order by 1, 2"
)
DELETE_MULTI = (
    "delete from eav_multi m using unnest(%(a)s::int[], %(e)s::bigint[]) g(a, e)"
    " where m.attribute_id = g.a and m.entity_id = g.e"
)
INSERT_MULTI = (
    "insert into eav_multi(attribute_id, value, entity_id)"
    " select * from unnest(%(a)s::int[], %(v)s::bigint[], %(e)s::bigint[])"
)
# Both of them at once, for a batch. What stays is in neither half: the deletion would not be seen by the insertion.
REPLACE_MULTI = """
with listed as materialized (select * from unnest((select %(a)s::int[]), (select %(v)s::bigint[]),
    (select %(e)s::bigint[])) g(attribute_id, value, entity_id)),
gone as (
    delete from eav_multi m using unnest((select %(ca)s::int[]), (select %(ce)s::bigint[])) c(a, e)
    where m.attribute_id = c.a and m.entity_id = c.e
        and (m.attribute_id, m.value, m.entity_id) not in (select * from listed))
insert into eav_multi(attribute_id, value, entity_id) select * from listed on conflict do nothing
"""


def lock_versions(table: int) -> str:
    """Like `lock`, for a caller who holds the guard and has read the rows, and will change them: their ids and versions
    as they are now."""
    rows = f"select id, version from {table_name(table)} where id = any(%(ids)s::bigint[]) order by id"
    return f"{rows} for no key update"


def lock(table: int, *, staying: bool = False) -> str:
    """Lock the rows `ids` under the guard, in id order whatever the order asked: writes that meet do not wait for
    each other. staying: see `Reader.locked_rows`."""
    rows = f"select id from {table_name(table)} where {GUARDED_SQL} and id = any(%(ids)s::bigint[]) order by id"
    return f"{rows} for {'no key update' if staying else 'update'}"
