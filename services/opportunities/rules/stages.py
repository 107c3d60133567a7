"""What follows from the stage a deal stands in: its probability, whether and how it ended, and what is to be said of
that. Where one may go, what a stage demands and how long one stood where is the kit's (`shared.service.pipelines`).
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from services.opportunities.domain.closing import CERTAIN, Standing, category, days_between, in_force, lacking
from services.opportunities.domain.closing import CLOSED as OVER
from shared.kernel.errors import FieldError
from shared.service.imports.layers import UNDO_SUFFIX
from shared.service.pipelines.declare import CLOSED
from shared.service.pipelines.steering import weighed
from shared.service.rules import PASS, Proposal, Verdict, complete, refuse

MERGED = "MERGE_OBJECTS"
_BROUGHT = frozenset({MERGED, "IMPORT", "SYSTEM", "CALCULATED"})
"""Writes that tell of what was decided elsewhere: nobody is there to be refused."""
FORECAST_CATEGORY = "forecastCategory"
DEMAND_REASON = "requireLostReason"
_BY_STAGE = frozenset({"stage", "pipeline"})
_UNSAID = {
    "reason": FieldError("lost_reason", "REQUIRED_FIELD", "This pipeline asks why a deal was lost: give a reason"),
    "note": FieldError("lost_note", "REQUIRED_FIELD", 'With the reason "other", this pipeline asks for a note'),
}


def standing(proposal: Proposal, stage: object) -> Standing:
    """What a stage says of the deals in it."""
    told = proposal.detail("stage", stage)
    if "probability" not in told:
        return Standing()
    return Standing(Decimal(told["probability"]), told.get(CLOSED) == "true", told.get(FORECAST_CATEGORY, "PIPELINE"))


def keep_probability(proposal: Proposal) -> Verdict:
    """The stage's probability and the one by hand, both kept, and the one in force; likewise the forecast category."""
    by_hand = proposal.after("forecast_probability")
    if isinstance(by_hand, Decimal) and not 0 <= by_hand <= 1:
        return refuse("forecast_probability", "INVALID_INTEGER", f"A probability is from 0 to 1, not {by_hand}")
    if not (_stands(proposal) or proposal.new.keys() & {"forecast_probability", "manual_forecast_category"}):
        return PASS
    here = standing(proposal, proposal.after("stage"))
    said = proposal.after("manual_forecast_category")
    if said == OVER and not here.closed and proposal.changes("manual_forecast_category"):
        message = f"{OVER} follows from winning a deal; this one is open: say another category"
        return refuse("manual_forecast_category", "INVALID_OPTION", message)
    return complete(
        stage_probability=here.probability,
        probability=in_force(here, by_hand if isinstance(by_hand, Decimal) else None),
        forecast_category=category(here, said if isinstance(said, str) else None),
    )


def keep_end(proposal: Proposal) -> Verdict:
    """Won and lost set the facts of the end, opening again clears them; what was once said of it is in the history.

    A write that says the same stage again makes them agree with what the stage says by now: the deal ends, or is open
    again, with this write, and has not moved. What is over keeps the day of its end."""
    if not _loses_its_day(proposal):
        return _end(proposal)
    if proposal.context.door == "native" and proposal.context.source not in _BROUGHT:
        message = "A closed deal keeps its close date: write another day, or open the deal again first"
        return refuse("closes_at", "REQUIRED_FIELD", message)
    kept = {"closes_at": proposal.before("closes_at")}
    return Verdict({**kept, **_end(proposal.with_values({**proposal.new, **kept})).values})


def _loses_its_day(proposal: Proposal) -> bool:
    """Whether the close date of a deal is cleared that was over before, and ends no other way by this write."""
    here, there = standing(proposal, proposal.after("stage")), _facts(proposal)
    stays = here.closed and there.closed and here.won == there.won
    return stays and proposal.changes("closes_at") and proposal.after("closes_at") is None


