"""The engine against a model of it in plain Python: random definitions, writes and questions, every answer compared.

Two engines over one database take turns, each with a catalog of its own that goes stale behind the other's back.
A short, repeatable run by default; CRM_EXAMPLES=1000 explores at random and makes failing cases small.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from shared.eav.catalog import LiveType
from shared.eav.declare import AttributeDef
from shared.eav.engine import Engine
from shared.eav.entity import Entity, View
from shared.eav.removal import remove_type
from shared.eav.requests import Draft, ItemError, Query, Ref, Update, Upsert
from shared.eav.types import kind_of
from shared.kernel.context import Context
from shared.kernel.db import Database
from shared.kernel.errors import Conflict, Invalid, NotFound
from tests.factories import drawing, kinds
from tests.factories.asking import Memory, walk
from tests.factories.audit import audit
from tests.factories.comparing import compare, compare_history, tried
from tests.factories.examples import ASKED, examples
from tests.factories.model import Item, Model
from tests.factories.schema import Schema

CONTEXT = Context()
# Few slots, so that further banks are needed at once.
POOL = (2, 2, 1, 1)
_numbers = itertools.count(1)


class Both(RuleBasedStateMachine):
    """Does everything twice: with an engine and with the model."""

    def __init__(self, database: Database) -> None:
        super().__init__()
        self.database = database
        self.engines = (Engine(database), Engine(database, walk=Memory()))
        self.schema = Schema(Engine(database))
        self.name = f"case{next(_numbers)}"
        self.model = Model(lambda: self.live)

    @property
    def live(self) -> LiveType:
        """The type in force."""
        return self.schema.live(self.name)

    @initialize(first=st.lists(drawing.attributes(), min_size=1, max_size=5, unique_by=lambda one: one.name))
    def begin(self, first: list[AttributeDef]) -> None:
        unique = kinds.attribute("key", "string", unique=True)
        self.schema.add_type(kinds.entity_type(self.name, unique, *first, pool=POOL))

    def teardown(self) -> None:
        """One last look at the tables; then the type goes, and its tables serve the next case."""
        if self.name not in {one.name for one in self.schema.engine.catalog.known()}:
            return
        self.compare_tables()
        self.engines[0].writes.archive(self.name, [Ref(one.id) for one in self.model.present()], CONTEXT)
        with self.database.transaction() as connection:
            remove_type(connection, self.live)
        for engine in self.engines:
            _, error = tried(lambda own=engine: own.reads.list(self.name, View(), limit=1))
            assert isinstance(error, NotFound)

    # Definitions.

    @rule(attribute=drawing.attributes())
    def add_attribute(self, attribute: AttributeDef) -> None:
        live = self.live
        former = live.archived.get(attribute.name)
        if attribute.name not in live.attributes and (former is None or former.kind == attribute.kind):
            self.schema.add(self.name, attribute)

    @rule(data=st.data())
    def archive_attribute(self, data: st.DataObject) -> None:
        if self.live.stored:
            self.schema.archive(self.name, data.draw(st.sampled_from(self.live.stored)))

    @rule(data=st.data())
    def revive_attribute(self, data: st.DataObject) -> None:
        if self.live.archived:
            attribute = data.draw(st.sampled_from(list(self.live.archived.values())))
            self.schema.add(self.name, attribute)

    @rule(data=st.data())
    def switch_unique(self, data: st.DataObject) -> None:
        able = [one for one in map(self.live.attributes.get, self.live.stored) if one and kind_of(one).can_be_unique]
        if not able:
            return
        attribute = data.draw(st.sampled_from(able))
        held = [one.values[attribute.id] for one in self.model.present() if attribute.id in one.values]
        shared = len({kind_of(attribute).unique_key(one, attribute) for one in held}) < len(held)
        try:
            self.schema.unique(self.name, attribute.name, not attribute.unique)
            assert attribute.unique or not shared
        except Conflict:
            assert shared
            assert not attribute.unique

    @rule(data=st.data(), options=drawing.options())
    def change_options(self, data: st.DataObject, options: Any) -> None:
        able = [one.name for one in self.live.attributes.values() if "enumeration" in one.kind]
        if able:
            self.schema.offer(self.name, data.draw(st.sampled_from(able)), options)

    # Writes.

    @rule(data=st.data(), engine=st.integers(0, 1), partial=st.booleans())
    def create(self, data: st.DataObject, engine: int, partial: bool) -> None:
        drafts = [Draft(one) for one in data.draw(st.lists(drawing.values(self.live), min_size=1, max_size=4))]
        view = self._view(data)
        self._written(
            lambda: self.model.creation(drafts, partial=partial),
            lambda: self.engines[engine].writes.create(self.name, drafts, CONTEXT, view, partial=partial),
        )

    @precondition(lambda self: self.model.entities)
    @rule(data=st.data(), engine=st.integers(0, 1), partial=st.booleans())
    def update(self, data: st.DataObject, engine: int, partial: bool) -> None:
        refs = data.draw(st.lists(self._refs(), min_size=1, max_size=4))
        versions = st.one_of(st.none(), st.none(), st.integers(1, 3))
        updates = [Update(one, data.draw(drawing.values(self.live)), data.draw(versions)) for one in refs]
        view = self._view(data)
        self._written(
            lambda: self.model.change(updates, partial=partial),
            lambda: self.engines[engine].writes.update(self.name, updates, CONTEXT, view, partial=partial),
        )

    @rule(data=st.data(), engine=st.integers(0, 1), partial=st.booleans())
    def upsert(self, data: st.DataObject, engine: int, partial: bool) -> None:
        refs = data.draw(st.lists(self._refs(), min_size=1, max_size=4))
        upserts = [Upsert(one, data.draw(drawing.values(self.live))) for one in refs]
        view = self._view(data)
        self._written(
            lambda: self.model.upsertion(upserts, partial=partial),
            lambda: self.engines[engine].writes.upsert(self.name, upserts, CONTEXT, view, partial=partial),
            upserting=True,
        )

    @precondition(lambda self: self.model.entities)
    @rule(data=st.data(), engine=st.integers(0, 1))
    def archive(self, data: st.DataObject, engine: int) -> None:
        refs = data.draw(st.lists(self._refs(), min_size=1, max_size=3))
        gone = self.engines[engine].writes.archive(self.name, refs, CONTEXT)
        assert sorted(gone) == self.model.archive(refs)

    @precondition(lambda self: self.model.entities)
    @rule(data=st.data(), engine=st.integers(0, 1), without_taken=st.booleans())
    def restore(self, data: st.DataObject, engine: int, without_taken: bool) -> None:
        ident = data.draw(st.sampled_from([*(one.id for one in self.model.present(archived=True)), 2**40]))
        view = self._view(data)
        _, refusal = tried(lambda: self.model.restore(ident, without_taken=without_taken))
        back, error = tried(
            lambda: self.engines[engine].writes.restore(self.name, ident, CONTEXT, view, without_taken=without_taken)
        )
        assert type(error) is type(refusal), error
        if back is not None:
            compare(self.live, back, self.model.entities[ident], view)

    def _refs(self) -> st.SearchStrategy[Ref]:
        """By id (known, archived, unknown) and by the unique attributes there are."""
        present = [one.id for one in self.model.present()] or [0]
        ids = st.sampled_from(present).map(Ref)
        any_id = st.sampled_from([*self.model.entities, 2**40, 10**30, 0]).map(Ref)
        unique = [one for one in self.live.attributes.values() if one.unique]
        by_value = [
            st.builds(Ref, st.none(), st.sampled_from([one.name, one.wire]), st.sampled_from(kinds.RAW[one.kind][:6]))
            for one in unique
        ]
        return st.one_of(ids, ids, any_id, *by_value)

    def _view(self, data: st.DataObject) -> View:
        names = st.sampled_from(["nothing", "id", *(one.wire for one in self.live.attributes.values())])
        chosen = data.draw(st.one_of(st.none(), st.lists(names, max_size=3).map(tuple)))
        return View(data.draw(st.sampled_from(["text", "json"])), chosen)

    def _written(self, plan: Callable[[], list[Item]], write: Callable[[], Any], upserting: bool = False) -> None:
        """The model's plan and the engine's outcomes agree, item by item; then the model follows."""
        planned, refusal = tried(plan)
        outcomes, error = tried(write)
        assert type(error) is type(refusal), (error, refusal)
        if planned is None:
            if refusal is not None and isinstance(error, Conflict) and getattr(refusal, "existing_id", None):
                assert error.existing_id in self.model.entities
            return
        for item, outcome in zip(planned, outcomes, strict=True):
            if item.refusal is not None:
                assert isinstance(outcome, ItemError), (item, outcome)
                assert type(outcome.error) is item.refusal
                if item.owner is not None:
                    assert outcome.error.existing_id == item.owner  # type: ignore[attr-defined]
            else:
                assert isinstance(outcome, Entity), (item, outcome)
                assert outcome.new is ((item.entity is None) if upserting else None)
                assert item.entity is None or item.entity.id == outcome.id
        self.model.carry_out(planned, [one.id if isinstance(one, Entity) else None for one in outcomes])
        for item, outcome in zip(planned, outcomes, strict=True):
            if item.entity is not None:
                compare(self.live, outcome, item.entity, None)

    # Questions.

    @rule(data=st.data(), engine=st.integers(0, 1))
    def ask(self, data: st.DataObject, engine: int) -> None:
        live = self.live
        node = data.draw(st.one_of(st.none(), drawing.filters(live)))
        sorts = tuple(data.draw(drawing.sorts(live)))
        view = self._view(data)
        expected, refusal = tried(lambda: self.model.ordered(node, sorts))
        asked = Query(
            node, sorts=sorts, limit=data.draw(st.integers(1, 6)), offset=data.draw(st.sampled_from([None, 0]))
        )
        pages, error = tried(lambda: list(walk(self.engines[engine], self.name, asked, view)))
        assert isinstance(error, Invalid) is isinstance(refusal, Invalid), (error, refusal)
        if expected is None:
            return
        assert [one.id for page in pages for one in page] == expected
        for page in pages:
            for one in page:
                compare(self.live, one, self.model.entities[one.id], view)
        self._jump(engine, asked, expected, data.draw(st.integers(0, len(expected) + 2)))

    def _jump(self, engine: int, query: Query, expected: Sequence[int], offset: int) -> None:
        """To an offset, without having walked there (engine 0) or perhaps having (engine 1); the total is right."""
        jump = Query(query.filter, sorts=query.sorts, limit=query.limit, offset=offset)
        page = self.engines[engine].reads.query(self.name, jump, View("text", ()))
        assert [one.id for one in page.entities] == list(expected[offset : offset + query.limit])
        assert page.total == len(expected)
        assert page.next_offset == (offset + query.limit if offset + query.limit < len(expected) else None)

    @rule(data=st.data(), engine=st.integers(0, 1), archived=st.booleans())
    def read(self, data: st.DataObject, engine: int, archived: bool) -> None:
        refs = data.draw(st.lists(self._refs(), min_size=1, max_size=5))
        view = self._view(data)
        found = self.engines[engine].reads.read(self.name, refs, view, archived=archived)
        for ref, entity in zip(refs, found, strict=True):
            if archived:
                held = self.model.entities.get(ref.id) if ref.id is not None else None
                held = held if held is not None and held.archived else None
            else:
                held = self.model.find(ref)
            assert (entity is None) is (held is None)
            if entity is not None and held is not None:
                compare(self.live, entity, held, view)

    @rule(engine=st.integers(0, 1), archived=st.booleans(), limit=st.integers(1, 7))
    def page_through(self, engine: int, archived: bool, limit: int) -> None:
        view, after, seen = View("json", tuple(self.live.stored), history=tuple(self.live.stored)), None, []
        while True:
            page, after = self.engines[engine].reads.list(self.name, view, limit=limit, after=after, archived=archived)
            seen += page
            if after is None:
                break
        assert [one.id for one in seen] == [one.id for one in self.model.present(archived=archived)]
        for one in seen:
            compare(self.live, one, self.model.entities[one.id], view)
            compare_history(self.live, one, self.model.entities[one.id], CONTEXT)

    @rule()
    def compare_tables(self) -> None:
        with self.database.connect() as connection:
            audit(connection, self.live, self.model.expected())


def test_the_engine_does_what_the_model_does(database: Database) -> None:
    run_state_machine_as_test(
        lambda: Both(database),
        settings=settings(
            max_examples=examples(80),
            stateful_step_count=30,
            derandomize=not ASKED,
            database=None,
            deadline=None,
            print_blob=True,
            report_multiple_bugs=False,
            phases=list(Phase) if ASKED else [Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )
