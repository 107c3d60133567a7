"""The number of statements depends on what is asked, never on how many links there are or are written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from shared.eav.engine import Engine
from shared.eav.filters import And, Condition, Node, Not, Operator, Or
from shared.eav.links.asked import LinkItem, Unlink
from shared.eav.requests import Draft, LinkTo, Query, Ref, Update
from shared.kernel.db import Database
from tests.factories.asking import CONTEXT, IDS
from tests.factories.linking import PARENT, PRIMARY, Told, linked_engine, some

LOCK, LINKS, REGISTERS, WRITE, REMOVE, INSERT, READ = 1, 1, 1, 1, 1, 1, 1
ONE_AT_A_TIME, ABOVE = 1, 1
LOOK_UP, PAGE, TOTAL = 1, 1, 1
Op = Operator


@pytest.fixture
def engine(database: Database) -> Engine:
    """One that tells nobody, warmed up."""
    engine = linked_engine(database, publish_links=Told())
    engine.relations.ready()
    return engine


def counted(database: Database, step: Callable[[], Any]) -> int:
    """How many statements a step takes."""
    with database.counted() as statements:
        step()
    return len(statements)


@pytest.mark.parametrize("many", [1, 60])
def test_links_alone(engine: Engine, database: Database, many: int):
    people, firms = some(engine, "contact", many), some(engine, "company", 3)
    items = [LinkItem(one, LinkTo("company", firm)) for one in people for firm in firms]
    put = LOCK + LINKS + REGISTERS + WRITE
    assert counted(database, lambda: engine.links.put("contact", items, CONTEXT)) == put
    assert counted(database, lambda: engine.links.put("contact", items, CONTEXT)) == put - WRITE
    moved = [LinkItem(one, LinkTo("company", firms[1], (PRIMARY,))) for one in people]
    assert counted(database, lambda: engine.links.put("contact", moved, CONTEXT)) == put
    gone = [Unlink(one, "company", firms[0]) for one in people]
    assert counted(database, lambda: engine.links.remove("contact", gone, CONTEXT)) == LOCK + REMOVE
    assert counted(database, lambda: engine.links.pages("contact", people, "company")) == READ


@pytest.mark.parametrize("many", [1, 60])
def test_a_hierarchy(engine: Engine, database: Database, many: int):
    boss, *firms = some(engine, "company", many + 1)
    items = [LinkItem(one, LinkTo("company", boss, (PARENT,))) for one in firms]
    put = ONE_AT_A_TIME + LOCK + LINKS + REGISTERS + ABOVE + WRITE
    assert counted(database, lambda: engine.links.put("company", items, CONTEXT)) == put


@pytest.mark.parametrize("many", [1, 60])
def test_with_values(engine: Engine, database: Database, many: int):
    firms = some(engine, "company", 3)
    beside = tuple(LinkTo("company", one) for one in firms)
    drafts = [Draft({}, links=beside) for _ in range(many)]
    assert counted(database, lambda: engine.writes.create("contact", drafts, CONTEXT, IDS)) == LOCK + INSERT + WRITE
    people = some(engine, "contact", many)
    updates = [Update(Ref(one), {}, links=beside) for one in people]
    taken = READ + LOCK + LINKS + REGISTERS + WRITE
    assert counted(database, lambda: engine.writes.update("contact", updates, CONTEXT, IDS)) == taken


@pytest.mark.parametrize(
    ("node", "more"),
    [
        (Condition("count", Op.HAS), 0),
        (Condition("associations.company", Op.HAS), LOOK_UP),
        (Condition("company.name", Op.EQ, ("x",)), LOOK_UP),
        (
            And((
                Or((Condition("company.name", Op.EQ, ("x",)), Condition("associations.company", Op.IN, (1, 2, 3)))),
                Not(Condition("gadget.code", Op.HAS)),
            )),
            LOOK_UP,
        ),
    ],
    ids=["none", "links", "values", "a tree"],
)  # fmt: skip
def test_filters(engine: Engine, database: Database, node: Node, more: int):
    (person,), (firm,) = some(engine, "contact", 1), some(engine, "company", 1)
    engine.writes.update("contact", [Update(Ref(person), {"count": 1})], CONTEXT, IDS)
    engine.links.put("contact", [LinkItem(person, LinkTo("company", firm))], CONTEXT)
    query = Query(node, limit=1000)
    empty = 0 if engine.reads.query("contact", query, IDS).entities else 1
    assert counted(database, lambda: engine.reads.query("contact", query, IDS)) == more + PAGE + empty * (1 + TOTAL)
