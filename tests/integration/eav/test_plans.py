"""What PostgreSQL makes of the engine's statements on a table of some size: walks of the slots' own indexes.

Not a measurement: plans are read, nothing is timed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from shared.eav.catalog import LiveType
from shared.eav.engine import Engine
from shared.eav.filters import And, Condition, Node, Not, Operator
from shared.eav.requests import Query, Ref, Sort
from shared.eav.tables import search_name, table_name
from shared.kernel.db import Connection, Database
from tests.factories.asking import CONTEXT, IDS, create
from tests.factories.kinds import OPTIONS, attribute

ROWS = 20_000
Op = Operator


@dataclass(frozen=True)
class Plan:
    """One statement's plan, flat: node types, indexes used, whole tables read."""

    nodes: tuple[Mapping[str, Any], ...]

    @property
    def kinds(self) -> set[str]:
        """Types of nodes."""
        return {one["Node Type"] for one in self.nodes}

    @property
    def indexes(self) -> set[str]:
        """Names of indexes."""
        return {one["Index Name"] for one in self.nodes if "Index Name" in one}


@dataclass(frozen=True)
class Table:
    """The type with its rows, and how its statements are planned."""

    engine: Engine
    live: LiveType

    def index(self, name: str) -> str:
        """The index of an attribute's slot."""
        one = self.live.attributes[name]
        if one.system:
            return f"{table_name(self.live.table)}_pkey"
        return f"{table_name(self.live.table, one.bank)}_{one.column}"

    def plans(self, monkeypatch: pytest.MonkeyPatch, query: Query) -> list[Plan]:
        """The plans of the page and, where it is asked for, of the count within it, with the values asked for."""
        asked: list[tuple[str, Any]] = []
        rows, row = Connection.rows, Connection.row

        def note(real: Callable[..., Any]) -> Callable[..., Any]:
            def noted(self: Connection, sql: str, params: Any = None, *, prepare: bool = False) -> Any:
                asked.append((sql, params))
                return real(self, sql, params, prepare=prepare)

            return noted

        with monkeypatch.context() as patch:
            patch.setattr(Connection, "rows", note(rows))
            patch.setattr(Connection, "row", note(row))
            found = self.engine.reads.query(self.live.name, query, IDS)
        assert found.entities, "a query that finds nothing proves nothing"
        with self.engine.database.connect() as connection:
            whole = [connection.row(f"explain (format json) {sql}", params) for sql, params in asked]
        return [Plan(tuple(part)) for one in whole if one is not None for part in _parts(one[0][0]["Plan"]) if part]


def _parts(whole: Mapping[str, Any]) -> tuple[list[Mapping[str, Any]], list[Mapping[str, Any]]]:
    """The nodes of the page, and those of the counts that run before it."""
    page: list[Mapping[str, Any]] = []
    count: list[Mapping[str, Any]] = []

    def put(node: Mapping[str, Any], part: list[Mapping[str, Any]]) -> None:
        counts = node.get("Parent Relationship") == "InitPlan" and node["Node Type"] == "Aggregate"
        part = count if counts else part
        part.append(node)
        for child in node.get("Plans", ()):
            put(child, part)

    put(whole, page)
    return page, count


@pytest.fixture(scope="module", params=["bank 1", "bank 2"])
def table(
    request: pytest.FixtureRequest, database: Database, engine: Engine, make_type: Callable[..., LiveType]
) -> Table:
    """Twenty thousand entities: a rare and a common option, numbers and days without end, names, words."""
    names = {
        "stage": "enumeration",
        "amount": "number",
        "day": "date",
        "name": "string",
        "gap": "number",
        "flag": "boolean",
    }
    crowd = [
        attribute(f"other{n}", kind) for n, kind in enumerate(("string", "number", "date", "boolean")) for _ in "x"
    ]
    live = make_type(*crowd, *(attribute(*one, searchable=True) for one in names.items()), pool=(24, 24, 8, 8))
    with database.connect() as connection:
        # As our own servers are set, and as it is true of disks without moving parts.
        name = connection.row("select quote_ident(current_database())")
        assert name is not None
        connection.run(f"alter database {name[0]} set random_page_cost = 1.1")
    database.dispose()
    if request.param == "bank 2":
        with database.connect() as connection:
            connection.run("update eav_slot set state = 'dirty' where table_number = %(n)s", {"n": live.table})
        engine.catalog.refresh()
    first = {"stage": "new", "amount": 1, "day": "2024-01-01", "name": "name 0", "gap": 1, "flag": True}
    (one,) = create(engine, live.name, first)
    engine.catalog.refresh()
    live = engine.catalog.type(live.name)
    assert {live.attributes[name].bank for name in names} == {int(request.param[-1])}
    _fill(database, live)
    engine.writes.archive(live.name, [Ref(one.id)], CONTEXT)
    return Table(engine, live)


