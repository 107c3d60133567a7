"""What reporting counts of deals from the start: the pipeline, what is won and how fast, where it stands still. Data.

Amounts are in home currency, at the rates under which they were written. Rotting deals are told by the day on which
they will have been in their stage for too long: no metric changes because time passes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from services.opportunities.pipelines import SALES
from shared.service.pipelines import StageDraft

_COUNT = {"kind": "count"}
_OPEN = {"attribute": "is_closed", "operator": "EQ", "value": False}
_WON = {"attribute": "is_won", "operator": "EQ", "value": True}
_CLOSED = {"attribute": "is_closed", "operator": "EQ", "value": True}
_AMOUNT = "amount_in_home_currency"
_BY = ("pipeline", "owner_id", "team_id")
_OWN_TEAM = (
    "By team_id a deal counts for the team that it names itself, and stands under none where it names none. The "
    "forecast of deals by team (`crm forecast --by team`) counts such a deal for the main team of its owner."
)


def _sum(attribute: str) -> dict[str, str]:
    return {"kind": "sum", "attribute": attribute}


def _metric(name: str, label: str, measure: Any, time: str, *dimensions: Any, **more: Any) -> dict[str, Any]:
    when = {"attribute": time, "time_zone": "UTC"}
    return {"name": name, "label": label, "measure": measure, "dimensions": list(dimensions), "time": when, **more}


def _ratio(name: str, label: str, numerator: str, denominator: str, **more: Any) -> dict[str, Any]:
    measure = {"kind": "ratio", "numerator": numerator, "denominator": denominator}
    return {"name": name, "label": label, "measure": measure, "unit": "percent", **more}


def _stages() -> Iterator[dict[str, Any]]:
    """How many came to each stage of the pipeline there is from the start, which share of those came to the next one
    as well, how long one stood there."""
    earlier = None
    for stage in SALES.stages:
        entered, by = f"entered_{stage.id}", ("owner_id", "lead_source")
        label = f'Came to "{stage.label}"'
        yield _metric(f"reached_{stage.id}", label, _COUNT, entered, *by, filter=_came(stage))
        if earlier is not None:
            yield from _conversion(earlier, stage, by)
        if stage.metadata["probability"] not in ("0.0", "1.0"):
            average = {"kind": "average", "attribute": f"total_time_in_{stage.id}"}
            label = f'Time in "{stage.label}", in milliseconds'
            yield _metric(f"time_in_{stage.id}", label, average, f"left_{stage.id}", "owner_id", "type")
            earlier = stage


def _conversion(one: StageDraft, following: StageDraft, by: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Which share of the deals that came to one stage came to the following as well. Both numbers are of the first
    stage's deals, by the day on which they came to that: what left it out is in neither, and no share is above 1."""
    both = f'Came to "{one.label}" and to "{following.label}"'
    told = (
        f'Of the deals that came to "{one.label}", those that came to "{following.label}" as well, before or after; '
        f'by the day on which they last came to "{one.label}". Deals that were never in "{one.label}" are not counted.'
    )
    name, filtered = f"reached_{one.id}_and_{following.id}", {"and": [_came(one), _came(following)]}
    yield _metric(name, both, _COUNT, f"entered_{one.id}", *by, filter=filtered, description=told)
    label = f'Share of "{one.label}" that came to "{following.label}"'
    yield _ratio(f"conversion_to_{following.id}", label, name, f"reached_{one.id}", description=told)


def _came(stage: StageDraft) -> dict[str, Any]:
    return {"attribute": f"entered_{stage.id}", "operator": "HAS_PROPERTY"}


DEAL = (
    _metric("open_deals", "Open deals", _COUNT, "closes_at", "stage", *_BY, filter=_OPEN),
    _metric("pipeline_amount", "Open pipeline", _sum(_AMOUNT), "closes_at", "stage", *_BY, filter=_OPEN),
    _metric(
        "pipeline_weighted",
        "Open pipeline, weighted",
        _sum("forecast_amount"),
        "closes_at",
        "stage",
        *_BY,
        filter=_OPEN,
    ),
    _metric(
        "forecast",
        "Forecast by category (by team: the deal's own)",
        _sum(_AMOUNT),
        "closes_at",
        "forecast_category",
        *_BY,
        description=_OWN_TEAM,
    ),
    _metric("new_deals", "New deals", _COUNT, "opened_at", "lead_source", "type", *_BY),
    _metric("won_deals", "Deals won", _COUNT, "closes_at", "lead_source", "type", *_BY, filter=_WON),
    _metric("won_amount", "Amount won", _sum("closed_amount"), "closes_at", "lead_source", "type", *_BY, filter=_WON),
    _metric("closed_deals", "Deals won or lost", _COUNT, "closes_at", "lead_source", "type", *_BY, filter=_CLOSED),
    _metric(
        "lost_deals",
        "Deals lost",
        _COUNT,
        "closes_at",
        "lost_reason",
        *_BY,
        filter={"and": [_CLOSED, {"attribute": "is_won", "operator": "EQ", "value": False}]},
    ),
    _ratio("win_rate", "Win rate", "won_deals", "closed_deals"),
    _metric(
        "sales_cycle",
        "Sales cycle of deals won",
        {"kind": "average", "attribute": "days_to_close"},
        "closes_at",
        "type",
        *_BY,
        filter=_WON,
        unit="days",
    ),
    _metric(
        "rotting_deals",
        "Deals by the day on which they rot",
        _COUNT,
        "rotting_at",
        "stage",
        *_BY,
        filter={"and": [_OPEN, {"attribute": "rotting_at", "operator": "HAS_PROPERTY"}]},
    ),
    *_stages(),
)
METRICS = {"deal": DEAL}
