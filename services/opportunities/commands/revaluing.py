"""Deals follow rates that are put in after they were written: durable work, begun by the news that the rates changed.

Which day's rate a deal counts at is a matter of the deal: an open one at the day on which it was last valued (amount,
currency or end written), a closed one at its close date. So a rate changes those deals whose day it is in force on, and
no others, whenever it is put in. Every deal that comes to another worth is a version with history and event: reports
follow. What is worked out depends on nothing but rates and deals, so that doing it twice changes nothing.

Not for archived deals: they keep the worth they had.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from services.opportunities.pipelines import PIPELINES
from services.opportunities.rules import RULES
from services.opportunities.rules.amounts import CALCULATED, DEFAULT_HOME, HOME, RATE, VALUED_BY, rate_of
from shared.contracts.event import CATALOG_ATTRIBUTE, CATALOG_TYPE, Event
from shared.kernel.clock import new_id
from shared.kernel.context import SYSTEM, Context
from shared.kernel.db import Connection
from shared.kernel.json import canonical
from shared.service.entities import DomainJudge
from shared.service.home import Home, Life, LiveType
from shared.service.pipelines.steering import detail_of
from shared.service.work import ledger
from shared.service.work.ledger import Chunk, Claim, Counts, Job

if TYPE_CHECKING:
    from shared.service.runtime import Runtime

KIND = "revalue"
DEAL, CURRENCY = "deal", "currency"
NUMBER = 1
"""There is one of these: what comes while it is under way begins it again."""
DEALS_A_CHUNK = 500
_RUN = "run"
_LOOKED_AT = (*sorted(VALUED_BY), "closes_at")


def hear(connection: Connection, events: Sequence[Event]) -> None:
    """Begin, where events tell that currencies are worth something else than when deals were last valued."""
    for one in events:
        for detail in _attributes(one):
            if detail.get("name") == CURRENCY:
                _order(connection, detail.get("options", ()), one)


def _attributes(event: Event) -> Sequence[Mapping[str, Any]]:
    if event.entity_type != DEAL:
        return ()
    if event.kind == CATALOG_ATTRIBUTE:
        return (event.detail,)
    return tuple(event.detail.get("attributes", ())) if event.kind == CATALOG_TYPE else ()


def _order(connection: Connection, options: Sequence[Mapping[str, Any]], event: Event) -> None:
    told = {one["value"]: digest for one in options if (digest := _digest(one.get("detail") or {}))}
    job = ledger.find(connection, KIND, NUMBER, lock=True)
    known = job.spec.get("digests", {}) if job is not None else {}
    changed = {one for one in told.keys() | known.keys() if told.get(one) != known.get(one)}
    if not changed:
        return
    left = set() if job is None or job.state == ledger.DONE else set(job.spec.get("currencies", ()))
    context = Context(SYSTEM, CALCULATED, correlation=event.correlation or new_id())
    spec = {"digests": told, "currencies": sorted(changed | left)}
    ledger.start(connection, KIND, NUMBER, entity_type=DEAL, phase=_RUN, context=context, spec=spec)


def _digest(detail: Mapping[str, str]) -> str:
    """What a currency is worth, in short; "" where nobody has ever said."""
    said = {name: value for name, value in detail.items() if (name, value) != (HOME, DEFAULT_HOME)}
    return hashlib.sha256(canonical(said)).hexdigest() if said else ""


class Revalue:
    """Work of the kind: the first chunk finds the deals in those currencies, the others value some of them each."""

    def run(self, runtime: Runtime, claim: Claim) -> None:
        """Do a chunk."""
        home = Home(runtime.engine, judge=DomainJudge(RULES, PIPELINES))
        if "ids" in claim.spec:
            home.at_once(lambda connection: _value(connection, home, claim))
        else:
            _find(home, claim)

    def failed(self, connection: Connection, job: Job) -> None:
        """Nobody waits to be told: who asks sees it."""


def _find(home: Home, claim: Claim) -> None:
    known = {one.value for one in home.fresh(DEAL).attributes[CURRENCY].options}
    currencies = [one for one in claim.job.spec["currencies"] if one in known]
    wanted = {"attribute": CURRENCY, "operator": "IN", "values": currencies}
    ids = sorted(home.fitting(DEAL, wanted)) if currencies else []
    cuts = [ids[at : at + DEALS_A_CHUNK] for at in range(0, len(ids), DEALS_A_CHUNK)]
    chunks = [Chunk(n, spec={"ids": cut}) for n, cut in enumerate(cuts, 1)]
    with home.database.transaction() as connection:
        ledger.add_chunks(connection, claim.job.id, claim.job.phase, chunks)
        _done(connection, claim, Counts())


def _value(connection: Connection, home: Home, claim: Claim) -> None:
    ids = claim.spec["ids"]
    live = home.type(DEAL)
    keys = [live.attributes[name].key for name in _LOOKED_AT]
    # Locking them makes sure that the rates at hand are those in force.
    lives = home.lives(connection, DEAL, ids, keys, lock=True)
    live = home.type(DEAL)
    rates = {one.id: {RATE: _rate(live, one)} for one in lives}
    changed = home.keep(connection, DEAL, rates, Context(SYSTEM, CALCULATED, correlation=claim.job.correlation or ""))
    _done(connection, claim, Counts(rows=len(ids), updated=changed, unchanged=len(ids) - changed))


def _done(connection: Connection, claim: Claim, counts: Counts) -> None:
    if ledger.complete(connection, claim, counts):
        ledger.end(connection, claim.job.id, ledger.DONE)


def _rate(live: LiveType, one: Life) -> Decimal | None:
    values = {name: one.values.get(live.attributes[name].key) for name in _LOOKED_AT}
    currency = values[CURRENCY]
    return rate_of(detail_of(live, CURRENCY, currency), currency, _day(live, one, values))


def _day(live: LiveType, one: Life, values: Mapping[str, Any]) -> date:
    """The day whose rate counts: of a closed deal that of its end, else that on which it was last valued."""
    if values["is_closed"] is True and values["closes_at"] is not None:
        return datetime.fromisoformat(values["closes_at"]).date()
    deciding = {live.attributes[name].key for name in VALUED_BY}
    written = [at for at, changes in one.changes if not deciding.isdisjoint(changes)]
    return (written[-1] if written else one.since).date()
