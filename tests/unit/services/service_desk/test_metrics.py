"""What the service suggests to reporting can be read there, and asks for attributes that there are."""

from __future__ import annotations

from typing import Any

import pytest

from services.reporting.domain.definitions import read_definition
from services.service_desk.metrics import METRICS
from services.service_desk.schema import TICKET

_ATTRIBUTES = {one.name: one for one in TICKET.attributes}


@pytest.mark.parametrize("raw", METRICS["ticket"], ids=lambda one: one["name"])
def test_a_metric(raw: dict[str, Any]) -> None:
    found = read_definition({**raw, "entity_type": "ticket"})
    for one in found.dimensions:
        kinds = ("date", "datetime") if one.bucket else ("enumeration", "reference")
        assert _ATTRIBUTES[one.attribute].kind in kinds, one
    assert found.time is None or _ATTRIBUTES[found.time.attribute].kind == "datetime"
    if found.measure.attribute:
        assert _ATTRIBUTES[found.measure.attribute].kind == "number"
    for condition in (found.filter or {}).get("or", [found.filter] if found.filter else []):
        asked = condition["attribute"]
        assert asked in _ATTRIBUTES
        values = condition.get("values") or [condition.get("value")]
        known = {one.value for one in _ATTRIBUTES[asked].options}
        assert not known or known >= set(values)


def test_a_share_is_of_metrics_that_are_there() -> None:
    names = {one["name"] for one in METRICS["ticket"]}
    shares = [one["measure"] for one in METRICS["ticket"] if one["measure"]["kind"] == "ratio"]
    assert shares
    assert all({one["numerator"], one["denominator"]} <= names for one in shares)
