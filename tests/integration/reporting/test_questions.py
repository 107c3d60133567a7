"""Asking metrics through the door: groups, periods, comparisons, days gone by, rights, freshness, caches."""

from __future__ import annotations

import threading
from decimal import Decimal
from typing import Any

import pytest

from services.contacts.manifest import MANIFEST as CONTACTS
from services.reporting.cache import Cache
from services.reporting.recent import Recent
from services.reporting.suggesting import define_suggested
from shared.service.jobs import work_off
from tests.integration.reporting.conftest import Reporting

PATH = "/reporting/v1/metrics"
COMPANIES = "/api/v1/objects/companies"
ROWS = (
    ("Wien", "100", "2024-01-15T23:30:00Z"),
    ("Wien", "50.5", "2024-02-01T00:00:00Z"),
    ("Graz", None, "2024-02-29T12:00:00Z"),
    (None, "7", "2024-04-02T08:00:00Z"),
    ("北京", "-20", "2025-02-10T08:00:00Z"),
)


@pytest.fixture(scope="module")
def web(reporting: Reporting) -> Any:
    reporting.catch_up()
    return reporting.client()


@pytest.fixture(scope="module")
def filled(reporting: Reporting, web: Any) -> Any:
    """Companies of five instants, and metrics over them that are ready."""
    for city, revenue, at in ROWS:
        body = {"values": {"city": city, "annual_revenue": revenue}, "effective_at": at}
        assert reporting.system.client("contacts").post(COMPANIES, json=body).status_code == 201
    since = {"attribute": "created_at", "time_zone": "Europe/Vienna"}
    common = {"entity_type": "company", "dimensions": ["city"], "time": since}
    for name, measure in (
        ("number", {"kind": "count"}),
        ("turnover", {"kind": "sum", "attribute": "annual_revenue"}),
        ("mean", {"kind": "average", "attribute": "annual_revenue"}),
        ("best", {"kind": "max", "attribute": "annual_revenue"}),
        ("cities", {"kind": "distinct", "attribute": "city"}),
        ("newest", {"kind": "max", "attribute": "created_at"}),
    ):
        made = web.post(PATH, json={**common, "name": name, "measure": measure})
        assert made.status_code == 201, made.text
        assert made.json["state"] == "backfilling"
    ratio = {"kind": "ratio", "numerator": "turnover", "denominator": "number"}
    assert web.post(PATH, json={"name": "per_company", "measure": ratio}).json["state"] == "ready"
    reporting.catch_up()
    with reporting.db.connect() as connection:
        ids = [row[0] for row in connection.rows("select id from metric where state = 'backfilling'")]
    for ident in ids:
        while reporting.fill(ident):
            pass
    return web


def ask(web: Any, name: str, **question: Any) -> list[tuple[Any, ...]]:
    found = web.post(f"{PATH}/{name}/query", json=question)
    assert found.status_code == 200, found.text
    return [(*row["group"].values(), row["value"]) for row in found.json["rows"]]


def test_groups_and_those_without_a_value(filled: Any) -> None:
    assert ask(filled, "number") == [("5",)]
    assert sorted(ask(filled, "number", by=["city"]), key=str) == [
        ("Graz", "1"),
        ("Wien", "2"),
        ("北京", "1"),
        (None, "1"),
    ]
    assert ask(filled, "turnover", by=["city"]) == [("Wien", "150.5"), (None, "7"), ("Graz", "0"), ("北京", "-20")]
    assert ask(filled, "turnover", by="city", top=1) == [("Wien", "150.5")]
    assert ask(filled, "number", by=["city"], where={"city": ["Wien", None]}, sort="group") == [
        ("Wien", "2"),
        (None, "1"),
    ]


def test_other_measures(filled: Any) -> None:
    assert ask(filled, "mean") == [("34.375",)]
    assert dict(ask(filled, "mean", by=["city"]))["Graz"] is None
    for name in ("mean", "best"):  # which tell of how many they are
        rows = filled.post(f"{PATH}/{name}/query", json={"by": ["city"]}).json["rows"]
        assert {row["group"]["city"]: row["n"] for row in rows} == {"Graz": 0, "Wien": 2, "北京": 1, None: 1}
    best = {"Graz": None, "Wien": "100", "北京": "-20", None: "7"}
    assert dict(ask(filled, "best", by=["city"])) == best
    assert ask(filled, "cities") == [("3",)]
    assert ask(filled, "newest") == [("2025-02-10T08:00:00.000Z",)]
    assert ask(filled, "per_company") == [("27.5",)]
    assert dict(ask(filled, "per_company", by=["city"]))["Wien"] == "75.25"


