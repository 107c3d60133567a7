"""Events put aside: what is given up leaves no hole, and answers say that something is missing in them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from shared.bus.account import accounts
from shared.bus.client import DirectSource
from shared.bus.consumer import pull
from shared.bus.dead_letters import letters
from shared.bus.settling import skip
from shared.kernel.db import Connection
from shared.service.replica.copying import renewing
from tests.integration.reporting.conftest import Reporting
from tests.integration.reporting.test_projections import assert_exact, metrics, work  # noqa: F401

pytestmark = pytest.mark.usefixtures("metrics")
ASIDE = "reporting.contacts"


def renew(reporting: Reporting) -> Callable[[str, int | None], Callable[[Connection], None]]:
    web: Any = reporting.system.client("contacts")
    projections = reporting.projections
    return renewing(projections.catalogs, "contacts", lambda path: web.get(path).json, projections.project)


def company(reporting: Reporting) -> int:
    web: Any = reporting.system.client("contacts")
    made = web.post("/api/v1/objects/companies", json={"values": {"city": "Graz", "lead_status": "NEW"}}).json
    reporting.catch_up()
    return int(made["id"])


def change(reporting: Reporting, ident: int, city: str) -> None:
    web = reporting.system.client("contacts")
    assert web.patch(f"/api/v1/objects/companies/{ident}", json={"values": {"city": city}}).status_code == 200


def put_aside(reporting: Reporting, ident: int, *cities: str) -> list[int]:
    """Changes that a constraint on facts refuses; the letters."""
    for city in cities:
        change(reporting, ident, city)
    with reporting.db.connect() as connection:
        sql = f"alter table fact add constraint refused check (id <> {ident} or version < 2) not valid"
        connection.run(sql)
    feeds = DirectSource({"contacts": reporting.contacts.feed})
    with pytest.raises(psycopg.errors.CheckViolation):
        pull(reporting.db, feeds, reporting.subscription())
    while pull(reporting.db, feeds, reporting.subscription(), one_by_one=True).applied:
        pass
    with reporting.db.connect() as connection:
        connection.run("alter table fact drop constraint refused")
        return [one.id for one in letters(connection, ASIDE)]


def test_after_giving_one_up_the_entity_is_what_its_source_has(reporting: Reporting, metrics: Any) -> None:  # noqa: F811
    ident = company(reporting)
    first, _second = put_aside(reporting, ident, "Linz", "Wels")
    done = skip(reporting.db, ASIDE, reporting.subscription().handler, first, renew(reporting))
    assert (done.skipped, done.applied, done.left, done.taken_over) == (1, 1, 0, True)
    assert_exact(reporting)
    change(reporting, ident, "Steyr")
    reporting.catch_up()
    with reporting.db.connect() as connection:
        assert letters(connection, ASIDE) == []
        [account] = [one for one in accounts(connection) if one.subscription == ASIDE]
        kinds = connection.rows("select kind from fact_version where id = %s order by version", (ident,))
    assert_exact(reporting)
    assert (account.balanced, account.skipped) == (True, 1)
    assert [kind for (kind,) in kinds] == ["entity.created", "entity.copied", "entity.updated"]


def test_an_old_hole_is_closed_by_replaying_what_lies_behind_it(reporting: Reporting) -> None:
    web = reporting.client()
    ident = company(reporting)
    first, second = put_aside(reporting, ident, "Linz", "Wels")
    with reporting.db.connect() as connection:
        connection.run("delete from dead_letter where id = %s", (first,))
    runtime = reporting.app.extensions["crm"]
    known = reporting.subscription(renew=renew(reporting))
    runtime.follows[ASIDE], before = known, runtime.follows.get(ASIDE)
    done = web.post(f"/api/v1/reporting/dead-letters/{second}/replay").json
    if before is not None:
        runtime.follows[ASIDE] = before
    assert (done["applied"], done["taken_over"]) == (1, True)
    assert_exact(reporting)


def test_answers_say_that_changes_are_put_aside(reporting: Reporting) -> None:
    web = reporting.client()
    path, question = "/reporting/v1/metrics/contacts_by_status/query", {"by": ["city"]}
    ident = company(reporting)
    before = web.post(path, json=question)
    assert "incomplete" not in before.json
    first, _second = put_aside(reporting, ident, "Linz", "Wels")
    for _ in range(2):  # asked, and given again
        after = web.post(path, json=question, headers={"If-None-Match": before.headers["ETag"]})
        assert (after.status_code, after.json["incomplete"]["put_aside"]) == (200, 2)
        assert after.json["incomplete"]["since"] <= after.json["as_of"]
    asked = {"entity_type": "company", "by": ["city"]}
    assert web.post("/reporting/v1/query", json=asked).json["incomplete"]["put_aside"] == 2
    assert b"2 changes put aside since" in web.get("/reporting").data
    skip(reporting.db, ASIDE, reporting.subscription().handler, first, renew(reporting))
    assert "incomplete" not in web.post(path, json=question).json
    assert "incomplete" not in web.post("/reporting/v1/query", json=asked).json
