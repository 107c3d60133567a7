"""The step by which a customer's word wakes a ticket, whichever door it comes by: e-mail, an entry, a batch of entries.

What waits for the customer waits for us from then on. What is closed is opened again, with a new cycle and clocks of
its own, as long as that may be: for the days that its pipeline says (`reopenDays`), else for `USUAL_DAYS`. After that
the word is refused: e-mail opens a ticket that follows the old one, other callers do so themselves. History that is
told (imports, effective dates, what was said before the ticket came to where it stands) wakes nothing.

One statement for a customer's word, none for any other write. Clocks hear the word first, then of the opening; the
ticket is held before its clocks are, as by every write.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from services.service_desk.pipelines import PIPELINES
from services.service_desk.promises.keeping import ENTRY, TICKET
from services.service_desk.rules import RULES
from services.service_desk.rules.entries import IMPORT
from services.service_desk.rules.status import CLOSED, REOPEN_DAYS, USUAL_DAYS
from shared.kernel.clock import now
from shared.kernel.context import Context
from shared.kernel.db import Connection
from shared.kernel.errors import Invalid
from shared.service.entities import DomainJudge
from shared.service.pipelines.visits import telling
from shared.service.sequels import bring_about, hold, shown
from shared.service.steps import LiveType, Step, Steps, Written

STAYS_CLOSED = "TICKET_CLOSED"
"""The code of the error for a word that comes too late."""
_WAITING = "waiting_on_customer"
_ASKED = ("status", "pipeline", "stage_entered_at", "closed_at")


class Reopening:
    """The step, around the one that moves clocks. then: every step of the service, for the ticket that is woken."""

    def __init__(self, type_of: Callable[[str], LiveType], keeping: Step, then: Callable[[], Steps]) -> None:
        self._type_of = type_of
        self._keeping = keeping
        self._then = then
        self._judge = DomainJudge(RULES, PIPELINES)

    def __call__(self, connection: Connection, live: LiveType, written: Sequence[Written], context: Context) -> None:
        """Move clocks, and wake the tickets that customers wrote about. Raises Invalid for one that stays closed."""
        woken = self._woken(connection, live, written, context) if live.name == ENTRY else {}
        self._keeping(connection, live, written, context)
        if woken:
            told = telling(PIPELINES, self._then())
            stages = {ident: {"stage": stage} for ident, (_, stage) in woken.items()}
            refused = bring_about(connection, self._type_of(TICKET), stages, context, self._judge, told)
            for ident, errors in refused.items():
                if woken[ident][0] == CLOSED:
                    raise _too_late(ident, errors[0].message)

    def _woken(
        self, connection: Connection, live: LiveType, written: Sequence[Written], context: Context
    ) -> dict[int, tuple[str, str]]:
        """{ticket: (its status, its new stage)}."""
        said = _customers(live, written, context)
        if not said:
            return {}
        ticket = self._type_of(TICKET)
        found: dict[int, tuple[str, str]] = {}
        for ident, values in shown(connection, ticket, sorted(said), _ASKED).items():
            since = values["stage_entered_at"]
            if values["status"] not in (CLOSED, _WAITING) or (since is not None and said[ident] < _instant(since)):
                continue
            if values["status"] == CLOSED:
                _in_time(ticket, ident, values)
            stage = open_stage(ticket, str(values["pipeline"]))
            if stage is not None:
                found[ident] = (values["status"], stage)
        if found:
            hold(connection, ticket, sorted(found))
        return found


def open_stage(ticket: LiveType, pipeline: str) -> str | None:
    """The stage of a pipeline that says that it waits for us; else its first open one."""
    options = ticket.attributes["stage"].options
    mine = [one for one in options if one.parent == pipeline and one.detail.get("isClosed") != "true"]
    ours = [one for one in mine if one.detail.get("statusCategory") == "waiting_on_us"]
    return next((one.value for one in (*ours, *mine)), None)


def reopen_days(ticket: LiveType, pipeline: str) -> float:
    """For how many days after it was closed a customer's word opens a ticket of a pipeline again."""
    details = (one.detail for one in ticket.attributes["pipeline"].options if one.value == pipeline)
    return float(next(details, {}).get(REOPEN_DAYS, USUAL_DAYS))


def _customers(live: LiveType, written: Sequence[Written], context: Context) -> dict[int, datetime]:
    """{ticket: when a customer last wrote something public}, of what is no history that is told."""
    if context.source == IMPORT or context.effective_at is not None:
        return {}
    keys = {name: live.attributes[name].key for name in ("author", "visibility", "ticket_id", "said_at")}
    found: dict[int, datetime] = {}
    for one in written:
        values = one.state.values
        said = values.get(keys["author"]), values.get(keys["visibility"])
        if one.kind == "created" and one.effective_at is None and said == ("CUSTOMER", "PUBLIC"):
            ident, at = int(values[keys["ticket_id"]]), _instant(values.get(keys["said_at"]) or one.state.created_at)
            found[ident] = max(found.get(ident, at), at)
    return found


def _in_time(ticket: LiveType, ident: int, values: Mapping[str, Any]) -> None:
    """Raises Invalid for a ticket that has been closed for too long."""
    closed, days = values["closed_at"], reopen_days(ticket, str(values["pipeline"]))
    if closed is not None and now() > _instant(closed) + timedelta(days=days):
        raise _too_late(ident, f"it was closed on {closed[:10]}, more than {days:g} days ago")


def _too_late(ticket: int, why: str) -> Invalid:
    message = f"ticket {ticket} stays closed: {why}. Create a ticket with parent_id {ticket}, and say it there."
    return Invalid.one("ticket_id", STAYS_CLOSED, message)


def _instant(shown_at: str) -> datetime:
    return datetime.fromisoformat(shown_at)
