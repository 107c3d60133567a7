"""What may be won in a period: by category, weighted, by whatever one looks at. Sums of deals as they stood once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from services.opportunities.domain.money import exact

NOTHING = Decimal(0)
WON, LOST = "won", "lost"
CATEGORIES = ("PIPELINE", "BEST_CASE", "COMMIT", "CLOSED", "OMIT")


@dataclass(frozen=True, slots=True)
class Deal:
    """What forecasts look at of a deal. Amounts are in home currency. end: won, lost, or "" while it is open."""

    amount: Decimal = NOTHING
    weighted: Decimal = NOTHING
    closes: date | None = None
    category: str = "PIPELINE"
    end: str = ""
    pipeline: str = ""
    stage: str = ""
    owner: str = ""
    team: str = ""


@dataclass(frozen=True, slots=True)
class Scope:
    """Which deals are meant: those that close in a period (its first day, and the first after it), of one pipeline,
    owner or team where given."""

    begins: date
    ends: date
    pipeline: str = ""
    owner: str = ""
    team: str = ""

    def period(self, deal: Deal) -> bool:
        """Whether it closes in the period."""
        return deal.closes is not None and self.begins <= deal.closes < self.ends

    def whose(self, deal: Deal) -> bool:
        """Whether it is one of theirs."""
        wanted = ((self.pipeline, deal.pipeline), (self.owner, deal.owner), (self.team, deal.team))
        return all(one in ("", has) for one, has in wanted)


@dataclass(frozen=True, slots=True)
class Total:
    """How many deals, what they are worth, and that weighted by how probable they are."""

    count: int = 0
    amount: Decimal = NOTHING
    weighted: Decimal = NOTHING

    def plus(self, deal: Deal) -> Total:
        """With one more."""
        return Total(self.count + 1, self.amount + deal.amount, self.weighted + deal.weighted)


GROUPS: dict[str, Callable[[Deal], str]] = {
    "owner": lambda deal: deal.owner,
    "team": lambda deal: deal.team,
    "pipeline": lambda deal: deal.pipeline,
    "stage": lambda deal: deal.stage,
    "month": lambda deal: "" if deal.closes is None else deal.closes.strftime("%Y-%m"),
}


@exact
def forecast(deals: Iterable[Deal], scope: Scope, by: str = "") -> dict[str, dict[str, Total]]:
    """{group: {category: total}}; every deal of the scope is in exactly one. Without `by` there is one group, ""."""
    group = GROUPS.get(by, lambda _deal: "")
    found: dict[str, dict[str, Total]] = {}
    for deal in deals:
        if scope.period(deal) and scope.whose(deal):
            categories = found.setdefault(group(deal), {})
            categories[deal.category] = categories.get(deal.category, Total()).plus(deal)
    return found
