"""Forecasts as of days gone by, as submitted, and waterfalls over what really happened to deals."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.opportunities.commands.forecast import deals_at, forecast_of, waterfall_of
from services.opportunities.domain.forecast import Scope, forecast
from shared.eav.tables import table_name
from shared.kernel.clock import now
from shared.kernel.context import SYSTEM, Context
from shared.kernel.db import Connection
from shared.service import people
from shared.service.entities import BulkItem, Draft, Ref, Update, View
from shared.service.foreign import Foreign
from shared.service.maintenance import maintain
from tests.integration.opportunities.conftest import DEALS, Service

PATH = "/api/v1/opportunities/forecast"
JUNE = "from=2026-06-01&to=2026-07-01"
CONTEXT = Context(SYSTEM)
_TEAMS = itertools.count(1000)


def day(month: int, n: int) -> str:
    return f"2026-{month:02d}-{n:02d}T12:00:00.000Z"


@pytest.fixture(scope="module")
def book(service: Service) -> dict[str, str]:
    """Deals that close in June, as known on the first of May, and what became of them until the end of it."""
    ids = {}
    for name in ("stays", "won", "lost", "slips", "grows", "removed"):
        values: dict[str, Any] = {
            "name": name,
            "stage": "contractsent",
            "amount": 100,
            "closes_at": day(6, 10),
        }
        ids[name] = service.deal(day(4, 1), **values)["id"]
    ids["pulled"] = service.deal(day(4, 1), name="pulled", stage="contractsent", amount=50, closes_at=day(8, 1))["id"]
    service.write(ids["won"], at=day(5, 10), stage="closedwon", amount=120, closes_at=day(6, 10))
    service.write(ids["lost"], at=day(5, 11), stage="closedlost", lost_reason="Price", closes_at=day(6, 10))
    service.write(ids["slips"], at=day(5, 12), closes_at=day(7, 3))
    service.write(ids["grows"], at=day(5, 13), amount=130)
    service.write(ids["pulled"], at=day(5, 14), closes_at=day(6, 20))
    ids["new"] = service.deal(day(5, 15), name="new", stage="qualifiedtobuy", amount=10, closes_at=day(6, 30))["id"]
    assert service.client.delete(f"{DEALS}/{ids['removed']}").status_code == 204
    return ids


def test_a_deal_without_a_team_is_its_owners(service: Service):
    """Its own team stands, whoever has it; an owner that is not known has none."""
    with service.runtime.db.transaction() as connection:
        people.put_owners(connection, [people.Owner(7001, 1, team=901), people.Owner(7002, 1)])
    for n, values in enumerate(
        ({"owner_id": 7001}, {"owner_id": 7001, "team_id": 902}, {"owner_id": 7002}, {"owner_id": 7003}, {})
    ):
        service.deal(day(4, 1), name="team", amount=10**n, closes_at="2031-02-03T00:00:00Z", **values)
    period = "from=2031-02-01&to=2031-03-01"
    for at in ("", "&as_of=2026-05-01T00:00:00Z"):
        found = get(service, f"{PATH}?{period}&by=team{at}")["results"]
        sums = {one["group"]: sum(part["amount"] for part in one["categories"].values()) for one in found}
        assert sums == {"901": 1, "902": 10, None: 11100}
    only = get(service, f"{PATH}?{period}&team=901")["results"]
    assert [part["count"] for one in only for part in one["categories"].values()] == [1]


def test_made_up_ids_of_a_forecast_are_refused(service: Service, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(service.runtime, "foreign", Foreign(service.runtime.db, {"owner", "team"}, None))
    answer = service.client.get(f"{PATH}?{JUNE}&team=8001&owner=me&pipeline=none")
    assert answer.status_code == 400
    assert all(f"of any {one}" in answer.text for one in ("team", "owner", "pipeline")), answer.text


def get(service: Service, path: str) -> Any:
    answer = service.client.get(path)
    assert answer.status_code == 200, answer.text
    return answer.json


def test_a_forecast_as_of_a_day_is_what_one_knew(service: Service, book: dict[str, str]):
    early = get(service, f"{PATH}?{JUNE}&as_of=2026-05-01T00:00:00Z")
    assert early["results"] == [
        {"group": None, "categories": {"PIPELINE": {"count": 6, "amount": 600, "weighted": 540}}}
    ]
    late = get(service, f"{PATH}?{JUNE}&by=stage")
    assert {one["group"]: one["categories"] for one in late["results"]} == {
        "closedwon": {"CLOSED": {"count": 1, "amount": 120, "weighted": 120}},
        "closedlost": {"OMIT": {"count": 1, "amount": 100, "weighted": 0}},
        "contractsent": {"PIPELINE": {"count": 3, "amount": 280, "weighted": 252}},
        "qualifiedtobuy": {"PIPELINE": {"count": 1, "amount": 10, "weighted": 4}},
    }
    before = get(service, f"{PATH}?{JUNE}&as_of=2026-03-01T00:00:00Z")
    assert before["results"] == []


def test_the_waterfall_names_what_happened(service: Service, book: dict[str, str]):
    found = get(service, f"{PATH}/waterfall?{JUNE}&since=2026-05-01T00:00:00Z")
    parts = {one["part"]: (one["count"], one["amount"]) for one in found["parts"] if one["count"]}
    assert parts == {
        "new": (1, 10),
        "pulled_in": (1, 50),
        "grown": (2, 50),
        "won": (1, -120),
        "lost": (1, -100),
        "slipped": (1, -100),
        "removed": (1, -100),
    }
    assert (found["opening"], found["closing"]) == (600, 290)
    assert found["opening"] + sum(one["amount"] for one in found["parts"]) == found["closing"]
    assert [one["deals"] for one in found["parts"] if one["part"] == "won"] == [[book["won"]]]


def test_what_was_submitted_stays(service: Service, book: dict[str, str]):
    body = {"from": "2026-06-01", "to": "2026-07-01", "pipeline": "default", "call": 300, "note": "Sure"}
    first = service.client.post(f"{PATH}/submissions", json=body)
    assert first.status_code == 201, first.text
    assert first.json["categories"]["PIPELINE"]["amount"] == 290
    again = service.client.post(f"{PATH}/submissions", json={**body, "call": 310}).json
    listed = get(service, f"{PATH}/submissions?{JUNE}")["results"]
    assert [(one["id"], one["call"], one["note"]) for one in listed] == [(again["id"], 310, "Sure")]
    listed = get(service, f"{PATH}/submissions?{JUNE}&on={first.json['submitted_at']}")["results"]
    assert [(one["id"], one["call"]) for one in listed] == [(first.json["id"], 300)]
    assert get(service, f"{PATH}/submissions?{JUNE}&on=2026-01-01")["results"] == []


@pytest.mark.parametrize(
    "query", ["", "from=2026-06-01", "from=2026-07-01&to=2026-06-01", f"{JUNE}&by=colour", f"{JUNE}&as_of=soon"]
)
def test_questions_that_cannot_be(service: Service, query: str):
    assert service.client.get(f"{PATH}?{query}").status_code == 400


def test_only_who_may_read_deals_is_told(service: Service):
    answer = service.client.get(f"{PATH}?{JUNE}", headers={"Authorization": "Bearer nobody"})
    assert answer.status_code == 401


def test_a_forecast_reads_its_period_by_index_whatever_else_there_is(
    service: Service, book: dict[str, str], monkeypatch: pytest.MonkeyPatch
):
    """As many statements for many deals as for few; deals of other periods are not looked at."""
    asked: list[tuple[str, Any]] = []
    real = Connection.portions

    def portions(self: Connection, sql: str, params: Any, size: int) -> Any:
        asked.append((sql, params))
        return real(self, sql, params, size)

    monkeypatch.setattr(Connection, "portions", portions)
    scope = Scope(date(2026, 6, 1), date(2026, 7, 1))
    ways: tuple[Callable[[], Any], ...] = (
        lambda: forecast_of(service.runtime, CONTEXT, scope, "", None),
        lambda: forecast_of(service.runtime, CONTEXT, scope, "", datetime(2026, 5, 1, tzinfo=UTC)),
        lambda: waterfall_of(service.runtime, CONTEXT, scope, datetime(2026, 5, 1, tzinfo=UTC), now()),
    )

    def statements() -> list[int]:
        numbers = []
        for way in ways:
            with service.runtime.db.counted() as counted:
                way()
            numbers.append(len(counted))
        return numbers

    few = statements()
    drafts = [Draft({"name": f"F{n}", "amount": 1, "closes_at": day(6, 1 + n % 30)}) for n in range(60)]
    service.runtime.entities.create(CONTEXT, "deal", drafts, View(attributes=()))
    assert statements() == few
    others = [BulkItem({"name": "Later", "closes_at": f"2031-{1 + n % 12:02d}-01T00:00:00Z"}) for n in range(3000)]
    service.runtime.entities.bulk(CONTEXT, "deal", others)
    maintain(service.runtime.manifest, service.runtime.db)
    live = service.runtime.catalog.type("deal")
    wanted = f"{table_name(live.table)}_{live.attributes['closes_at'].column}"
    with service.runtime.db.connect() as connection:
        connection.run(f"analyze {table_name(live.table)}")
        for sql, params in asked:
            plan = "\n".join(row[0] for row in connection.rows(f"explain {sql}", params))
            assert f"on {wanted}" in plan or f"using {wanted}" in plan, plan


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(1, 28), st.integers(4, 8), st.integers(1, 99)), max_size=6))
def test_a_forecast_as_of_any_day_is_that_of_the_deals_as_they_were(
    service: Service, steps: list[tuple[int, int, int, int]]
):
    """Against a reading of everything there is: nothing that mattered then is left out for what it is now."""
    team = str(next(_TEAMS))
    ids = [int(service.deal(day(4, 1), name="T", team_id=team, closes_at=day(6, n), amount=1)["id"]) for n in (1, 2, 3)]
    instants = [datetime(2026, 4, 2, tzinfo=UTC)]
    for n, (place, on, month, amount) in enumerate(steps):
        at = datetime(2026, 5, 1 + n, tzinfo=UTC)
        context = Context(SYSTEM, effective_at=at)
        changes = [Update(Ref(ids[place % 3]), {"closes_at": day(month, on), "amount": amount})]
        service.runtime.entities.update(context, "deal", changes, View(attributes=()))
        instants.append(at)
    whole = Scope(date(2000, 1, 1), date(2100, 1, 1), team=team)
    june = replace(whole, begins=date(2026, 6, 1), ends=date(2026, 7, 1))
    for at in instants:
        everything = deals_at(service.runtime, CONTEXT, whole, at).values()
        assert forecast_of(service.runtime, CONTEXT, june, "", at) == forecast(everything, june)
    assert forecast_of(service.runtime, CONTEXT, june, "", None) == forecast_of(
        service.runtime, CONTEXT, june, "", now()
    )


@pytest.mark.parametrize("survivor", [0, 1])
def test_a_merge_leaves_forecasts_of_days_before_as_they_were(service: Service, survivor: int):
    year = 2040 + survivor
    values = {"name": "merged", "closes_at": f"{year}-02-10T00:00:00Z"}
    won = service.deal(day(4, 1), stage="closedwon", amount=100, **values)["id"]
    still = service.deal(day(4, 1), stage="contractsent", amount=150, **values)["id"]
    asked = f"{PATH}?from={year}-02-01&to={year}-03-01"
    then = f"as_of={now().isoformat().replace('+00:00', 'Z')}"

    def sums(at: str) -> dict[str, float]:
        results = get(service, f"{asked}&{at}")["results"]
        return {name: part["amount"] for one in results for name, part in one["categories"].items()}

    before = sums(then)
    assert before == {"CLOSED": 100, "PIPELINE": 150}
    kept, gone = (won, still) if survivor == 0 else (still, won)
    merged = service.client.post(f"{DEALS}/{kept}/merge", json={"absorb": [gone]})
    assert merged.status_code == 200, merged.text
    assert sums(then) == before
    assert len(sums("")) == 1
