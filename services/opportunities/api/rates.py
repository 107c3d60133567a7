"""Doors of exchange rates."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from flask import Response
from pydantic import BaseModel, Field

from services.opportunities.api.reading import DAY, read_day, read_decimal
from services.opportunities.commands import revaluing
from services.opportunities.commands.rates import Rate, Rates, put_rates, read_rates
from services.opportunities.domain.money import FRACTION_DIGITS, WHOLE_DIGITS
from shared.kernel.clock import iso
from shared.kernel.errors import ErrorList
from shared.kernel.json import Raw
from shared.service.permissions import require
from shared.service.web.operation import Operation, answer
from shared.service.web.request import context, json_object, known_keys
from shared.service.work import progress

if TYPE_CHECKING:
    from shared.service.runtime import Runtime

PATH = "/api/v1/opportunities/rates"
_COLUMNS = ("currency", "since", "rate")
_SURPLUS = ("a surplus cell",)
MOST = 10_000
_UNREAD = Decimal("nan")


class RateOut(BaseModel):
    """What one unit is worth in the home currency from a day on; null takes the rate away."""

    currency: str
    since: date
    rate: float | None = Field(gt=0)


class RatesOut(BaseModel):
    """The home currency and all rates."""

    home: str
    results: list[RateOut]


class RatesIn(BaseModel):
    """Rates to add. `csv`: the same as a file with the columns currency, since, rate."""

    home: str | None = None
    rates: list[RateOut] = Field(default_factory=list)
    csv: str | None = None


class RevaluationOut(BaseModel):
    """How far deals have followed the rates put in last. state: none, running, done or failed. deals: how many are
    looked at, null while they are being found. changed: how many came to another worth."""

    state: str
    reason: str = ""
    currencies: list[str] = Field(default_factory=list)
    deals: int | None = None
    looked_at: int = 0
    changed: int = 0
    begun_at: datetime | None = None
    updated_at: datetime | None = None


def _shown(found: Rates) -> dict[str, Any]:
    rates = [
        {"currency": one.currency, "since": one.since.isoformat(), "rate": Raw(f"{one.rate:f}")} for one in found.every
    ]
    return {"home": found.home, "results": rates}


def list_rates(service: Runtime) -> Response:
    """The rates in force."""
    return answer(_shown(read_rates(service, context())))


def read_revaluation(service: Runtime) -> Response:
    """How far deals have followed the rates."""
    require(context().actor, "objects", service.catalog.type("deal").defn, "read")
    with service.db.connect() as connection:
        found = progress.of(connection, revaluing.KIND, revaluing.NUMBER)
    if found is None:
        return answer(RevaluationOut(state="none").model_dump(mode="json"))
    told = {"begun_at": iso(found.begun), "updated_at": iso(found.last)}
    return answer(
        {
            **told,
            "state": found.state,
            "reason": found.reason,
            "currencies": list(found.spec.get("currencies", ())),
            "deals": found.total,
            "looked_at": found.looked_at,
            "changed": found.changed,
        }
    )


def write_rates(service: Runtime) -> Response:
    """Add rates; those that are null are taken away."""
    body = json_object()
    known_keys(body, ("home", "rates", "csv"))
    errors = ErrorList()
    home, rows = body.get("home"), _rows(body, errors)
    if home is not None and not isinstance(home, str):
        errors.add("home", "INVALID_TYPE", "home must be the code of a currency")
        home = None
    rates = [_rate(row, f"rates[{place}]", errors) for place, row in enumerate(rows)]
    return answer(_shown(put_rates(service, context(), home, rates, errors.errors)))


def _rows(body: Mapping[str, Any], errors: ErrorList) -> list[Mapping[str, Any]]:
    listed, text = body.get("rates", []), body.get("csv")
    if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
        errors.add("rates", "INVALID_LIST", "rates must be a list of objects")
        listed = []
    if text is not None and not isinstance(text, str):
        errors.add("csv", "INVALID_TYPE", "csv must be a text")
        text = None
    rows = [*listed, *(_csv_rows(text, errors) if text is not None else ())]
    if len(rows) > MOST:
        errors.add("rates", "LIMIT_EXCEEDED", f"at most {MOST} rates at once")
    return rows[:MOST]


def _csv_rows(text: str, errors: ErrorList) -> list[Mapping[str, Any]]:
    """The rows of a file, read as those of a list are: with a key too many or too few where a line has cells so."""
    try:
        header, *lines = csv.reader(io.StringIO(text.removeprefix("\ufeff")), strict=True)
    except (csv.Error, ValueError):
        header, lines = [], []
    if sorted(header) != sorted(_COLUMNS):
        errors.add("csv", "INVALID_HEADER", f"csv must have the columns {', '.join(_COLUMNS)}")
        return []
    return [dict(zip((*header, *_SURPLUS), line, strict=False)) for line in lines if line]


def _rate(row: Mapping[str, Any], where: str, errors: ErrorList) -> Rate | None:
    """What a row says; None with everything that is wrong noted."""
    if unknown := [name for name in row if name not in _COLUMNS]:
        errors.add(where, "UNKNOWN_KEY", f"{where} has more than {', '.join(_COLUMNS)}: {unknown[0][:40]}")
        return None
    currency, day = row.get("currency"), None
    number: Decimal | None = _UNREAD
    if not isinstance(currency, str) or not currency.strip():
        errors.add(f"{where}.currency", "REQUIRED_FIELD", f"{where}.currency is required")
        currency = None
    try:
        day = read_day(row.get("since"))
    except ValueError:
        errors.add(f"{where}.since", "INVALID_DATE", f"{where}.since must be {DAY}")
    if "rate" not in row:
        errors.add(f"{where}.rate", "REQUIRED_FIELD", f"{where}.rate is required; null takes the rate away")
        return None
    try:
        number = None if row["rate"] is None else read_decimal(row["rate"])
    except ValueError:
        message = f"{where}.rate must be a number above 0 such as 1.06, of at most {WHOLE_DIGITS} digits before the "
        message += f"point and {FRACTION_DIGITS} after it; null takes the rate away"
        errors.add(f"{where}.rate", "INVALID_INTEGER", message)
    if currency is None or day is None or number is _UNREAD:
        return None
    return Rate(currency.strip().upper(), day, number)


_EXAMPLE = {"home": "EUR", "rates": [{"currency": "USD", "since": "2026-01-01", "rate": 0.92}]}
OPERATIONS = (
    Operation("GET", PATH, "listRates", "List exchange rates", list_rates, response=RatesOut, tag="Money"),
    Operation(
        "PUT",
        PATH,
        "putRates",
        "Add exchange rates, or say which currency is home",
        write_rates,
        body=RatesIn,
        response=RatesOut,
        example=_EXAMPLE,
        tag="Money",
        description="Of one currency and day one rate is said. Rates hold from their day on until the next. Deals that "
        "are there follow: closed ones count at "
        "the rate of their close date, open ones at that of the day on which amount, currency or end was last written.",
    ),
    Operation(
        "GET",
        PATH + "/revaluation",
        "readRevaluation",
        "How far deals have followed the rates",
        read_revaluation,
        response=RevaluationOut,
        tag="Money",
    ),
)
