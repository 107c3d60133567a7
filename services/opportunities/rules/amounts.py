"""What a deal is worth: in its own and in the home currency, at the rate of the day, weighted by its probability.

The rates are in the catalog, as what a currency means (see `commands.rates`), so that a write is guarded
by the very rates that it used. An open deal counts at the rate of the day on which its amount was written, a closed
one at that of its close date. Without a rate the amount in home currency is unknown, never taken for the same number.
Where rates are put in later, the system gives a deal the rate of its day (see `commands.revaluing`): the rest follows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache

from services.opportunities.domain.money import ONE, TOO_LONG, converted, fits, rate_at, share
from shared.service.rules import PASS, Proposal, Verdict, complete, refuse

HOME = "home"
DEFAULT_HOME = "USD"
CALCULATED = "CALCULATED"
LINE_ITEMS = "line_items"
TYPED = "typed"
_ROLLED_UP = ("amount", "mrr", "arr", "tcv", "acv")
VALUED_BY = frozenset({"amount", "currency", "is_closed", "is_won"})
"""What a deal is valued anew by, whoever writes it."""
RATE = "exchange_rate"
_TOLD_NOBODY = frozenset({CALCULATED, "MERGE_OBJECTS"})
"""Writes that no caller could correct: what is too large for an attribute is unknown there."""


def home_among(told: Iterable[Mapping[str, str]]) -> str:
    """The home currency, by what all currencies mean."""
    return next((one[HOME] for one in told if HOME in one), DEFAULT_HOME)


def keep_one_source(proposal: Proposal) -> Verdict:
    """An amount is typed or the sum of the line items: who types one where it is the sum is told so."""
    if proposal.after("amount_source") != LINE_ITEMS or proposal.context.source == CALCULATED:
        return PASS
    typed = [name for name in _ROLLED_UP if proposal.changes(name)]
    if not typed or proposal.context.source == "MERGE_OBJECTS":
        return PASS
    message = f'{typed[0]} is the sum of the line items: change those, or write amount_source "typed" as well'
    return refuse(typed[0], "READ_ONLY_VALUE", message)


def keep_amounts(proposal: Proposal) -> Verdict:
    """The amount in home currency, and what follows from it."""
    valued = _revalued(proposal)
    if not (valued or proposal.creating or proposal.changes("probability") or proposal.changes("stage_probability")):
        return PASS
    values: dict[str, object] = {}
    if valued:
        home, rate = _rate(proposal)
        amount = proposal.after("amount")
        worth = converted(amount, rate, home) if isinstance(amount, Decimal) and rate is not None else None
        if worth is not None and not fits(worth):
            if proposal.changes("amount") and proposal.context.source not in _TOLD_NOBODY:
                return refuse("amount", "INVALID_INTEGER", f"amount_in_home_currency {TOO_LONG}: write a smaller one")
            worth = None
        values["exchange_rate"] = None if worth is None else rate
        values["amount_in_home_currency"] = worth
    known = values.get("amount_in_home_currency", proposal.after("amount_in_home_currency"))
    home = _home(_told(proposal))
    values["forecast_amount"] = _share(known, proposal.after("probability"), home)
    values["projected_amount"] = _share(known, proposal.after("stage_probability"), home)
    values["closed_amount"] = known if proposal.after("is_won") is True else None
    return complete(**values)


def _revalued(proposal: Proposal) -> bool:
    if _given(proposal) or any(proposal.changes(name) for name in VALUED_BY):
        return True
    return proposal.after("is_closed") is True and proposal.changes("closes_at")


def _given(proposal: Proposal) -> bool:
    """Whether the system says which rate is that of the deal's day."""
    return RATE in proposal.new and proposal.context.source == CALCULATED


def _told(proposal: Proposal) -> Mapping[str, str]:
    return proposal.detail("currency", proposal.after("currency"))


def _home(told: Mapping[str, str]) -> str:
    return told.get(HOME, DEFAULT_HOME)


def _rate(proposal: Proposal) -> tuple[str, Decimal | None]:
    """The home currency and what one unit of the deal's is worth in it."""
    told, currency = _told(proposal), proposal.after("currency")
    home = _home(told)
    if _given(proposal):
        given = proposal.new[RATE]
        return home, given if isinstance(given, Decimal) else None
    ended = proposal.after("closes_at") if proposal.after("is_closed") is True else None
    return home, rate_of(told, currency, (ended if isinstance(ended, datetime) else proposal.since).date())


def rate_of(told: Mapping[str, str], currency: object, day: date) -> Decimal | None:
    """What one unit of a currency was worth on a day, None where nobody has said. told: what the currency means."""
    if currency is None or currency == _home(told):
        return ONE
    return rate_at(_rates(tuple(told.items())), day)


@lru_cache(maxsize=256)
def _rates(told: tuple[tuple[str, str], ...]) -> dict[date, Decimal]:
    return {date.fromisoformat(day): Decimal(rate) for day, rate in told if day[:1].isdigit()}


def _share(worth: object, probability: object, home: str) -> Decimal | None:
    if not isinstance(worth, Decimal) or not isinstance(probability, Decimal):
        return None
    found = share(worth, probability, home)
    return found if fits(found) else None
