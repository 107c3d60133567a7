"""What is done about thresholds: once each, in one transaction with the mark in the ledger and the event that tells it.

Whoever is killed in between has done nothing; whoever comes at the same time takes others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import psycopg

from services.service_desk.domain.policies import Target, Threshold
from services.service_desk.promises.books import Loaded
from services.service_desk.promises.instants import ms, text
from services.service_desk.promises.judging import unfit
from services.service_desk.promises.keeping import TICKET
from services.service_desk.references import lost
from shared.contracts.event import SLA_REACHED, Event
from shared.kernel.clock import now
from shared.kernel.context import SYSTEM, Context
from shared.kernel.db import Connection
from shared.kernel.errors import CrmError, ErrorList, Unavailable
from shared.kernel.json import dumps
from shared.kernel.telemetry import logger
from shared.service.home import Home
from shared.service.steps import tell

SOURCE = "SLA"
LATE_SECONDS = 60
_AT_ONCE = 200
_log = logger("service_desk.acting")
_KEY = "ticket_id, target, cycle, round, threshold"
_UNDONE = f"""
select {_KEY}, policy_id, version, at from sla_action where done_at is null order by at, {_KEY} limit %(limit)s
for update skip locked
"""
_DONE = """
update sla_action a set done_at = timezone('utc', clock_timestamp()), outcome = r.outcome
from json_to_recordset(%(rows)s::json) as r(ticket_id bigint, target text, cycle int, round int, threshold text,
    outcome jsonb)
where (a.ticket_id, a.target, a.cycle, a.round, a.threshold) = (r.ticket_id, r.target, r.cycle, r.round, r.threshold)
"""
_REFERENCES = ("owner_id", "queue_id")


def act(connection: Connection, home: Home, loaded: Loaded) -> int:
    """Do something about some of them; how many."""
    found = connection.rows(_UNDONE, {"limit": _AT_ONCE})
    moment = now()
    events, outcomes = [], []
    for row in found:
        ticket, target, cycle, number, name, policy, version, at = row
        late = max((ms(moment) - ms(at)) // 1000, 0)
        wanted = wishes(loaded, policy, version, target, name)
        context = Context(SYSTEM, SOURCE, source_id=f"{loaded.names.get(policy, policy)}/{name}")
        changed, failed = _set(connection, home, {ticket: wanted}, context, moment)
        outcome = {"late_seconds": late if late >= LATE_SECONDS else 0, "changed": wanted if changed else {}, **failed}
        which = {"target": target, "cycle": cycle, "round": number, "threshold": name}
        outcomes.append({"ticket_id": ticket, **which, "outcome": outcome})
        detail = {**which, "policy": loaded.names.get(policy), "version": version, "at": text(ms(at)), **outcome}
        events.append(_event(ticket, moment, context, detail))
    if found:
        connection.run(_DONE, {"rows": dumps(outcomes).decode()})
        tell(connection, events)
    return len(found)


def _set(
    connection: Connection, home: Home, wanted: Mapping[int, Mapping[str, Any]], context: Context, moment: datetime
) -> tuple[int, dict[str, str]]:
    """How many it changed, and {"failed": why} when it cannot be done: keeping undoes itself to its own savepoint, and
    the others go on. What passes by itself (a database away) is raised, to be tried again."""
    try:
        errors = [error for one in wanted.values() for error in unfit(home, one)]
        ErrorList(errors or lost(connection, home.type(TICKET), wanted.values())).raise_if_any()
        values = {ticket: canonical(one, moment) for ticket, one in wanted.items() if one}
        return home.keep(connection, TICKET, values, context) if values else 0, {}
    except Unavailable:
        raise
    except (CrmError, ValueError, TypeError, LookupError, psycopg.DataError, psycopg.IntegrityError) as error:
        _log.warning("what a threshold sets cannot be set", threshold=context.source_id, error=str(error)[:500])
        return 0, {"failed": (error.message if isinstance(error, CrmError) else type(error).__name__)[:500]}


def wishes(loaded: Loaded, policy: int, version: int, target: str, name: str) -> dict[str, Any]:
    """What a threshold's actions set, by attribute; the last one counts."""
    found: dict[str, Any] = {}
    for one in _thresholds(loaded, policy, version):
        if one.target is Target(target) and one.name == name:
            for action in one.actions:
                found |= action["set"]
    return found


def canonical(wanted: Mapping[str, Any], moment: datetime) -> dict[str, Any]:
    """The same as values; a new owner was set now."""
    found = {name: int(value) if name in _REFERENCES and value is not None else value for name, value in wanted.items()}
    return {**found, "owner_assigned_at": moment} if "owner_id" in found else found


def _thresholds(loaded: Loaded, policy: int, version: int) -> Sequence[Threshold]:
    held = loaded.book.version(policy, version)
    return () if held is None else held.thresholds


def _event(ticket: int, moment: datetime, context: Context, detail: dict[str, Any]) -> Event:
    return Event(
        kind=SLA_REACHED,
        entity_type=TICKET,
        at=moment,
        entity_id=ticket,
        actor=context.actor.id,
        source=context.source,
        source_id=context.source_id,
        correlation=context.correlation,
        detail=detail,
    )