def _fill(database: Database, live: LiveType) -> None:
    """Rows by plain SQL: the plans need them, no test reads what else belongs to an entity."""
    new, rare, *_ = (one.id for one in live.attributes["stage"].options)
    slots = {
        "stage": f"case when n % 100 = 0 then {rare} else {new} end",
        "amount": "(n * 7919 % 1000003)::numeric / 100",
        "day": "timestamp '2020-01-01' + (n * 31 % 2000) * interval '1 day'",
        "name": "'name ' || (n * 17 % 20011)",
        "gap": "case when n % 10 = 0 then n end",
        "flag": "n % 2",
    }
    columns = ", ".join(str(live.attributes[name].column) for name in slots)
    values = ", ".join(slots.values())
    bank, key = live.attributes["stage"].bank, live.attributes["name"].key
    numbers = f"generate_series(1000001::bigint, {1_000_000 + ROWS}) n"
    main, further, search = table_name(live.table), table_name(live.table, bank), search_name(live.table)
    fixed = "id, version, created_at, updated_at, recorded_at, created_by, source, extra"
    given = "n, 1, now(), now(), now(), 'somebody', 'IMPORT', jsonb_build_object('0', repeat('as typed ', 30))"
    with database.connect() as connection:
        # Rows whose commit is not yet on disk are not marked visible to all, without which no index answers alone.
        connection.run("set synchronous_commit = on")
        if bank == 1:
            connection.run(f"insert into {main}({fixed}, {columns}) select {given}, {values} from {numbers}")
        else:
            connection.run(f"insert into {main}({fixed}) select {given} from {numbers}")
            connection.run(f"insert into {further}(id, {columns}) select n, {values} from {numbers}")
        words = f"E'\\n{key}\\t name ' || (n * 17 % 20011) || E' \\n'"
        connection.run(f"insert into {search} select n, {words} from {numbers}")
        for name in {main, further, search}:
            connection.run(f"vacuum analyze {name}")


def query(node: Node | None, *sorts: Sort, **more: Any) -> Query:
    """A page of fifty with its exact total."""
    return Query(node, sorts=sorts, limit=50, offset=None, **more)


RARE = Condition("stage", Op.EQ, (OPTIONS[1].value,))
COMMON = Condition("stage", Op.EQ, (OPTIONS[0].value,))
SOME = tuple(f"{n * 7919 % 1000003 / 100}" for n in range(1_000_001, 1_000_020))
# The query, and the slots of whose indexes the page and the count must use one: joined from another bank, walking the
# order's index may well be cheaper than looking everything up.
CASES: dict[str, tuple[Query, set[str], set[str]]] = {
    "rare option, sorted": (query(RARE, Sort("day", True)), {"stage", "day"}, {"stage"}),
    "common option, sorted": (query(COMMON, Sort("amount")), {"amount"}, {"stage"}),
    "range, sorted by it": (query(Condition("amount", Op.BETWEEN, (10, 200)), Sort("amount")), {"amount"}, {"amount"}),
    "range, sorted by another": (query(Condition("amount", Op.LT, (100,)), Sort("day")), {"amount", "day"}, {"amount"}),
    "in": (query(Condition("amount", Op.IN, SOME)), {"amount"}, {"amount"}),
    "prefix": (query(Condition("name", Op.STARTS_WITH, ("NAME 77",)), Sort("name")), {"name"}, {"name"}),
    "set, sorted": (query(Condition("gap", Op.HAS), Sort("gap", True)), {"gap"}, {"gap"}),
    "not equal, sorted": (query(Condition("stage", Op.NEQ, ("new",)), Sort("day")), {"day"}, {"stage"}),
    "not set, sorted": (query(Condition("gap", Op.NOT_HAS), Sort("day", True)), {"day"}, {"gap"}),
    "two conditions": (query(And((RARE, Condition("amount", Op.LT, (5000,)))), Sort("day")), {"stage"}, {"stage"}),
    "everything, sorted": (query(None, Sort("amount", True)), {"amount"}, {"id"}),
    "several sorts": (query(COMMON, Sort("day", True), Sort("amount")), {"day"}, {"stage"}),
}


