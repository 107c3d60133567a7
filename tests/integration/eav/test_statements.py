"""The number of statements of a request depends on its kind alone: not on how many entities, attributes or values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from shared.eav.catalog import LiveType
from shared.eav.declare import AttributeDef
from shared.eav.engine import Engine
from shared.eav.entity import View
from shared.eav.filters import And, Condition, Operator
from shared.eav.requests import Draft, Query, Ref, Sort, Update, Upsert
from tests.factories.asking import CONTEXT, create
from tests.factories.kinds import attribute

# In the further bank a statement of its own locks before another reads; `begin` and `commit` are not counted.
FURTHER_BANK = {"one bank": 0, "two banks": 1}
# The guard of the catalog is part of the first statement that writes or locks.
LOCK_AND_READ, WRITE, LOCK, MOVE, FIND, KEYS = 1, 1, 1, 1, 1, 2


def customs(count: int) -> list[AttributeDef]:
    """Attributes of a few kinds in turn."""
    kinds = ("string", "number", "date", "enumeration", "boolean")
    return [attribute(f"custom{n}", kinds[n % len(kinds)]) for n in range(count)]


def values(names: list[AttributeDef], number: int) -> dict[str, object]:
    """A value for each."""
    raw = {"string": f"text {number}", "number": number, "date": "2024-02-29", "enumeration": "new", "boolean": True}
    return {one.name: raw[one.kind] for one in names}


@pytest.fixture(params=list(FURTHER_BANK))
def place(request: pytest.FixtureRequest) -> str:
    """Where the customs live."""
    return str(request.param)


@pytest.fixture(params=[5, 20], ids=["5 attributes", "20 attributes"])
def world(
    request: pytest.FixtureRequest, place: str, engine: Engine, make_type: Callable[..., LiveType]
) -> tuple[Engine, str, list[AttributeDef]]:
    """A type whose attributes all have slots, with 120 entities."""
    pool = (24, 24, 8, 8) if place == "one bank" else (3, 5, 3, 3)
    own = customs(request.param)
    live = make_type(attribute("email", "email", unique=True), *own, pool=pool)
    create(engine, live.name, *({"email": f"{n}@example.com", **values(own, n)} for n in range(120)))
    engine.catalog.refresh()
    assert engine.catalog.type(live.name).banks == (1 if place == "one bank" or request.param == 5 else 2)
    return engine, live.name, own


def counted(engine: Engine, step: Callable[[], Any]) -> int:
    """How many statements a request takes."""
    with engine.database.counted() as statements:
        step()
    return len(statements)


@pytest.mark.parametrize("count", [1, 100])
def test_reading(world: tuple[Engine, str, list[AttributeDef]], count: int) -> None:
    engine, name, own = world
    ids = [one.id for one in engine.reads.list(name, View(), limit=count)[0]]
    view = View("json", tuple(one.name for one in own))
    emails = [Ref(attribute="email", value=f"{n}@example.com") for n in range(count)]
    reads = engine.reads
    assert counted(engine, lambda: reads.read(name, [Ref(one) for one in ids], view)) == 1
    assert counted(engine, lambda: reads.read(name, emails, view)) == FIND + 1
    assert counted(engine, lambda: reads.list(name, view, limit=count)) == 1
    with_history = View("text", view.attributes, history=("custom0", "custom1"))
    assert counted(engine, lambda: reads.list(name, with_history, limit=count)) == 1 + 3
    node = And((Condition("custom4", Operator.EQ, (True,)), Condition("custom1", Operator.GTE, (0,))))
    for sorts in ((), (Sort("custom1", True),), (Sort("custom2"), Sort("custom1"))):
        for total in ("none", "exact"):
            query = Query(node, sorts=sorts, limit=count, total=total)  # type: ignore[arg-type]
            assert counted(engine, lambda query=query: reads.query(name, query, view)) == 1


@pytest.mark.parametrize("count", [1, 100])
def test_writing(world: tuple[Engine, str, list[AttributeDef]], place: str, count: int) -> None:
    engine, name, own = world
    banks = FURTHER_BANK[place] if len(own) == 20 else 0
    view = View()
    writes = engine.writes
    drafts = [Draft({"email": f"new{n}@example.com", **values(own, n)}) for n in range(count)]
    assert counted(engine, lambda: writes.create(name, drafts, CONTEXT, view)) == WRITE
    ids = [one.id for one in engine.reads.list(name, view, limit=count)[0]]
    updating = LOCK_AND_READ + banks + WRITE
    few = [Update(Ref(one), {"custom0": "once more"}) for one in ids]
    assert counted(engine, lambda: writes.update(name, few, CONTEXT, view)) == updating
    everything = [Update(Ref(one), values(own, 1000 + one)) for one in ids]
    assert counted(engine, lambda: writes.update(name, everything, CONTEXT, view)) == updating
    nothing_new = counted(engine, lambda: writes.update(name, everything, CONTEXT, view))
    assert nothing_new == updating - WRITE
    renamed = [Update(Ref(one), {"email": f"renamed{one}@example.com"}) for one in ids]
    assert counted(engine, lambda: writes.update(name, renamed, CONTEXT, view)) == updating + KEYS
    half = [Upsert(Ref(attribute="email", value=f"renamed{one}@example.com"), {"custom1": one}) for one in ids]
    other = [Upsert(Ref(attribute="email", value=f"made{one}@example.com"), {"custom1": one}) for one in ids]
    assert counted(engine, lambda: writes.upsert(name, half, CONTEXT, view)) == updating + FIND
    assert counted(engine, lambda: writes.upsert(name, [*half, *other], CONTEXT, view)) == updating + FIND
    assert counted(engine, lambda: writes.upsert(name, other, CONTEXT, view)) == updating + FIND - WRITE
    refs = [Ref(one) for one in ids]
    assert counted(engine, lambda: writes.archive(name, refs, CONTEXT)) == LOCK + MOVE
    assert counted(engine, lambda: engine.reads.list(name, view, limit=count, archived=True)) == 1
    # A restore asks whom the id means, reads one archived row and asks who has its unique values.
    assert counted(engine, lambda: writes.restore(name, ids[0], CONTEXT, view)) == 1 + 1 + FIND + MOVE
