"""The naive entity-attribute-value schema: entities, attributes, and one row of text per value.

What most people think of when they hear EAV. Filled from the native table; queries are hand-written SQL.
"""

from __future__ import annotations

from shared.kernel.db import Connection

STATEMENTS = (
    "create table naive_attribute(id int primary key, name text unique not null)",
    "create sequence naive_entity_id",
    "create table naive_entity(id bigint primary key default nextval('naive_entity_id'))",
    "create table naive_value(entity_id bigint not null, attribute_id int not null, value text not null)",
)
GONE = (
    "drop table if exists naive_value, naive_entity, naive_attribute",
    "drop sequence if exists naive_entity_id",
)
AFTER = (
    "alter table naive_value add primary key (entity_id, attribute_id)",
    "create index on naive_value(attribute_id, value)",
    "vacuum analyze naive_entity",
    "vacuum analyze naive_value",
    "select setval('naive_entity_id', (select max(id) + 1 from naive_entity))",
)


def text_of(name: str) -> str:
    """SQL over the native row `n`: the value as the text that every design answers."""
    if name in ("contract_value", "rating", "agent"):
        return f"trim_scale(n.{name})::text"
    if name == "last_seen_at":
        return f"""to_char(n.{name}, 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')"""
    if name in ("renewal_on", "active"):
        return f"n.{name}::text"
    return f"n.{name}"


def make(connection: Connection, names: tuple[str, ...]) -> None:
    """The three tables, filled, indexed, analysed."""
    for statement in STATEMENTS:
        connection.run(statement)
    for number, name in enumerate(names, 1):
        connection.run("insert into naive_attribute values (%(n)s, %(name)s)", {"n": number, "name": name})
    connection.run("insert into naive_entity select id from native order by id")
    pairs = ", ".join(f"({number}, {text_of(name)})" for number, name in enumerate(names, 1))
    connection.run(
        f"insert into naive_value select n.id, v.a, v.t from native n cross join lateral (values {pairs}) v(a, t) "
        "where v.t is not null order by n.id, v.a"
    )
    for statement in AFTER:
        if statement.startswith("select"):
            connection.row(statement)
        else:
            connection.run(statement)


# Whole entities of the ids of a subquery `x(id, place)`, in its order.
ENTITIES = """
select x.id, d.doc from ({ids}) x(id, place) cross join lateral (
    select jsonb_object_agg(a.name, v.value) doc from naive_value v join naive_attribute a on a.id = v.attribute_id
    where v.entity_id = x.id) d order by x.place
"""


def one(name: str, alias: str, condition: str = "") -> str:
    """A condition over entity `e`: it has a value of this attribute, for which the condition holds."""
    extra = f" and {condition}" if condition else ""
    return (
        f"exists (select from naive_value {alias} where {alias}.entity_id = e.id and {alias}.attribute_id = "
        f"(select id from naive_attribute where name = '{name}'){extra})"
    )
