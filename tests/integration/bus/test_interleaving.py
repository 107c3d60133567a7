"""Any interleaving of writers, ticks and page reads delivers what was committed, once, in each entity's order."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.bus import outbox
from shared.bus.feed import Feed
from shared.bus.ticks import tick
from tests.factories.examples import examples
from tests.integration.bus.conftest import event, keys

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("write"), st.integers(0, 2), st.integers(1, 3)),
        st.tuples(st.just("touch"), st.integers(0, 2), st.just(0)),
        st.tuples(st.just("undone"), st.integers(0, 2), st.integers(1, 3)),
        st.tuples(st.just("commit"), st.integers(0, 2), st.just(0)),
        st.tuples(st.just("rollback"), st.integers(0, 2), st.just(0)),
        st.tuples(st.just("tick"), st.just(0), st.just(0)),
        st.tuples(st.just("read"), st.integers(0, 1), st.integers(1, 3)),
    ),
    min_size=5,
    max_size=40,
)


class World:
    """Three writers that lock entities as real ones do, and two readers at their own pace."""

    def __init__(self, database: Any, connections: list[Any]) -> None:
        self.database = database
        self.connections = connections
        self.open: list[list[tuple[int, int]] | None] = [None, None, None]
        self.holder: dict[int, int] = {}
        self.versions: dict[int, int] = {}
        self.committed: list[tuple[int, int]] = []
        self.feed = Feed(database)
        self.after: list[str | None] = [None, None]
        self.seen: list[list[tuple[int | None, int]]] = [[], []]

    def begin(self, who: int) -> list[tuple[int, int]]:
        if self.open[who] is None:
            self.connections[who].run("begin")
            self.open[who] = []
        return self.open[who]

    def touch(self, who: int, _: int) -> None:
        """Draw a transaction id long before writing."""
        self.begin(who)
        self.connections[who].row("select pg_current_xact_id()")

    def write(self, who: int, entity: int) -> None:
        if self.holder.get(entity, who) != who:
            return
        mine = self.begin(who)
        self.holder[entity] = who
        version = self.versions.get(entity, 0) + sum(1 for one, _ in mine if one == entity) + 1
        outbox.append(self.connections[who], [event(entity, version)])
        mine.append((entity, version))

    def undone(self, who: int, entity: int) -> None:
        self.begin(who)
        connection = self.connections[who]
        connection.run("savepoint s")
        outbox.append(connection, [event(entity, 999)])
        connection.run("rollback to savepoint s")

    def commit(self, who: int, _: int) -> None:
        self.end(who, "commit")

    def rollback(self, who: int, _: int) -> None:
        self.end(who, "rollback")

    def end(self, who: int, how: str) -> None:
        mine = self.open[who]
        if mine is None:
            return
        self.connections[who].run(how)
        if how == "commit":
            self.committed += mine
            self.versions.update(mine)
        self.open[who] = None
        self.holder = {entity: holder for entity, holder in self.holder.items() if holder != who}

    def tick(self, *_: int) -> None:
        tick(self.database)

    def read(self, reader: int, limit: int) -> bool:
        page = self.feed.read(self.after[reader], limit=limit)
        assert len(page.bodies) <= limit
        self.after[reader] = str(page.next)
        self.seen[reader] += keys(page.page().events)
        return page.up_to_date


@pytest.fixture
def connections(database):
    with ExitStack() as stack:
        yield [stack.enter_context(database.connect()) for _ in range(3)]


@settings(max_examples=examples(100), deadline=None)
@given(steps=STEPS)
def test_any_interleaving(database, connections, steps):
    world = World(database, connections)
    world.after = [str(world.feed.read("now").next)] * 2
    try:
        for name, who, what in steps:
            getattr(world, name)(who, what)
    finally:
        for who in range(3):
            world.commit(who, 0)
    for reader, limit in ((0, 1), (1, 500)):
        while not world.read(reader, limit):
            pass
        assert sorted(world.seen[reader]) == sorted(world.committed)
        for entity in (1, 2, 3):
            versions = [version for one, version in world.seen[reader] if one == entity]
            assert versions == sorted(versions)
    assert world.seen[0] == world.seen[1]
