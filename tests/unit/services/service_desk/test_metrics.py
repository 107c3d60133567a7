"""What the service suggests to reporting can be read there, and asks for attributes that there are."""

from __future__ import annotations

from typing import Any

import pytest

from services.reporting.domain.definitions import read_definition
from services.service_desk.metrics import METRICS
from services.service_desk.schema import TYPES
from shared.service.schema import AttributeDef

_ATTRIBUTES = {one.name: {found.name: found for found in one.attributes} for one in TYPES}
_EVERY = [(name, raw) for name, several in METRICS.items() for raw in several]


@pytest.mark.parametrize(("name", "raw"), _EVERY, ids=[raw["name"] for _, raw in _EVERY])
def test_a_metric(name: str, raw: dict[str, Any]) -> None:
    found, known = read_definition({**raw, "entity_type": name}), _ATTRIBUTES[name]
    for one in found.dimensions:
        kinds = ("date", "datetime") if one.bucket else ("enumeration", "reference", "string")
        assert known[one.attribute].kind in kinds, one
    assert found.time is None or known[found.time.attribute].kind == "datetime"
    if found.measure.attribute:
        assert known[found.measure.attribute].kind == "number"
    if found.filter:
        for condition in found.filter.get("and", [found.filter]):
            _is_about(condition, known)


def _is_about(condition: dict[str, Any], known: dict[str, AttributeDef]) -> None:
    asked = known[condition["attribute"]]
    given = {*condition.get("values", ()), *([condition["value"]] if "value" in condition else [])}
    options = {one.value for one in asked.options}
    assert not options or options >= given


def test_a_share_is_of_metrics_that_are_there() -> None:
    names = [raw["name"] for _, raw in _EVERY]
    shares = [raw["measure"] for _, raw in _EVERY if raw["measure"]["kind"] == "ratio"]
    assert shares
    assert len(set(names)) == len(names)
    assert all({one["numerator"], one["denominator"]} <= set(names) for one in shares)