def test_periods_are_days_of_the_metric_s_zone(filled: Any) -> None:
    # 23:30 UTC on the 15th is the 16th in Vienna; midnight UTC is 1 o'clock.
    assert ask(filled, "number", period="2024-01-15") == [("0",)]
    assert ask(filled, "number", period="2024-01-16") == [("1",)]
    assert ask(filled, "number", period="2024-Q1") == [("3",)]
    assert ask(filled, "number", series="month", period="2024") == [
        ("2024-01-01", "1"),
        ("2024-02-01", "2"),
        ("2024-04-01", "1"),
    ]
    assert ask(filled, "number", series="year") == [("2024-01-01", "4"), ("2025-01-01", "1")]
    week = ask(filled, "number", series="week", period="2024-01")
    assert week == [("2024-01-15", "1")]


def test_a_period_beside_the_one_before(filled: Any) -> None:
    found = filled.post(f"{PATH}/number/query", json={"period": "2025-02", "compare": "year_before"}).json["rows"]
    assert [(row["value"], row["previous"], row["change"]) for row in found] == [("1", "2", "-0.5")]
    found = filled.post(f"{PATH}/number/query", json={"by": ["city"], "period": "2024-02", "compare": "previous"}).json
    assert {row["group"]["city"]: (row["value"], row["previous"]) for row in found["rows"]} == {
        "Wien": ("1", "1"),
        "Graz": ("1", "0"),
    }


def test_as_of_a_day(reporting: Reporting, filled: Any) -> None:
    today = filled.post(f"{PATH}/number/query", json={}).json["as_of"][:10]
    assert ask(filled, "number", as_of="2020-01-01") == [("0",)]
    assert ask(filled, "mean", as_of="2020-01-01") == [(None,)]
    early, late = (filled.post(f"{PATH}/number/query", json={"as_of": day}).json for day in ("2020-01-01", today))
    assert "2020-01-01" < early["known_from"] == late["known_from"] <= today
    assert "known_from" not in filled.post(f"{PATH}/number/query", json={}).json
    assert ask(filled, "number", as_of=today) == ask(filled, "number")
    assert ask(filled, "turnover", by=["city"], as_of=today) == ask(filled, "turnover", by=["city"])
    refused = filled.post(f"{PATH}/best/query", json={"as_of": today})
    assert (refused.status_code, refused.json["errors"][0]["code"]) == (400, "NOT_KEPT")


def test_every_problem_of_a_question_at_once(filled: Any) -> None:
    wrong = {"period": "someday", "series": "hour", "sort": "up", "top": 0, "colour": 1, "as_of": "x"}
    question = {"by": ["town"], **wrong}
    found = filled.post(f"{PATH}/number/query", json=question)
    assert found.status_code == 400
    assert {error["context"]["propertyName"][0] for error in found.json["errors"]} == {
        "by", "period", "series", "sort", "top", "colour", "as_of",
    }  # fmt: skip


@pytest.mark.parametrize(
    "period", ["0001", "9999", "2024-13", "2024-W60", "2024-02-30", "last 0 days", "2024..2020", "1700..2300", "..", ""]
)
def test_periods_that_cannot_be(filled: Any, period: str) -> None:
    for path in ("query", "changes"):
        body = {"period": period or "x"}
        found = filled.post(f"{PATH}/number/{path}", json=body)
        assert found.status_code == 400, found.text
    compared = filled.post(f"{PATH}/number/query", json={"period": period or "x", "compare": "year_before"})
    assert compared.status_code == 400


def test_what_is_not_known_is_refused(filled: Any) -> None:
    assert filled.post(f"{PATH}/number/explain", json={"where": {"city": "Wien"}}).status_code == 400
    assert filled.patch(f"{PATH}/number", json={"name": "other"}).status_code == 400
    for verb in ("verify", "explain", "changes"):
        assert filled.post(f"{PATH}/per_company/{verb}", json={}).status_code == 400


