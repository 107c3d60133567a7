"""`crm sla`: holidays are asked for as the API has them, and shown as what was added."""

from __future__ import annotations

import httpx

from tests.unit.crm.fake import FakeSystem, run_crm

ADDED = {
    "name": "office", "version": 2, "valid_from": "2026-03-01T00:00:00.000Z", "body": {},
    "added": [{"date": "2026-01-06", "name": "Epiphany"}],
}  # fmt: skip


def answering(path: str, body: object) -> FakeSystem:
    system = FakeSystem()
    system.fail[path] = httpx.Response(201, json=body)
    return system


def test_holidays_are_added() -> None:
    system = answering("/sla/calendars/office/holidays", ADDED)
    line = ("sla", "holidays", "add", "office", "--country", "DE", "--subdivision", "BY", "--years", "2026-2028,2030")
    code, out, err = run_crm(system, *line)
    assert code == 0, err
    assert "1 holidays added: version 2" in out
    assert "Epiphany" in out
    ((_, _, body),) = system.requests
    assert body == {"country": "DE", "subdivision": "BY", "years": [2026, 2027, 2028, 2030]}
    code, out, _ = run_crm(system, *line, "--json")
    assert '"version":2' in out


def test_years_that_are_none() -> None:
    code, _, _ = run_crm(FakeSystem(), "sla", "holidays", "add", "office", "--country", "DE", "--years", "soon")
    assert code == 2


def test_countries() -> None:
    one = {"code": "DE", "name": "Germany", "subdivisions": [{"code": "BY", "name": "Bayern"}, {"code": "Augsburg"}]}
    _, out, _ = run_crm(answering("/sla/holidays", {"results": [one]}), "sla", "holidays", "countries", "DE")
    assert "BY (Bayern), Augsburg" in out
