"""Exchange rates: which currency is home, and what one unit of the others is worth in it from a day on.

They are kept as what a currency means: in the catalog, as details of the options of the deal's currency attribute. So
they travel to whoever copies the catalog, and a deal is never written with rates that are not in force. Deals that are
there follow soon after, see `revaluing`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from services.opportunities.rules.amounts import HOME, home_among
from shared.kernel.context import Context
from shared.kernel.errors import Conflict, ErrorList, FieldError
from shared.kernel.json import decimal_text

if TYPE_CHECKING:
    from shared.service.runtime import Runtime

MOST_RATES = 5000
"""Of one currency."""


@dataclass(frozen=True, slots=True)
class Rate:
    """What one unit of a currency is worth in the home currency from a day on. rate None: takes it away."""

    currency: str
    since: date
    rate: Decimal | None


@dataclass(frozen=True, slots=True)
class Rates:
    """The home currency and all rates, by currency and day."""

    home: str
    every: tuple[Rate, ...]


def read_rates(service: Runtime, ctx: Context) -> Rates:
    """The rates in force."""
    return _known(service.definitions.attribute(ctx, "deal", "currency").options)


def _known(options: Sequence[Any]) -> Rates:
    home = home_among(one.detail for one in options)
    found = [Rate(one.value, day, rate) for one in options for day, rate in sorted(_rates(one.detail).items())]
    return Rates(home, tuple(sorted(found, key=lambda one: (one.currency, one.since))))


def put_rates(
    service: Runtime,
    ctx: Context,
    home: str | None,
    rates: Sequence[Rate | None],
    wrong: Sequence[FieldError] = (),
) -> Rates:
    """Add rates, and take away those without one. Another home currency begins with no rates: all that are known are
    worth something else. rates: None for what could not be read, which `wrong` says. Raises Invalid with everything
    wrong, Conflict when rates would be lost unsaid."""
    service.definitions.change_attribute(
        ctx, "deal", "currency", lambda one: {"options": _with_rates(one.options, home, rates, wrong)}
    )
    return read_rates(service, ctx)


def _with_rates(
    options: Sequence[Any], home: str | None, told: Sequence[Rate | None], wrong: Sequence[FieldError]
) -> tuple[Any, ...]:
    before = _known(options)
    wanted = home or before.home
    _check(wanted, told, {one.value for one in options}, wrong)
    rates = [one for one in told if one is not None]
    moved = wanted != before.home
    if moved and before.every and not rates:
        message = f"{len(before.every)} rates are in {before.home}: give those of {wanted} with the change"
        raise Conflict(message)
    by_currency: dict[str, dict[str, str]] = {}
    for one in options:
        kept = {} if moved else {day.isoformat(): str(rate) for day, rate in _rates(one.detail).items()}
        by_currency[one.value] = {HOME: wanted, **kept}
    for rate in rates:
        if rate.rate is None:
            by_currency[rate.currency].pop(rate.since.isoformat(), None)
        else:
            by_currency[rate.currency][rate.since.isoformat()] = decimal_text(rate.rate)
    _check_number(by_currency)
    return tuple(replace(one, detail=by_currency[one.value]) for one in options)


def _rates(detail: Mapping[str, str]) -> dict[date, Decimal]:
    return {date.fromisoformat(day): Decimal(rate) for day, rate in detail.items() if day != HOME}


def _check(home: str, rates: Sequence[Rate | None], known: set[str], wrong: Sequence[FieldError]) -> None:
    errors, said = ErrorList(list(wrong)), dict[tuple[str, date], int]()
    if home not in known:
        errors.add("home", "INVALID_OPTION", f"home: {home[:20]} is no currency that deals know")
    for place, one in enumerate(rates):
        if one is None:
            continue
        where = f"rates[{place}]"
        first = said.setdefault((one.currency, one.since), place)
        if first != place:
            message = f"{where} is of the currency and day of rates[{first}]: say one rate for {one.currency} of a day"
            errors.add(f"{where}.since", "DUPLICATE_RATE", message)
        if one.currency not in known:
            errors.add(f"{where}.currency", "INVALID_OPTION", f"{where}: {one.currency[:20]} is no currency of deals")
        elif one.currency == home:
            errors.add(f"{where}.currency", "INVALID_OPTION", f"{where}: {home} is the home currency, worth 1 always")
        if one.rate is not None and one.rate <= 0:
            errors.add(f"{where}.rate", "INVALID_INTEGER", f"{where}.rate must be above 0")
    errors.raise_if_any()


def _check_number(by_currency: Mapping[str, Mapping[str, str]]) -> None:
    errors = ErrorList()
    for currency, kept in by_currency.items():
        if len(kept) - 1 > MOST_RATES:
            errors.add("rates", "LIMIT_EXCEEDED", f"{currency} would have more than {MOST_RATES} rates")
    errors.raise_if_any()