def test_every_problem_of_a_definition_at_once(filled: Any) -> None:
    raw = {
        "name": "Bad Name",
        "entity_type": "company",
        "measure": {"kind": "sum"},
        "dimensions": [{"attribute": "city", "bucket": "aeon"}, {"attribute": "city", "time_zone": "Mars/Olympus"}],
    }
    found = filled.post(PATH, json=raw)
    assert found.status_code == 400
    assert len(found.json["errors"]) >= 4
    measure = {"kind": "sum", "attribute": "city"}
    unknown = {"name": "x", "entity_type": "company", "measure": measure, "dimensions": ["citty"]}
    found = filled.post(PATH, json=unknown)
    assert found.status_code == 400
    assert "city" in found.text
    assert filled.post(PATH, json={**unknown, "entity_type": "nothing", "dimensions": []}).status_code == 404
    assert filled.post(PATH, json={"name": "number", "entity_type": "company"}).status_code == 409


def test_a_changed_metric_serves_as_before_until_it_is_filled(reporting: Reporting, filled: Any) -> None:
    changed = filled.patch(f"{PATH}/cities", json={"label": "Cities", "dimensions": []})
    assert (changed.json["version"], changed.json["state"]) == (2, "backfilling")
    assert filled.get(f"{PATH}/cities").json["version"] == 1
    assert ask(filled, "cities", by=["city"])
    assert filled.patch(f"{PATH}/cities", json={"label": "Again"}).status_code == 409
    with reporting.db.connect() as connection:
        [(ident,)] = connection.rows("select id from metric where state = 'backfilling'")
    while reporting.fill(ident):
        pass
    assert filled.get(f"{PATH}/cities").json["version"] == 2
    assert filled.post(f"{PATH}/cities/query", json={"by": ["city"]}).status_code == 400


