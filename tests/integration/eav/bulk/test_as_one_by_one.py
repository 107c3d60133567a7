"""A bulk call leaves behind what the same items leave when they are written one after the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from shared.eav.bulk.items import BulkItem, BulkOutcome
from shared.eav.catalog import LiveType
from shared.eav.engine import Engine
from shared.eav.entity import View
from shared.eav.requests import Ref
from shared.eav.store.state import Written
from shared.eav.types import kind_of
from shared.eav.validation import NoJudge
from shared.kernel.context import Context
from shared.kernel.db import Database
from shared.kernel.errors import FieldError
from tests.factories.asking import CONTEXT
from tests.factories.audit import Expected, audit
from tests.factories.examples import examples
from tests.factories.kinds import LONG, attribute
from tests.factories.one_by_one import Done, Told, one_by_one


class House(NoJudge):
    """Rules of all sorts: a normaliser, something completed, a refusal that looks at what there was."""

    def normalised(self, type_name: str, name: str, raw: object) -> object:
        """Codes have no outer spaces."""
        return raw.strip() if name == "code" and isinstance(raw, str) else raw

    def judged(
        self, live: LiveType, old: Mapping[str, Any] | None, new: Mapping[str, Any], context: Context
    ) -> tuple[Mapping[str, Any], Sequence[FieldError]]:
        """Amounts do not fall; a name given gives a greeting."""
        before, after = (old or {}).get("amount"), new.get("amount")
        if before is not None and after is not None and after < before:
            return new, [FieldError("amount", "FALLS", f"it is {before}")]
        if new.get("name") and "greeting" not in new:
            return {**new, "greeting": f"Hello {new['name']}"}, []
        return new, []


ATTRIBUTES = (
    attribute("code", "string", unique=True),
    attribute("email", "email", unique=True),
    attribute("name", "string"),
    attribute("greeting", "string"),
    attribute("amount", "number"),
    attribute("born", "date"),
    attribute("stage", "enumeration"),
    attribute("tags", "multi_enumeration"),
    attribute("notes", "long_text"),
    attribute("active", "boolean"),
    attribute("needed", "string", required=True),
)
BLANK: tuple[object, ...] = (None, "")
POOLS: dict[str, tuple[object, ...]] = {
    "code": ("a", "A ", "b", "c", "ß", "SS", *BLANK),
    "email": ("x@y.test", "X@Y.test", "z@y.test", "w@y.test", "no address", *BLANK),
    "name": ("Anna", "anna", "Bob", LONG, 7, *BLANK),
    "greeting": ("Hi\tthere\\n\n", "Good day", *BLANK),
    "amount": ("1", "1.0", 2, "3.50", "many", *BLANK),
    "born": ("2024-02-29", "2024-03-01", "2024-02-30", *BLANK),
    "stage": ("new", "NEW", "done", "nothing of the kind", *BLANK),
    "tags": ("new", ";done", "done;new", ["new"], "nothing", *BLANK),
    "notes": ("long story", 'with "quotes" \\ and \\N', *BLANK),
    "active": (True, "false", "perhaps", *BLANK),
    "needed": ("n", *BLANK),
    "nonsense": ("x",),
}
KEYS = ("code", "email", "name", "amount", "born", "stage")
INSTANTS = (None, None, datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC))


def items() -> st.SearchStrategy[list[BulkItem]]:
    """A call."""

    @st.composite
    def one(draw: st.DrawFn) -> BulkItem:
        names = draw(st.lists(st.sampled_from([*POOLS, "code", "name", "stage"]), unique=True, max_size=6))
        # Rarely a name that does not exist, mostly what is required: else nearly everything would be refused.
        chosen = [name for name in names if name != "nonsense" or draw(st.integers(0, 9)) == 0]
        values = {name: draw(st.sampled_from(POOLS[name])) for name in chosen}
        if draw(st.integers(0, 4)):
            values["needed"] = "n"
        key = draw(st.sampled_from([*KEYS, "code", "code", ""]))
        ref = Ref(attribute=key, value=draw(st.sampled_from(POOLS[key]))) if key else None  # type: ignore[arg-type]
        mode = draw(st.sampled_from(["upsert", "upsert", "upsert", "create", "update"]))
        return BulkItem(values, ref, mode, draw(st.sampled_from(INSTANTS)))  # type: ignore[arg-type]

    return st.lists(one(), max_size=8)


@pytest.fixture(scope="module")
def told() -> Told:
    """What was published."""
    return Told()


@pytest.fixture(scope="module")
def ruled(database: Database, told: Told) -> Engine:
    """An engine with rules, and somebody who listens."""
    return Engine(database, judge=House(), publish=told)


@settings(max_examples=examples(40), deadline=None)
@given(calls=st.lists(items(), min_size=1, max_size=2))
def test_a_call_is_its_items(
    ruled: Engine, told: Told, make_type: Callable[..., LiveType], calls: list[list[BulkItem]]
) -> None:
    """Outcomes, states, versions, history, events, and every table of the store."""
    left, right = make_type(*ATTRIBUTES), make_type(*ATTRIBUTES)
    ruled.catalog.refresh()
    same: dict[int, int] = {}
    for call in calls:
        done = one_by_one(ruled, right.name, call)
        assume(not _waits(done))
        outcomes = ruled.bulk.write(left.name, call, CONTEXT, view_changes=True)
        for place, (ours, theirs) in enumerate(zip(outcomes, done, strict=True)):
            assert (ours.place, ours.outcome, ours.version) == (place, theirs.outcome, theirs.version), call[place]
            assert bool(ours.errors) == (ours.outcome == "rejected")
            if ours.id is not None:
                assert theirs.id is not None
                assert same.setdefault(ours.id, theirs.id) == theirs.id
    ids = sorted(same)
    assert [same[one] for one in ids] == sorted(same.values()), "ids follow the order of the items"
    _same_states(ruled, left.name, right.name, same)
    assert [_told(ruled, left.name, one, same) for one in told.by_type.pop(left.name, [])] == [
        _told(ruled, right.name, one, {}) for one in told.by_type.pop(right.name, [])
    ]


def _waits(done: Sequence[Done]) -> bool:
    """Whether an item wanted a value whose owner a later item is about: in a bulk call it waits for that one."""
    return any(
        one.owner is not None and one.owner in {later.id for later in done[place + 1 :]}
        for place, one in enumerate(done)
    )


def _same_states(engine: Engine, left: str, right: str, same: Mapping[int, int]) -> None:
    engine.catalog.refresh()
    names = tuple(one.name for one in ATTRIBUTES)
    for name, ids in ((left, list(same)), (right, list(same.values()))):
        live = engine.catalog.type(name)
        found = engine.reads.read(name, [Ref(one) for one in ids], View("canonical", names))
        entities = {
            one.id: Expected(
                one.version,
                {
                    int(key): kind_of(live.by_id[int(key)]).from_json(value, live.by_id[int(key)])
                    for key, value in one.values.items()
                    if value is not None and not live.by_id[int(key)].system
                },
            )
            for one in found
            if one is not None
        }
        with engine.database.connect() as connection:
            audit(connection, live, entities)
    shown = View("text", names, history=names)
    ours = engine.reads.read(left, [Ref(one) for one in same], shown)
    theirs = engine.reads.read(right, [Ref(one) for one in same.values()], shown)
    for one, other in zip(ours, theirs, strict=True):
        assert one is not None
        assert other is not None
        assert _own(one.values) == _own(other.values)
        assert _history(one.history) == _history(other.history)


def _own(values: Mapping[str, Any]) -> dict[str, Any]:
    """Without what the system keeps."""
    return {name: value for name, value in values.items() if name not in ("object_id", "created_at", "updated_at")}


def _history(history: Mapping[str, Sequence[Any]] | None) -> dict[str, list[Any]]:
    """Without the instants of writing, which differ; those from which values count stay where they were given."""
    early = datetime(2021, 1, 1, tzinfo=UTC).isoformat()
    return {
        name: [replace(one, at=one.at if one.at < early else "", recorded_at="") for one in entries]
        for name, entries in (history or {}).items()
    }


def _told(engine: Engine, name: str, written: Written, same: Mapping[int, int]) -> tuple[Any, ...]:
    live = engine.catalog.type(name)
    changed = {live.by_id[int(key)].name: tuple(change) for key, change in written.changed.items()}
    ident = same.get(written.state.id, written.state.id)
    return ident, written.state.version, written.kind, written.effective_at, changed


def test_waiting_is_told() -> None:
    """The measure that keeps calls out which may differ."""
    assert _waits([Done("rejected", owner=1), Done("updated", 1)])
    assert not _waits([Done("updated", 1), Done("rejected", owner=1)])
    assert BulkOutcome(0, "created").changed == {}
