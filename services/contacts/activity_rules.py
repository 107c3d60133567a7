"""What must hold and what follows when an activity is written.

A task is not started and a to-do unless it says otherwise. Completing it notes when, unless the same write says so
itself; reopening it forgets that. A meeting begins when it takes place unless it says otherwise, and moves with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from services.contacts.domain.activities import COMPLETED, OPEN_STATUSES, ends_before_it_begins
from shared.service.ownership import stamp_owner
from shared.service.rules import PASS, Proposal, RuleSet, Verdict, complete, refuse


def begin_task(proposal: Proposal) -> Verdict:
    """A new task is a to-do that nobody has started."""
    given = {"status": OPEN_STATUSES[0], "type": "TODO"}
    missing = {name: value for name, value in given.items() if proposal.after(name) is None}
    return complete(**missing) if proposal.creating and missing else PASS


def stamp_completion(proposal: Proposal) -> Verdict:
    """Note when a task was completed; an open one has no such moment."""
    if proposal.after("status") != COMPLETED:
        return complete(completed_at=None) if proposal.after("completed_at") is not None else PASS
    if proposal.after("completed_at") is not None:
        return PASS
    return complete(completed_at=proposal.context.effective_at or proposal.at)


def begin_meeting(proposal: Proposal) -> Verdict:
    """A meeting begins when it takes place, and either may be written; its end moves along unless that is written."""
    if proposal.changes("occurs_at") and not proposal.changes("starts_at"):
        begins = _instant(proposal.after("occurs_at"))
    elif proposal.changes("starts_at"):
        begins = _instant(proposal.after("starts_at"))
    else:
        return PASS
    if begins is None:
        return PASS
    began, ended = _instant(proposal.before("starts_at")), _instant(proposal.before("ends_at"))
    values: dict[str, object] = {"starts_at": begins}
    if not proposal.changes("occurs_at"):
        values["occurs_at"] = begins
    if began and ended and "ends_at" not in proposal.new:
        try:
            values["ends_at"] = ended + (begins - began)
        except OverflowError:
            name = "occurs_at" if proposal.changes("occurs_at") else "starts_at"
            return refuse(
                name, "INVALID_DATE", "The meeting would end after the year 9999: write when it ends as well."
            )
    return complete(**values)


def end_after_begin(proposal: Proposal) -> Verdict:
    """A meeting that would end before it begins is refused."""
    starts_at, ends_at = proposal.after("starts_at"), proposal.after("ends_at")
    if not (proposal.changes("starts_at") or proposal.changes("ends_at")):
        return PASS
    if not ends_before_it_begins(_instant(starts_at), _instant(ends_at)):
        return PASS
    message = f"The meeting would end ({ends_at}) before it begins ({starts_at}): move both ends of it."
    return refuse("ends_at", "INVALID_DATE", message)


def last_some_time(proposal: Proposal) -> Verdict:
    """A call's duration is not negative."""
    duration = proposal.new.get("duration")
    if not isinstance(duration, Decimal) or duration >= 0:
        return PASS
    return refuse("duration", "INVALID_LONG", "A call lasts zero milliseconds or more.")


def _instant(value: object) -> datetime | None:
    return value if isinstance(value, datetime) else None


_PLAIN = RuleSet(check=(stamp_owner,))
RULES: Mapping[str, RuleSet] = {
    "note": _PLAIN,
    "email": _PLAIN,
    "communication": _PLAIN,
    "postal_mail": _PLAIN,
    "task": RuleSet(check=(begin_task, stamp_completion, stamp_owner)),
    "call": RuleSet(check=(last_some_time, stamp_owner)),
    "meeting": RuleSet(check=(begin_meeting, end_after_begin, stamp_owner)),
}