def test_work_fills_a_metric_piece_by_piece(reporting: Reporting, filled: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("services.reporting.backfill.ENTITIES", 2)
    made = filled.post(PATH, json={"name": "by_work", "entity_type": "company", "dimensions": ["city"]}).json
    assert made["state"] == "backfilling"
    assert filled.post(f"{PATH}/by_work/query", json={}).status_code == 503
    while work_off(reporting.app.extensions["crm"]):
        pass
    assert filled.get(f"{PATH}/by_work").json["state"] == "ready"
    assert ask(filled, "by_work", by=["city"], sort="group") == ask(filled, "number", by=["city"], sort="group")


def test_explanations_sum_exactly(filled: Any) -> None:
    for group in ({}, {"city": "Wien"}, {"city": None}):
        entities, after = [], 0
        while after is not None:
            page = filled.post(f"{PATH}/turnover/explain?limit=2&after={after}", json={"group": group}).json
            entities += page["results"]
            after = page.get("next_after")
        [(value,)] = ask(filled, "turnover", where=group)
        assert sum(Decimal(one["adds"]) for one in entities) == Decimal(value)
    assert filled.post(f"{PATH}/turnover/explain", json={"group": {"town": "x"}}).status_code == 400


def test_explanations_of_a_period_sum_exactly(filled: Any) -> None:
    sums = Decimal(0)
    for period in ("2020-01-01..yesterday", "today", "2000"):
        entities = filled.post(f"{PATH}/turnover/explain?limit=500", json={"period": period}).json["results"]
        told = ask(filled, "turnover", period=period)
        assert sum(Decimal(one["adds"]) for one in entities) == sum(Decimal(value) for (value,) in told)
        sums += sum(Decimal(one["adds"]) for one in entities)
    assert sums == Decimal(ask(filled, "turnover")[0][0])
    assert filled.post(f"{PATH}/turnover/explain", json={"period": "once"}).status_code == 400
    timeless = {"name": "timeless", "entity_type": "company", "dimensions": ["city"], "time": None}
    assert filled.post(PATH, json=timeless).status_code == 201
    found = filled.post(f"{PATH}/timeless/explain", json={"period": "today"})
    assert found.status_code in (400, 503)


def test_the_events_behind_a_group(reporting: Reporting, filled: Any) -> None:
    web = reporting.system.client("contacts")
    values = {"city": "Eventsby", "annual_revenue": "5", "name": "A"}
    made = web.post("/api/v1/objects/companies", json={"values": values}).json["id"]
    for change in ({"name": "B"}, {"annual_revenue": "8"}):
        assert web.patch(f"/api/v1/objects/companies/{made}", json={"values": change}).status_code == 200
    reporting.catch_up()
    body = {"group": {"city": "Eventsby"}, "period": "today", "events": True}
    [one] = filled.post(f"{PATH}/turnover/explain", json=body).json["results"]
    assert (one["id"], one["adds"]) == (made, "8")
    assert [(event["version"], event["kind"]) for event in one["events"]] == [
        (1, "entity.created"),
        (3, "entity.updated"),
    ]
    assert one["events"][1]["changed"] == {"annual_revenue": ["5", "8"]}
    assert "name" not in one["events"][0]["changed"]
    assert web.delete(f"/api/v1/objects/companies/{made}").status_code == 204
    reporting.catch_up()


def test_verification_finds_a_wrong_cell(reporting: Reporting, filled: Any) -> None:
    assert filled.post(f"{PATH}/number/verify").json["wrong"] == []
    assert filled.get(f"{PATH}/number").json["verified_wrong"] == 0
    with reporting.db.transaction() as connection:
        [(ident,)] = connection.rows("select id from metric where name = 'number' and state = 'ready'")
        connection.run("update total set n = n + 1 where metric_id = %s and dims[1] = 'Graz'", (ident,))
    found = filled.post(f"{PATH}/number/verify").json
    assert [one["group"]["city"] for one in found["wrong"]] == ["Graz"]
    with reporting.db.transaction() as connection:
        connection.run("update total set n = n - 1 where metric_id = %s and dims[1] = 'Graz'", (ident,))
    assert filled.post(f"{PATH}/number/verify").json["wrong"] == []


def test_rights_are_those_of_the_entities(reporting: Reporting, filled: Any) -> None:
    def client(*scopes: str) -> Any:
        made = reporting.system.client("workspace").post("/api/v1/tokens", json={"name": "x", "scopes": list(scopes)})
        workspace = reporting.system.runtime("workspace")
        from tests.integration.service.conftest import follow

        follow(workspace.db, reporting.db)
        return reporting.client(made.json["token"])

    assert client("crm.reports.read").post(f"{PATH}/number/query", json={}).status_code == 403
    assert client("crm.objects.companies.read").post(f"{PATH}/number/query", json={}).status_code == 403
    allowed = client("crm.reports.read", "crm.objects.companies.read")
    assert allowed.post(f"{PATH}/number/query", json={}).status_code == 200
    assert allowed.post(PATH, json={"name": "y", "entity_type": "company"}).status_code == 403
    assert client("crm.reports.read").post(f"{PATH}/number/explain", json={}).status_code == 403
    # A number of groups, or of entities to be filled, tells whether anything fits a filter.
    writer = client("crm.reports.read", "crm.reports.write", "crm.objects.contacts.read")
    asked = {"name": "oracle", "entity_type": "company", "filter": {"attribute": "city", "operator": "HAS_PROPERTY"}}
    assert writer.post(PATH, json=asked).status_code == 403
    assert writer.patch(f"{PATH}/number", json={"label": "mine"}).status_code == 403
    assert writer.post(f"{PATH}/number/verify").status_code == 403
    assert writer.delete(f"{PATH}/number").status_code == 403
    ratio = {"kind": "ratio", "numerator": "number", "denominator": "number"}
    assert writer.post(PATH, json={"name": "share", "measure": ratio}).status_code == 403
    assert "to_backfill" not in writer.get(f"{PATH}/number").json
    assert "to_backfill" in filled.get(f"{PATH}/number").json


def test_strong_answers_wait_for_what_was_written(reporting: Reporting, filled: Any, monkeypatch: Any) -> None:
    [(before,)] = ask(filled, "number")
    assert reporting.system.client("contacts").post(COMPANIES, json={"values": {"city": "Linz"}}).status_code == 201
    monkeypatch.setattr("services.reporting.answering.PATIENCE", 0.05)
    assert filled.post(f"{PATH}/number/query?fresh=strong", json={}).status_code == 503
    assert ask(filled, "number") == [(before,)]
    monkeypatch.setattr("services.reporting.answering.PATIENCE", 120.0)
    stop = threading.Event()

    def follow() -> None:
        while not stop.is_set():
            reporting.catch_up()

    (thread := threading.Thread(target=follow)).start()
    try:
        found = filled.post(f"{PATH}/number/query?fresh=strong", json={})
        assert found.status_code == 200, found.text
        assert (found.json["rows"][0]["value"], found.json["lag_ms"] < 120_000) == (str(int(before) + 1), True)
    finally:
        stop.set()
        thread.join()
    for fresh in ("tomorrow", "bounded(", "bounded(2)", "bounded(-1s)", "strong(2s)"):
        assert filled.post(f"{PATH}/number/query?fresh={fresh}", json={}).status_code == 400
    assert filled.post(f"{PATH}/number/query?fresh=bounded(9999s)", json={}).status_code == 200
    ahead = filled.post(f"{PATH}/number/query", json={"as_of": "9999-12-31"})
    assert (ahead.status_code, "lies in the future" in ahead.text) == (400, True)


class TestCache:
    @pytest.fixture
    def counted(self, reporting: Reporting, monkeypatch: Any) -> list[int]:
        reporting.app.extensions["crm"].redis.flushdb()
        computed: list[int] = []
        real = Cache._shared

        def shared(self: Cache, client: Any, key: str, compute: Any) -> Any:
            return real(self, client, key, lambda: (computed.append(1), compute())[1])

        monkeypatch.setattr(Cache, "_shared", shared)
        # As for processes that have not answered this before.
        monkeypatch.setattr(Recent, "find", lambda *_: None)
        return computed

    def test_an_answer_is_computed_once_until_cells_change(
        self, reporting: Reporting, filled: Any, counted: list[int]
    ) -> None:
        question = {"by": ["city"], "sort": "group"}
        first = filled.post(f"{PATH}/turnover/query", json=question)
        again = filled.post(f"{PATH}/turnover/query", json=question, headers={"If-None-Match": first.headers["ETag"]})
        assert (again.status_code, again.data, len(counted)) == (304, b"", 1)
        assert filled.post(f"{PATH}/turnover/query", json=question).json["rows"] == first.json["rows"]
        assert len(counted) == 1
        body = {"values": {"city": "Wien", "annual_revenue": "1"}}
        assert reporting.system.client("contacts").post(COMPANIES, json=body).status_code == 201
        reporting.catch_up()
        new = filled.post(f"{PATH}/turnover/query", json=question, headers={"If-None-Match": first.headers["ETag"]})
        assert new.status_code == 200
        assert new.headers["ETag"] != first.headers["ETag"]

    def test_a_flush_brings_nothing_old_back(self, reporting: Reporting, filled: Any, counted: list[int]) -> None:
        tags = [filled.post(f"{PATH}/number/query", json={}).headers["ETag"]]
        reporting.app.extensions["crm"].redis.flushdb()
        tags.append(filled.post(f"{PATH}/number/query", json={}).headers["ETag"])
        assert tags[0] == tags[1]
        assert len(counted) == 2

    def test_many_who_miss_at_once_make_one_compute(
        self, reporting: Reporting, filled: Any, counted: list[int]
    ) -> None:
        barrier = threading.Barrier(16)
        rows: list[Any] = []

        def one() -> None:
            client = reporting.client()
            barrier.wait()
            rows.append(client.post(f"{PATH}/mean/query", json={"by": ["city"]}).json["rows"])

        for thread in (threads := [threading.Thread(target=one) for _ in range(16)]):
            thread.start()
        for thread in threads:
            thread.join()
        assert len(rows) == 16
        assert all(one == rows[0] for one in rows)
        assert len(counted) <= 2

    def test_without_redis_it_is_computed(self, filled: Any, reporting: Reporting, monkeypatch: Any) -> None:
        monkeypatch.setattr(reporting.app.extensions["crm"].own, "cache", Cache(None))
        assert filled.post(f"{PATH}/number/query", json={}).status_code == 200


def test_what_services_suggest_is_defined_once(reporting: Reporting, filled: Any) -> None:
    projections = reporting.app.extensions["crm"].own.projections
    suggested = {one["name"] for some in CONTACTS.metrics.values() for one in some}
    assert define_suggested(reporting.db, projections) == len(suggested)
    assert filled.delete(f"{PATH}/customers").status_code == 204
    assert define_suggested(reporting.db, projections) == 0
    while work_off(reporting.app.extensions["crm"]):
        pass
    states = {one["name"]: one["state"] for one in filled.get(PATH).json["results"]}
    assert {states.get(name) for name in suggested - {"customers"}} == {"ready"}
    assert ask(filled, "companies") == ask(filled, "number")
