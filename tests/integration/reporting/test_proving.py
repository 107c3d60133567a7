"""Whatever is altered in a metric's tables is found by a verification, named, and put right where it was."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from typing import Any

import pytest

from services.reporting.metrics import folding, store
from shared.service.jobs import work_off
from tests.integration.reporting.conftest import Reporting
from tests.integration.reporting.test_projections import BY_STATUS, assert_exact, metrics, work  # noqa: F401

PATH = "/reporting/v1/metrics"
pytestmark = pytest.mark.usefixtures("metrics")
TODAY = datetime.now(UTC).date()
OF = "metric_id = (select id from metric where name = '{}' and state = 'ready')"
BY_STATUS_CELLS, HIGHEST_VALUES = OF.format("contacts_by_status"), OF.format("highest")


@pytest.fixture(scope="module", autouse=True)
def some(reporting: Reporting, metrics: Any) -> None:  # noqa: F811
    work(reporting, 81, 40)
    reporting.catch_up()


def damage(reporting: Reporting, sql: str, **params: Any) -> None:
    with reporting.db.connect() as connection:
        assert connection.run(sql, params) > 0


def rows(reporting: Reporting) -> list[Any]:
    with reporting.db.connect() as connection:
        tables = ("ledger", "total", "cell_value")
        return [sorted(connection.rows(f"select * from {one}"), key=str) for one in tables]


def verified(reporting: Reporting, name: str, query: str = "") -> dict[str, Any]:
    found: dict[str, Any] = reporting.client().post(f"{PATH}/{name}/verify{query}").json
    return found


def mended(reporting: Reporting, name: str, sql: str, **params: Any) -> list[dict[str, Any]]:
    """What a verification says of damage; afterwards everything is as it was."""
    before = rows(reporting)
    damage(reporting, sql, **params)
    found = verified(reporting, name)
    assert found["wrong"]
    assert reporting.client().get(f"{PATH}/{name}").json["verified_wrong"] > 0
    assert verified(reporting, name, "?repair=true")["wrong"] == found["wrong"]
    assert verified(reporting, name)["wrong"] == []
    assert rows(reporting) == before
    assert_exact(reporting)
    return list(found["wrong"])


def test_an_amount_that_is_not_its_value_is_found_and_put_right(reporting: Reporting) -> None:
    wrong = mended(
        reporting, "highest", f"update cell_value set amount = amount + 1000 where {HIGHEST_VALUES} and value = '300'"
    )
    assert {one["in"] for one in wrong} == {"values"}
    assert wrong[0]["value"] == "300"
    assert (wrong[0]["stored"]["amount"], wrong[0]["right"]["amount"]) == ("1300", "300")


def test_a_moved_day_is_found_and_put_back(reporting: Reporting) -> None:
    wrong = mended(reporting, "contacts_by_status", f"update cell set day = '2025-10-19' where {BY_STATUS_CELLS}")
    assert {one["in"] for one in wrong} == {"days"}
    assert {one["day"] for one in wrong} > {"2025-10-19"}, "where it is, and where it belongs"
    assert set(wrong[0]["group"]) == {"lead_status", "city"}


@pytest.mark.parametrize(
    "sql",
    [
        "update cell set n = n + 3 where {} and n > 0",
        "delete from cell where {} and dims[1] = 'NEW'",
        "update total set weight = weight + 1 where {}",
    ],
)
def test_altered_and_deleted_days_are_put_back(reporting: Reporting, sql: str) -> None:
    mended(reporting, "contacts_by_status", sql.format(BY_STATUS_CELLS))


def test_days_that_no_version_tells_any_more_are_put_back_by_their_weight(reporting: Reporting) -> None:
    """Somebody was erased since: what they were counted under stands in the ledger only."""
    with reporting.db.connect() as connection:
        versions = connection.rows("select type_no, id, version, changed::text from fact_version")
        connection.run("update fact_version set changed = '{}'")
    try:
        mended(reporting, "contacts_by_status", f"update cell set day = day - 40 where {BY_STATUS_CELLS}")
    finally:
        with reporting.db.connect() as connection:
            for one in versions:
                sql = "update fact_version set changed = %s::jsonb where (type_no, id, version) = (%s, %s, %s)"
                connection.run(sql, (one[3], *one[:3]))


def test_folded_days_are_looked_at_as_well(reporting: Reporting) -> None:
    with reporting.db.connect() as connection:
        metric = store.find(connection, "contacts_by_status")
        assert metric is not None
        folding.fold(connection, metric.id, TODAY.replace(day=1))
        connection.run(f"update cell_month set days = array(select d - 1 from unnest(days) d) where {BY_STATUS_CELLS}")
    assert verified(reporting, "contacts_by_status", "?repair=true")["wrong"]
    assert verified(reporting, "contacts_by_status")["wrong"] == []
    assert_exact(reporting)


def test_a_metric_is_either_retired_or_changed(reporting: Reporting) -> None:
    """Whoever comes second finds what the first has left."""
    web, name = reporting.client(), "raced"
    assert web.post(PATH, json={**BY_STATUS, "name": name}).status_code == 201
    while work_off(reporting.app.extensions["crm"]):
        pass
    answers: list[int] = []

    def change() -> None:
        answers.append(reporting.client().patch(f"{PATH}/{name}", json={"label": "Raced"}).status_code)

    with reporting.db.transaction() as connection:
        store.hold_name(connection, name)
        racing = threading.Thread(target=change)
        racing.start()
        while not _waiting(reporting):
            racing.join(0.05)
            assert racing.is_alive(), "the change went on though somebody was retiring it"
        store.retire(connection, name)
    racing.join(60)
    assert answers == [404]
    assert web.get(f"{PATH}/{name}").status_code == 404


def _waiting(reporting: Reporting) -> bool:
    with reporting.db.connect() as connection:
        return bool(connection.rows("select 1 from pg_locks where locktype = 'advisory' and not granted"))
