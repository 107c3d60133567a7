"""What a line item comes to follows from what is typed of it; nobody types a sum."""

from __future__ import annotations

from dataclasses import asdict
from decimal import Decimal

from services.opportunities.domain.lines import Line, months, worth
from services.opportunities.domain.money import TOO_LONG, fits, unit
from services.opportunities.rules.amounts import CALCULATED, DEFAULT_HOME
from shared.service.rules import PASS, Proposal, RuleSet, Verdict, complete, refuse

_NEEDED = frozenset(
    "quantity price discount discount_percentage tax_rate billing_frequency billing_period currency".split()
)
_TOLD_NOBODY = frozenset({CALCULATED, "MERGE_OBJECTS"})
_BROUGHT = _TOLD_NOBODY | {"IMPORT", "SYSTEM"}


def keep_worth(proposal: Proposal) -> Verdict:
    """Amount, discount, tax and what recurs."""
    if not (proposal.creating or proposal.new.keys() & _NEEDED):
        return PASS
    if proposal.after("discount") and proposal.after("discount_percentage"):
        message = "A line has a discount per unit or one in percent, not both: clear the other one"
        return refuse("discount", "INVALID_DISCOUNT", message)
    percentage = _number(proposal, "discount_percentage")
    if percentage is not None and not 0 <= percentage <= 100:
        return refuse("discount_percentage", "INVALID_INTEGER", f"A percentage is from 0 to 100, not {percentage}")
    try:
        term = _term(proposal)
    except ValueError as problem:
        return refuse("billing_period", "INVALID_PERIOD", f"billing_period {problem}")
    values = _worth(proposal, percentage, term)
    beyond = [name for name, one in values.items() if one is not None and not fits(one)]
    if not beyond:
        return _sensible(proposal) or complete(**values)
    if proposal.context.source in _TOLD_NOBODY:
        return complete(**values | dict.fromkeys(beyond))
    named = next((name for name in ("price", "quantity", "tax_rate", "discount") if name in proposal.new), "price")
    return refuse(named, "INVALID_INTEGER", f"{beyond[0]} {TOO_LONG}: write smaller numbers")


def _sensible(proposal: Proposal) -> Verdict | None:
    """What is wrong with a price that somebody types here; files and other systems bring what they have."""
    if proposal.context.door == "dialect" or proposal.context.source in _BROUGHT:
        return None
    rate, price, discount = (_number(proposal, name) for name in ("tax_rate", "price", "discount"))
    if rate is not None and rate < 0:
        return refuse("tax_rate", "INVALID_INTEGER", f"A tax rate is 0 or more, not {rate}")
    if discount is not None and price is not None and 0 <= price < discount:
        message = f"A discount per unit is at most the price, {price}, not {discount}"
        return refuse("discount", "INVALID_DISCOUNT", message)
    return None


def _worth(proposal: Proposal, percentage: Decimal | None, term: Decimal | None) -> dict[str, Decimal | None]:
    price, frequency, currency = (proposal.after(name) for name in ("price", "billing_frequency", "currency"))
    if not isinstance(price, Decimal):
        return dict.fromkeys(asdict(worth(Line(), Decimal("0.01"))))
    line = Line(
        _number(proposal, "quantity") or Decimal(0 if proposal.after("quantity") is not None else 1),
        price,
        _number(proposal, "discount"),
        percentage,
        _number(proposal, "tax_rate"),
        frequency if isinstance(frequency, str) else None,
        term,
    )
    return asdict(worth(line, unit(currency if isinstance(currency, str) else DEFAULT_HOME)))


def _number(proposal: Proposal, name: str) -> Decimal | None:
    found = proposal.after(name)
    return found if isinstance(found, Decimal) else None


def _term(proposal: Proposal) -> Decimal | None:
    period = proposal.after("billing_period")
    return months(period) if isinstance(period, str) else None


LINE_ITEM = RuleSet(check=(keep_worth,))
