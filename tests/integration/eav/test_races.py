"""Writes of the same entities at once: they follow each other, and nothing is lost or left behind in any table."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from shared.eav.catalog import LiveType
from shared.eav.engine import Engine
from shared.eav.entity import Entity, View
from shared.eav.requests import ItemError, Ref, Update
from shared.kernel.db import Database
from shared.kernel.errors import Conflict, NotFound, VersionMismatch
from tests.factories.asking import CONTEXT, IDS, create, held_exactly
from tests.factories.racing import at_once, paused, until_blocked


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
    held_exactly(engine, person.name, {one.id: (49, by_name)})


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
    held_exactly(engine, person.name, {})
    (other,) = create(engine, person.name, {"code": "new"})
    with pytest.raises(Conflict) as taken:
        engine.writes.restore(person.name, one.id, CONTEXT, IDS)
    assert taken.value.existing_id == other.id
    engine.writes.archive(person.name, [Ref(other.id)], CONTEXT)
    engine.writes.restore(person.name, one.id, CONTEXT, IDS)
    held_exactly(engine, person.name, {one.id: (4, values)})


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
    held_exactly(engine, person.name, {one.id: (3, {"count": 2, "score": 2, "code": "b", "tags": ["new", "done"]})})
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
    held_exactly(engine, person.name, {one.id: (2, {"code": "b"}), other.id: (3, {"code": "a", "count": 7})})


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
    held_exactly(engine, person.name, {back: (3, {"code": "same"})})
    other = first + second - back
    restored = engine.writes.restore(person.name, other, CONTEXT, View(), without_taken=True)
    assert restored.values["code_w"] is None
    held_exactly(engine, person.name, {back: (3, {"code": "same"}), other: (4, {})})
