"""What is prepared, of lists and counts: the decision in docs/adr/0007."""

from __future__ import annotations

from shared.eav.declare import AttributeDef, OptionDef, TypeDef
from shared.eav.engine import Engine
from shared.eav.entity import View
from shared.eav.filters import And, Condition, Operator
from shared.eav.install import install
from shared.eav.requests import Draft, Query, Sort
from shared.kernel.context import Context
from shared.kernel.db import Database

SIZES = tuple(OptionDef(f"s{n}") for n in range(5))
THING = TypeDef(
    "thing",
    "things",
    "Thing",
    "Things",
    wire_id="2-1",
    attributes=(AttributeDef("size", "Size", "enumeration", options=SIZES), AttributeDef("rank", "Rank", "number")),
)


def test_counts_of_one_condition_are_prepared_and_pages_are_not(database_url: str) -> None:
    database = Database(database_url, pool_size=1)
    install(database, [THING])
    engine = Engine(database)
    engine.writes.create("thing", [Draft({"size": f"s{n % 5}", "rank": n}) for n in range(50)], Context(), View())
    one = Condition("size", Operator.EQ, ("s1",))
    two = And((one, Condition("rank", Operator.GT, (10,))))
    for asked, total in ((one, 10), (two, 8)):
        for _ in range(3):
            page = engine.reads.query("thing", Query(asked, sorts=(Sort("rank", True),), limit=5), View())
            assert page.total == total
    with database.connect() as connection:
        found = connection.rows("select statement from pg_prepared_statements where statement ilike '%eav_entity_1%'")
    prepared = [statement for (statement,) in found if "INSERT" not in statement]
    assert len(prepared) == 1
    assert "count(*)" in prepared[0]
    database.dispose()


def test_patterns_are_not_prepared(database_url: str) -> None:
    database = Database(database_url, pool_size=1)
    named = TypeDef("thing", "things", "Thing", "Things", wire_id="2-1", attributes=(AttributeDef("name", "Name"),))
    install(database, [named])
    engine = Engine(database)
    engine.writes.create("thing", [Draft({"name": "anna"})], Context(), View())
    for asked in (
        Condition("name", Operator.STARTS_WITH, ("an",)),
        Condition("name", Operator.CONTAINS_TOKEN, ("anna",)),
    ):
        for _ in range(3):
            assert engine.reads.query("thing", Query(asked), View()).total == 1
    with database.connect() as connection:
        found = connection.rows("select statement from pg_prepared_statements where statement ilike '% like %'")
    assert found == []
    database.dispose()
