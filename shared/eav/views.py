"""Read-only SQL views that show the plain (entity, attribute, value) tuples, for people and tools that want them.

`eav_values` has one row per value, in text form; `label` is what people call the attribute.
Not for hot paths: a row is taken apart by PostgreSQL. Made anew whenever a slot table or bank is added.
"""

from __future__ import annotations

from shared.eav.tables import table_name

_SLOTS = """
select e.id as entity_id, ty.name as entity_type, a.name as attribute,
    case a.kind
        when 'boolean' then case slot.value when '1' then 'true' else 'false' end
        when 'enumeration' then (select o.value from eav_option o where o.id = slot.value::bigint)
        when 'date' then left(slot.value, 10)
        when 'datetime' then to_char(slot.value::timestamp, 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
        when 'number' then trim_scale(slot.value::numeric)::text
        else coalesce(whole.extra ->> a.id::text, slot.value) end as value, a.label
from {table} e
join {whole} whole on whole.id = e.id
join eav_type ty on ty.table_number = {number}
join eav_attribute a on a.type_id = ty.id and a.bank = {bank} and a.archived_at is null
    and a.column_name ~ '^[tidn][0-9]+$'
cross join lateral (select to_jsonb(e) ->> a.column_name as value) slot
where slot.value is not null
"""

_ASIDE = """
select e.id, ty.name, a.name,
    case a.kind when 'multi_enumeration' then
        (select string_agg(o.value, ';' order by chosen.n)
         from jsonb_array_elements_text(aside.value) with ordinality chosen(id, n)
         join eav_option o on o.id = chosen.id::bigint)
    else aside.value #>> '{{}}' end, a.label
from {table} e
join eav_type ty on ty.table_number = {number}
cross join lateral jsonb_each(coalesce(e.extra::jsonb, '{{}}') || coalesce(e.long::jsonb, '{{}}')) aside(key, value)
join eav_attribute a on a.id = aside.key::int and a.column_name is null and a.archived_at is null
"""

_ENTITIES = """
select e.id, ty.name as entity_type, e.version, e.created_at, e.updated_at
from {table} e join eav_type ty on ty.table_number = {number}
"""


def view_statements(tables: list[tuple[int, int]]) -> list[str]:
    """Statements replacing both views, for (table number, number of banks) pairs."""
    places = [(number, bank) for number, banks in tables for bank in range(1, banks + 1)]
    values = [
        _SLOTS.format(table=table_name(number, bank), whole=table_name(number), number=number, bank=bank)
        for number, bank in places
    ]
    values += [_ASIDE.format(table=table_name(number), number=number) for number, _ in tables]
    entities = [_ENTITIES.format(table=table_name(number), number=number) for number, _ in tables]
    return [
        f"create or replace view eav_values as {' union all '.join(values)}",
        f"create or replace view eav_entities as {' union all '.join(entities)}",
    ]
