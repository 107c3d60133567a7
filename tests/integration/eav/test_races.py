"""Writes that meet: one wins, the others are told who; nothing is lost, doubled or left behind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from shared.eav.catalog import LiveType
from shared.eav.engine import Engine
from shared.eav.entity import Entity, View
from shared.eav.filters import Condition, Operator
from shared.eav.install import install
from shared.eav.requests import Draft, ItemError, Ref, Update, Upsert
from shared.kernel.db import Database
from shared.kernel.errors import Conflict, NotFound, VersionMismatch
from tests.factories.asking import CONTEXT, IDS, create, found, typed
from tests.factories.audit import Expected, audit
from tests.factories.kinds import attribute, entity_type
from tests.factories.racing import at_once, paused, until_blocked
from tests.factories.schema import Schema

# One slot of each family in bank 1: the second attribute of a family lives in bank 2.
SPREAD = (1, 1, 1, 1)


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    """Threads for writes that wait."""
    with ThreadPoolExecutor(4) as pool:
        yield pool


@pytest.fixture
def person(engine: Engine, make_type: Callable[..., LiveType]) -> LiveType:
    """A type with unique keys, options and words, spread over two banks; all slots are taken."""
    live = make_type(
        attribute("email", "email", unique=True),
        attribute("code", "string", unique=True),
        attribute("count", "number"),
        attribute("score", "number"),
        attribute("tags", "multi_enumeration"),
        attribute("note", "long_text"),
        pool=SPREAD,
    )
    warm = create(engine, live.name, {"email": "w@example.com", "code": "w", "count": 0, "score": 0})
    engine.writes.archive(live.name, [Ref(one.id) for one in warm], CONTEXT)
    engine.catalog.refresh()
    assert engine.catalog.type(live.name).banks == 2
    return engine.catalog.type(live.name)


def check(engine: Engine, name: str, entities: dict[int, tuple[int, dict[str, object]]]) -> None:
    """All tables hold exactly these entities: (version, values by name)."""
    engine.catalog.refresh()
    live = engine.catalog.type(name)
    expected = {ident: Expected(version, typed(live, values)) for ident, (version, values) in entities.items()}
    with engine.database.connect() as connection:
        audit(connection, live, expected)


def test_one_address_for_sixty_four(database: Database, engine: Engine, make_type: Callable[..., LiveType]) -> None:
    """Sixty-four create the same address (in different case), at first value and all: one does, all are told who."""
    live = make_type(attribute("email", "email", unique=True))
    engines = [Engine(database) for _ in range(64)]

    def write(n: int) -> Entity:
        address = "ann@example.com" if n % 2 else "ANN@Example.com"
        return create(engines[n], live.name, {"email": address})[0]

    answers = at_once(64, write)
    (made,) = [one for one in answers if isinstance(one, Entity)]
    refused = [one for one in answers if not isinstance(one, Entity)]
    assert {type(one) for one in refused} == {Conflict}
    assert {(one.existing_id, one.attribute) for one in refused if isinstance(one, Conflict)} == {(made.id, "email")}
    assert all(f"Existing ID: {made.id}" in str(one) for one in refused)
    check(engine, live.name, {made.id: (1, {"email": "ann@example.com"})})


def test_one_slot_for_sixteen(database: Database, engine: Engine, make_type: Callable[..., LiveType]) -> None:
    """Sixteen give the same attributes their first values: each takes one slot, no write is lost."""
    names = [f"number{n}" for n in range(5)]
    live = make_type(*(attribute(one, "number") for one in names), pool=(2, 2, 2, 8))
    engines = [Engine(database) for _ in range(16)]
    answers = at_once(16, lambda n: create(engines[n], live.name, dict.fromkeys(names, n))[0].id)
    assert all(isinstance(one, int) for one in answers), answers
    with database.connect() as connection:
        sql = "select count(*) from eav_slot where table_number = %(n)s and state = 'used'"
        assert connection.row(sql, {"n": live.table}) == (5,)
    check(engine, live.name, {ident: (1, dict.fromkeys(names, n)) for n, ident in enumerate(answers)})  # type: ignore[misc]


def test_upserts_of_one_key(database: Database, engine: Engine, person: LiveType) -> None:
    """Concurrent upserts of one key make one entity; every other one changes it."""
    engines = [Engine(database) for _ in range(16)]

    def write(n: int) -> Entity:
        item = Upsert(Ref(attribute="code", value="same" if n % 2 else "SAME"), {f"{'count' if n % 2 else 'score'}": n})
        (outcome,) = engines[n].writes.upsert(person.name, [item], CONTEXT, IDS, partial=n % 3 == 0)
        assert isinstance(outcome, Entity), outcome
        return outcome

    answers = at_once(16, write)
    assert all(isinstance(one, Entity) for one in answers), answers
    outcomes = [one for one in answers if isinstance(one, Entity)]
    assert len({one.id for one in outcomes}) == 1
    assert [one.new for one in outcomes].count(True) == 1
    assert sorted(one.version for one in outcomes) == list(range(1, 17))
    assert next(one.new for one in outcomes if one.version == 1)


def test_upserts_of_the_same_many(database: Database, engine: Engine, person: LiveType) -> None:
    """Whole batches that share all their keys, in opposite order: every key one entity."""
    engines = [Engine(database) for _ in range(6)]
    keys = [f"key {n}" for n in range(30)]

    def write(n: int) -> list[int]:
        order = keys if n % 2 else keys[::-1]
        items = [Upsert(Ref(attribute="code", value=one), {"count": n}) for one in order]
        return sorted(one.id for one in engines[n].writes.upsert(person.name, items, CONTEXT, IDS))  # type: ignore[union-attr]

    answers = at_once(6, write)
    assert all(one == answers[0] for one in answers), answers
    assert len(found(engine, person.name, Condition("code", Operator.HAS))) == len(keys)


def test_updates_of_one_entity_follow_each_other(database: Database, engine: Engine, person: LiveType) -> None:
    """Versions 1..n without a gap, a history whose changes follow each other, the last writer's keys."""
    (one,) = create(engine, person.name, {"email": "0@example.com", "code": "c0", "count": 0, "score": 0})
    engines = [Engine(database) for _ in range(12)]

    def write(n: int) -> list[int]:
        values = {"email": f"{n}@example.com", "code": f"c{n}", "count": n, "score": n, "tags": ["new"], "note": str(n)}
        versions = []
        for step in range(4):
            some = {name: value for i, (name, value) in enumerate(values.items()) if (i + step) % 2}
            item = Update(Ref(one.id), {**some, "score": n * 10 + step})
            (outcome,) = engines[n].writes.update(person.name, [item], CONTEXT, IDS)
            versions.append(outcome.version if isinstance(outcome, Entity) else 0)
        return versions

    answers = at_once(12, write)
    assert all(isinstance(each, list) for each in answers), answers
    assert sorted(v for each in answers for v in each) == list(range(2, 50))  # type: ignore[union-attr]
    assert all(each == sorted(each) for each in answers)  # type: ignore[type-var]
    with database.connect() as connection:
        sql = "select version, changed from eav_history where entity_id = %(id)s order by version"
        rows = connection.rows(sql, {"id": one.id})
    assert [version for version, _ in rows] == list(range(2, 50))
    ids = {name: attribute.key for name, attribute in engine.catalog.type(person.name).attributes.items()}
    now: dict[str, Any] = {ids["email"]: "0@example.com", ids["code"]: "c0", ids["count"]: "0", ids["score"]: "0"}
    for _, changed in rows:
        for key, (old, new) in changed.items():
            assert now.get(key) == old
            now[key] = new
    by_name = {name: now[key] for name, key in ids.items() if key in now}
    check(engine, person.name, {one.id: (49, by_name)})


