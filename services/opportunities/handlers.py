"""What opportunities hears: line items, and whom they belong to, for deals and quotes whose amount is their sum
(`sums`); what currencies are worth, for deals that are valued anew then (`commands.revaluing`); and who was erased of
those that deals were made of (`leads`).

The sum follows the write within moments: whoever changes a line item is not held up by the deals it is in.
"""

from __future__ import annotations

from collections.abc import Sequence

from services.opportunities import leads, sums
from services.opportunities.commands import revaluing
from services.opportunities.pipelines import PIPELINES
from services.opportunities.rules import RULES
from shared.contracts.event import LINK, Event
from shared.kernel.config import Settings
from shared.kernel.db import Connection, Database
from shared.service.entities import DomainJudge
from shared.service.following import Subscription, beside
from shared.service.home import Home

OWN = "opportunities"


def subscriptions(settings: Settings) -> tuple[Subscription, ...]:
    """The followers of line items, and of people whom deals were made of."""
    home = Home.of(beside(settings, OWN), judge=DomainJudge(RULES, PIPELINES))
    return follower(home), leads.follower(home)


def follower(home: Home) -> Subscription:
    """The follower of line items over a database at hand."""

    def hear(connection: Connection, events: Sequence[Event]) -> None:
        correlation = events[-1].correlation if events else None
        for what in sums.EVERY:
            sums.roll_up(connection, home, sums.concerned(connection, home, events, what), correlation, what)
        revaluing.hear(connection, events)

    def rebuild(database: Database) -> None:
        for what in sums.EVERY:
            for after, upto in home.ranges(what.type):
                with database.transaction() as connection:
                    sums.roll_up(connection, home, home.ids(connection, what.type, after, upto), None, what)

    types = frozenset({*(one.type for one in sums.EVERY), sums.LINE, LINK})
    return Subscription(name=f"{OWN}.sums", source=OWN, handler=hear, types=types, rebuild=rebuild)
