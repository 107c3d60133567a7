"""What reporting counts of deals from the start: the pipeline, what is won and how fast, where it stands still. Data.

Amounts are in home currency, at the rates under which they were written. Rotting deals are told by the day on which
they will have been in their stage for too long: no metric changes because time passes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from services.opportunities.pipelines import SALES

_COUNT = {"kind": "count"}
_OPEN = {"attribute": "is_closed", "operator": "EQ", "value": False}
_WON = {"attribute": "is_won", "operator": "EQ", "value": True}
_CLOSED = {"attribute": "is_closed", "operator": "EQ", "value": True}
_AMOUNT = "amount_in_home_currency"
_BY = ("pipeline", "owner_id", "team_id")


def _sum(attribute: str) -> dict[str, str]:
    return {"kind": "sum", "attribute": attribute}


def _metric(name: str, label: str, measure: Any, time: str, *dimensions: Any, **more: Any) -> dict[str, Any]:
    when = {"attribute": time, "time_zone": "UTC"}
    return {"name": name, "label": label, "measure": measure, "dimensions": list(dimensions), "time": when, **more}


def _ratio(name: str, label: str, numerator: str, denominator: str) -> dict[str, Any]:
    measure = {"kind": "ratio", "numerator": numerator, "denominator": denominator}
    return {"name": name, "label": label, "measure": measure, "unit": "percent"}


def _stages() -> Iterator[dict[str, Any]]:
    """How many came to each stage of the pipeline there is from the start, how many of those went on, how long one
    stood there."""
    earlier = None
    for stage in SALES.stages:
        reached = f"reached_{stage.id}"
        came = {"attribute": f"entered_{stage.id}", "operator": "HAS_PROPERTY"}
        yield _metric(
            reached, f'Came to "{stage.label}"', _COUNT, f"entered_{stage.id}", "owner_id", "lead_source", filter=came
        )
        if earlier is not None:
            yield _ratio(f"conversion_to_{stage.id}", f'Went on to "{stage.label}"', reached, f"reached_{earlier}")
        if stage.metadata["probability"] not in ("0.0", "1.0"):
            average = {"kind": "average", "attribute": f"total_time_in_{stage.id}"}
            label = f'Time in "{stage.label}", in milliseconds'
            yield _metric(f"time_in_{stage.id}", label, average, f"left_{stage.id}", "owner_id", "type")
            earlier = stage.id


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
    _metric("forecast", "Forecast by category", _sum(_AMOUNT), "closes_at", "forecast_category", *_BY),
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
