"""The same event path in one thread: what happens next is drawn from a seed, so that a seed is a run.

Real code all the way (log, ticks, relay, followers, replica, cells); what is made up is who writes (transactions that
stay open, draw their id early, are rolled back), the broker (messages lost, doubled, shuffled), when somebody dies, and
that another consumer is always faster. For mutants, which real processes would catch too, but not on a named seed.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from services.reporting.metrics import store
from services.reporting.projections import Projections, compiled_metric
from shared.bus import outbox
from shared.bus.account import accounts
from shared.bus.broker import Listener
from shared.bus.consumer import Subscription
from shared.bus.cursor import FeedGone
from shared.bus.epoch import renew_epoch
from shared.bus.feed import Feed
from shared.bus.following import Follower, queue_of
from shared.bus.page import Page, decode_message
from shared.bus.relay import Relay
from shared.contracts.event import Event
from shared.kernel.clock import iso, now
from shared.kernel.db import Connection, Database
from shared.kernel.errors import CrmError
from shared.kernel.json import loads
from shared.service.replica.copying import copy
from shared.service.replica.facts import system_keys
from tests.faults.events.made_up import ENTITIES, FIRST, TYPE, WRITERS, FakeBroker, Thing, Writers

SOURCE = "contacts"
_CLEAN = "truncate fact, fact_version, fact_transition, fact_link, cell, total, cell_value, watermark, dead_letter"


class Died(BaseException):
    """The process is gone: nothing catches this."""


@dataclass(frozen=True, slots=True)
class Sides:
    """The databases: the source's, the consumer's, and what to ask the source for its catalog."""

    source: Database
    here: Database
    catalog: Callable[[], Mapping[str, Any]]


class Simulation:
    """One run. `wrong` after `run` says what is not as it should be; nothing when all is."""

    def __init__(self, sides: Sides, seed: int) -> None:
        self.sides, self.random = sides, random.Random(seed)
        self.stalled = 0
        self.rebuilt = 0
        self._dies = False
        self._nested = self._over = False
        self.went_back = 0
        self.seen: dict[int, int] = {}
        self.feed = Feed(sides.source)
        self.projections = Projections()
        self.subscription = Subscription("reporting.simulated", SOURCE, self.handle, rebuild=self.rebuild)
        self.broker = FakeBroker(self.random, Listener(queue_of(self.subscription), None))
        self.followers = [self.born(), self.born()]
        self.relay = Relay(SOURCE, sides.source, self.broker, many=2)  # type: ignore[arg-type]
        self._clean()
        with sides.here.connect() as connection:
            known = self.projections.catalogs.types(connection).type(TYPE)
        self.known = known
        keys = {one: known.live.attributes[one].key for one in ("lead_status", "city", "annual_revenue")}
        self.writers = Writers(self.random, keys)

    def _clean(self) -> None:
        with self.sides.source.connect() as connection:
            renew_epoch(connection)
        with self.sides.here.connect() as connection:
            connection.run(_CLEAN)

    def born(self) -> Follower:
        """A follower that remembers nothing."""
        return Follower(self.sides.here, self, self.subscription)

    def run(self, steps: int = 250) -> dict[str, int]:
        """Let it happen, let it end, and say what is wrong."""
        with ExitStack() as stack:
            self.writers.connections = [stack.enter_context(self.sides.source.connect()) for _ in range(WRITERS)]
            for _ in range(steps):
                self.random.choice(_STEPS)(self)
            for who in range(WRITERS):
                self.writers.commit(who)
            self._over = True
        self.settle()
        return {what: count for what, count in self.compared().items() if count}

    # What follows

    def relayed(self) -> None:
        """A tick, and a message."""
        self.relay._pulse = float("-inf") if self.random.random() < 0.2 or not self.relay._listeners else float("inf")
        try:
            self.relay.step()
        except FeedGone:
            self.relay.forget()

    def delivered(self) -> None:
        """A message to one of the followers."""
        if self.broker.queue:
            page = decode_message(self.broker.queue.pop(0), told=self.broker.told)
            self._as(self.random.randrange(2), lambda one: one.take(page) or one.pull(0.0))

    def pulled(self) -> None:
        """Silence: a follower asks."""
        self._as(self.random.randrange(2), lambda one: one.pull(0.0))

    def deadly(self) -> None:
        """The next who applies something dies of it, its transaction open."""
        self._dies = True

    def _as(self, number: int, act: Callable[[Follower], object]) -> None:
        try:
            act(self.followers[number])
        except Died:
            self.followers[number] = self.born()
        except CrmError as error:
            self.followers[number].failed(error)
        self._look()

    def _look(self) -> None:
        """Nobody may see an entity at an earlier version than before: an answer was given with that one."""
        with self.sides.here.connect() as connection:
            found = dict(connection.rows("select id, version from fact where type_no = %s", (self.known.no,)))
        self.went_back += sum(1 for ident, version in found.items() if version < self.seen.get(ident, 0))
        self.seen = found

    def handle(self, connection: Connection, events: Sequence[Event]) -> None:
        self.projections.apply(connection, SOURCE, events)
        if self._dies:
            self._dies = False
            raise Died

    def fetch(
        self, service: str, after: str, *, types: Iterable[str] | None, limit: int, wait: float, reader: str | None
    ) -> Page:
        """Small pages of the feed; now and then the other follower is faster with it."""
        page = self.feed.read(after, limit=self.random.randint(1, 6)).page()
        if not self._nested and self.random.random() < 0.3:
            self._nested = True
            self._as(self.random.randrange(2), lambda one: Follower(one.database, self, one.subscription).pull(0.0))
            self._nested = False
        return page

    def gone(self) -> None:
        """Retention in front of the watermark: what was told so far is no longer kept."""
        if self.random.random() < 0.15:
            with self.sides.source.connect() as connection:
                connection.run("delete from tick where id < (select max(id) from tick)")

    def rebuild(self, database: Database) -> None:
        self.rebuilt += 1
        copy(database, self.projections.catalogs, SOURCE, self._ask, self.projections.project)

    def _ask(self, path: str) -> Mapping[str, Any]:
        """What the source holds, while writers go on."""
        if path.endswith("/catalog"):
            return self.sides.catalog()
        if f"/entities/{TYPE}?" not in path:
            return {"results": []}
        for _ in range(0 if self._over else 12):
            self.writers.write()
            self.writers.commit_one()
        return {"results": [self._told(ident, one) for ident, one in sorted(self.writers.things.items())]}

    def _told(self, ident: int, one: Thing) -> dict[str, Any]:
        at = iso(now())
        told = {"id": str(ident), "version": one.version, "archived": one.archived, "values": one.values}
        return {**told, "created_at": at, "updated_at": at}

    def held(self) -> None:
        """A transaction stays open in another database: what is written meanwhile arrives all the same."""
        if self.writers.open[0] is not None or self.random.random() > 0.5:
            return
        with self.sides.here.connect() as other, other.transaction():
            other.row("select pg_current_xact_id()")
            ident = FIRST + ENTITIES
            after, event = self.writers.next(ident, self.writers.things.get(ident, Thing()))
            outbox.append(self.writers.connections[0], [event])
            self.writers.things[ident] = after
            for _ in range(100):
                self._as(0, lambda one: one.pull(0.0))
                if self.arrived(ident, after.version):
                    return
            self.stalled += 1

    def arrived(self, ident: int, version: int) -> bool:
        with self.sides.here.connect() as connection:
            row = connection.row("select version from fact where type_no = %s and id = %s", (self.known.no, ident))
        return row is not None and row[0] >= version

    # The end

    def settle(self) -> None:
        """Nobody dies any more; both pull until there is nothing."""
        self._dies = False
        self.relayed()
        while self.broker.queue:
            self.delivered()
        quiet = 0
        for _ in range(400):
            before = self._reached()
            self._as(self.random.randrange(2), lambda one: one.pull(0.0))
            quiet = quiet + 1 if self._reached() == before else 0
            if quiet > 12:
                return

    def _reached(self) -> Any:
        with self.sides.here.connect() as connection:
            return connection.row("select epoch, tick, part from watermark where subscription = 'reporting.simulated'")

    def compared(self) -> dict[str, int]:
        """Wrong facts, cells, accounts; letters; and who was kept waiting."""
        system = system_keys(self.known)
        with self.sides.here.connect() as connection:
            rows = connection.rows(
                "select id, version, archived, values::text from fact where type_no = %s", (self.known.no,)
            )
            facts = {row[0]: Thing(row[1], row[2], _without(loads(row[3]), system)) for row in rows}
            letters = connection.rows("select 1 from dead_letter")
            account = [one for one in accounts(connection) if one.subscription == self.subscription.name]
            cells = sum(self._wrong(connection, metric) for metric in store.listed(connection))
        return {
            "facts": sum(1 for key in {*facts, *self.writers.things} if facts.get(key) != self.writers.things.get(key)),
            "cells": cells,
            "dead letters": len(letters),
            "accounts": sum(1 for one in account if not one.balanced) if account else 1,
            "stalled": self.stalled,
            "gone back": self.went_back,
        }

    def _wrong(self, connection: Connection, metric: store.Metric) -> int:
        compiled = compiled_metric(metric, self.known)
        true: dict[Any, list[Any]] = {}
        for one in self.writers.things.values():
            found = None if one.archived else compiled.of(one.values)
            if found is not None:
                sums = true.setdefault(found.dims, [0, 0, 0])
                sums[0], sums[1], sums[2] = sums[0] + 1, sums[1] + found.m, sums[2] + found.s
        kept, wanted = store.totals(connection, metric.id), {dims: tuple(sums) for dims, sums in true.items()}
        return sum(1 for dims in {*kept, *wanted} if kept.get(dims) != wanted.get(dims))


def _without(values: Mapping[str, Any], keys: Iterable[str]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if key not in keys}


_STEPS: tuple[Callable[[Simulation], None], ...] = (
    *[lambda one: one.writers.write()] * 8,
    *[lambda one: one.writers.early()] * 2,
    *[lambda one: one.writers.commit_one()] * 4,
    lambda one: one.writers.roll_back_one(),
    *[Simulation.relayed] * 4,
    *[Simulation.delivered] * 5,
    *[Simulation.pulled] * 2,
    Simulation.deadly,
    Simulation.gone,
    Simulation.held,
)
