"""Planner statistics of freshly used slots: until ANALYZE has seen values in one, its filters are planned blind.

Autovacuum looks at a table only after a tenth of it changed; a new attribute on a large table would wait for days.
"""

from __future__ import annotations

from shared.eav.tables import table_name
from shared.kernel.db import Database

# Slots in use of which the statistics still say "all empty", in tables that were not analysed a moment ago.
_BLIND = """
with places as (
    select s.table_number, s.bank, s.column_name,
        'eav_entity_' || s.table_number || case when s.bank = 1 then '' else '_b' || s.bank end as name
    from eav_slot s where s.state = 'used')
select p.table_number, p.bank, array_agg(p.column_name order by p.column_name)
from places p
join pg_stat_user_tables t on t.schemaname = current_schema() and t.relname = p.name
left join pg_stats s on s.schemaname = current_schema() and s.tablename = p.name and s.attname = p.column_name
where coalesce(s.null_frac, 1) = 1 and t.n_live_tup > 0
    and coalesce(greatest(t.last_analyze, t.last_autoanalyze), '-infinity') < now() - interval '1 minute'
group by p.table_number, p.bank order by p.table_number, p.bank
"""


def analyse_new_slots(database: Database) -> list[str]:
    """Analyse the columns nobody has looked at since they got values; the names of the tables. Cheap when none."""
    with database.connect() as connection:
        found = connection.rows(_BLIND)
        for number, bank, columns in found:
            connection.run(f"analyze {table_name(number, bank)}({', '.join(columns)})")
    return [table_name(number, bank) for number, bank, _ in found]
