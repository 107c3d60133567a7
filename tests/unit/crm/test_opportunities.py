"""`crm pipelines`, `rates`, `forecast` and `convert`: what they ask of the API, and what they show."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest
import typer

from crm.commands.forecast import span
from tests.unit.crm.fake import FakeSystem, run_crm

STAGES = [
    {"id": "a", "label": "First talk", "closed": False, "metadata": {"probability": "0.2", "isClosed": "false"}},
    {"id": "b", "label": "Won", "closed": True, "metadata": {"probability": "1.0", "isClosed": "true"}},
]
PIPELINE = {"id": "p", "label": "Partners", "metadata": {"enforce": "all"}, "stages": STAGES}
WORK = {
    "kind": "move", "state": "running", "reason": "", "pipeline": "p", "stages": ["a"], "move_to": "b",
    "entities": None, "looked_at": 0, "changed": 0, "refused": 0, "begun_at": "2026-03-01T10:00:00.000Z",
    "updated_at": "2026-03-01T10:00:00.000Z",
}  # fmt: skip


def answering(**answers: Any) -> FakeSystem:
    system = FakeSystem()
    for path, body in answers.items():
        status = 204 if body is None else 202 if body is WORK else 200
        system.fail[path.replace("__", "/")] = httpx.Response(status, json=body) if body else httpx.Response(204)
    return system


def ran(system: FakeSystem, line: str, *more: str) -> tuple[str, Any]:
    """What a line shows, and the last request."""
    code, out, err = run_crm(system, *line.split(), *more, width=160)
    assert code == 0, err
    return out, system.requests[-1]


def pipelined(**answers: Any) -> FakeSystem:
    return answering(types__deals__pipelines={"results": [PIPELINE]}, **answers)


def test_pipelines_are_listed_and_shown() -> None:
    out, _ = ran(pipelined(), "pipelines list deals")
    assert "First talk > Won" in out
    out, _ = ran(pipelined(), "pipelines show deals partners")
    assert "Partners (p)  enforce=all" in out
    assert "probability=0.2" in out
    out, _ = ran(pipelined(), "pipelines show deals p --json")
    assert json.loads(out)["id"] == "p"
    assert run_crm(pipelined(), "pipelines", "show", "deals", "nothing")[0] == 2


def test_pipelines_are_made_and_changed() -> None:
    stage = ("--stage", "First talk probability=0.2", "--stage", "Won probability=1")
    _, request = ran(answering(pipelines=PIPELINE), "pipelines add deals Partners", *stage, "enforce=all")
    assert request[2] == {
        "label": "Partners",
        "metadata": {"enforce": "all"},
        "stages": [
            {"label": "First talk", "metadata": {"probability": "0.2"}},
            {"label": "Won", "metadata": {"probability": "1"}},
        ],
    }
    system = pipelined(pipelines__p=PIPELINE, stages__a=STAGES[0], p__stages=STAGES[0])
    _, request = ran(system, "pipelines edit deals Partners enforce= --position 3")
    assert request[::2] == ("PATCH", {"position": 3, "metadata": {"enforce": None}})
    _, request = ran(system, "pipelines stage add deals Partners Offer probability=0.5")
    assert request[2] == {"label": "Offer", "metadata": {"probability": "0.5"}}
    _, request = ran(system, "pipelines stage edit deals Partners", "first talk", "probability=0.4", "--label", "Talk")
    assert request == (
        "PATCH",
        "/api/v1/types/deals/pipelines/p/stages/a",
        {"label": "Talk", "metadata": {"probability": "0.4"}},
    )
    assert run_crm(system, "pipelines", "stage", "edit", "deals", "p", "a", "0.4")[0] == 2


def test_pipelines_and_stages_are_put_away() -> None:
    system = pipelined(pipelines__p=None, stages__a=None)
    out, request = ran(system, "pipelines archive deals p")
    assert (request[0], "pipeline Partners is archived" in out) == ("DELETE", True)
    ran(system, "pipelines stage archive deals p a")
    out, request = ran(pipelined(stages__a=WORK), "pipelines stage archive deals p a --move-to won")
    assert request[1] == "/api/v1/types/deals/pipelines/p/stages/a?move_to=b"
    assert "once all who stand in it are in b" in out
    out, _ = ran(pipelined(p__work={"results": [WORK]}), "pipelines work deals partners")
    assert "move to b" in out


def test_rates(tmp_path: Path) -> None:
    rates = [{"currency": "SEK", "since": "2026-03-01", "rate": 0.092}, {"currency": "USD", "since": "x", "rate": 1}]
    system = answering(rates={"home": "EUR", "results": rates})
    out, _ = ran(system, "rates list sek")
    assert ("Worth in EUR" in out, "0.092" in out, "USD" in out) == (True, True, False)
    out, request = ran(system, "rates add SEK 2026-03-01 0.092 --home eur")
    assert request[2] == {"rates": [{"currency": "SEK", "since": "2026-03-01", "rate": "0.092"}], "home": "EUR"}
    assert "2 rates in EUR" in out
    _, request = ran(system, "rates remove SEK 2026-03-01")
    assert request[2]["rates"][0]["rate"] is None
    file = tmp_path / "rates.csv"
    file.write_text("currency,since,rate\nSEK,2026-03-01,0.092\n", encoding="utf-8-sig")
    _, request = ran(system, "rates load", str(file))
    assert request[2] == {"csv": "currency,since,rate\nSEK,2026-03-01,0.092\n"}
    assert run_crm(system, "rates", "load", str(tmp_path / "none.csv"))[0] == 2
    moved = {
        "state": "running", "reason": "", "currencies": ["SEK"], "deals": 5, "looked_at": 2, "changed": 1,
        "begun_at": WORK["begun_at"], "updated_at": WORK["updated_at"],
    }  # fmt: skip
    out, _ = ran(answering(revaluation=moved), "rates progress")
    assert "2 of 5" in out


def test_a_forecast() -> None:
    total = {"count": 2, "amount": 1000, "weighted": 250.5}
    body = {"as_of": "2026-05-01", "results": [{"group": "12", "categories": {"PIPELINE": total, "CLOSED": total}}]}
    out, request = ran(answering(forecast=body), "forecast 2026-Q2 --by owner --owner 12 --as-of 2026-05-01")
    assert request[1] == (
        "/api/v1/opportunities/forecast?from=2026-04-01&to=2026-07-01&owner=12&by=owner&as_of=2026-05-01T00%3A00%3A00Z"
    )
    assert out.count("1,000.00") == 2
    assert "501.00" in out
    parts = [{"part": "won", "count": 1, "amount": -10, "deals": ["1"]}]
    body = {"since": "a", "until": "b", "opening": 10, "closing": 0, "parts": parts}
    out, request = ran(answering(forecast__waterfall=body), "forecast 2026 --since 2026-05-01")
    assert ("-10.00" in out, "since=2026-05-01T00%3A00%3A00Z" in request[1]) == (True, True)


@pytest.mark.parametrize(
    ("text", "first", "after"),
    [
        ("2026", date(2026, 1, 1), date(2027, 1, 1)),
        ("2026-Q4", date(2026, 10, 1), date(2027, 1, 1)),
        ("2026-12", date(2026, 12, 1), date(2027, 1, 1)),
        ("2026-04", date(2026, 4, 1), date(2026, 5, 1)),
        ("2026-04-01..2026-06-30", date(2026, 4, 1), date(2026, 7, 1)),
    ],
)
def test_periods(text: str, first: date, after: date) -> None:
    assert span(text) == (first, after)


@pytest.mark.parametrize("text", ["soon", "2026-Q5", "2026-13", "2026-04-01..", "9999"])
def test_no_periods(text: str) -> None:
    with pytest.raises(typer.BadParameter):
        span(text)


def test_a_lead_is_converted() -> None:
    deal = {"id": "9", "type": "deal", "version": 1, "values": {"name": "Machines"}}
    system = answering(opportunities__convert=deal)
    system.attributes["deal"] = [{"name": "name", "label": "Name"}]
    out, request = ran(system, "convert 42 --company 7 Name=Machines --key second")
    assert request[2] == {"contact": "42", "values": {"name": "Machines"}, "company": "7", "key": "second"}
    assert "deal 9 of contact 42" in out
