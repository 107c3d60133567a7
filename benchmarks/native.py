"""The same contacts in a table made for them: what a person would write by hand who knows every attribute beforehand.

`N` has an index per column that queries ask for (12 b-trees and a trigram index); `N20` has every column indexed, which
is the fair comparison for writes, since the engine indexes every attribute. Filled by SQL from the engine's own tables.
"""

from __future__ import annotations

from shared.eav.catalog import LiveType
from shared.eav.types import kind_of
from shared.kernel.db import Connection

SQL_TYPES = {
    "contract_value": "numeric",
    "rating": "numeric",
    "agent": "numeric",
    "renewal_on": "date",
    "last_seen_at": "timestamp not null",
    "active": "boolean",
    "email": "text unique",
}
GONE = tuple(
    statement
    for table in ("native", "native20")
    for statement in (f"drop table if exists {table}", f"drop sequence if exists {table}_id")
)
FOLDED = ("account_code", "last_name")
_INDEXED = (
    "last_name",
    "city",
    "country",
    "lifecycle_stage",
    "segment",
    "tier",
    "agent",
    "contract_value",
    "rating",
    "renewal_on",
    "last_seen_at",
    "account_code",
)


def table_statements(table: str, names: tuple[str, ...]) -> list[str]:
    """DDL without indexes but those of keys."""
    columns = ", ".join(f"{name} {SQL_TYPES.get(name, 'text')}" for name in names)
    return [
        f"create sequence if not exists {table}_id",
        f"create table {table}(id bigint primary key default nextval('{table}_id'), version int not null default 1, "
        f"created_at timestamp not null default timezone('utc', clock_timestamp()), "
        f"updated_at timestamp not null default timezone('utc', clock_timestamp()), {columns})",
    ]


def index_statements(table: str, names: tuple[str, ...], *, every: bool = False) -> list[str]:
    """An index per column: those that queries ask for, or every one."""
    chosen = [name for name in names if name != "email"] if every else _INDEXED
    made = []
    for name in chosen:
        term = f'(lower({name}) collate "C")' if name in FOLDED else name
        made.append(f"create index on {table}({term}, id)")
    made.append(f"create index on {table} using gin(company gin_trgm_ops)")
    return made


def column_of(live: LiveType, name: str) -> str:
    """SQL over the engine's row `e` for an attribute's typed value."""
    attribute = live.attributes[name]
    kind = kind_of(attribute)
    column = f"e.{attribute.column}"
    if kind.name == "enumeration":
        return f"(select o.value from eav_option o where o.id = {column})"
    if kind.name == "boolean":
        return f"{column} = 1"
    if kind.name == "date":
        return f"{column}::date"
    if kind.family == "t":
        return f"coalesce(e.extra->>'{attribute.id}', {column})"
    return column


def fill(connection: Connection, live: LiveType, table: str, names: tuple[str, ...]) -> None:
    """Copy every contact over."""
    values = ", ".join(column_of(live, name) for name in names)
    columns = ", ".join(("id", "version", "created_at", "updated_at", *names))
    connection.run(
        f"insert into {table}({columns}) select e.id, e.version, e.created_at, e.updated_at, {values} "
        f"from eav_entity_{live.table} e order by e.id"
    )
    connection.row(f"select setval('{table}_id', (select max(id) + 1 from {table}))")


def make(connection: Connection, live: LiveType, names: tuple[str, ...], *, n20: bool = True) -> None:
    """Tables `native` and `native20`, filled, indexed, analysed."""
    for table, every in (("native", False), ("native20", True)):
        if every and not n20:
            continue
        for statement in table_statements(table, names):
            connection.run(statement)
        fill(connection, live, table, names)
        for statement in index_statements(table, names, every=every):
            connection.run(statement)
        connection.run(f"vacuum analyze {table}")
