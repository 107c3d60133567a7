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


DIMENSIONS = [
    "lead_status",
    "annual_revenue",
    "owner_id",
    {"name": "opened", "attribute": "created_at", "bucket": "minute"},
    {"name": "month", "attribute": "created_at", "bucket": "month"},
    "contact.lead_status",
]
HUGE = 10**19


@pytest.fixture(scope="module")
def metric(reporting: Reporting) -> Any:
    """Companies by all sorts of dimensions, with a status that is offered no longer and one that nobody has now."""
    reporting.catch_up()
    web = reporting.client()
    body = {"name": "sorts", "entity_type": "company", "dimensions": DIMENSIONS}
    made = web.post("/reporting/v1/metrics", json=body)
    assert made.status_code == 201, made.text
    with reporting.db.connect() as connection:
        [(ident,)] = connection.rows("select id from metric where name = 'sorts'")
    while reporting.fill(ident):
        pass
    with reporting.db.transaction() as connection:
        dims = "array['GONE', null, null, null, null, null]"
        connection.run(f"insert into total (metric_id, dims, n, m, s) values ({ident}, {dims}, 1, 0, 0)")
        dims = "array['ONCE', null, null, null, null, null]"
        days = "(date '2026-01-01', 1), (date '2026-02-01', -1)"
        connection.run(f"insert into cell select {ident}, {dims}, day, n, 0, 0 from (values {days}) as d(day, n)")
    return web


@pytest.mark.parametrize(
    ("question", "field", "said"),
    [
        ({"top": HUGE * HUGE}, "top", "from 1 to"),
        ({"where": {"owner_id": HUGE * HUGE}}, "where.owner_id", "expected"),
        ({"where": {"owner_id": HUGE}}, "where.owner_id", ""),
        ({"where": {"owner_id": "abc"}}, "where.owner_id", "is no id"),
        ({"where": {"opened": "..9999-12-31T23:59:59-14:00"}}, "where.opened", "no bound"),
        ({"where": {"opened": "garbage"}}, "where.opened", "2026-03-01T09:30"),
        ({"where": {"opened": 5}}, "where.opened", "is no minute"),
        ({"where": {"month": "2026-03-02"}}, "where.month", "first day of a month"),
        ({"where": {"lead_status": "NEWW"}}, "where.lead_status", "did you mean NEW"),
        ({"where": {"lead_status": ["NEW", None, "new"]}}, "where.lead_status", "did you mean NEW"),
        ({"where": {"contact.lead_status": "NEWW"}}, "where.contact.lead_status", "did you mean NEW"),
        ({"where": {"annual_revenue": "much"}}, "where.annual_revenue", "is no number"),
        ({"where": []}, "where", "expected an object"),
        ({"where": "x"}, "where", "expected an object"),
    ],
)
def test_what_cannot_be_a_value_is_refused(metric: Any, question: Any, field: str, said: str) -> None:
    own = {"entity_type": "company", "dimensions": DIMENSIONS, "by": []}
    for path, more in (("/reporting/v1/metrics/sorts/query", {}), ("/reporting/v1/query", own)):
        found = metric.post(path, json={**more, **question})
        assert found.status_code == 400, (path, found.text)
        assert field in found.text, found.text
        assert said in found.text, found.text


@pytest.mark.parametrize(
    "where",
    [
        {"lead_status": ["NEW", None]},
        {"lead_status": "GONE"},
        {"lead_status": "ONCE"},
        {"owner_id": [17, "18", None]},
        {"opened": "2026-03-01T09:30"},
        {"opened": "..now-2h"},
        {"month": ["2026-03-01", None]},
        {"annual_revenue": 5},
        {"contact.lead_status": None},
    ],
)
def test_what_can_be_a_value_is_answered(metric: Any, where: Any) -> None:
    found = metric.post("/reporting/v1/metrics/sorts/query", json={"where": where})
    assert found.status_code == 200, found.text
    if where == {"lead_status": "GONE"}:
        assert found.json["rows"][0]["value"] == "1"