def test_batches_in_opposite_order(new_database: Callable[[], str]) -> None:
    """Updates, creations and archivings of the same many in opposite order wait in line: no deadlock to be broken."""
    database = Database(new_database(), pool_size=8)
    install(database)
    engine = Engine(database)
    schema = Schema(engine)
    schema.add_type(entity_type("thing", attribute("code", "string", unique=True), attribute("count", "number")))
    ids = [one.id for one in create(engine, "thing", *({"code": str(n), "count": 0} for n in range(60)))]
    engines = [Engine(database) for _ in range(4)]

    def turned(items: list[Any], n: int) -> list[Any]:
        return items if n % 2 else items[::-1]

    def write(n: int) -> None:
        own = engines[n]
        for step in range(6):
            own.writes.update(
                "thing", [Update(Ref(one), {"count": n * 100 + step}) for one in turned(ids, n)], CONTEXT, IDS
            )
            drafts = [Draft({"code": f"new {step} {i}"}) for i in range(200)]
            own.writes.create("thing", turned(drafts, n), CONTEXT, IDS, partial=True)
            own.writes.archive("thing", [Ref(one) for one in turned(ids[step * 10 : step * 10 + 10], n)], CONTEXT)

    assert at_once(4, write) == [None] * 4
    assert len(found(engine, "thing", None)) == 1200
    database.dispose()  # Sessions tell their counts when they end.
    with database.connect() as connection:
        assert connection.row("select deadlocks from pg_stat_database where datname = current_database()") == (0,)
    database.dispose()


