"""A freshly used slot gets planner statistics from maintenance, not from a lucky autovacuum."""

from __future__ import annotations

from shared.eav.declare import AttributeDef, TypeDef
from shared.eav.engine import Engine
from shared.eav.entity import View
from shared.eav.install import install
from shared.eav.requests import Draft
from shared.eav.statistics import analyse_new_slots
from shared.kernel.context import Context
from shared.kernel.db import Database

THING = TypeDef(
    "thing", "things", "Thing", "Things", wire_id="2-1", attributes=(AttributeDef("size", "Size", "number"),)
)


def test_new_slots_are_analysed_once(database_url: str) -> None:
    database = Database(database_url, pool_size=2)
    install(database, [THING])
    engine = Engine(database)
    assert analyse_new_slots(database) == []
    engine.writes.create("thing", [Draft({"size": n}) for n in range(100)], Context(), View())
    with database.connect() as connection:
        column = engine.catalog.type("thing").attributes["size"].column
        # Statistics of activity are reported with a delay; the condition is asked until the table shows its rows.
        for _ in range(200):
            connection.row("select pg_stat_force_next_flush(), pg_stat_clear_snapshot()")
            if connection.row("select n_live_tup > 0 from pg_stat_user_tables where relname = 'eav_entity_1'") == (
                True,
            ):
                break
    assert analyse_new_slots(database) == ["eav_entity_1"]
    with database.connect() as connection:
        known = connection.row(
            "select null_frac from pg_stats where tablename = 'eav_entity_1' and attname = %(c)s", {"c": column}
        )
    assert known == (0.0,)
    assert analyse_new_slots(database) == []
    database.dispose()
