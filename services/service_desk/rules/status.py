"""What a ticket's stage means for it: its status, when it was closed, how often it was opened again.

A stage says by its metadata what it means (`statusCategory`); one that ends the way is `closed`, whatever it says, and
no other one is. A pipeline may say for how many days after closing a ticket can be opened again (`reopenDays`); after
that, whoever has something new to say opens a ticket that names this one as its parent.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

from services.service_desk.rules.following import name_owners
from shared.service.ownership import stamp_owner
from shared.service.rules import PASS, Proposal, RuleSet, Verdict, complete, refuse

STATUS = "statusCategory"
REOPEN_DAYS = "reopenDays"
USUAL_DAYS = 14
"""For how many days a customer's word opens a closed ticket again where its pipeline does not say; agents may at any
time there."""
CLOSED, OPEN = "closed", "open"
MERGING = "MERGE_OBJECTS"
_MILLISECOND = timedelta(milliseconds=1)


def keep_status(proposal: Proposal) -> Verdict:
    """Status, closing and reopening follow from the stage. A write that says the same stage again makes them agree with
    what the stage says by now; nobody has opened the ticket again by that."""
    values: dict[str, object] = {}
    opened = proposal.before("opened_at")
    if proposal.creating:
        opened = values["opened_at"] = proposal.since
    if not (proposal.creating or "stage" in proposal.new):
        return PASS
    before, after = proposal.before("status"), status_of(proposal)
    if before == after and not proposal.changes("stage"):
        return PASS
    values["status"] = after
    if after == CLOSED and before != CLOSED:
        values["closed_at"] = proposal.since
        values["time_to_close"] = _spent(opened, proposal.since)
    elif before == CLOSED and after != CLOSED:
        if proposal.changes("stage"):
            count = proposal.before("reopened_count")
            values["reopened_count"] = (count if isinstance(count, Decimal) else Decimal(0)) + 1
        values["closed_at"] = values["time_to_close"] = None
    return complete(**values)


def reopen_in_time(proposal: Proposal) -> Verdict:
    """A ticket that has been closed for too long stays closed, where its pipeline says so."""
    closed, limit = proposal.before("closed_at"), proposal.detail("pipeline", proposal.after("pipeline"))
    if proposal.before("status") != CLOSED or proposal.after("status") == CLOSED or REOPEN_DAYS not in limit:
        return PASS
    if not proposal.changes("stage"):  # its stage says something else by now
        return PASS
    days = limit[REOPEN_DAYS]
    if not isinstance(closed, datetime) or proposal.since <= closed + timedelta(days=float(days)):
        return PASS
    if proposal.context.source == MERGING:
        return PASS
    return refuse(
        "stage",
        "INVALID_OPTION",
        f"The ticket was closed on {closed:%Y-%m-%d}, more than {days} days ago, and stays closed. "
        "Create a ticket with this one as parent_id instead.",
    )


def be_no_own_parent(proposal: Proposal) -> Verdict:
    """A ticket is not a part of itself; one that was merged with its parent is a part of nothing."""
    parent = proposal.new.get("parent_id")
    if parent is None or parent != proposal.before("id"):
        return PASS
    if proposal.context.source == MERGING:
        return complete(parent_id=None)
    return refuse("parent_id", "INVALID_OPTION", "A ticket is not a part of itself: name another ticket, or none.")


def status_of(proposal: Proposal) -> str:
    """What the stage a ticket will stand in means."""
    told = proposal.detail("stage", proposal.after("stage"))
    if told.get("isClosed") == "true":
        return CLOSED
    meant = told.get(STATUS, OPEN)
    return OPEN if meant == CLOSED else meant


def _spent(since: object, until: datetime) -> Decimal | None:
    return Decimal((until - since) // _MILLISECOND) if isinstance(since, datetime) else None


TICKET = RuleSet(check=(keep_status, reopen_in_time, stamp_owner, be_no_own_parent, name_owners))
