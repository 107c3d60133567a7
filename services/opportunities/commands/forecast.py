"""Forecasts and waterfalls: deals as they stood at an instant, handed to the calculation; and what was submitted.

Everything here is told by effective time and needs the right to read deals. A forecast is made when it is asked for;
what reporting keeps (the metric `forecast`) answers the same of today without looking at deals.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from services.opportunities import tables
from services.opportunities.domain.forecast import LOST, NOTHING, WON, Deal, Scope, Total, forecast
from services.opportunities.domain.waterfall import Waterfall, waterfall
from services.opportunities.tables import Submission
from shared.kernel.clock import iso, now
from shared.kernel.context import Context
from shared.service import people
from shared.service.past import Past, Texts
from shared.service.permissions import require

if TYPE_CHECKING:
    from shared.service.runtime import Runtime

_LOOKED_AT = (
    "amount_in_home_currency",
    "forecast_amount",
    "closes_at",
    "forecast_category",
    "is_closed",
    "is_won",
    "pipeline",
    "stage",
    "owner_id",
    "team_id",
)


def deals_now(service: Runtime, ctx: Context, scope: Scope) -> dict[int, Deal]:
    """The deals that close in the period, as they stand."""
    return _deals(service, Past(service.engine).present(ctx, "deal", _LOOKED_AT, _closing(scope)))


def deals_at(
    service: Runtime, ctx: Context, scope: Scope, at: datetime, since: datetime | None = None
) -> dict[int, Deal]:
    """Deals as they stood at an instant: all that closed in the period then or at any time since, and some others.
    since: an earlier instant from which on it counts."""
    return _deals(service, Past(service.engine).states(ctx, "deal", at, _LOOKED_AT, _closing(scope), since))


def _closing(scope: Scope) -> Mapping[str, Any]:
    """Deals that close in the period; whose they are is seen to when they are summed."""
    last = datetime.combine(scope.ends, time(), UTC) - timedelta(milliseconds=1)
    first = datetime.combine(scope.begins, time(), UTC)
    return {"attribute": "closes_at", "operator": "BETWEEN", "value": iso(first), "high_value": iso(last)}


def forecast_of(
    service: Runtime, ctx: Context, scope: Scope, by: str, at: datetime | None
) -> dict[str, dict[str, Total]]:
    """{group: {category: total}} as of an instant, now by default."""
    deals = deals_now(service, ctx, scope) if at is None else deals_at(service, ctx, scope, at)
    return forecast(deals.values(), scope, by)


def waterfall_of(service: Runtime, ctx: Context, scope: Scope, since: datetime, until: datetime) -> Waterfall:
    """Why the pipeline of a period changed between two instants."""
    before, after = (deals_at(service, ctx, scope, at, since) for at in (since, until))
    return waterfall(before, after, scope)


def submit(service: Runtime, ctx: Context, scope: Scope, call: Decimal | None, note: str) -> Submission:
    """Note what the forecast says now, and what somebody stands for, as a submission of this moment."""
    _permit(service, ctx, "write")
    totals = forecast_of(service, ctx, scope, "", None).get("", {})
    with service.db.transaction() as connection:
        return tables.put(connection, scope, totals, call, note, ctx.actor.id)


def submitted(service: Runtime, ctx: Context, scope: Scope, at: datetime | None) -> list[Submission]:
    """What was last submitted for this period by then, by pipeline, owner and team."""
    _permit(service, ctx, "read")
    with service.db.connect() as connection:
        return tables.on(connection, scope, at or now())


def _permit(service: Runtime, ctx: Context, mode: str) -> None:
    require(ctx.actor, "objects", service.catalog.type("deal").defn, "write" if mode == "write" else "read")


def _deals(service: Runtime, found: Mapping[int, Texts]) -> dict[int, Deal]:
    """Deals of what was read. One that says no team of its own is its owner's main team's, as that is today."""
    whose = {int(owner) for one in found.values() if (owner := one["owner_id"]) and not one["team_id"]}
    with service.db.connect() as connection:
        teams = {ident: one.team for ident, one in people.owners(connection, whose).items()}
    deals = {}
    for ident, values in found.items():
        team = teams.get(int(values["owner_id"] or 0)) if not values["team_id"] else None
        deals[ident] = _deal(values if team is None else {**values, "team_id": str(team)})
    return deals


def _deal(values: Texts) -> Deal:
    closed, won = values["is_closed"] == "true", values["is_won"] == "true"
    return Deal(
        amount=_number(values, "amount_in_home_currency"),
        weighted=_number(values, "forecast_amount"),
        closes=_day(values),
        category=values["forecast_category"] or "PIPELINE",
        end=(WON if won else LOST) if closed else "",
        pipeline=values["pipeline"] or "",
        stage=values["stage"] or "",
        owner=values["owner_id"] or "",
        team=values["team_id"] or "",
    )


def _number(values: Mapping[str, str | None], name: str) -> Decimal:
    text = values[name]
    return NOTHING if text is None else Decimal(text)


def _day(values: Mapping[str, str | None]) -> date | None:
    text = values["closes_at"]
    return None if text is None else datetime.fromisoformat(text).date()