@pytest.mark.parametrize("case", list(CASES))
def test_pages_and_counts_use_the_slots_indexes(table: Table, monkeypatch: pytest.MonkeyPatch, case: str) -> None:
    asked, on_page, in_count = CASES[case]
    for plan, names in zip(table.plans(monkeypatch, asked), (on_page, in_count), strict=True):
        assert {table.index(name) for name in names} & plan.indexes, plan
        assert "Seq Scan" not in plan.kinds, plan


@pytest.mark.parametrize("case", ["not set, sorted", "not equal, sorted", "set, sorted", "prefix", "in"])
def test_counts_read_no_rows(table: Table, monkeypatch: pytest.MonkeyPatch, case: str) -> None:
    """Complements are differences of counts, each answered by an index alone."""
    _, count = table.plans(monkeypatch, CASES[case][0])
    assert "Index Only Scan" in count.kinds, count
    assert not count.kinds & {"Index Scan", "Bitmap Heap Scan", "Seq Scan"}, count


def test_sorted_pages_are_walked_not_sorted(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first page and the one behind a cursor begin where they must and stop after fifty."""
    for sort in (Sort("amount"), Sort("amount", True), Sort("name", True), Sort("created_at", True)):
        first = query(COMMON, sort, total="none")
        (page,) = table.plans(monkeypatch, first)
        assert not page.kinds & {"Sort", "Incremental Sort", "Seq Scan"}, page
        cursor = table.engine.reads.query(table.live.name, first, IDS).next_cursor
        (page,) = table.plans(
            monkeypatch, Query(COMMON, sorts=(sort,), limit=50, offset=None, cursor=cursor, total="none")
        )
        assert not page.kinds & {"Sort", "Incremental Sort", "Seq Scan"}, page
        # Rows have to be compared as (value, id), or the walk would begin at the first entity of all.
        walked = [one for one in page.nodes if "ROW(" in one.get("Index Cond", "")]
        assert walked, page


def test_prefixes_are_ranges(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    page, _ = table.plans(monkeypatch, CASES["prefix"][0])
    (walked,) = [one for one in page.nodes if one.get("Index Name") == table.index("name")]
    assert ">= 'name 77'" in walked["Index Cond"]


@pytest.mark.parametrize("operator", [Op.CONTAINS_TOKEN, Op.NOT_CONTAINS_TOKEN])
def test_words_are_found_by_trigrams(table: Table, monkeypatch: pytest.MonkeyPatch, operator: Operator) -> None:
    index = f"{search_name(table.live.table)}_doc"
    asked = query(Condition("name", operator, ("777*",)))
    for plan in table.plans(monkeypatch, asked):
        assert index in plan.indexes, plan
        if operator is Op.CONTAINS_TOKEN:
            assert "Seq Scan" not in plan.kinds, plan
    (page, _) = table.plans(monkeypatch, Query(None, "777", limit=50))
    assert index in page.indexes


def test_estimates_ask_only_the_planner(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    for node, exact in ((RARE, ROWS // 100), (Not(RARE), ROWS), (None, ROWS)):
        total = table.engine.reads.query(table.live.name, query(node, total="estimated"), IDS).total
        assert total is not None
        assert exact / 3 < total < exact * 3
