"""A hundred thousand links on one company: its pages, and filters over them, walk indexes and read little.

Not a measurement: plans are read with the rows they touched, nothing is timed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest

from shared.eav.catalog import LiveType
from shared.eav.engine import Engine
from shared.eav.filters import And, Condition, Node, Not, Operator
from shared.eav.install import install
from shared.eav.links.asked import LinkItem, Unlink
from shared.eav.requests import LinkTo, Query, Sort
from shared.eav.slots import provision
from shared.eav.tables import table_name
from shared.kernel.db import Connection, Database
from tests.factories.asking import CONTEXT, IDS, create
from tests.factories.linking import PLAIN, PLAIN_BACK, define, linked_engine

Op = Operator
PEOPLE, FIRMS, ON_ONE = 120_000, 5_000, 100_000
FIRST_PERSON, BIG = 2_000_000, 1_000_000
EXPLAIN = "explain (analyze, timing off, format json)"
LITTLE = 5_000
"""Rows that a statement for ten may touch: the links of whole small companies, never those of the big one."""


@dataclass(frozen=True)
class Crowd:
    """The world and the plans of what is asked of it."""

    engine: Engine

    def touched(
        self, monkeypatch: pytest.MonkeyPatch, step: Callable[[], Any], *, kept: bool = False
    ) -> tuple[set[str], int]:
        """Tables that were read from end to end, and the most rows that any part of a plan came to. kept: by the plans
        that PostgreSQL keeps for prepared statements, made without knowing the values."""
        asked: list[tuple[str, Any]] = []
        real = Connection.rows

        def noted(self: Connection, sql: str, params: Any = None, *, prepare: bool = False) -> list[tuple[Any, ...]]:
            asked.append((sql, params))
            return real(self, sql, params, prepare=prepare)

        with monkeypatch.context() as patch:
            patch.setattr(Connection, "rows", noted)
            step()
        whole, most = set(), 0
        with self.engine.database.connect() as connection:
            for sql, params in asked:
                row = _kept_plan(connection, sql, params) if kept else connection.row(f"{EXPLAIN} {sql}", params)
                assert row is not None
                for node in _flat(row[0][0]["Plan"]):
                    most = max(most, int(node["Actual Rows"] * node["Actual Loops"]))
                    if node["Node Type"] == "Seq Scan":
                        whole.add(node["Relation Name"])
        return whole, most

    def calm(self, monkeypatch: pytest.MonkeyPatch, step: Callable[[], Any], *, kept: bool = False) -> None:
        """Assert that a step scans neither links nor entities, and touches few rows."""
        whole, most = self.touched(monkeypatch, step, kept=kept)
        assert not whole & {"eav_link", *(table_name(live.table) for live in self.engine.catalog.types())}
        assert most <= LITTLE


def _kept_plan(connection: Connection, sql: str, params: Mapping[str, Any]) -> tuple[Any, ...] | None:
    """The plan of a prepared statement, made for any values."""
    names = list(dict.fromkeys(re.findall(r"%\((\w+)\)s", sql)))
    numbered = re.sub(r"%\((\w+)\)s", lambda found: f"${names.index(found[1]) + 1}", sql)
    with connection.transaction():
        connection.run("set local plan_cache_mode = force_generic_plan")
        connection.run(f"prepare kept as {numbered}")
        given = ", ".join(f"%({name})s" for name in names)
        row = psycopg.ClientCursor(connection.raw).execute(f"{EXPLAIN} execute kept({given})", params).fetchone()
        connection.run("deallocate kept")
    return row


def _flat(node: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield node
    for child in node.get("Plans", ()):
        yield from _flat(child)


@pytest.fixture(scope="module")
def crowd(new_database: Callable[[], str]) -> Iterator[Crowd]:
    """Five in six people work for one company, the others for five thousand."""
    database = Database(new_database())
    install(database)
    engine = linked_engine(database)
    define(engine)
    create(engine, "contact", {"email": "first@x.test", "count": 1})
    create(engine, "company", {"name": "first", "industry": "new", "staff": 1})
    provision(database)
    engine.catalog.refresh()
    with database.connect() as connection:
        _fill(connection, engine.catalog.type("contact"), engine.catalog.type("company"))
    yield Crowd(engine)
    database.dispose()


def _fill(connection: Connection, people: LiveType, firms: LiveType) -> None:
    """Rows made by SQL: through the engine it would take minutes."""
    options = [one.id for one in firms.attributes["industry"].options]
    column = {one.name: one.column for live in (people, firms) for one in live.attributes.values()}
    connection.run(
        f"insert into {table_name(firms.table)}(id, version, created_at, updated_at, {column['name']},"
        f" {column['industry']}, {column['staff']}) select {BIG} + n, 1, timestamp '2024-01-01' + n * interval '1 s',"
        f" now(), 'firm ' || n, (array{options})[1 + n % 5], n from generate_series(0, {FIRMS}) n"
    )
    connection.run(
        f"insert into {table_name(people.table)}(id, version, created_at, updated_at, {column['email']},"
        f" {column['count']}) select {FIRST_PERSON} + n, 1, timestamp '2024-01-01' + n * interval '1 s', now(),"
        f" 'p' || n || '@x.test', n * 7919 % 100000 from generate_series(0, {PEOPLE - 1}) n"
    )
    connection.run(
        "insert into eav_link select r, case r when %(ahead)s then p else f end,"
        " case r when %(ahead)s then f else p end, now(), 1 from (select %(person)s + n as p, case when n %% 6 > 0"
        " then %(big)s else %(big)s + 1 + n %% %(firms)s end as f from generate_series(0, %(people)s - 1) n) l,"
        " unnest(array[%(ahead)s, %(back)s]) r",
        {"ahead": PLAIN, "back": PLAIN_BACK, "person": FIRST_PERSON, "big": BIG, "firms": FIRMS,
         "people": PEOPLE},
    )  # fmt: skip
    connection.run("vacuum analyze")


@pytest.mark.parametrize("kept", [False, True])
@pytest.mark.parametrize("after", [0, FIRST_PERSON + PEOPLE // 2, FIRST_PERSON + PEOPLE - 3])
def test_a_page_of_links(crowd: Crowd, monkeypatch: pytest.MonkeyPatch, after: int, kept: bool):
    links = crowd.engine.links
    listed, behind = links.page("company", BIG, "contact", 500, after)
    assert (len(listed), behind is None) == ((2, True) if after > FIRST_PERSON + PEOPLE // 2 else (500, False))
    crowd.calm(monkeypatch, lambda: links.page("company", BIG, "contact", 500, after), kept=kept)


@pytest.mark.parametrize("kept", [False, True])
def test_pages_of_many(crowd: Crowd, monkeypatch: pytest.MonkeyPatch, kept: bool):
    some = [BIG, *range(BIG + 1, BIG + 100)]
    crowd.calm(monkeypatch, lambda: crowd.engine.links.pages("company", some, "contact", 10), kept=kept)


FILTERS: tuple[Node, ...] = (
    Condition("associations.company", Op.EQ, (BIG,)),
    Condition("associations.company", Op.IN, (BIG, BIG + 7)),
    Condition("associations.company", Op.EQ, (BIG + 77,)),
    Condition("associations.company", Op.HAS),
    Condition("company.name", Op.EQ, ("firm 0",)),
    Condition("company.name", Op.EQ, ("firm 77",)),
    Condition("company.industry", Op.EQ, ("new",)),
    Condition("company.industry", Op.EQ, ("done",)),
    Condition("company.staff", Op.BETWEEN, (100, 199)),
    And((Condition("associations.company", Op.EQ, (BIG,)), Condition("count", Op.LT, (1000,)))),
    And((Condition("associations.company", Op.EQ, (BIG,)), Condition("email", Op.EQ, ("p79@x.test",)))),
    Not(Condition("company.name", Op.EQ, ("firm 77",))),
)
SORTS: dict[str, tuple[Sort, ...]] = {
    "by id": (),
    "newest": (Sort("created_at", descending=True),),
    "by value": (Sort("count"),),
}


@pytest.mark.parametrize("sorts", SORTS)
@pytest.mark.parametrize("node", FILTERS, ids=lambda one: str(FILTERS.index(one)))
def test_a_page_of_a_filter(crowd: Crowd, monkeypatch: pytest.MonkeyPatch, node: Node, sorts: str):
    query = Query(node, sorts=SORTS[sorts], total="none")
    assert crowd.engine.reads.query("contact", query, IDS).entities, "a query that finds nothing proves nothing"
    crowd.calm(monkeypatch, lambda: crowd.engine.reads.query("contact", query, IDS))


def test_the_other_way_round(crowd: Crowd, monkeypatch: pytest.MonkeyPatch):
    for node in (
        Condition("contact.email", Op.EQ, ("p77@x.test",)),
        Condition("associations.contact", Op.EQ, (FIRST_PERSON + 1,)),
    ):
        query = Query(node, total="none")
        (only,) = crowd.engine.reads.query("company", query, IDS).entities
        assert only.id == BIG
        crowd.calm(monkeypatch, lambda asked=query: crowd.engine.reads.query("company", asked, IDS))


def test_exact_totals(crowd: Crowd):
    for node, total in (
        (Condition("associations.company", Op.EQ, (BIG,)), ON_ONE),
        (Condition("company.name", Op.NEQ, ("firm 0",)), PEOPLE - ON_ONE),
        (Not(Condition("associations.company", Op.EQ, (BIG,))), PEOPLE - ON_ONE + 1),
    ):
        assert crowd.engine.reads.query("contact", Query(node), IDS).total == total


def test_linking_one_more(crowd: Crowd, monkeypatch: pytest.MonkeyPatch):
    def linked() -> Sequence[object]:
        return crowd.engine.links.put("contact", [LinkItem(FIRST_PERSON + 6, LinkTo("company", BIG))], CONTEXT)

    crowd.calm(monkeypatch, linked)
    crowd.engine.links.remove("contact", [Unlink(FIRST_PERSON + 6, "company", BIG)], CONTEXT)
    crowd.calm(
        monkeypatch, lambda: crowd.engine.links.remove("contact", [Unlink(FIRST_PERSON, "company", BIG)], CONTEXT)
    )
