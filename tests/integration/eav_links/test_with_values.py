"""Links that come with values: written together with them or not at all."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from shared.eav.engine import Engine
from shared.eav.entity import Entity
from shared.eav.requests import Draft, ItemError, LinkTo, Ref, Update, Upsert
from shared.kernel.db import Database
from shared.kernel.errors import Conflict, Invalid, NotFound
from tests.factories.asking import CONTEXT, IDS
from tests.factories.linking import FIRMS, PARENT, PLAIN, PRIMARY, Told, links, rows, some

NOBODY = 2**40


@pytest.fixture
def count(database: Database) -> Callable[[], int]:
    """How many contacts there are."""

    def counted() -> int:
        with database.connect() as connection:
            row = connection.row("select count(*) from eav_entities where entity_type = 'contact'")
        assert row is not None
        return int(row[0])

    return counted


def test_created_entities_are_linked_at_once(engine: Engine, told: Told):
    one, other = some(engine, "company", 2)
    drafts = [
        Draft({"email": "a@x.test"}, links=(LinkTo("company", one), LinkTo("companies", other))),
        Draft({"email": "b@x.test"}),
        Draft({"email": "c@x.test"}, links=(LinkTo("0-2", other, (PRIMARY,)), LinkTo("company", one))),
    ]
    made = [one.id for one in engine.writes.create("contact", drafts, CONTEXT, IDS) if isinstance(one, Entity)]
    assert links(engine, "contact", made[0], "company") == {one: (PLAIN, PRIMARY), other: (PLAIN,)}
    assert links(engine, "contact", made[1], "company") == {}
    assert links(engine, "contact", made[2], "company") == {one: (PLAIN,), other: (PLAIN, PRIMARY)}
    assert {(start, end) for _, start, end, _ in told.taken()} == {
        (n, c) for n in (made[0], made[2]) for c in (one, other)
    }


def test_new_entities_may_be_children_of_one_parent(engine: Engine):
    (boss,) = some(engine, "company", 1)
    drafts = [Draft({"name": f"child {n}"}, links=(LinkTo("company", boss, (PARENT,)),)) for n in range(3)]
    made = engine.writes.create("company", drafts, CONTEXT, IDS)
    assert set(links(engine, "company", boss, "company")) == {one.id for one in made if isinstance(one, Entity)}


def test_what_cannot_be_linked_is_not_created(engine: Engine, count: Callable[[], int], database: Database, told: Told):
    (firm,) = some(engine, "company", 1)
    before, stored = count(), rows(database)
    drafts = [
        Draft({"email": "good@x.test"}, links=(LinkTo("company", firm),)),
        Draft({"email": "bad@x.test"}, links=(LinkTo("company", firm), LinkTo("company", NOBODY))),
        Draft({"email": "worse@x.test"}, links=(LinkTo("company", NOBODY + 1),)),
    ]
    with pytest.raises(NotFound) as refused:
        engine.writes.create("contact", drafts, CONTEXT, IDS)
    assert refused.value.ids == (str(NOBODY), str(NOBODY + 1))
    assert (count(), rows(database), told.taken()) == (before, stored, set())
    done = engine.writes.create("contact", drafts, CONTEXT, IDS, partial=True)
    assert [type(one) for one in done] == [Entity, ItemError, ItemError]
    assert count() == before + 1
    assert {end for _, _, end, _ in told.taken()} == {firm}


def test_what_cannot_be_created_is_not_linked(engine: Engine, database: Database):
    (firm,) = some(engine, "company", 1)
    draft = Draft({"email": "twice@x.test"}, links=(LinkTo("company", firm),))
    (made,) = engine.writes.create("contact", [draft], CONTEXT, IDS)
    assert isinstance(made, Entity)
    stored = rows(database)
    with pytest.raises(Conflict):
        engine.writes.create("contact", [draft], CONTEXT, IDS)
    (refused,) = engine.writes.create("contact", [draft], CONTEXT, IDS, partial=True)
    assert isinstance(refused, ItemError)
    assert rows(database) == stored


def test_an_update_of_links_alone_leaves_the_version(engine: Engine, told: Told):
    (person,), (firm,) = some(engine, "contact", 1), some(engine, "company", 1)
    update = Update(Ref(person), {}, links=(LinkTo("company", firm),))
    for expected in ({(PLAIN, person, firm, True), (PRIMARY, person, firm, True)}, set()):
        (done,) = engine.writes.update("contact", [update], CONTEXT, IDS)
        assert isinstance(done, Entity)
        assert done.version == 1
        assert told.taken() == expected


def test_upserts_link_what_they_find_and_what_they_make(engine: Engine):
    (firm,) = some(engine, "company", 1)
    engine.writes.create("contact", [Draft({"email": "old@x.test"})], CONTEXT, IDS)
    asked = [
        Upsert(Ref(attribute="email", value=f"{name}@x.test"), {"count": 1}, links=(LinkTo("company", firm),))
        for name in ("new", "old", "new2")
    ]
    done = [one for one in engine.writes.upsert("contact", asked, CONTEXT, IDS) if isinstance(one, Entity)]
    assert [one.new for one in done] == [True, False, True]
    assert set(links(engine, "company", firm, "contact")) == {one.id for one in done}


def test_the_whole_item_is_refused_for_one_of_its_links(engine: Engine):
    a, b, c = some(engine, "company", 3)
    below = [Update(Ref(one), {}, links=(LinkTo("company", other, (PARENT,)),)) for one, other in ((a, b), (b, c))]
    engine.writes.update("company", below, CONTEXT, IDS)
    d = some(engine, "company", 1)[0]
    circle = Update(Ref(c), {"name": "top"}, links=(LinkTo("company", d), LinkTo("company", a, (PARENT,))))
    with pytest.raises(Invalid, match="stands below"):
        engine.writes.update("company", [circle], CONTEXT, IDS)
    (refused,) = engine.writes.update("company", [circle], CONTEXT, IDS, partial=True)
    assert isinstance(refused, ItemError)
    assert links(engine, "company", d, "company") == {}
    assert links(engine, "company", c, "company") == {b: (FIRMS, 13)}


def test_links_count_from_the_instant_of_their_item(engine: Engine, told: Told, database: Database):
    (firm,) = some(engine, "company", 1)
    then, before = datetime(2020, 2, 29, 12, tzinfo=UTC), datetime(2019, 1, 1, tzinfo=UTC)
    drafts = [
        Draft({}, effective_at=then, links=(LinkTo("company", firm),)),
        Draft({}, effective_at=then, links=(LinkTo("company", firm, since=before),)),
        Draft({}, links=(LinkTo("company", firm),)),
    ]
    made = [one.id for one in engine.writes.create("contact", drafts, CONTEXT, IDS) if isinstance(one, Entity)]
    with database.connect() as connection:
        found = dict(
            connection.rows("select to_id, since from eav_link where from_id = %(f)s and relation = 280", {"f": firm})
        )
    assert [found[one] for one in made[:2]] == [then.replace(tzinfo=None), before.replace(tzinfo=None)]
    assert found[made[2]].year > 2020
    assert {one.from_id: one.since for one in told.changes} == dict(zip(made, (then, before, None), strict=True))
