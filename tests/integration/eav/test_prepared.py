"""What is prepared, of lists and counts, and that no plan is kept that fits some values only: see docs/adr/0007."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from shared.eav.declare import AttributeDef, OptionDef, TypeDef
from shared.eav.engine import Engine
from shared.eav.entity import View
from shared.eav.filters import And, Condition, Node, Operator, check
from shared.eav.install import install
from shared.eav.query import counting, page, repeated
from shared.eav.query.repeated import Repeated
from shared.eav.requests import Draft, Query, Sort
from shared.kernel.context import Context
from shared.kernel.db import Database

SIZES = tuple(OptionDef(f"s{n}") for n in range(40))
THING = TypeDef(
    "thing",
    "things",
    "Thing",
    "Things",
    wire_id="2-1",
    attributes=(
        AttributeDef("size", "Size", "enumeration", options=SIZES),
        AttributeDef("rank", "Rank", "number"),
        AttributeDef("name", "Name"),
    ),
)
TIMES, LIMIT = 20, 50
ONE = Condition("size", Operator.EQ, ("s1",))
TWO = And((ONE, Condition("rank", Operator.GT, (10,))))
PREFIX = Condition("name", Operator.STARTS_WITH, ("an",))
WORD = Condition("name", Operator.CONTAINS_TOKEN, ("anna",))


def size(number: int) -> str:
    """Of the thing of that number."""
    if number % 2:
        return "s0"
    return "s1" if number % 20 == 0 else f"s{2 + number % 38}"


@pytest.fixture(scope="module")
def engine(database_url: str) -> Iterator[Engine]:
    """3,000 things over one connection, so that what it keeps can be seen. Half of them are s0, a twentieth s1."""
    database = Database(database_url, pool_size=1)
    install(database, [THING])
    found = Engine(database)
    for start in range(0, 3000, 500):
        drafts = [Draft({"size": size(n), "rank": n, "name": f"anna {n}"}) for n in range(start, start + 500)]
        found.writes.create("thing", drafts, Context(), View())
    with database.connect() as connection:
        connection.run("analyze")
    yield found
    database.dispose()


def plans(engine: Engine, node: Node | None, total: str) -> tuple[int, int, int]:
    """(statements kept, generic plans used, plans with values) after asking many times."""
    with engine.database.connect() as connection:
        connection.run("deallocate all")
        connection.raw._prepared.clear()
    for _ in range(TIMES):
        if total == "none":
            query = Query(node, sorts=(Sort("rank", True),), limit=LIMIT, total=total)
            assert len(engine.reads.query("thing", query, View()).entities) == LIMIT
        else:
            live = engine.catalog.type("thing")
            with engine.database.connect() as connection:
                assert counting.count(connection, live, check(node, live) if node else None) > 0
    with engine.database.connect() as connection:
        row = connection.row(
            "select count(*), sum(generic_plans), sum(custom_plans) from pg_prepared_statements"
            " where statement ilike %(like)s",
            {"like": "%limit%" if total == "none" else "%count(*)%total%"},
        )
    assert row is not None
    return int(row[0]), int(row[1] or 0), int(row[2] or 0)


@pytest.fixture
def minute(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The clock of questions that come again; it stands still."""
    clock = [0.0]
    monkeypatch.setattr(page, "_REPEATED", Repeated(lambda: clock[0]))
    return clock


@pytest.mark.parametrize("node", [None, ONE, TWO, PREFIX, WORD], ids=["all", "one", "two", "prefix", "word"])
def test_pages_are_prepared_and_planned_with_their_values(
    engine: Engine, node: Node | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repeated, "OFTEN", TIMES)
    # The first time a statement comes it is not kept yet.
    assert plans(engine, node, "none") == (1, 0, TIMES - 1)


@pytest.mark.usefixtures("minute")
@pytest.mark.parametrize("node", [None, ONE, TWO], ids=["all", "one", "two"])
def test_a_question_that_comes_again_keeps_its_plan(engine: Engine, node: Node | None) -> None:
    """Planned once with its values, which stand in a statement of its own."""
    assert plans(engine, node, "none") == (2, TIMES - repeated.OFTEN, repeated.OFTEN - 1)


@pytest.mark.usefixtures("minute")
@pytest.mark.parametrize("node", [PREFIX, WORD], ids=["prefix", "word"])
def test_texts_are_never_written_into_statements(engine: Engine, node: Node) -> None:
    assert plans(engine, node, "none") == (1, 0, TIMES - 1)


@pytest.mark.usefixtures("minute")
def test_each_answer_is_its_own(engine: Engine) -> None:
    """Plans are kept, answers are not: those of other values, other limits and of what has changed meanwhile."""
    for number in range(5):
        for most in (100, 200, -5, 2.5):
            node = Condition("rank", Operator.LT, (most,))
            for limit in (3, 7):
                query = Query(node, sorts=(Sort("rank", True),), limit=limit, total="exact")
                found = engine.reads.query("thing", query, View())
                expected = [n for n in range(2999, -1, -1) if n < most]
                assert [one.values["rank"] for one in found.entities] == [str(n) for n in expected[:limit]]
                assert found.total == len(expected) + number * (most == 200)
        engine.writes.create("thing", [Draft({"size": "s0", "rank": 150.5, "name": "late"})], Context(), View())


def test_a_plan_is_made_anew_every_minute(engine: Engine, minute: list[float]) -> None:
    assert plans(engine, ONE, "none")[0] == 2
    written = []
    for at in (0.0, 59.0, 61.0, 119.0):
        minute[0] = at
        query = Query(ONE, sorts=(Sort("rank", True),), limit=LIMIT, total="none")
        for _ in range(TIMES):
            assert len(engine.reads.query("thing", query, View()).entities) == LIMIT
        with engine.database.connect() as connection:
            row = connection.row("select count(*) from pg_prepared_statements where statement ~ '-- [0-9]+$'")
        written.append(row and row[0])
    assert written == [1, 1, 2, 2]


@pytest.mark.parametrize("node", [TWO, PREFIX, WORD], ids=["two", "prefix", "word"])
def test_counts_likewise(engine: Engine, node: Node) -> None:
    assert plans(engine, node, "exact") == (1, 0, TIMES - 1)


@pytest.mark.parametrize("node", [None, ONE], ids=["all", "one"])
def test_counts_of_one_condition_may_keep_their_plan(engine: Engine, node: Node | None) -> None:
    kept, generic, _ = plans(engine, node, "exact")
    assert kept == 1
    assert generic > 0


def test_without_the_condition_a_page_gets_one_plan_for_all_values(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The counter-example: what the condition is there for."""
    caches = (page._statement, counting._statement)
    for module in (page, counting):
        monkeypatch.setattr(module, "ANEW", sa.true())
    for cached in caches:
        cached.cache_clear()
    try:
        _, generic, _ = plans(engine, ONE, "none")
    finally:
        for cached in caches:
            cached.cache_clear()
    assert generic > 0


def test_preparing_can_be_turned_off(engine: Engine) -> None:
    database = Database(engine.database.url, pool_size=1, prepare=False)
    off = Engine(database)
    for node in (ONE, TWO):
        for _ in range(TIMES):
            off.reads.query("thing", Query(node, limit=5), View())
    with database.connect() as connection:
        assert connection.rows("select * from pg_prepared_statements") == []
    database.dispose()
