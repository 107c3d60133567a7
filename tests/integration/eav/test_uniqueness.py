"""Unique values of every kind: equal however they are spelled, switched on and off over stored values."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from shared.eav.catalog import LiveType
from shared.eav.engine import Engine
from shared.eav.requests import Draft, ItemError, Ref, Update, Upsert
from shared.eav.types import KINDS
from shared.kernel.errors import Conflict, Invalid
from tests.factories.asking import CONTEXT, IDS, create, held_exactly
from tests.factories.kinds import RAW, attribute
from tests.factories.schema import Schema

ABLE = [name for name, kind in KINDS.items() if kind.can_be_unique]
# Two spellings of one value, and another value.
SAME: dict[str, tuple[object, object, object]] = {
    "string": ("Straße", "STRASSE", "Strase"),
    "phone": ("Ext 7", "EXT 7", "7"),
    "url": ("https://example.com/Ä", "HTTPS://example.com/ä", "https://example.com"),
    "email": ("Ann@Example.com", "ann@example.COM", "bob@example.com"),
    "number": ("1.50", 1.5, "1.500000000000000001"),
    "boolean": (True, "TRUE", False),
    "date": ("2024-02-29", 1709164800000, "2024-02-28"),
    "datetime": ("2024-02-29T12:00:00.001Z", "2024-02-29T13:00:00.001+01:00", "2024-02-29T12:00:00.002Z"),
    "enumeration": ("in_progress", "In Progress", "new"),
    "reference": (2**53 + 1, str(2**53 + 1), 2**53),
}


@pytest.mark.parametrize("further", [False, True], ids=["bank 1", "bank 2"])
@pytest.mark.parametrize("kind", ABLE)
def test_switching_on_and_off(
    engine: Engine, schema: Schema, make_type: Callable[..., LiveType], kind: str, further: bool
) -> None:
    """Keys made of stored values are the keys that writes make."""
    raw, again, other = SAME[kind]
    live = make_type(attribute("first", kind), attribute("value", kind), pool=(1, 1, 1, 1))
    name = live.name
    if further:
        engine.writes.archive(name, [Ref(one.id) for one in create(engine, name, {"first": raw})], CONTEXT)
    one, two, three = (made.id for made in create(engine, name, {"value": raw}, {"value": again}, {}))
    with pytest.raises(Conflict, match=f"{one} and {two}") as refused:
        schema.unique(name, "value")
    assert refused.value.existing_id == one
    engine.writes.update(name, [Update(Ref(two), {"value": other})], CONTEXT, IDS)
    schema.unique(name, "value")
    assert schema.live(name).attributes["value"].bank == 1 + further
    expected: dict[int, tuple[int, dict[str, object]]] = {
        one: (1, {"value": raw}),
        two: (2, {"value": other}),
        three: (1, {}),
    }
    held_exactly(engine, name, expected)
    with pytest.raises(Conflict) as taken:
        create(engine, name, {"value": again})
    assert (taken.value.existing_id, taken.value.attribute) == (one, "value")
    assert [found and found.id for found in engine.reads.read(name, [Ref(attribute="value", value=again)], IDS)] == [
        one
    ]  # type: ignore[arg-type]
    engine.writes.update(name, [Update(Ref(one), {"value": again})], CONTEXT, IDS)
    schema.unique(name, "value", on=False)
    engine.writes.update(name, [Update(Ref(two), {"value": raw})], CONTEXT, IDS)
    # Another spelling is another value of what is kept as typed.
    changed = 2 if kind in ("string", "phone", "url") else 1
    held_exactly(engine, name, expected | {one: (changed, {"value": again}), two: (3, {"value": raw})})


@pytest.mark.parametrize("kind", [one for one in KINDS if one not in ABLE])
def test_what_cannot_be_unique(schema: Schema, make_type: Callable[..., LiveType], kind: str) -> None:
    live = make_type(attribute("value", kind))
    with pytest.raises(Invalid):
        schema.unique(live.name, "value")


def test_batches(engine: Engine, make_type: Callable[..., LiveType]) -> None:
    """Values may go round in a batch; two items of it with one value are refused, and only the second."""
    live = make_type(attribute("code", "string", unique=True), attribute("size", "number"))
    name = live.name
    ids = [one.id for one in create(engine, name, *({"code": f"c{n}"} for n in range(4)))]
    codes = ["c1", "c2", "C0", "c3"]
    round_trip = [Update(Ref(ident), {"code": code}) for ident, code in zip(ids, codes, strict=True)]
    engine.writes.update(name, round_trip, CONTEXT, IDS)
    held_exactly(engine, name, {i: (1 if c == "c3" else 2, {"code": c}) for i, c in zip(ids, codes, strict=True)})
    drafts = [Draft({"code": one}) for one in ("new", "c3", "NEW", "newer")]
    outcomes = engine.writes.create(name, drafts, CONTEXT, IDS, partial=True)
    errors = {one.index: one.error for one in outcomes if isinstance(one, ItemError)}
    assert {place: getattr(error, "existing_id", 0) for place, error in errors.items()} == {1: ids[3], 2: None}
    upserts = [
        Upsert(Ref(attribute="code", value="c0"), {"code": "moved"}),
        Upsert(Ref(attribute="code", value="c9"), {}),
    ]
    moved, made = engine.writes.upsert(name, upserts, CONTEXT, IDS)
    assert (moved.id, moved.new) == (ids[2], False)  # type: ignore[union-attr]
    assert made.new is True  # type: ignore[union-attr]
    with pytest.raises(Invalid):
        engine.writes.upsert(name, [Upsert(Ref(attribute="size", value="1"), {})], CONTEXT, IDS)


def test_an_archived_attribute_keeps_its_claims(
    engine: Engine, schema: Schema, make_type: Callable[..., LiveType]
) -> None:
    """Put aside and brought back, an attribute has its values, keys, options and words, whatever happened meanwhile."""
    live = make_type(
        attribute("code", "string", unique=True),
        attribute("tags", "multi_enumeration"),
        attribute("other", "string"),
        pool=(1, 1, 1, 1),
    )
    name = live.name
    values: dict[str, object] = {"code": "Mine", "tags": ["new", "done"], "other": "x"}
    (one,) = create(engine, name, values)
    for each in ("code", "tags"):
        schema.archive(name, each)
    engine.writes.update(name, [Update(Ref(one.id), {"other": "changed"})], CONTEXT, IDS)
    engine.writes.archive(name, [Ref(one.id)], CONTEXT)
    engine.writes.restore(name, one.id, CONTEXT, IDS)
    schema.add(name, attribute("code", "string"), attribute("tags", "multi_enumeration"))
    held_exactly(engine, name, {one.id: (4, {**values, "other": "changed"})})
    with pytest.raises(Conflict):
        create(engine, name, {"code": "MINE"})


def test_samples_are_of_every_kind() -> None:
    assert set(SAME) == set(ABLE)
    assert set(RAW) == set(KINDS)
