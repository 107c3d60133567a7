"""Bulk calls beside other writers: what moves between reading and locking, the catalog, deadlocks, taken values."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from shared.eav.bulk.finding import Found
from shared.eav.bulk.items import BulkItem, BulkOutcome
from shared.eav.catalog import LiveType, StaleCatalog
from shared.eav.engine import Engine
from shared.eav.requests import Draft, Ref, Update
from shared.eav.validation import NoJudge
from shared.kernel.context import Context
from shared.kernel.db import Database
from shared.kernel.errors import FieldError
from tests.factories.asking import CONTEXT, IDS, create, held_exactly
from tests.factories.kinds import attribute
from tests.factories.racing import at_once, deadlocks, paused, until_blocked
from tests.factories.schema import Schema

MakeType = Callable[..., LiveType]


class Meanwhile(NoJudge):
    """Rules during whose first question somebody else acts: after states were read, before they are locked."""

    def __init__(self, step: Callable[[], Any]) -> None:
        self._steps = [step]

    def judged(
        self, live: LiveType, old: Mapping[str, Any] | None, new: Mapping[str, Any], context: Context
    ) -> tuple[Mapping[str, Any], Sequence[FieldError]]:
        """As given."""
        while self._steps:
            self._steps.pop()()
        return new, ()


@pytest.fixture
def live(engine: Engine, make_type: MakeType) -> LiveType:
    """A type with unique attributes and others. All have their slots: who has to take one begins anew anyway."""
    made = make_type(
        attribute("code", "string", unique=True),
        attribute("email", "email", unique=True),
        attribute("name", "string"),
        attribute("note", "string"),
    )
    (first,) = create(engine, made.name, {"code": "0", "email": "0@y.test", "name": "0", "note": "0"})
    engine.writes.archive(made.name, [Ref(first.id)], CONTEXT)
    return engine.catalog.type(made.name)


def code(value: str) -> Ref:
    """A reference."""
    return Ref(attribute="code", value=value)


def results(outcomes: Sequence[BulkOutcome]) -> list[str]:
    """What the items came to."""
    return [one.outcome for one in outcomes]


def beside(database: Database, live: LiveType, items: Sequence[BulkItem], step: Callable[[], Any]) -> list[BulkOutcome]:
    """A call during which `step` happens."""
    return Engine(database, judge=Meanwhile(step)).bulk.write(live.name, items, CONTEXT)


def test_another_value_between_reading_and_locking(engine: Engine, database: Database, live: LiveType) -> None:
    """The entity is read again, and what it has by then is kept or compared with."""
    a, b = (one.id for one in create(engine, live.name, {"code": "a", "name": "1"}, {"code": "b", "name": "1"}))
    items = [BulkItem({"name": "2"}, code("a")), BulkItem({"name": "2"}, code("b"))]
    changed = [Update(Ref(a), {"name": "2"}), Update(Ref(b), {"note": "other"})]
    found = beside(database, live, items, lambda: engine.writes.update(live.name, changed, CONTEXT, IDS))
    assert results(found) == ["unchanged", "updated"]
    held_exactly(
        engine, live.name, {a: (2, {"code": "a", "name": "2"}), b: (3, {"code": "b", "name": "2", "note": "other"})}
    )


def test_a_first_value_between_reading_and_locking(
    engine: Engine, database: Database, schema: Schema, live: LiveType
) -> None:
    """Of an attribute that did not exist when the call began: the entity's checksum counts it."""
    (a,) = create(engine, live.name, {"code": "a"})

    def step() -> None:
        schema.add(live.name, attribute("late", "number"))
        engine.writes.update(live.name, [Update(Ref(a.id), {"late": 5})], CONTEXT, IDS)

    found = beside(database, live, [BulkItem({"name": "2"}, code("a"))], step)
    assert results(found) == ["updated"]
    held_exactly(engine, live.name, {a.id: (3, {"code": "a", "name": "2", "late": 5})})


def test_a_key_that_goes_elsewhere(engine: Engine, database: Database, live: LiveType) -> None:
    """Who has the code by then is who is meant; the entity that had it stays as it is."""
    a, b = (one.id for one in create(engine, live.name, {"code": "a"}, {"code": "b"}))
    swapped = [Update(Ref(a), {"code": "b"}), Update(Ref(b), {"code": "a"})]
    step = lambda: engine.writes.update(live.name, swapped, CONTEXT, IDS)  # noqa: E731
    (one,) = beside(database, live, [BulkItem({"name": "new"}, code("a"))], step)
    assert one.id == b
    held_exactly(engine, live.name, {a: (2, {"code": "b"}), b: (3, {"code": "a", "name": "new"})})


def test_an_entity_archived_meanwhile(engine: Engine, database: Database, live: LiveType) -> None:
    """It is made anew by key, and missed by id."""
    a, b = (one.id for one in create(engine, live.name, {"code": "a"}, {"code": "b"}))
    step = lambda: engine.writes.archive(live.name, [Ref(a), Ref(b)], CONTEXT)  # noqa: E731
    found = beside(database, live, [BulkItem({"name": "x"}, code("a")), BulkItem({"name": "x"}, Ref(b))], step)
    assert results(found) == ["created", "rejected"]
    assert found[0].id not in (a, None)


def test_a_key_taken_before_ours_is_written(engine: Engine, database: Database, live: LiveType) -> None:
    """Upserts find who has it then; other items are refused with its id."""
    made: list[int] = []

    def step() -> None:
        drafts = [Draft({"code": "a"}), Draft({"code": "c", "email": "x@y.test"})]
        made.extend(one.id for one in engine.writes.create(live.name, drafts, CONTEXT, IDS))  # type: ignore[union-attr]

    items = [BulkItem({"name": "x"}, code("a")), BulkItem({"code": "d", "email": "x@y.test"}), BulkItem({"code": "e"})]
    found = beside(database, live, items, step)
    assert results(found) == ["updated", "rejected", "created"]
    assert found[0].id == made[0]
    assert f"Existing ID: {made[1]}" in found[1].errors[0].message


