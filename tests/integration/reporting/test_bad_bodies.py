"""Bodies that mean nothing are refused by every door of reporting, never answered with a failure of ours."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.reporting.conftest import Reporting

ODD: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    1.5,
    "",
    "x" * 5000,
    "\x00",
    [],
    [None],
    [[]],
    [{}],
    {},
    {"": None},
    {"a": {"b": []}},
)
DOORS = {
    "/reporting/v1/query": (
        {"entity_type": "company", "by": ["city"]},
        "entity_type filter measure dimensions time by where period series pivot compare as_of sort top label unit",
    ),
    "/reporting/v1/metrics": (
        {"name": "odd", "entity_type": "company"},
        "name label description entity_type filter measure dimensions time unit",
    ),
    "/reporting/v1/filters": (
        {"name": "odd", "entity_type": "company", "filter": {"attribute": "city", "operator": "HAS_PROPERTY"}},
        "name label description entity_type filter",
    ),
}
MEASURES = ("kind", "attribute", "currency", "convert", "numerator", "denominator")


@pytest.mark.parametrize("door", DOORS)
def test_odd_values_are_no_failures(reporting: Reporting, door: str) -> None:
    reporting.catch_up()
    web = reporting.client()
    sound, names = DOORS[door]
    for name in names.split():
        for odd in ODD:
            found = web.post(door, json={**sound, name: odd})
            assert found.status_code < 500, (name, odd, found.text)
            if found.status_code == 201:
                web.delete(f"{door}/{found.json['name']}")


@pytest.mark.parametrize("kind", ["count", "sum", "distinct", "ratio"])
def test_odd_measures_are_no_failures(reporting: Reporting, kind: str) -> None:
    web = reporting.client()
    for name in MEASURES:
        for odd in (*ODD, "city", "annual_revenue", "created_at", "company.city", {"to": "EUR"}, {"to": 1, "at": []}):
            measure = {"kind": kind, "attribute": "annual_revenue", "currency": "city", name: odd}
            measure = {key: value for key, value in measure.items() if kind != "count" or key in ("kind", name)}
            found = web.post("/reporting/v1/query", json={"entity_type": "company", "measure": measure})
            assert found.status_code < 500, (measure, found.text)


def test_currencies_and_their_days_are_the_entity_s_own(reporting: Reporting) -> None:
    web = reporting.client()
    for money in (
        {"currency": "contact.city"},
        {"currency": "city", "convert": {"to": "EUR", "at": "contact.created_at"}},
    ):
        for dimensions in ([], [{"name": "currency", "attribute": money["currency"]}]):
            measure = {"kind": "sum", "attribute": "annual_revenue", **money}
            body = {"entity_type": "company", "measure": measure, "dimensions": dimensions}
            assert web.post("/reporting/v1/query", json=body).status_code == 400


def test_odd_dimensions_are_no_failures(reporting: Reporting) -> None:
    web = reporting.client()
    for name in ("name", "attribute", "bucket", "time_zone"):
        for odd in (
            *ODD,
            "contact.",
            ".city",
            "a.b.c",
            "owner.",
            "id",
            "contact.id",
            "contact.created_at",
            "Europe/Wien",
        ):
            dimension = {"name": "one", "attribute": "created_at", "bucket": "month", name: odd}
            found = web.post("/reporting/v1/query", json={"entity_type": "company", "dimensions": [dimension]})
            assert found.status_code < 500, (dimension, found.text)
