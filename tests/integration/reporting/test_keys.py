"""Changes of values that a metric does not look at are passed over: what it says to look at must be all of it."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from typing import Any

import pytest

from services.reporting.domain.definitions import read_definition
from services.reporting.metrics.compiling import compile_metric
from services.reporting.metrics.deltas import Deltas
from services.reporting.metrics.sharing import Kept, Sharing
from shared.service.replica.catalogs import KnownType
from shared.service.replica.facts import FactChange
from tests.integration.reporting.conftest import Reporting
from tests.integration.reporting.test_projections import BY_STATUS, HIGHEST, REVENUE

AT = datetime(2026, 3, 1, tzinfo=UTC)
_CITY = {"attribute": "city", "operator": "EQ", "value": "Wien"}
_RICH = {"attribute": "annual_revenue", "operator": "GT", "value": "10"}
FILTERED = {**BY_STATUS, "name": "filtered", "filter": {"or": [{"not": _CITY}, {"and": [_RICH, _CITY]}]}}
TEXT = {**BY_STATUS, "name": "text", "dimensions": [], "filter": {"text": "wien"}}
DISTINCT = {**BY_STATUS, "name": "distinct", "measure": {"kind": "distinct", "attribute": "number_of_employees"}}
CHOICES: dict[str, tuple[Any, ...]] = {
    "lead_status": ("NEW", "OPEN", None),
    "city": ("Wien", "Bern", None),
    "annual_revenue": ("5", "12.5", None),
    "number_of_employees": ("1", "20", None),
    "name": ("Wien AG", "Bern AG"),
    "created_at": ("2026-01-31T23:30:00.000Z", "2026-02-01T00:30:00.000Z"),
}


@pytest.mark.parametrize("raw", [BY_STATUS, REVENUE, HIGHEST, FILTERED, TEXT, DISTINCT], ids=lambda raw: raw["name"])
def test_a_metric_looks_at_nothing_else(reporting: Reporting, raw: dict[str, Any]) -> None:
    reporting.catch_up()
    with reporting.db.connect() as connection:
        known: KnownType = reporting.projections.catalogs.types(connection).type("company")
    compiled, drawn = compile_metric(read_definition(raw), known), random.Random(5)
    for _ in range(400):
        before, after = _values(known, drawn), _values(known, drawn)
        found = Deltas()
        found.add(compiled, FactChange(known, 1, 2, "", AT, AT, before, after))
        assert found.nothing == (compiled.of(before) == compiled.of(after)), (before, after)


def _values(known: KnownType, drawn: random.Random) -> dict[str, Any]:
    told = {name: drawn.choice(values) for name, values in CHOICES.items()}
    return {known.live.attributes[name].key: value for name, value in told.items() if value is not None}


def test_what_is_shared_comes_to_the_same_as_each_by_itself(reporting: Reporting) -> None:
    raws = [BY_STATUS, REVENUE, HIGHEST, FILTERED, {**FILTERED, "name": "again"}, TEXT, DISTINCT]
    reporting.catch_up()
    with reporting.db.connect() as connection:
        known: KnownType = reporting.projections.catalogs.types(connection).type("company")
    metrics = [compile_metric(read_definition(raw), known) for raw in raws]
    drawn = random.Random(6)
    kept = [Kept(one, 50 if place == 1 else None, Deltas()) for place, one in enumerate(metrics)]
    sharing, alone = Sharing(kept), [Deltas() for _ in metrics]
    for ident in range(100):
        before, after = (drawn.choice([None, _values(known, drawn), _values(known, drawn)]) for _ in range(2))
        change = FactChange(known, ident, 2, "", AT, AT, before, after)
        sharing.add(change)
        for place, (compiled, deltas) in enumerate(zip(metrics, alone, strict=True)):
            if place != 1 or ident <= 50:
                deltas.add(compiled, change)
    assert [one.deltas for one in kept] == alone
    assert all(one.cells for one in alone)
