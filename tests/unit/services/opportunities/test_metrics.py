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


SHARES = [one for one in METRICS["deal"] if one["name"].startswith("conversion_to_")]


def test_there_is_a_conversion_into_every_stage_but_the_first():
    assert [one["name"] for one in SHARES] == [f"conversion_to_{stage.id}" for stage in SALES.stages[1:]]


@pytest.mark.parametrize(
    "raw", [*SHARES, next(one for one in METRICS["deal"] if one["name"] == "win_rate")], ids=lambda one: one["name"]
)
def test_a_share_is_of_what_it_is_divided_by(raw: dict[str, Any]):
    """In no group and no period can it be more than all: the same days and groups, and a filter that asks for more."""
    known = {one["name"]: read_definition({**one, "entity_type": "deal"}) for one in METRICS["deal"]}
    some, all_ = (known[raw["measure"][part]] for part in ("numerator", "denominator"))
    assert (some.measure, some.time, some.dimensions) == (all_.measure, all_.time, all_.dimensions)
    assert some.measure.kind == "count"
    assert some.filter != all_.filter
    asked = some.filter["and"] if some.filter and "and" in some.filter else [some.filter]
    assert all_.filter in asked or raw["name"] == "win_rate"  # what is won is closed, by the rules of stages


def test_the_forecast_says_whose_team_it_means():
    found = next(one for one in METRICS["deal"] if one["name"] == "forecast")
    assert "own" in found["label"]
    assert "main team of its owner" in found["description"]
