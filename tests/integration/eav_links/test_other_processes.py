"""What another process defined a moment ago counts here in the next request: labels, limits, slots of linked types."""

from __future__ import annotations

import pytest

from shared.eav.engine import Engine
from shared.eav.filters import Condition, Node, Not, Operator
from shared.eav.links import labels
from shared.eav.links.relations import RelationDef
from shared.eav.requests import Draft, LinkTo, Query, Ref, Update
from shared.kernel.db import Database
from shared.kernel.errors import Invalid
from tests.factories.asking import CONTEXT, IDS
from tests.factories.kinds import attribute, entity_type
from tests.factories.linking import PLAIN, PRIMARY, link, linked_engine, links, some
from tests.factories.schema import Schema

ADVISES = RelationDef(30001, 30002, "contact", "company", "advises", "Advises")
ADVISED = RelationDef(30002, 30001, "company", "contact", "advised", "Is advised by")


@pytest.fixture
def other(database: Database, engine: Engine) -> Engine:
    """The engine of another process; both know the same so far."""
    made = linked_engine(database)
    for one in (engine, made):
        one.relations.refresh()
    return made


def test_a_label(engine: Engine, other: Engine, database: Database):
    (person, second), (firm,) = some(engine, "contact", 2), some(engine, "company", 1)
    link(engine, "contact", second, "company", firm)
    with database.transaction() as connection:
        labels.put(connection, [ADVISES, ADVISED])
    other.relations.refresh()
    link(other, "contact", person, "company", firm, ADVISES.id)
    assert links(engine, "contact", person, "company") == {firm: (PLAIN, PRIMARY, ADVISES.id)}
    engine.relations.refresh()
    with database.transaction() as connection:
        labels.remove(connection, [ADVISES, ADVISED])
    with pytest.raises(Invalid, match="30001: not an association type"):
        link(engine, "contact", second, "company", firm, ADVISES.id)
    draft = Draft({}, links=(LinkTo("company", firm, (ADVISES.id,)),))
    with pytest.raises(Invalid, match="30001: not an association type"):
        other.writes.create("contact", [draft], CONTEXT, IDS)
    assert links(other, "contact", person, "company") == {firm: (PLAIN, PRIMARY)}


def test_a_limit(engine: Engine, other: Engine, database: Database):
    (person,), firms = some(engine, "contact", 1), some(engine, "company", 3)
    link(engine, "contact", person, "company", firms[0])
    with database.transaction() as connection:
        labels.limit(connection, engine.relations.plain("contact", "company"), 2)
    link(engine, "contact", person, "company", firms[1])
    for one in (engine, other):
        with pytest.raises(Invalid, match="2 links"):
            link(one, "company", firms[2], "contact", person)
    with database.transaction() as connection:
        labels.limit(connection, engine.relations.plain("contact", "company"), None)
    link(engine, "contact", person, "company", firms[2])


@pytest.mark.parametrize("opposite", [False, True])
@pytest.mark.parametrize("kind", ["string", "date", "reference"])
def test_the_first_value_of_a_linked_attribute(engine: Engine, other: Engine, kind: str, opposite: bool):
    name = f"late_{kind}_{opposite}"
    Schema(other).add("company", attribute(name, kind))
    (person,), (firm,) = some(engine, "contact", 1), some(engine, "company", 1)
    link(engine, "contact", person, "company", firm)
    asked: Node = Condition(f"company.{name}", Operator.HAS)
    query = Query(Not(asked) if opposite else asked, limit=1000)
    before = {one.id for one in engine.reads.query("contact", query, IDS).entities}
    assert (person in before) is opposite
    value = {"string": "x", "date": "2024-02-29", "reference": 7}[kind]
    other.writes.update("company", [Update(Ref(firm), {name: value})], CONTEXT, IDS)
    after = {one.id for one in engine.reads.query("contact", query, IDS).entities}
    assert (person in after) is not opposite


def test_a_type_made_elsewhere(engine: Engine, other: Engine):
    live = Schema(other).add_type(entity_type("car", attribute("plate", "string")))
    (person,), (car,) = some(engine, "contact", 1), some(other, live.name, 1)
    link(engine, "contact", person, "cars", car)
    found = engine.reads.query("contact", Query(Condition("associations.car", Operator.EQ, (car,))), IDS)
    assert [one.id for one in found.entities] == [person]
