"""Exchange rates for amounts: data on the log, as what the options of a currency attribute mean.

The detail of an option says the home currency (`home`) and, by the day on which each begins, what one unit is worth in
it: {"home": "USD", "2026-01-01": "1.08"}. An amount is converted at the rate in force on its day, from one foreign
currency to another by way of the home; one without a currency is in the home currency. Where there is no rate yet on
that day, the amount is not converted, and the answer says so.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from shared.kernel.errors import Invalid
from shared.kernel.json import canonical, dumps
from shared.service.replica.catalogs import KnownType
from shared.service.replica.evaluating import no_option

HOME = "home"
_CODE = re.compile(r"[A-Z]{3}")


@dataclass(frozen=True, slots=True)
class Rates:
    """to: the currency that amounts are told in; day: of the report; known: (currency, home, since, rate)."""

    to: str
    day: date
    known: tuple[tuple[str, str, str, str], ...] = ()
    home: str | None = None

    @property
    def params(self) -> Mapping[str, Any]:
        """What the SQL binds."""
        told = [dict(zip(("code", "home", "since", "rate"), one, strict=True)) for one in self.known]
        return {
            "rates": dumps(told).decode(),
            "rate_to": self.to,
            "rate_home": self.home,
            "rate_day": self.day,
        }

    @property
    def mark(self) -> str:
        """A name for all this: other rates, or another day, make other answers."""
        told = canonical([self.to, self.day.isoformat(), self.home or "", [list(one) for one in self.known]])
        return hashlib.blake2b(told, digest_size=6).hexdigest()


def rates_of(known: KnownType, attribute: str, to: str, day: date) -> Rates:
    """The rates that the options of a currency attribute tell."""
    one = known.live.attribute(attribute)
    options = (*one.options, *one.retired)
    homes = [home for option in options if (home := option.detail.get(HOME))]
    home = homes[0] if homes else None
    told = [
        (option.value, home, since, rate)
        for option in options
        for since, rate in sorted(option.detail.items())
        if home is not None and since[:1].isdigit()
    ]
    if home is not None:
        told.append((home, home, "-infinity", "1"))
    return Rates(to, day, tuple(told), home)


def check_currencies(known: KnownType, attribute: str, to: str) -> None:
    """Raises Invalid unless the options of the attribute are currencies, and `to` ("" for none) is one that amounts may
    be in, or the home currency. What has no options may hold anything."""
    one = known.live.attribute(attribute)
    codes = {option.value for option in (*one.options, *one.retired)}
    codes |= {str(home) for option in one.options if (home := option.detail.get(HOME))}
    if not codes:
        return
    strange = sorted(code for code in codes if not _CODE.fullmatch(code))
    if strange:
        told = f"measure.currency: {attribute} is no attribute of currencies: {strange[0][:40]} is none"
        raise Invalid.one("measure.currency", "INVALID_METRIC", told)
    if to and to not in codes:
        told = f"measure.convert.to: {no_option(to, one.options)}"
        raise Invalid.one("measure.convert.to", "INVALID_METRIC", told)


def rates_sql(table: str, currency: str, day: str) -> tuple[list[str], str]:
    """What stands before a statement over the cells `c` of `table`, and what is joined to them: `price.rate`, null
    where there is none. Amounts without a day of their own are converted at the day of the report."""
    code, day = f"coalesce({currency}, %(rate_home)s::text)", f"coalesce({day}, %(rate_day)s::date)"
    known = """known_rate as (select * from json_to_recordset(%(rates)s::json)
        r(code text, home text, since date, rate numeric) where rate > 0)"""
    asked = f"""priced as (select distinct {code} code, {day} at_day from {table} c where metric_id = %(metric)s)"""
    price = """price as materialized (select code, at_day, case when code = %(rate_to)s then 1 else (
        select a.rate / b.rate from known_rate a join known_rate b using (home)
        where a.code = priced.code and b.code = %(rate_to)s and a.since <= at_day and b.since <= at_day
        order by a.since desc, b.since desc limit 1) end rate from priced)"""
    return [known, asked, price], f" left join price on price.code = {code} and price.at_day = {day}"