def _end(proposal: Proposal) -> Verdict:
    here, there = standing(proposal, proposal.after("stage")), _facts(proposal)
    moves, turns = _moves(proposal), _stands(proposal) and (here.closed, here.won) != (there.closed, there.won)
    if not (moves or turns):
        return _days(proposal) if here.closed and proposal.changes("closes_at") else PASS
    values: dict[str, object] = {"is_closed": here.closed, "is_won": here.won}
    if proposal.creating:
        values["opened_at"] = proposal.since
    if here.closed:
        at = _ended_at(proposal, moves)
        values["closed_at"] = (_brought(proposal) if proposal.context.source == MERGED else None) or at
        if _closes_now(proposal, here, there):
            values["closes_at"] = at
    else:
        values |= {"closed_at": None, "days_to_close": None}
    unsaid = (["lost_reason", "lost_note"] if there.lost and not here.lost else []) + (
        ["won_reason"] if there.won and not here.won else []
    )
    values |= {name: None for name in unsaid if name not in proposal.new}
    if here.closed:
        values |= _days(proposal, values.get("closes_at")).values
    return Verdict(values)


def _brought(proposal: Proposal) -> object:
    """When a deal ended that comes to its end by a merge: when the one did whose stage it takes."""
    return proposal.after("closed_at") or proposal.after("closes_at")


def _facts(proposal: Proposal) -> Standing:
    """How it stood, by its own facts: its stage may have said something else then."""
    closed, won = proposal.before("is_closed") is True, proposal.before("is_won") is True
    return Standing(CERTAIN if won else None, closed)


def _ended_at(proposal: Proposal, moves: bool) -> object:
    """When it came to its end: with the move, or with what its stage says by now, but never before it was there."""
    entered = proposal.after("stage_entered_at")
    if moves or not isinstance(entered, datetime):
        return entered or proposal.since
    return max(entered, proposal.since)


def _closes_now(proposal: Proposal, here: Standing, there: Standing) -> bool:
    """Whether it closes on the day of this write: where it comes to its end by it, and the write says no other day.
    What a merge or an undone import brings ended when it did."""
    if proposal.after("closes_at") is None:
        return True
    ends = not there.closed or there.won != here.won
    brought_back = (proposal.context.source_id or "").endswith(UNDO_SUFFIX) or proposal.context.source == MERGED
    return ends and "closes_at" not in proposal.new and not brought_back


def demand_reason(proposal: Proposal) -> Verdict:
    """Where the pipeline demands it, a lost deal says why it was lost, and more than `other`."""
    if not (_moves(proposal) or proposal.new.keys() & {"lost_reason", "lost_note"}):
        return PASS
    pipeline = proposal.detail("pipeline", proposal.after("pipeline"))
    if pipeline.get(DEMAND_REASON) != "true" or not standing(proposal, proposal.after("stage")).lost:
        return PASS
    reason, note = proposal.after("lost_reason"), proposal.after("lost_note")
    missing = lacking(reason if isinstance(reason, str) else None, note if isinstance(note, str) else None)
    if missing is None:
        return PASS
    return Verdict(errors=tuple(weighed(proposal.context, pipeline, [_UNSAID[missing]])))


def _moves(proposal: Proposal) -> bool:
    """Whether this write sets the facts of the stage: any new deal, and any that goes elsewhere."""
    return proposal.creating or any(proposal.changes(name) for name in _BY_STAGE)


def _stands(proposal: Proposal) -> bool:
    """Whether this write says where the deal stands, be it where it stood."""
    return _moves(proposal) or "stage" in proposal.new


def _days(proposal: Proposal, ended: object = None) -> Verdict:
    ended = ended or proposal.after("closes_at")
    begun = proposal.after("opened_at") or proposal.since
    if not isinstance(ended, datetime) or not isinstance(begun, datetime):
        return PASS
    return complete(days_to_close=Decimal(days_between(begun, ended)))
