"""Exchange rates for amounts, as facts: entities of the type `currency_rate`, wherever it lives.

Each says what one unit of `currency` was worth in `home_currency` from `valid_from` on (`rate`), until the next one.
An amount is converted at the rates of its day; from one foreign currency to another by way of the home they share.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from shared.service.replica.catalogs import KnownTypes

RATE_TYPE = "currency_rate"
_NAMES = ("currency", "home_currency", "rate", "valid_from")
_NOTHING = -1


@dataclass(frozen=True, slots=True)
class Rates:
    """Where rates are found. to: the currency that amounts are told in; day: of the report."""

    to: str
    day: date
    type_no: int = _NOTHING
    keys: tuple[str, ...] = ("", "", "", "")

    @property
    def params(self) -> Mapping[str, Any]:
        """What the SQL binds besides the day."""
        names = ("rates", "rate_to", "rate_code", "rate_home", "rate_rate", "rate_since")
        return dict(zip(names, (self.type_no, self.to, *self.keys), strict=True))


def rates_of(types: KnownTypes, to: str, day: date) -> Rates:
    """The rates that are known; where there is no such type yet, amounts in other currencies have none."""
    known = types.find(RATE_TYPE)
    found = [known.live.find(name) for name in _NAMES] if known is not None else [None]
    if known is None or None in found:
        return Rates(to, day)
    return Rates(to, day, known.no, tuple(one.key for one in found if one is not None))


def rates_sql(rates: Rates, table: str, currency: str, day: str) -> tuple[list[str], str]:
    """What stands before a statement over the cells `c` of `table`, and what is joined to them: `price.rate`, null
    where there is none. Amounts without a day of their own are converted at the day of the report."""
    day = f"coalesce({day}, %(rate_day)s::date)"
    known = """known_rate as (select values->>%(rate_code)s code, values->>%(rate_home)s home,
            (values->>%(rate_rate)s)::numeric rate, (values->>%(rate_since)s)::date since
        from fact where type_no = %(rates)s and not archived)"""
    every = """every_rate as (select * from known_rate where rate > 0
        union all select distinct home, home, 1::numeric, '-infinity'::date from known_rate where home is not null)"""
    asked = f"""priced as (select distinct {currency} code, {day} at_day from {table} c
        where metric_id = %(metric)s and {currency} is not null)"""
    price = """price as materialized (select code, at_day, case when code = %(rate_to)s then 1 else (
        select a.rate / b.rate from every_rate a join every_rate b using (home)
        where a.code = priced.code and b.code = %(rate_to)s and a.since <= at_day and b.since <= at_day
        order by a.since desc, b.since desc limit 1) end rate from priced)"""
    return [known, every, asked, price], f" left join price on price.code = {currency} and price.at_day = {day}"
