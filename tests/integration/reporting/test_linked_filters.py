"""Filters of metrics over links: exact when the other side changes, and what cannot be told exactly is refused."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from shared.eav.filters import Operator
from shared.service.jobs import work_off
from shared.service.replica.conditions import LinkedTest
from tests.integration.reporting.conftest import Reporting
from tests.integration.reporting.test_linked import PATH, PEOPLE, World, rows
from tests.integration.service.conftest import follow

_KNOWN = {"attribute": "company.industry", "operator": "IN", "values": ["RETAIL", "BANKING"]}
_BEYOND: tuple[tuple[dict[str, Any], Any], ...] = (
    ({"attribute": "company.industry", "operator": "EQ", "value": "RETAIL"}, lambda one: one[0] == "RETAIL"),
    ({"attribute": "company.industry", "operator": "NEQ", "value": "RETAIL"}, lambda one: one[0] == "BANKING"),
    ({"attribute": "company.industry", "operator": "NOT_IN", "values": ["RETAIL"]}, lambda one: one[0] != "RETAIL"),
    ({"attribute": "company.industry", "operator": "NOT_HAS_PROPERTY"}, lambda one: one[0] is None),
    (
        {"and": [_KNOWN, {"attribute": "city", "operator": "EQ", "value": "Wien"}]},
        lambda one: one[0] is not None and one[1] == "Wien",
    ),
)
_RICH = {"attribute": "company.annual_revenue", "operator": "GT", "value": 1.5}


@pytest.fixture(scope="module")
def world(reporting: Reporting) -> World:
    """Metrics over nothing yet: events alone keep them."""
    reporting.catch_up("workspace")
    reporting.catch_up()
    web = reporting.client()
    filters = {f"beyond_{place}": condition for place, (condition, _) in enumerate(_BEYOND)} | {"rich": _RICH}
    raws = [
        {"name": name, "entity_type": "contact", "filter": one, "dimensions": ["city"]} for name, one in filters.items()
    ]
    for raw in (PEOPLE, *raws):
        assert web.post(PATH, json=raw).status_code == 201
    while work_off(reporting.app.extensions["crm"]):
        pass
    return World(reporting, 3)


def test_they_are_exact_when_the_other_side_changes(reporting: Reporting, world: World) -> None:
    web = reporting.client()
    for _ in range(3):
        for _ in range(25):
            world.act()
        reporting.catch_up(limit=5)
        by = rows(reporting, "people", by=["company.industry", "city"])
        for place, (condition, fits) in enumerate(_BEYOND):
            told = Counter[Any]()
            for group, n in by.items():
                told[(group[1],)] += int(n) * fits(group)
            found = rows(reporting, f"beyond_{place}", by=["city"])
            assert found == {group: str(n) for group, n in told.items() if n}, condition
            shown = web.post(f"{PATH}/beyond_{place}/explain?limit=500", json={"group": {}}).json["results"]
            assert len(shown) == sum(told.values()), condition
            assert all(set(one["group"]) == {"city"} for one in shown)
            asked = web.post("/reporting/v1/query", json={"entity_type": "contact", "filter": condition, "by": []})
            assert sum(int(one["value"]) for one in asked.json["rows"]) == sum(told.values()), asked.text
    for name in ("beyond_0", "rich"):
        assert web.post(f"{PATH}/{name}/verify").json["wrong"] == []
    explained = web.post(f"{PATH}/rich/explain?limit=500", json={"group": {}}).json["results"]
    assert rows(reporting, "rich", by=[]).get((), "0") == str(len(explained))


def test_what_they_cannot_tell_is_refused(reporting: Reporting, world: World) -> None:
    web = reporting.client()

    def refused(condition: dict[str, Any], path: str = PATH) -> str:
        found = web.post(path, json={"name": "refused", "entity_type": "contact", "filter": condition})
        assert found.status_code == 400, found.text
        return str(found.text)

    assert "is of kind string" in refused({"attribute": "company.city", "operator": "EQ", "value": "Wien"})
    assert "industry" in refused({"not": _KNOWN})
    assert "nowhere" in refused({"attribute": "company.nowhere", "operator": "HAS_PROPERTY"})
    assert "a saved filter asks" in refused(_KNOWN, "/reporting/v1/filters")
    assert "past days are not kept" in web.post(f"{PATH}/beyond_0/query", json={"as_of": "2026-01-01"}).text
    assert web.post(f"{PATH}/beyond_0/changes", json={}).status_code == 400


def test_foreign_data_needs_foreign_rights(reporting: Reporting, world: World) -> None:
    scopes = ["crm.reports.read", "crm.objects.contacts.read"]
    made = reporting.system.client("workspace").post("/api/v1/tokens", json={"name": "people only", "scopes": scopes})
    assert made.status_code == 201
    follow(reporting.system.runtime("workspace").db, reporting.db)
    poor = reporting.client(made.json["token"])
    assert poor.post(f"{PATH}/people/query", json={}).status_code == 200
    assert poor.post(f"{PATH}/beyond_0/query", json={}).status_code == 403
    assert poor.post(f"{PATH}/beyond_0/explain", json={"group": {}}).status_code == 403


_OPERANDS: dict[Operator, tuple[str, ...]] = {
    **dict.fromkeys((Operator.EQ, Operator.NEQ, Operator.LT, Operator.LTE, Operator.GT, Operator.GTE), ("10",)),
    **dict.fromkeys((Operator.IN, Operator.NOT_IN), ("9", "10")),
    Operator.BETWEEN: ("9", "10"),
    **dict.fromkeys((Operator.HAS, Operator.NOT_HAS), ()),
}


@pytest.mark.parametrize("numeric", [True, False])
def test_the_database_and_python_agree(reporting: Reporting, numeric: bool) -> None:
    for operator, operands in _OPERANDS.items():
        test = LinkedTest("@x", operator, operands, numeric)
        for value in (None, "9", "10", "10.0", "100"):
            params: dict[str, Any] = {"value": value}
            with reporting.db.connect() as connection:
                row = connection.row(f"select {test.sql('%(value)s::text', params, 'b')}", params)
            assert row is not None
            assert bool(row[0]) is test.fits(value), (operator, value)