def test_a_call_waits_for_the_writer_before_it(engine: Engine, database: Database, live: LiveType) -> None:
    """And then counts on from what that one left."""
    (a,) = create(engine, live.name, {"code": "a"})
    with ThreadPoolExecutor(2) as threads:
        first, writing = paused(
            database,
            lambda one: one.writes.update(live.name, [Update(Ref(a.id), {"name": "1"})], CONTEXT, IDS),
            threads,
        )
        other = Engine(database)
        call = threads.submit(other.bulk.write, live.name, [BulkItem({"note": "2"}, code("a"))], CONTEXT)
        assert until_blocked(database, done=call)
        first.go()
        writing.result()
        assert results(call.result()) == ["updated"]
    held_exactly(engine, live.name, {a.id: (3, {"code": "a", "name": "1", "note": "2"})})


def test_definitions_that_change_meanwhile(engine: Engine, database: Database, schema: Schema, live: LiveType) -> None:
    """A stale process learns of an attribute, and of one that is unique by now."""
    old = Engine(database)
    create(old, live.name, {"code": "a", "name": "n"})
    schema.add(live.name, attribute("late", "number", unique=True))
    schema.unique(live.name, "name")
    found = old.bulk.write(
        live.name,
        [BulkItem({"late": 1}, code("a")), BulkItem({"late": 1}), BulkItem({"name": "N"}), BulkItem({"code": "b"})],
        CONTEXT,
    )
    assert results(found) == ["updated", "rejected", "rejected", "created"]


def test_calls_with_the_same_rows_and_keys(engine: Engine, database: Database, live: LiveType) -> None:
    """Eight at once, each in an order of its own, no deadlock: all go through, and nothing is there twice."""
    made = [one.id for one in create(engine, live.name, *({"code": f"old{n}"} for n in range(30)))]
    before = deadlocks(database)

    def step(number: int) -> list[BulkOutcome]:
        old = [BulkItem({"name": f"by {number}", "email": f"m{n}@y.test"}, code(f"old{n}")) for n in range(30)]
        new = [BulkItem({"name": f"by {number}"}, code(f"new{n}")) for n in range(30)]
        items = [*old, *new]
        turned = items[number * 7 :] + items[: number * 7]
        return Engine(database).bulk.write(live.name, turned[:: -1 if number % 2 else 1], CONTEXT)

    answers = at_once(8, step)
    assert all(isinstance(one, list) for one in answers), answers
    ids = {one.id for answer in answers for one in answer}  # type: ignore[union-attr]
    assert len(ids) == 60
    assert set(made) < ids
    created = [one for answer in answers for one in answer if one.outcome == "created"]  # type: ignore[union-attr]
    assert len(created) == 30
    with database.connect() as connection:
        assert connection.row(f"select count(*), sum(version) from eav_entity_{live.table}") == (60, 9 * 30 + 8 * 30)
    assert deadlocks(database) == before


def test_keys_are_taken_in_one_order(engine: Engine, database: Database, live: LiveType) -> None:
    """Two calls with the same keys, the other way round, both held up at the one in the middle."""
    before = deadlocks(database)
    key = live.attributes["code"].id
    forth = [BulkItem({"code": one}) for one in "amz"]
    with ThreadPoolExecutor(2) as threads, database.connect() as holder:
        with holder.transaction():
            holder.run("insert into eav_unique values (%(a)s, 'm', 0)", {"a": key})
            calls = [
                threads.submit(Engine(database).bulk.write, live.name, items, CONTEXT) for items in (forth, forth[::-1])
            ]
            assert until_blocked(database, count=2)
            holder.run("delete from eav_unique where (attribute_id, key) = (%(a)s, 'm')", {"a": key})
        created = [one for call in calls for one in call.result() if one.outcome == "created"]
    assert len(created) == 3
    assert deadlocks(database) == before


def test_uniqueness_switched_on_meanwhile(engine: Engine, database: Database, schema: Schema, live: LiveType) -> None:
    """What was judged by the catalog of before is judged anew."""
    items = [BulkItem({"name": "x"}), BulkItem({"name": "X"})]
    found = beside(database, live, items, lambda: schema.unique(live.name, "name"))
    assert results(found) == ["created", "rejected"]


def test_states_are_read_by_the_catalog_in_force(
    engine: Engine, database: Database, schema: Schema, live: LiveType
) -> None:
    """A copy that misses an attribute would miss its values."""
    (a,) = create(engine, live.name, {"code": "a"})
    schema.add(live.name, attribute("late", "number"))
    with database.connect() as connection, pytest.raises(StaleCatalog):
        Found(live).read(connection, [a.id])


def test_two_kinds_of_writers(engine: Engine, database: Database, live: LiveType) -> None:
    """Bulk calls and batches over the same keys: whoever PostgreSQL breaks tries again."""
    names = [f"k{n}" for n in range(20)]

    def step(number: int) -> Any:
        other = Engine(database)
        if number % 2:
            return other.bulk.write(live.name, [BulkItem({"name": "b"}, code(one)) for one in names], CONTEXT)
        return other.writes.create(live.name, [Draft({"code": one}) for one in names[::-1]], CONTEXT, IDS, partial=True)

    assert all(isinstance(one, list) for one in at_once(6, step))
    with database.connect() as connection:
        assert connection.row(f"select count(*) from eav_entity_{live.table}") == (20,)
