"""Old days are folded, and every day reads as before; dear answers are worked out before they are asked."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from services.reporting import jobs, warming
from services.reporting.metrics import folding, mending, store
from shared.service.jobs import work_off
from tests.integration.reporting.conftest import Reporting
from tests.integration.reporting.test_projections import (  # noqa: F401
    BY_STATUS,
    REVENUE,
    assert_exact,
    define,
    metrics,
    work,
)

TODAY = date(2026, 11, 22)
pytestmark = pytest.mark.usefixtures("metrics")
_AS_OF = """select dims, sum(n)::bigint, sum(m)::bigint, sum(s) from ledger
where metric_id = %s and day <= %s group by dims having sum(n) <> 0 or sum(m) <> 0 or sum(s) <> 0"""


def as_of(reporting: Reporting, metric: int, day: date) -> dict[Any, Any]:
    with reporting.db.connect() as connection:
        return store.group_rows(connection.rows(_AS_OF, (metric, day)))


def write(reporting: Reporting, metric: int, drawn: random.Random, days: list[date]) -> None:
    """Changes of random groups on these days; some days come to nothing."""
    groups = [["NEW", None], [None, None], ["OPEN", "北京"], ["a,{b}", "\"q'"]]
    with reporting.db.connect() as connection:
        for day in days:
            for dims in drawn.sample(groups, 2):
                n, s = drawn.choice((-1, 0, 1, 2)), Decimal(drawn.choice(("0", "0", "1.25", "-99999999999999.01")))
                connection.run(
                    "insert into cell values (%s, %s, %s, %s, %s, %s) on conflict (metric_id, dims, day) do update"
                    " set n = cell.n + excluded.n, m = cell.m + excluded.m, s = cell.s + excluded.s",
                    (metric, dims, day, n, n, s),
                )


def fold_all(reporting: Reporting, today: date = TODAY) -> int:
    folded = 0
    with reporting.db.transaction() as connection:
        while (piece := folding.due(connection, today)) is not None:
            folding.fold(connection, *piece)
            folded += 1
    return folded


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_day_reads_as_before(reporting: Reporting, seed: int) -> None:
    drawn = random.Random(seed)
    metric = define(reporting, {**BY_STATUS, "name": f"folded_{seed}"}).id
    days = [TODAY - timedelta(drawn.randrange(400)) for _ in range(120)]
    looked = [TODAY - timedelta(n) for n in range(0, 410, 3)]
    write(reporting, metric, drawn, days)
    for later in range(2):
        before = {day: as_of(reporting, metric, day) for day in looked}
        assert fold_all(reporting) > 0
        assert {day: as_of(reporting, metric, day) for day in looked} == before
        assert fold_all(reporting) == 0
        if not later:
            write(reporting, metric, drawn, days[:40])  # what comes late lies beside what is folded
    with reporting.db.connect() as connection:
        oldest = connection.row("select min(day) from cell where metric_id = %s", (metric,))
        months = connection.row("select count(*), count(distinct (month, dims)) from cell_month")
    assert oldest == (None,) or oldest[0] >= (TODAY - timedelta(folding.KEPT_DAYS)).replace(day=1)  # type: ignore[index]
    assert months is not None
    assert months[0] == months[1] > 0
    with reporting.db.connect() as connection:
        store.retire(connection, f"folded_{seed}")
        assert connection.row("select count(*) from cell_month where metric_id = %s", (metric,)) == (0,)


def test_the_job_folds_and_everything_still_adds_up(reporting: Reporting) -> None:
    """Answers of days gone by, the waterfall, verification and a rebuild read what is folded."""
    work(reporting, 61, 30)
    reporting.catch_up()
    with reporting.db.connect() as connection:
        connection.run("update cell set day = day - 100")
        mending.weigh(connection)
    day = (datetime.now(UTC).date() - timedelta(100)).isoformat()
    web, path = reporting.client(), "/reporting/v1/metrics/contacts_by_status"
    question = {"by": ["lead_status", "city"], "as_of": day}
    before = web.post(f"{path}/query", json=question).json["rows"]
    assert before
    assert jobs.fold_when_due(reporting.db) == 1
    assert jobs.fold_when_due(reporting.db) == 0, "it is under way"
    while work_off(reporting.app.extensions["crm"]):
        pass
    with reporting.db.connect() as connection:
        assert connection.row("select count(*) from cell") == (0,)
    assert jobs.fold_when_due(reporting.db) == 0
    assert web.post(f"{path}/query", json=question).json["rows"] == before
    assert web.post(f"{path}/verify").json["wrong"] == []
    web.post(f"{path}/rebuild")
    while work_off(reporting.app.extensions["crm"]):
        pass
    assert web.get(f"{path}/rebuild").json["comparison"]["differing"] == 0
    assert web.post(f"{path}/query", json=question).json["rows"] == before
    found = web.post(f"{path}/changes", json={"period": "last 2 days"}).json
    assert Decimal(found["after"]) - Decimal(found["before"]) == sum(Decimal(one["value"]) for one in found["parts"])
    work(reporting, 62, 10)
    reporting.catch_up()
    assert_exact(reporting)


def test_generations_that_were_compared_with_go_after_a_while(reporting: Reporting) -> None:
    path = "/reporting/v1/metrics/revenue"
    reporting.client().post(f"{path}/rebuild")
    while work_off(reporting.app.extensions["crm"]):
        pass
    with reporting.db.connect() as connection:
        [old] = [one for one in store.listed(connection, ("replaced",)) if one.name == "revenue"]
        assert store.totals(connection, old.id), "whoever had found it to serve reads on in it"
        assert folding.clear_outlived(connection) == 0
        connection.run("update metric set retired_at = retired_at - interval '2 hours' where state = 'replaced'")
        assert folding.clear_outlived(connection) >= 1
        assert store.totals(connection, old.id) == store.ledger(connection, old.id) == {}
    assert_exact(reporting)


def test_dear_answers_are_worked_out_before_they_are_asked(
    reporting: Reporting, monkeypatch: pytest.MonkeyPatch
) -> None:
    web, path = reporting.client(), "/reporting/v1/metrics/contacts_by_status/query"
    question, cheap = {"by": ["lead_status"]}, {"by": ["city"]}
    web.post(path, json=cheap)
    monkeypatch.setattr(warming, "DEAR_SECONDS", 0.0)
    web.post(path, json=question)
    monkeypatch.setattr(warming, "DEAR_SECONDS", 60.0)
    with reporting.db.connect() as connection:
        assert [(one[0], one[2]) for one in warming.dearest(connection)] == [("contacts_by_status", question)]
    work(reporting, 63, 8)
    reporting.catch_up()
    runtime = reporting.app.extensions["crm"]
    assert jobs.warm_when_due(reporting.db) == 1
    while work_off(runtime):
        pass
    computed: list[object] = []
    original = type(runtime.own)._table

    def counted(*given: Any) -> Any:
        computed.append(given)
        return original(*given)

    monkeypatch.setattr(type(runtime.own), "_table", counted)
    assert web.post(path, json=question).status_code == 200
    assert computed == []
    assert web.post(path, json=cheap).status_code == 200
    assert len(computed) == 1
    with reporting.db.connect() as connection:
        connection.run("update dear_question set asked_at = asked_at - interval '2 days'")
        assert warming.dearest(connection) == []
