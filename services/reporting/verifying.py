"""Verification of everything: metrics against the replica, the replica against each source, the account of each log.

A run is slow work: started by an operator or, once an hour, by maintenance; its outcome stands in `verification` until
the next. Values of entities never appear in it: only entity types, ids and what is wrong; groups of metrics by what
they are called, which doors tell those who may know. The replica comes first: metrics are put
right only by one that was found to be what its sources hold, else they are left as they are, and the outcome says so.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from services.reporting import commands
from services.reporting.metrics import store
from services.reporting.projections import Projections, compiled_metric
from services.reporting.readmitting import readmit
from shared.kernel.clock import iso, monotonic, now
from shared.kernel.config import Settings
from shared.kernel.context import Context
from shared.kernel.db import Connection, Database
from shared.kernel.errors import Unavailable
from shared.kernel.json import dumps, loads
from shared.service.following import accounts, asker
from shared.service.replica.checking import Means, Outcome, check, damaged
from shared.service.replica.link_checking import LinkMeans, LinkOutcome, check_links
from shared.service.replica.tracing import check_past
from shared.service.work import ledger

VERIFY = "verify"
EVERY_SECONDS = 3600
SETTLE_SECONDS = 20.0
LOOK_EVERY = 0.05
MOST_TOLD = 100
_NUMBER = 1
_AS_OF = "select min(as_of) from watermark where source = %(source)s"
_PUT = """insert into verification (one, outcome, sound, at) values (true, %(outcome)s::jsonb, %(right)s, %(at)s)
on conflict (one) do update set outcome = excluded.outcome, sound = excluded.sound, at = excluded.at"""
_LAST = "select outcome::text, at from verification"
_REPAIRS = """select id, what, detail, repaired, at, found::text from repair
where %(before)s::bigint is null or id < %(before)s order by id desc limit %(limit)s"""
_DUE = "select coalesce(max(at) < %(before)s, true) from verification"


@dataclass(frozen=True, slots=True)
class Wish:
    """What a run should do besides comparing."""

    repair: bool = False
    reread: bool = False


def start(database: Database, ctx: Context, wish: Wish) -> bool:
    """Begin a run; False when one is under way."""
    with database.transaction() as connection:
        job = ledger.find(connection, VERIFY, _NUMBER, lock=True)
        if job is not None and job.state == ledger.RUNNING:
            return False
        phase = "+".join(["compare", *(["repair"] if wish.repair else []), *(["reread"] if wish.reread else [])])
        ledger.start(connection, VERIFY, _NUMBER, entity_type="", phase=phase, context=ctx)
        return True


def wish_of(phase: str) -> Wish:
    """What was wished for, of the phase of a job."""
    words = phase.split("+")
    return Wish("repair" in words, "reread" in words)


def run(
    database: Database, projections: Projections, settings: Settings, sources: Sequence[str], wish: Wish
) -> dict[str, Any]:
    """Verify everything; the outcome as JSON. What was wrong and had to be repaired is looked at a second time
    (`after_repair`). Raises Unavailable while a source cannot be asked."""
    found = _look(database, projections, settings, sources, wish)
    if wish.repair and not right(found):
        found["after_repair"] = _look(database, projections, settings, sources, Wish(reread=wish.reread))
    return found


def _look(
    database: Database, projections: Projections, settings: Settings, sources: Sequence[str], wish: Wish
) -> dict[str, Any]:
    checked = {one: _source(database, projections, settings, one, wish) for one in sources}
    linked = _links(database, projections, settings, sources, wish)
    with database.connect() as connection:
        names = [one.name for one in store.listed(connection, (store.READY,)) if one.entity_type]
        balances = [one for one in accounts(connection) if one.subscription.removeprefix("reporting.") in sources]
    unproven: set[str | int] = {name for name, one in checked.items() if one.unproven} | linked.unproven
    metrics, held_back = {}, []
    for name in names:
        doubted = not unproven.isdisjoint(_rests_on(database, projections, name))
        metrics[name] = commands.verify(database, projections, name, repair=wish.repair and not doubted)
        if doubted and wish.repair and metrics[name].wrong:
            held_back.append(name)
    return {
        "sources": {name: _told(one) for name, one in checked.items()},
        "links": _told_links(linked),
        "metrics": {name: _told_metric(one) for name, one in metrics.items()},
        "accounts": [
            {
                "source": one.source,
                "produced": one.told,
                "applied": one.applied,
                "put_aside": one.put_aside,
                "skipped": one.skipped,
                "balanced": one.balanced,
            }
            for one in balances
        ],
        "repair": wish.repair,
        "held_back": held_back,
    }


def _told_metric(one: commands.Verified) -> dict[str, Any]:
    told = {"groups": one.groups, "wrong": one.wrong_groups}
    return {**told, **one.told} if one.wrong else told


def _rests_on(database: Database, projections: Projections, name: str) -> set[str | int]:
    """What a metric is made of: the sources of its type and of the types that it is joined to, and relations."""
    with database.connect() as connection:
        metric = commands.of_entities(connection, name)
        known = projections.catalogs.types(connection).type(metric.entity_type)
    ways = compiled_metric(metric, known).linkages
    return {known.source, *(one.target.source for one in ways), *(link for one in ways for link in one.relations)}


def right(outcome: dict[str, Any]) -> bool:
    """Whether nothing was wrong, or is any more after a repair."""
    if "after_repair" in outcome:
        return right(outcome["after_repair"])
    # Outcomes of earlier versions, which are still told, know nothing of links.
    replicas = [*outcome["sources"].values(), *([outcome["links"]] if "links" in outcome else [])]
    sources = all(not one["differences"] for one in replicas)
    metrics = all(not one["wrong"] for one in outcome["metrics"].values())
    return sources and metrics and all(one["balanced"] for one in outcome["accounts"])


def record(connection: Connection, outcome: dict[str, Any]) -> None:
    """Keep the outcome of a run, and write down what was repaired."""
    at = now().astimezone(UTC).replace(tzinfo=None)
    connection.run(_PUT, {"outcome": dumps(outcome).decode(), "right": right(outcome), "at": at})
    left = [line for one in _replicas(outcome.get("after_repair")).values() for line in one["differences"]]
    for what, one in _replicas(outcome).items():
        for line in one["differences"]:
            # What is beyond repair is told with a reason, the first time only.
            remains = any(line.startswith(other) for other in left)
            store.note(connection, what, line, repaired=outcome["repair"] and not remains)


def _replicas(outcome: dict[str, Any] | None) -> dict[str, dict[str, Any]]:
    if outcome is None:
        return {}
    sources = {f"replica of {name}": one for name, one in outcome["sources"].items()}
    return {**sources, "links of the replica": outcome["links"]}


def last(database: Database) -> dict[str, Any] | None:
    """The outcome of the last run, with its instant; None before the first."""
    with database.connect() as connection:
        row = connection.row(_LAST)
    if row is None:
        return None
    outcome = loads(row[0])
    return {"at": iso(row[1].replace(tzinfo=UTC)), "right": right(outcome), **outcome}


@dataclass(frozen=True, slots=True)
class Repair:
    """What was found wrong once. found: which groups, for those who may know."""

    id: int
    what: str
    detail: str
    repaired: bool
    at: datetime
    found: dict[str, Any] | None

    @property
    def document(self) -> dict[str, Any]:
        """As JSON, without the groups."""
        at = iso(self.at.replace(tzinfo=UTC))
        return {"id": str(self.id), "what": self.what, "detail": self.detail, "repaired": self.repaired, "at": at}


def repairs(connection: Connection, *, before: int | None, limit: int) -> list[Repair]:
    """What was found wrong, newest first."""
    rows = connection.rows(_REPAIRS, {"before": before, "limit": limit})
    return [
        Repair(ident, what, detail, repaired, at, None if found is None else loads(found))
        for ident, what, detail, repaired, at, found in rows
    ]


def due(database: Database) -> bool:
    """Whether the last run is longer ago than EVERY_SECONDS."""
    before = datetime.fromtimestamp(now().timestamp() - EVERY_SECONDS, UTC).replace(tzinfo=None)
    with database.connect() as connection:
        return connection.row(_DUE, {"before": before}) == (True,)


def _source(database: Database, projections: Projections, settings: Settings, source: str, wish: Wish) -> Outcome:
    def settle() -> None:
        wait(database, source, now())

    ask = asker(settings, source)
    means = Means(database, ask, settle, mend=wish.repair, project=projections.project)
    found = check(means, projections.catalogs, source, reread=wish.reread)
    found.past = check_past(database, projections.catalogs, source, ask, mend=wish.repair)
    if wish.repair:
        readmit(database, settings, source, {(one.entity_type, one.id) for one in found.differences})
    return found


def _links(
    database: Database, projections: Projections, settings: Settings, sources: Sequence[str], wish: Wish
) -> LinkOutcome:
    asks = {source: asker(settings, source) for source in sources}
    means = LinkMeans(database, asks, lambda source: wait(database, source, now()), wish.repair)
    return check_links(means, projections.catalogs)


def wait(database: Database, source: str, moment: datetime) -> None:
    """Until everything that the source had told by `moment` is applied here."""
    deadline = monotonic() + SETTLE_SECONDS
    while monotonic() < deadline:
        with database.connect() as connection:
            row = connection.row(_AS_OF, {"source": source})
        if row is not None and row[0] is not None and row[0].replace(tzinfo=UTC) >= moment:
            return
        time.sleep(LOOK_EVERY)
    raise Unavailable(f"the log of {source} lags behind")


def _told(one: Outcome) -> dict[str, Any]:
    lines = [*damaged(one.differences), *(flaw.told for flaw in one.past.flaws)]
    return {
        "entities": one.entities,
        "ranges": one.ranges,
        "in_flight": one.in_flight,
        "repaired": one.repaired + one.past.repaired,
        "unproven": len(one.unproven),
        "different": len(lines),
        "differences": told(lines),
    }


def _told_links(one: LinkOutcome) -> dict[str, Any]:
    return {
        "links": one.links,
        "ranges": one.ranges,
        "repaired": one.repaired,
        "different": len(one.differences),
        "differences": told([found.told for found in one.differences]),
    }


def told(lines: Sequence[str], of: int | None = None) -> list[str]:
    """The first of many lines; a list that is cut says so. of: how many there are, where not all are at hand."""
    more = max(of or 0, len(lines)) - MOST_TOLD
    return [*lines[:MOST_TOLD], *([f"and {more} more"] if more > 0 else [])]
