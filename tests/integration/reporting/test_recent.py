"""An answer is given again by one statement, and only while nothing that it was made of has changed."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.reporting import answering
from services.reporting.metrics import store
from shared.kernel.context import Actor, Context
from shared.kernel.errors import Forbidden
from tests.integration.reporting.conftest import Reporting
from tests.integration.reporting.test_projections import BY_STATUS, define, metrics, work  # noqa: F401

PATH = "/reporting/v1/metrics/contacts_by_status"
pytestmark = pytest.mark.usefixtures("metrics")
QUESTION = {"by": ["lead_status"]}


def asked(reporting: Reporting, raw: dict[str, Any] = QUESTION, fresh: str = "any") -> tuple[dict[str, Any], int]:
    """The answer, and how many statements it took."""
    own = reporting.app.extensions["crm"].own
    with reporting.db.counted() as statements:
        found = own.ask(Context(), "contacts_by_status", raw, fresh)
    return found.body, len(statements)


def rows(body: dict[str, Any]) -> dict[Any, int]:
    return {one["group"]["lead_status"]: int(one["value"]) for one in body["rows"]}


def test_it_takes_one_statement_until_something_changes(reporting: Reporting) -> None:
    work(reporting, 71, 20)
    reporting.catch_up()
    first, _ = asked(reporting)
    again, count = asked(reporting)
    assert (count, again["rows"]) == (1, first["rows"])
    web = reporting.system.client("contacts")
    made = web.post("/api/v1/objects/companies", json={"values": {"lead_status": "NEW"}})
    assert made.status_code == 201
    assert made.json is not None
    reporting.catch_up()
    after, count = asked(reporting)
    assert count > 1
    assert rows(after)["NEW"] == rows(first).get("NEW", 0) + 1
    assert after["as_of"] > again["as_of"]
    web.patch(f"/api/v1/objects/companies/{made.json['id']}", json={"values": {"phone": "1"}})
    reporting.catch_up()
    same, count = asked(reporting)
    assert (count, same["rows"]) == (1, after["rows"]), "what the metric does not look at changes nothing"
    assert same["as_of"] > after["as_of"], "but up to when nothing is missing moves on"


def test_other_definitions_verifications_days_and_freshness_are_not_remembered(
    reporting: Reporting, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked(reporting)
    assert asked(reporting)[1] == 1
    reporting.client().post(f"{PATH}/verify")
    verified, count = asked(reporting)
    assert (count > 1, verified["verified_at"] is not None) == (True, True)
    web = reporting.client()
    web.post(f"{PATH}/rebuild")
    with reporting.db.connect() as connection:
        made = store.find(connection, "contacts_by_status", (store.BACKFILLING,))
    assert made is not None
    assert asked(reporting)[1] == 1, "the one before serves"
    while reporting.fill(made.id):
        pass
    assert asked(reporting)[0]["definition_version"] == made.version
    assert asked(reporting)[1] == 1
    assert asked(reporting, fresh="bounded")[1] >= 1
    monkeypatch.setattr(answering, "PATIENCE", 0.0)
    with pytest.raises(answering.Unavailable):
        asked(reporting, fresh="strong")
    tomorrow = datetime.now(UTC) + timedelta(1)
    monkeypatch.setattr(answering, "now", lambda: tomorrow)
    assert asked(reporting)[1] > 1


def test_rights_are_asked_each_time_and_what_is_retired_is_gone(reporting: Reporting) -> None:
    made = define(reporting, {**BY_STATUS, "name": "passing"})
    while reporting.fill(made.id):
        pass
    web, path = reporting.client(), "/reporting/v1/metrics/passing"
    assert web.post(f"{path}/query", json=QUESTION).status_code == 200
    own = reporting.app.extensions["crm"].own
    reader = Context(actor=Actor("1", scopes=frozenset({"crm.reports.read"})))
    with pytest.raises(Forbidden):
        own.ask(reader, "passing", QUESTION)
    assert web.delete(path).status_code == 204
    assert web.post(f"{path}/query", json=QUESTION).status_code == 404


def test_a_question_in_the_same_bytes_is_neither_read_nor_written_again(reporting: Reporting) -> None:
    own, web = reporting.app.extensions["crm"].own, reporting.client()
    body = json.dumps(QUESTION).encode()

    def again(fresh: str = "any", ctx: Context | None = None) -> tuple[tuple[str, bytes] | None, int]:
        with reporting.db.counted() as statements:
            return own.again(ctx or Context(), "contacts_by_status", body, fresh), len(statements)

    asked = web.post(f"{PATH}/query", data=body, content_type="application/json")
    told, count = again()
    assert told is not None
    assert (told[0], count) == (asked.get_etag()[0], 1)
    assert {**json.loads(told[1]), "lag_ms": 0} == {**asked.json, "lag_ms": 0}
    own.recent.window = 60.0
    try:
        own.recent.stand("contacts_by_status", float("-inf"), None)
        assert again()[1] == 1
        assert again()[1] == 0
        assert again("strong") == (None, 0), "an old look is never strictly fresh"
        with pytest.raises(Forbidden):
            again(ctx=Context(actor=Actor("1", scopes=frozenset({"crm.reports.read"}))))
        headers = {"If-None-Match": asked.headers["ETag"]}
        assert web.post(f"{PATH}/query", data=body, headers=headers).status_code == 304
        zipped = web.post(f"{PATH}/query", data=body, headers={"Content-Encoding": "gzip"})
        assert zipped.status_code == 415
    finally:
        own.recent.window = 0.0
    made = reporting.system.client("contacts").post(
        "/api/v1/objects/companies", json={"values": {"lead_status": "NEW"}}
    )
    assert made.status_code == 201
    reporting.catch_up()
    assert again()[0] is None, "its cells have changed"
