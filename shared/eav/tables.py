"""Physical places: SQLAlchemy tables for the slot tables, and the statements that make them.

A slot table is made by a migration or the provisioner, never by adding an attribute. Which attribute lives in which
column is the catalog's knowledge, not this module's.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import sqlalchemy as sa

FAMILIES = ("t", "i", "d", "n")
Pool = tuple[int, int, int, int]
SQL_TYPES: dict[str, sa.types.TypeEngine] = {
    "t": sa.Text(collation="C"),
    "i": sa.BigInteger(),
    "d": sa.TIMESTAMP(),
    "n": sa.Numeric(),
}

# Fixed columns of bank 1, in physical order. `extra`: text as typed where it differs from the folded slot, and chosen
# options of multi enumerations; `long`: long text. Both keyed by attribute id; json, not jsonb: they are read whole.
FIXED = (
    ("id", "bigint"),
    ("version", "int"),
    ("created_at", "timestamp"),
    ("updated_at", "timestamp"),
    ("recorded_at", "timestamp"),
    ("created_by", "text"),
    ("source", "text"),
    ("source_id", "text"),
    ("checksum", "bigint"),
    ("extra", "json"),
    ("long", "json"),
)
_FIXED_TYPES: dict[str, sa.types.TypeEngine] = {
    "bigint": sa.BigInteger(),
    "int": sa.Integer(),
    "timestamp": sa.TIMESTAMP(),
    "text": sa.Text(),
    "json": sa.JSON(),
}
SPARE_INDEXES = 8


def slot_names(pool: Pool) -> list[tuple[str, str, int]]:
    """(column, family, order) of every slot of a bank of this size."""
    return [
        (f"{family}{n}", family, n) for family, size in zip(FAMILIES, pool, strict=True) for n in range(1, size + 1)
    ]


def table_name(number: int, bank: int = 1, *, archive: bool = False) -> str:
    """The name of an entity table, of one of its further banks, or of its archive."""
    suffix = "" if bank == 1 else f"_b{bank}"
    return f"eav_{'archive' if archive else 'entity'}_{number}{suffix}"


def search_name(number: int) -> str:
    """The name of the table of search documents."""
    return f"eav_search_{number}"


@lru_cache(maxsize=512)
def slot_table(number: int, bank: int, columns: tuple[str, ...], *, archive: bool = False) -> sa.Table:
    """A table value with the given slot columns (and, for bank 1, the fixed ones)."""
    fixed = FIXED if bank == 1 else FIXED[:1]
    parts = [sa.Column(name, _FIXED_TYPES[kind]) for name, kind in fixed]
    if archive and bank == 1:
        parts.append(sa.Column("archived_at", sa.TIMESTAMP()))
    parts += [sa.Column(name, SQL_TYPES[name[0]]) for name in columns]
    return sa.Table(table_name(number, bank, archive=archive), sa.MetaData(), *parts)


@lru_cache(maxsize=64)
def search_table(number: int) -> sa.Table:
    """The search documents of a type: one row per entity that has any text. `linked`: of mirrors alone."""
    columns: tuple[sa.Column[Any], ...] = (
        sa.Column("id", sa.BigInteger()),
        sa.Column("doc", sa.Text()),
        sa.Column("linked", sa.Boolean()),
    )
    return sa.Table(search_name(number), sa.MetaData(), *columns)


_META = sa.MetaData()
UNIQUE = sa.Table(
    "eav_unique",
    _META,
    sa.Column("attribute_id", sa.Integer()),
    sa.Column("key", sa.Text()),
    sa.Column("entity_id", sa.BigInteger()),
)
MULTI = sa.Table(
    "eav_multi",
    _META,
    sa.Column("attribute_id", sa.Integer()),
    sa.Column("value", sa.BigInteger()),
    sa.Column("entity_id", sa.BigInteger()),
)
ABSORBED = sa.Table("eav_absorbed", _META, sa.Column("id", sa.BigInteger()), sa.Column("survivor", sa.BigInteger()))
LINK = sa.Table(
    "eav_link",
    _META,
    sa.Column("relation", sa.Integer()),
    sa.Column("from_id", sa.BigInteger()),
    sa.Column("to_id", sa.BigInteger()),
)
VERSIONS = sa.Table("eav_version", _META, sa.Column("type_id", sa.Integer()), sa.Column("version", sa.BigInteger()))


def _columns(pool: Pool) -> str:
    kinds = {"t": 'text collate "C"', "i": "bigint", "d": "timestamp", "n": "numeric"}
    return "".join(f", {column} {kinds[family]}" for column, family, _ in slot_names(pool))


def index_statement(number: int, bank: int, column: str, *, concurrently: bool) -> str:
    """The partial index of one slot: (value, id) where there is a value."""
    how = "concurrently if not exists" if concurrently else "if not exists"
    table = table_name(number, bank)
    return f"create index {how} {table}_{column} on {table}({column}, id) where {column} is not null"


def bank_statements(number: int, bank: int, pool: Pool) -> list[str]:
    """Statements making bank `bank` of table `number`, its archive, its slot rows and the first spare indexes."""
    live, archive = table_name(number, bank), table_name(number, bank, archive=True)
    fixed = ", ".join(f"{name} {kind}" for name, kind in (FIXED if bank == 1 else FIXED[:1]))
    archived = ", archived_at timestamp not null" if bank == 1 else ""
    # fillfactor: room for a second version of a row on its page, so that changes of unindexed columns stay there.
    statements = [
        f"create table {live}({fixed}{_columns(pool)}, primary key(id)) with (fillfactor=85)",
        f"create table {archive}({fixed}{archived}{_columns(pool)}, primary key(id))",
    ]
    if bank == 1:
        statements += [
            f"alter table {live} alter version set default 1, alter id set not null",
            f"create index {live}_created on {live}(created_at, id)",
            f"create index {live}_updated on {live}(updated_at, id)",
            f"create table {search_name(number)}(id bigint primary key, doc text not null)",
            f"create index {search_name(number)}_doc on {search_name(number)} using gin(doc gin_trgm_ops)",
        ]
    for column, _, order in slot_names(pool):
        if order <= SPARE_INDEXES:
            statements.append(index_statement(number, bank, column, concurrently=False))
    values = ", ".join(
        f"({number}, {bank}, '{column}', '{family}', {order}, {order <= SPARE_INDEXES})"
        for column, family, order in slot_names(pool)
    )
    statements.append(f"insert into eav_slot(table_number, bank, column_name, family, ord, indexed) values {values}")
    return statements


def table_statements(number: int, pool: Pool) -> list[str]:
    """Statements making a whole new slot table with one bank."""
    row = f"insert into eav_table values ({number}, {pool[0]}, {pool[1]}, {pool[2]}, {pool[3]}, 1)"
    return [row, *bank_statements(number, 1, pool)]
