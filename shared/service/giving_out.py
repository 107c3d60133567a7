"""What is given out by itself: a service hears of its own new entities, and of work that was done, and gives out.

Exactly once: what was heard, who got it and the ledger are one transaction. Writers wait for nothing of it. Whoever
cannot be served waits, and is tried again when somebody's work is done or by the round of maintenance, which also
sees that somebody is back, or may take more.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from shared.bus.consumer import Subscription
from shared.contracts.event import CREATED, ENTITY_KINDS, LINK, UPDATED, Event
from shared.eav.catalog import Catalog, LiveType
from shared.eav.keeping import Keeper
from shared.eav.links.relations import Relations
from shared.kernel.clock import now
from shared.kernel.config import Settings
from shared.kernel.context import SYSTEM, Context
from shared.kernel.db import Connection, Database
from shared.service.assignment import ledger, rows
from shared.service.assignment.asking import asked_of, compiled
from shared.service.assignment.declare import OWNER, Assigned, Rule
from shared.service.assignment.giving import Giving
from shared.service.entities import DomainJudge
from shared.service.following import beside
from shared.service.manifest import Manifest
from shared.service.matching.keeping import Keeping
from shared.service.pipelines.visits import telling
from shared.service.publishing import in_turn
from shared.service.questions import Asking, own_keys
from shared.service.relations import BUILTIN
from shared.service.replica.evaluating import filter_keys

SOURCE = "ASSIGNMENT"
ROUND = 200


def subscription(manifest: Manifest, settings: Settings) -> Subscription:
    """A service's follower of itself."""
    return follower(manifest, beside(settings, manifest.name))


def follower(manifest: Manifest, database: Database) -> Subscription:
    """The same over a database at hand. What is written is told, and moves what the service keeps, like any write."""
    hearing = Hearing(giving_of(manifest, database))
    return Subscription(
        name=f"{manifest.name}.assignment",
        source=manifest.name,
        handler=hearing,
        types=frozenset(manifest.assigned),
        begin="start",
        rebuild=lambda _database: None,  # what was missed was not to be given out at the time: nothing is made up to
    )


def giving_of(manifest: Manifest, database: Database) -> Giving:
    """For processes without a runtime."""
    catalog = Catalog(database)
    told = telling(manifest.pipelines, manifest.steps(catalog.type))
    tell = in_turn(Keeping(manifest.matching, database), told)
    judge = DomainJudge(manifest.rules, manifest.pipelines)
    asking = Asking(catalog, Relations(BUILTIN, database, catalog))
    return Giving(catalog, Keeper(database, catalog, tell, judge), manifest.assigned, asking)


class Hearing:
    """The handler."""

    def __init__(self, giving: Giving) -> None:
        self._giving = giving

    def __call__(self, connection: Connection, events: Sequence[Event]) -> None:
        """Give out what came or moved, and what waited where room was made."""
        for name, assigned in self._giving.assigned.items():
            mine = [one for one in events if one.entity_type == name and one.kind in (*ENTITY_KINDS, LINK)]
            if mine:
                self._heard(connection, name, assigned, mine)

    def _heard(self, connection: Connection, name: str, assigned: Assigned, events: Sequence[Event]) -> None:
        live = self._giving.ready(name)
        correlation = events[-1].correlation
        made = sorted(concerned(live, self._giving.rules(connection, live), events))
        if made:
            ledger.want(connection, live.id, made)
            for begin in range(0, len(made), ROUND):
                asked = ledger.among(connection, live.id, made[begin : begin + ROUND])
                self._giving.give(connection, name, asked, _context(correlation), automatic=True)
        if frees(live, assigned, events) and ledger.any_waiting(connection, live.id):
            asked = ledger.longest(connection, live.id, ROUND, None)
            self._giving.give(connection, name, asked, _context(correlation), automatic=True)


def concerned(live: LiveType, rules: Sequence[Rule], events: Iterable[Event]) -> set[int]:
    """What rules may have to give out: new ones, and those of which something changed that rules look at, such as the
    queue, or its links. Whether they are somebody's is looked at when they are given out."""
    if not rules:
        return set()
    readable = [rule for rule, _ in compiled(live, rules)]
    looked_at = {key for rule in readable for key in own_keys(live, rule.filter)}
    through_links = bool(asked_of(live, readable))
    return {
        one.entity_id
        for one in events
        if one.entity_id is not None
        and (
            one.kind == CREATED
            or (one.kind == UPDATED and not looked_at.isdisjoint(one.changed))
            or (one.kind == LINK and through_links)
        )
    }


def frees(live: LiveType, assigned: Assigned, events: Iterable[Event]) -> bool:
    """Whether any of these may have made room: work that was done, or went, or was taken from somebody."""
    keys = {live.attributes[OWNER].key, *filter_keys(live, assigned.open or None)}
    heard = (one for one in events if one.kind not in (CREATED, LINK) and one.source != SOURCE)
    return any(not one.changed or not keys.isdisjoint(one.changed) for one in heard)


def sweep(manifest: Manifest, database: Database) -> int:
    """Try all that wait once more; how many were given out."""
    if not _anything(manifest, database):
        return 0
    giving, began, count = giving_of(manifest, database), rows.naive(now()), 0
    for name in manifest.assigned:
        live = giving.ready(name)
        while True:
            with database.transaction() as connection:
                asked = ledger.longest(connection, live.id, ROUND, began)
                given = giving.give(connection, name, asked, _context(None), automatic=True) if asked else []
            count += sum(1 for one in given if one.owner is not None)
            if len(asked) < ROUND:
                break
    return count


def _anything(manifest: Manifest, database: Database) -> bool:
    """Whether anything waits: most rounds find nothing, and end here."""
    with database.connect() as connection:
        row = connection.row("select exists(select 1 from assignment_waiting)")
    return bool(manifest.assigned and row and row[0])


def _context(correlation: str | None) -> Context:
    return Context(SYSTEM, SOURCE, correlation=correlation) if correlation else Context(SYSTEM, SOURCE)
