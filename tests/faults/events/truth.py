"""The judge: waits until the log's account balances, then compares what reporting keeps with contacts' own tables.

Facts and their checksums with the slot tables, versions and transitions with the history, links with the links, cells
with what one gets by looking at all entities. Nothing of the log or of the replica is used to find out what is true.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from typing import Any

from services.contacts.manifest import MANIFEST as CONTACTS
from services.reporting.manifest import MANIFEST as REPORTING
from services.reporting.metrics import store
from services.reporting.projections import Projections, compiled_metric
from shared.bus.account import accounts
from shared.bus.ticks import Ticker
from shared.eav.catalog import LiveType
from shared.eav.holdings import Held
from shared.kernel.config import Settings
from shared.kernel.db import Connection, Database
from shared.kernel.json import loads
from shared.service.runtime import Runtime, database_url

TYPE = "company"
SUBSCRIPTION = "reporting.contacts"
_HISTORY = "select entity_id, version, changed::text from eav_history where type_id = %s order by version desc"
_VERSIONS = "select id, version from fact_version where type_no = %s"
_TRANSITIONS = "select id, attribute_id, version, old, new from fact_transition where type_no = %s"
_FACTS = "select id, version, archived, checksum, values::text from fact where type_no = %s"


@dataclass
class Verdict:
    """How much there was, and how much of it was wrong. settled: seconds until the account balanced; None: never."""

    settled: float | None = None
    events: int = 0
    produced: int = 0
    dead_letters: int = 0
    metrics: int = 0
    cells: int = 0
    wrong: dict[str, int] = field(default_factory=dict)
    naive: tuple[int, int] = (0, 0)

    @property
    def exact(self) -> bool:
        """Whether all came and nothing is wrong."""
        return self.settled is not None and self.produced == self.events and not any(self.wrong.values())

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


class Truth:
    """Both sides, looked at from outside."""

    def __init__(self, settings: Settings) -> None:
        self.contacts = Runtime(CONTACTS, settings)
        self.reporting = Database(database_url(REPORTING, settings), pool_size=2)
        self.catalogs = Projections().catalogs

    def settled(self, since: float, seconds: float) -> float | None:
        """Wait until everything told is applied; the seconds that took."""
        ticker = Ticker(self.contacts.db)
        while time.time() < since + seconds:
            ticker.tick()
            if self._balanced():
                return time.time() - since
            time.sleep(0.05)
        return None

    def _balanced(self) -> bool:
        with self.contacts.db.connect() as connection:
            newest = connection.row("select id from tick order by id desc limit 1")
            # What contacts makes of its own log (when somebody was last spoken to) is written, and told, as well.
            mine = connection.row("select min(tick) from watermark where source = %s", (CONTACTS.name,))
        if mine is not None and mine[0] is not None and newest is not None and mine[0] <= newest[0]:
            return False
        with self.reporting.connect() as connection:
            reached = connection.row("select tick from watermark where subscription = %s", (SUBSCRIPTION,))
            mine = [one for one in accounts(connection) if one.subscription == SUBSCRIPTION]
            filled = not store.listed(connection, (store.BACKFILLING,))
        there = newest is not None and reached is not None and reached[0] > newest[0]
        return there and filled and all(one.balanced for one in mine)

    def judged(self, settled: float | None) -> Verdict:
        """The verdict."""
        verdict = Verdict(settled)
        with self.reporting.connect() as here, self.contacts.db.connect() as there:
            verdict.produced = _count(there, "select count(*) from outbox")
            [mine] = [one for one in accounts(here) if one.subscription == SUBSCRIPTION]
            verdict.events, verdict.dead_letters = mine.taken, mine.put_aside
            for live in self.contacts.catalog.types():
                for what, count in self._judged(here, there, live, verdict).items():
                    verdict.wrong[what] = verdict.wrong.get(what, 0) + count
            links = "select relation, from_id, to_id from {}"
            kept = set(here.rows(links.format("fact_link")))
            verdict.wrong["links"] = len(set(there.rows(links.format("eav_link"))) ^ kept)
        return verdict

    def _judged(self, here: Connection, there: Connection, live: LiveType, verdict: Verdict) -> dict[str, int]:
        held = self.contacts.engine.reads.holdings(live.name, after=0, limit=1_000_000)
        number = self.catalogs.types(here).type(live.name).no
        facts, sums = _facts(here, number)
        versions, transitions = _history(there, live, held)
        return {
            "facts": _differing(facts, {one.id: (one.version, one.archived, _values(live, one)) for one in held}),
            "checksums": _differing(sums, {one.id: one.checksum for one in held if not one.archived}),
            "versions": len(versions ^ set(here.rows(_VERSIONS, (number,)))),
            "transitions": len(transitions ^ set(here.rows(_TRANSITIONS, (number,)))),
            "cells": self._cells(here, live, held, verdict),
        }

    def statuses(self) -> dict[str | None, int]:
        """How many entities stand at each lead status, archived ones included: what naive counters count."""
        key = self.contacts.catalog.type(TYPE).attributes["lead_status"].key
        held = self.contacts.engine.reads.holdings(TYPE, after=0, limit=1_000_000)
        return Counter(one.values.get(key) for one in held)

    def _cells(self, here: Connection, live: LiveType, held: Sequence[Held], verdict: Verdict) -> int:
        known, wrong = self.catalogs.types(here).type(live.name), 0
        entities = [_values(live, one) for one in held if not one.archived]
        for metric in store.listed(here):
            if metric.entity_type != live.name:
                continue
            groups: dict[Any, list[Any]] = defaultdict(lambda: [0, 0, Decimal(0)])
            valued: Counter[Any] = Counter()
            compiled = compiled_metric(metric, known)
            for entity in entities:
                one = compiled.of(entity)
                if one is None:
                    continue
                sums = groups[one.dims]
                sums[0], sums[1], sums[2] = sums[0] + 1, sums[1] + one.m, sums[2] + one.s
                if one.value is not None:
                    valued[one.dims, one.value] += 1
            true = {dims: tuple(sums) for dims, sums in groups.items()}
            wrong += _differing(store.totals(here, metric.id), true)
            wrong += _differing(store.ledger(here, metric.id), true)
            wrong += _differing(store.values(here, metric.id), valued)
            verdict.metrics, verdict.cells = verdict.metrics + 1, verdict.cells + len(true)
        return wrong


def _facts(here: Connection, number: int) -> tuple[dict[int, Any], dict[int, int]]:
    rows = here.rows(_FACTS, (number,))
    facts = {ident: (version, archived, loads(text)) for ident, version, archived, _, text in rows}
    return facts, {row[0]: row[3] for row in rows if not row[2]}


def _values(live: LiveType, one: Held) -> dict[str, Any]:
    told = {"id": str(one.id), "created_at": one.created_at, "updated_at": one.updated_at}
    return {**one.values, **{live.attributes[name].key: value for name, value in told.items()}}


def _history(there: Connection, live: LiveType, held: Sequence[Held]) -> tuple[set[Any], set[Any]]:
    """Every version, and every move of a single-choice attribute. The history begins with the second version: the
    first is what one comes to walking back from the present."""
    moving = {one.key: one.id for one in live.attributes.values() if one.kind == "enumeration"}
    values = {one.id: dict(one.values) for one in held}
    versions, transitions = {(one.id, 1) for one in held}, set()
    for ident, version, text in there.rows(_HISTORY, (live.id,)):
        versions.add((ident, version))
        for key, (old, new) in loads(text).items():
            values[ident][key] = old
            if key in moving:
                transitions.add((ident, moving[key], version, old, new))
    for ident, first in values.items():
        transitions |= {(ident, moving[key], 1, None, first[key]) for key in moving.keys() & first if first[key]}
    return versions, transitions


def _differing(mine: Mapping[Any, Any], theirs: Mapping[Any, Any]) -> int:
    return sum(1 for key in {*mine, *theirs} if mine.get(key) != theirs.get(key))


def _count(connection: Connection, sql: str) -> int:
    row = connection.row(sql)
    return 0 if row is None else int(row[0])
