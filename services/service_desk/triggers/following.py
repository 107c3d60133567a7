"""Triggers as the service runs them: a follower of its own log, and a part of every round of upkeep."""

from __future__ import annotations

from collections.abc import Sequence

from services.service_desk.pipelines import PIPELINES
from services.service_desk.promises.keeping import ENTRY, TICKET
from services.service_desk.rules import RULES
from services.service_desk.satisfaction.surveys import asking
from services.service_desk.steps import steps
from services.service_desk.triggers import ledger, timing
from services.service_desk.triggers.book import Triggers
from services.service_desk.triggers.firing import Stage
from services.service_desk.triggers.hearing import hear
from shared.contracts.event import Event
from shared.kernel.clock import monotonic
from shared.kernel.config import Settings
from shared.kernel.db import Connection, Database
from shared.service.entities import DomainJudge
from shared.service.following import Subscription, beside
from shared.service.home import Home, LiveType
from shared.service.pipelines.visits import telling

OWN = "service_desk"
NAME = f"{OWN}.triggers"
_AT_ONCE = 100
_SECONDS = 10.0


class Acting:
    """What triggers need in a process without a runtime. What they write moves clocks and is mailed like any write."""

    def __init__(self, database: Database, settings: Settings | None = None) -> None:
        def type_of(name: str) -> LiveType:
            return self.home.type(name)

        self.home = Home.of(database, telling(PIPELINES, steps(type_of)), DomainJudge(RULES, PIPELINES))
        self.triggers = Triggers()
        self._ask = asking(settings or Settings())(self.home)

    def stage(self, connection: Connection) -> Stage:
        """Where triggers act in a transaction."""
        return Stage(connection, self.home, self.triggers.current(connection, self.home), self._ask)

    def hear(self, connection: Connection, events: Sequence[Event]) -> None:
        """Apply a page of our own log."""
        hear(self.stage(connection), events)

    def rebuild(self, database: Database) -> None:
        """When the log is lost: nothing fires for what nobody can tell any more; what time brings is looked at anew."""
        with database.transaction() as connection:
            for one in self.triggers.current(connection, self.home).timed:
                timing.begin(connection, one.id, waits=True)

    def sweep(self) -> int:
        """One round of what time brings; how many tickets were looked at."""
        until, count = monotonic() + _SECONDS, 0
        for phase in (timing.look, timing.ring):
            done = 1
            while done and monotonic() < until:
                with self.home.database.transaction() as connection:
                    done = phase(self.stage(connection))
                count += done
        return count


def subscriptions(settings: Settings) -> tuple[Subscription, ...]:
    """The follower of tickets and of what is said about them."""
    return (follower(Acting(beside(settings, OWN), settings)),)


def follower(acting: Acting) -> Subscription:
    """The same over what is at hand."""
    return Subscription(
        name=NAME,
        source=OWN,
        handler=acting.hear,
        types=frozenset({TICKET, ENTRY}),
        begin="start",
        rebuild=acting.rebuild,
        limit=_AT_ONCE,
    )


def sweep(database: Database) -> int:
    """One round of upkeep. While nothing is due it costs two statements."""
    with database.connect() as connection:
        ledger.tidy(connection)
        if not timing.waiting(connection):
            return 0
    return Acting(database).sweep()
