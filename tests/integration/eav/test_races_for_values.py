"""Writes that want the same unique value, slot or row: one wins, the others are told who; nobody waits in a circle."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from shared.eav.catalog import LiveType
from shared.eav.engine import Engine
from shared.eav.entity import Entity
from shared.eav.filters import Condition, Operator
from shared.eav.requests import Draft, Ref, Update, Upsert
from shared.kernel.db import Database
from shared.kernel.errors import Conflict
from tests.factories.asking import CONTEXT, IDS, create, found, held_exactly
from tests.factories.kinds import attribute
from tests.factories.racing import GivenUp, at_once, deadlocks, paused, until, until_blocked
from tests.factories.schema import Schema


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
    held_exactly(engine, live.name, {made.id: (1, {"email": "ann@example.com"})})


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
    held_exactly(engine, live.name, {ident: (1, dict.fromkeys(names, n)) for n, ident in enumerate(answers)})  # type: ignore[misc]


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


def test_batches_in_opposite_order(lone: Database) -> None:
    """Updates, creations and archivings of the same many in opposite order wait in line: no deadlock to be broken."""
    engine = Engine(lone)
    ids = [one.id for one in create(engine, "thing", *({"code": str(n), "count": 0} for n in range(60)))]
    engines = [Engine(lone) for _ in range(4)]

    def turned(items: list[Any], n: int) -> list[Any]:
        return items if n % 2 else items[::-1]

    def write(n: int) -> None:
        own = engines[n]
        for step in range(6):
            updates = [Update(Ref(one), {"count": n * 100 + step}) for one in turned(ids, n)]
            own.writes.update("thing", updates, CONTEXT, IDS)
            drafts = [Draft({"code": f"new {step} {i}"}) for i in range(100)]
            own.writes.create("thing", turned(drafts, n), CONTEXT, IDS, partial=True)
            own.writes.archive("thing", [Ref(one) for one in turned(ids[step * 10 : step * 10 + 10], n)], CONTEXT)

    assert at_once(4, write) == [None] * 4
    assert len(found(engine, "thing", None)) == 600
    assert deadlocks(lone) == 0


@pytest.mark.parametrize("how", ["create", "update"])
def test_unique_keys_are_taken_in_one_order(lone: Database, threads: ThreadPoolExecutor, how: str) -> None:
    """Two batches with the same keys in opposite order, both stopped half way by a third that then gives up: with keys
    taken in input order each would have what the other waits for."""
    engine = Engine(lone)
    keys = [f"key {n}" for n in range(9)]
    ids = [one.id for one in create(engine, "thing", *({"code": f"old {n}"} for n in range(18)))]
    pause, holding = paused(lone, lambda own: create(own, "thing", {"code": keys[4]}), threads)

    def write(order: list[str], mine: list[int]) -> None:
        own = Engine(lone)
        if how == "create":
            create(own, "thing", *({"code": one} for one in order))
        else:
            updates = [Update(Ref(ident), {"code": one}) for ident, one in zip(mine, order, strict=True)]
            own.writes.update("thing", updates, CONTEXT, IDS)

    first = threads.submit(write, keys, ids[:9])
    until_blocked(lone)
    second = threads.submit(write, keys[::-1], ids[9:])
    until_blocked(lone, count=2)
    pause.give_up()
    assert isinstance(holding.exception(), GivenUp)
    assert {type(first.exception()), type(second.exception())} == {type(None), Conflict}
    assert deadlocks(lone) == 0


def test_definitions_beside_first_values(lone: Database) -> None:
    """Attributes are added and changed while others get their first values: nobody waits in a circle."""
    names = [f"late{n}" for n in range(12)]

    def step(n: int) -> None:
        schema = Schema(Engine(lone))
        for name in names[n // 2 :: 2]:
            if n % 2:
                schema.add("thing", attribute(name, "number"))
                schema.unique("thing", name)
            else:
                until(lambda name=name: name in schema.live("thing").attributes)
                create(schema.engine, "thing", {name: n}, {name: n + 10})

    assert at_once(4, step) == [None] * 4
    live = Schema(Engine(lone)).live("thing")
    assert all(live.attributes[name].column and live.attributes[name].unique for name in names)
    with lone.connect() as connection:
        keys = connection.row("select count(*), count(distinct attribute_id) from eav_unique")
    assert keys == (2 * len(names), len(names))
    assert deadlocks(lone) == 0
