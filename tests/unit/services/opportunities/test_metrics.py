"""What reporting is suggested of deals reads as definitions, over attributes that there are or will be."""

from __future__ import annotations

from typing import Any

import pytest

from services.opportunities.metrics import METRICS
from services.opportunities.pipelines import SALES
from services.opportunities.schema import DEAL
from services.reporting.domain.definitions import read_definition

OF_STAGES = {
    f"{short}{stage.id}" for stage in SALES.stages for short in ("entered_", "left_", "time_in_", "total_time_in_")
}
KNOWN = {one.name for one in DEAL.attributes} | OF_STAGES


def attributes(node: Any) -> set[str]:
    """Every attribute that a filter names."""
    if isinstance(node, dict):
        return {value for key, value in node.items() if key == "attribute"} | {
            name for value in node.values() for name in attributes(value)
        }
    return {name for one in node for name in attributes(one)} if isinstance(node, list) else set()


@pytest.mark.parametrize("raw", METRICS["deal"], ids=lambda one: one["name"])
def test_a_definition_is_one(raw: dict[str, Any]):
    found = read_definition({**raw, "entity_type": "deal"})
    names = {one["name"] for one in METRICS["deal"]}
    assert found.measure.kind != "ratio" or {found.measure.numerator, found.measure.denominator} <= names
    used = attributes(raw.get("filter")) | {one.attribute for one in found.groups}
    assert used | ({found.measure.attribute} - {""}) <= KNOWN