def test_archiving_what_is_being_changed(
    database: Database, engine: Engine, person: LiveType, threads: ThreadPoolExecutor
) -> None:
    """An archiving that waits for an update takes along what the update left in every table."""
    (one,) = create(engine, person.name, {"code": "old"})
    values = {"code": "new", "email": "new@example.com", "score": 5, "tags": ["done"], "note": "words"}
    change = [Update(Ref(one.id), values)]
    pause, updating = paused(database, lambda own: own.writes.update(person.name, change, CONTEXT, IDS), threads)
    archiving = threads.submit(lambda: Engine(database).writes.archive(person.name, [Ref(one.id)], CONTEXT))
    until_blocked(database)
    pause.go()
    updating.result()
    assert archiving.result() == [one.id]
    check(engine, person.name, {})
    (other,) = create(engine, person.name, {"code": "new"})
    with pytest.raises(Conflict) as taken:
        engine.writes.restore(person.name, one.id, CONTEXT, IDS)
    assert taken.value.existing_id == other.id
    engine.writes.archive(person.name, [Ref(other.id)], CONTEXT)
    engine.writes.restore(person.name, one.id, CONTEXT, IDS)
    check(engine, person.name, {one.id: (4, values)})


def test_changing_what_is_being_changed(
    database: Database, engine: Engine, person: LiveType, threads: ThreadPoolExecutor
) -> None:
    """An update that waits for another begins from what that one wrote, in every bank."""
    (one,) = create(engine, person.name, {"count": 1, "score": 1, "code": "a"})
    first = [Update(Ref(one.id), {"count": 2, "score": 2, "tags": ["new"]})]
    second = [Update(Ref(one.id), {"code": "b", "score": 2, "tags": ["new", "done"]})]
    pause, updating = paused(database, lambda own: own.writes.update(person.name, first, CONTEXT, IDS), threads)
    later = threads.submit(lambda: Engine(database).writes.update(person.name, second, CONTEXT, View()))
    until_blocked(database)
    pause.go()
    updating.result()
    (outcome,) = later.result()
    assert outcome.values["score_w"] == "2"
    assert outcome.version == 3
    check(engine, person.name, {one.id: (3, {"count": 2, "score": 2, "code": "b", "tags": ["new", "done"]})})
    (seen,) = engine.reads.read(person.name, [Ref(one.id)], View("text", (), ("score", "tags")))
    assert seen is not None
    assert seen.history is not None
    assert [(entry.value, entry.version) for entry in seen.history["score_w"]] == [("2", 2), ("1", 1)]
    assert [(entry.value, entry.version) for entry in seen.history["tags_w"]] == [("new;done", 3), ("new", 2)]


def test_a_reference_by_value_that_moves_on(
    database: Database, engine: Engine, person: LiveType, threads: ThreadPoolExecutor
) -> None:
    """Whoever is named by a value that goes to another entity meanwhile is looked up again."""
    (one, other) = create(engine, person.name, {"code": "a"}, {"code": "b"})
    swap = [Update(Ref(one.id), {"code": "b"}), Update(Ref(other.id), {"code": "a"})]
    pause, updating = paused(database, lambda own: own.writes.update(person.name, swap, CONTEXT, IDS), threads)
    item = [Update(Ref(attribute="code", value="a"), {"count": 7})]
    later = threads.submit(lambda: Engine(database).writes.update(person.name, item, CONTEXT, IDS))
    until_blocked(database)
    pause.go()
    updating.result()
    assert [outcome.id for outcome in later.result()] == [other.id]
    check(engine, person.name, {one.id: (2, {"code": "b"}), other.id: (3, {"code": "a", "count": 7})})


def test_expected_versions(database: Database, engine: Engine, person: LiveType) -> None:
    """Of many who saw the same version, one may write."""
    (one,) = create(engine, person.name, {"count": 0})
    engines = [Engine(database) for _ in range(8)]

    def write(n: int) -> None:
        item = Update(Ref(one.id), {"count": n + 1}, expected_version=1)
        (outcome,) = engines[n].writes.update(person.name, [item], CONTEXT, IDS, partial=True)
        if isinstance(outcome, ItemError):
            raise outcome.error

    answers = at_once(8, write)
    assert answers.count(None) == 1
    assert {type(each) for each in answers if each is not None} == {VersionMismatch}


def test_restoring_at_once(database: Database, engine: Engine, person: LiveType) -> None:
    """One restores; two archived holders of the same value never both come back with it."""
    first = create(engine, person.name, {"code": "same"})[0].id
    engine.writes.archive(person.name, [Ref(first)], CONTEXT)
    second = create(engine, person.name, {"code": "same"})[0].id
    engine.writes.archive(person.name, [Ref(second)], CONTEXT)
    engines = [Engine(database) for _ in range(8)]
    idents = [first, second] * 4
    answers = at_once(8, lambda n: engines[n].writes.restore(person.name, idents[n], CONTEXT, IDS).id)
    (back,) = [one for one in answers if isinstance(one, int)]
    assert {type(one) for one in answers if not isinstance(one, int)} == {NotFound, Conflict}
    check(engine, person.name, {back: (3, {"code": "same"})})
    other = first + second - back
    restored = engine.writes.restore(person.name, other, CONTEXT, View(), without_taken=True)
    assert restored.values["code_w"] is None
    check(engine, person.name, {back: (3, {"code": "same"}), other: (4, {})})
