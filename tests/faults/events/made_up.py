"""What a simulation makes up: writers with transactions that stay open, and a broker that cannot be relied upon.

Writers lock entities as real ones do: who wrote one holds it until the transaction ends.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from shared.bus import outbox
from shared.bus.broker import Listener
from shared.bus.page import Body, decode_body
from shared.contracts.event import ARCHIVED, CREATED, RESTORED, UPDATED, Event
from shared.kernel.clock import now
from shared.kernel.db import Connection
from shared.service.replica.facts import applied

TYPE = "company"
ENTITIES = 8
WRITERS = 3
FIRST = 1_000_001


@dataclass
class Thing:
    """An entity as its source has it."""

    version: int = 0
    archived: bool = True
    values: dict[str, Any] = field(default_factory=dict)


class FakeBroker:
    """Queues in memory. Loses, doubles and shuffles."""

    def __init__(self, drawn: random.Random, listener: Listener) -> None:
        self._random = drawn
        self._listener = listener
        self.queue: list[str] = []
        self._kept: dict[str, str] = {}

    def listeners(self, source: str) -> list[Listener]:
        """The one there is."""
        return [self._listener]

    def waiting(self, queues: Sequence[str]) -> list[int]:
        """How many lie there."""
        return [len(self.queue) for _ in queues]

    def pulse(self, source: str, body: str) -> None:
        """Lost, doubled and late like any message."""
        self.publish(source, body)

    def keep(self, name: str, body: str, seconds: int) -> None:
        """What messages refer to is there as long as they are."""
        self._kept[name] = body

    def told(self, name: str) -> Body:
        """What a message refers to."""
        return decode_body(self._kept[name].encode())

    def drop(self, names: Sequence[str]) -> None:
        """Nothing: messages are doubled, and come late."""

    def publish(self, queue: str, body: str) -> None:
        """Perhaps once."""
        for _ in range(self._random.choice((0, 1, 1, 1, 1, 2))):
            place = len(self.queue) if self._random.random() < 0.7 else self._random.randint(0, len(self.queue))
            self.queue.insert(place, body)


class Writers:
    """Three writers of a log, and what is true once they have committed."""

    def __init__(self, drawn: random.Random, keys: Mapping[str, str]) -> None:
        self.random = drawn
        self.keys = keys
        self.connections: list[Connection] = []
        self.things: dict[int, Thing] = {}
        self.holder: dict[int, int] = {}
        self.open: list[list[tuple[int, Thing]] | None] = [None] * WRITERS

    def begin(self, who: int) -> list[tuple[int, Thing]]:
        mine = self.open[who]
        if mine is None:
            self.connections[who].run("begin")
            mine = self.open[who] = []
        return mine

    def early(self) -> None:
        """Draw a transaction id long before locking anything."""
        who = self.random.randrange(WRITERS)
        self.begin(who)
        self.connections[who].row("select pg_current_xact_id()")

    def write(self) -> None:
        """A version of an entity, unless somebody else holds it."""
        who, ident = self.random.randrange(WRITERS), FIRST + self.random.randrange(ENTITIES)
        if self.holder.get(ident, who) != who:
            return
        mine = self.begin(who)
        self.holder[ident] = who
        latest = [thing for one, thing in mine if one == ident]
        before = latest[-1] if latest else self.things.get(ident, Thing())
        after, event = self.next(ident, before)
        outbox.append(self.connections[who], [event])
        mine.append((ident, after))

    def next(self, ident: int, before: Thing) -> tuple[Thing, Event]:
        version, changed, archived = before.version + 1, {}, False
        if before.version and (before.archived or self.random.random() < 0.1):
            archived = not before.archived
            kind = ARCHIVED if archived else RESTORED
        else:
            kind = UPDATED if before.version else CREATED
            told = {
                self.keys["lead_status"]: self.random.choice(("NEW", "OPEN", "CONNECTED", None)),
                self.keys["city"]: self.random.choice(("Zürich", "İzmir", None)),
                self.keys["annual_revenue"]: self.random.choice(("0.1", "12.25", "-3", None)),
            }
            old = before.values
            changed = {key: [old.get(key), new] for key, new in told.items() if old.get(key) != new}
        event = Event(kind, TYPE, now(), ident, version, changed=changed)
        return Thing(version, archived, applied(before.values, changed)), event

    def commit_one(self) -> None:
        self.commit(self.random.randrange(WRITERS))

    def roll_back_one(self) -> None:
        self.commit(self.random.randrange(WRITERS), "rollback")

    def commit(self, who: int, how: str = "commit") -> None:
        """End a writer's transaction."""
        mine = self.open[who]
        if mine is None:
            return
        self.connections[who].run(how)
        if how == "commit":
            self.things.update(mine)
        self.open[who] = None
        self.holder = {ident: holder for ident, holder in self.holder.items() if holder != who}
