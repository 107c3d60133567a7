"""How customers were served: asked once a cycle, answered once by a link that nobody can make up."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest

from services.service_desk.satisfaction import doors, surveys
from services.service_desk.satisfaction.limits import Limit
from shared.kernel.clock import now
from tests.integration.service_desk.automation.conftest import ROOT, Following, declare, fired, said
from tests.integration.service_desk.conftest import Desk

ASK = {"ask": {"text": "How was it? {{ satisfaction.url }}", "days": 3}}
CLOSED = {"attribute": "status", "operator": "EQ", "value": "closed"}


@pytest.fixture(scope="module", autouse=True)
def patient(desk: Desk) -> None:
    """Nobody is held up by the limit but in its own test."""
    doors._limit(desk.runtime)._most = 10_000


def link(desk: Desk, **values: Any) -> tuple[str, str]:
    """A new ticket, and the path of the link that asks about it."""
    ident = desk.ticket(**values)
    return ident, desk.asked(ident)


def visitor(desk: Desk) -> Any:
    """Somebody without a token."""
    return desk.client.application.test_client()


def test_closing_asks_and_the_answer_counts_once(desk: Desk, follow: Following) -> None:
    declare(desk, "triggers", name="ask", on=["status"], filter=CLOSED, actions=[ASK])
    ident = desk.ticket(owner_id="7")
    desk.write(ident, stage="4")
    follow()
    (entry,) = said(desk, ident)
    path = entry["body"][entry["body"].index("/api/") :]
    values = desk.read(ident)
    assert (values["csat_agent"], values.get("csat_score")) == ("7", None)
    assert values["csat_asked_at"]
    page = visitor(desk).get(path)
    assert (page.status_code, page.mimetype) == (200, "text/html")
    assert 'name="score"' in page.text
    assert "http" not in page.text
    assert "script" not in page.text
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert desk.read(ident) == values
    first = visitor(desk).post(path, data={"score": "4", "comment": "<b>Good</b>"})
    assert first.status_code == 200
    assert "&lt;b&gt;Good" in first.text
    again = visitor(desk).post(path, data={"score": "1"})
    assert "answered this before" in again.text
    assert "4 - good" in again.text
    assert "4 - good" in visitor(desk).get(path).text
    values = desk.read(ident)
    assert (values["csat_score"], values["csat_comment"]) == (4, "<b>Good</b>")
    history = desk.ask("GET", f"/api/v1/objects/tickets/{ident}?history=csat_score")["history"]["csat_score"]
    assert [(one["value"], one["source"], one["actor"]) for one in history] == [("4", "SATISFACTION", "customer")]


def test_another_cycle_is_asked_about_anew(desk: Desk, follow: Following) -> None:
    declare(desk, "triggers", name="ask", on=["status"], filter=CLOSED, actions=[ASK])
    ident = desk.ticket()
    desk.write(ident, stage="4")
    follow()
    first = said(desk, ident)[0]["body"]
    assert visitor(desk).post(first[first.index("/api/") :], data={"score": "2"}).status_code == 200
    desk.write(ident, stage="1")
    desk.write(ident, stage="4")
    follow()
    assert len(said(desk, ident)) == 2
    assert desk.read(ident).get("csat_score") is None
    assert [(one["cycle"], one["score"]) for one in desk.surveys(ident)] == [(1, 2), (2, None)]


def test_what_a_ticket_has_of_another_by_merging_is_no_news(desk: Desk, follow: Following) -> None:
    bad = {"attribute": "csat_score", "operator": "LTE", "value": 2}
    declare(desk, "triggers", name="bad", on=["changed"], filter=bad, actions=[{"note": {"text": "Look at it"}}])
    (ident, path), survivor = link(desk), desk.ticket()
    assert visitor(desk).post(path, data={"score": "1"}).status_code == 200
    follow()
    assert len(fired(desk, ident, "bad")) == 1
    desk.ask("POST", f"/api/v1/objects/tickets/{survivor}/merge", absorb=[ident])
    follow()
    assert desk.read(survivor)["csat_score"] == 1
    assert fired(desk, survivor, "bad") == []


def test_two_answers_at_once(desk: Desk) -> None:
    ident, path = link(desk)
    answers: list[str] = []

    def post(score: int) -> None:
        answers.append(visitor(desk).post(path, json={"score": score}).text)

    threads = [threading.Thread(target=post, args=(score,)) for score in (1, 5, 3, 4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sum("Thank you for your answer" in one for one in answers) == 1
    history = desk.ask("GET", f"/api/v1/objects/tickets/{ident}?history=csat_score")["history"]["csat_score"]
    assert len(history) == 1


def test_nobody_makes_a_link_up(desk: Desk) -> None:
    _, path = link(desk)
    head, token = path.rsplit("/", 1)
    changed = ("B" if token[3] == "A" else "A").join((token[:3], token[4:]))
    for wrong in (changed, token[:-4], "x", "A" * 91, "é" * 91, f"{token}A"):
        answers = [visitor(desk).get(f"{head}/{wrong}"), visitor(desk).post(f"{head}/{wrong}", data={"score": "5"})]
        assert [one.status_code for one in answers] == [404, 404]
        assert {one.text for one in answers} == {visitor(desk).get(f"{head}/y").text}
    # One that was asked by a database that is no more is answered alike.
    with desk.runtime.db.transaction() as connection:
        connection.run("update desk_survey set ticket_id = ticket_id + 100000")
    assert visitor(desk).get(path).status_code == 404
    assert visitor(desk).post(path, data={"score": "5"}).status_code == 404
    with desk.runtime.db.transaction() as connection:
        connection.run("update desk_survey set ticket_id = ticket_id - 100000")


def test_a_link_expires(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    ident, path = link(desk)
    later = now() + timedelta(days=15)
    monkeypatch.setattr(doors, "now", lambda: later)
    assert visitor(desk).get(path).status_code == 410
    assert visitor(desk).post(path, data={"score": "5"}).status_code == 410
    assert desk.read(ident).get("csat_score") is None


def test_what_is_no_score_is_asked_for_again(desk: Desk) -> None:
    ident, path = link(desk)
    for body in ({"score": "6"}, {"score": ""}, {}, {"score": "5", "comment": "x" * 3000}):
        found = visitor(desk).post(path, data=body)
        assert (found.status_code, 'name="score"' in found.text) == (400, True)
    assert desk.read(ident).get("csat_score") is None
    desk.ask("POST", f"{ROOT}/surveys", 409, ticket=ident)
    desk.ask("POST", f"{ROOT}/surveys", 404, ticket="99999999")
    desk.ask("POST", f"{ROOT}/surveys", 400, ticket=ident, days=0)


def test_an_old_answer_does_not_overwrite_a_new_question(desk: Desk) -> None:
    ident, path = link(desk)
    desk.write(ident, stage="4")
    desk.write(ident, stage="1")
    desk.ask("POST", f"{ROOT}/surveys", 201, ticket=ident)
    assert visitor(desk).post(path, data={"score": "1", "comment": "Late"}).status_code == 200
    assert desk.read(ident).get("csat_score") is None
    assert [(one["score"], one["comment"]) for one in desk.surveys(ident)] == [(1, "Late"), (None, None)]
    assert "1 - very bad" in visitor(desk).get(path).text


def test_an_answer_about_a_ticket_that_is_gone_is_not_thanked_for(desk: Desk) -> None:
    ident, path = link(desk)
    desk.ask("DELETE", f"/api/v1/objects/tickets/{ident}", 204)
    for found in (visitor(desk).get(path), visitor(desk).post(path, data={"score": "5"})):
        assert (found.status_code, "no longer there" in found.text) == (410, True)
    desk.ask("POST", f"/api/v1/objects/tickets/{ident}/restore")
    assert "Thank you" in visitor(desk).post(path, data={"score": "5"}).text
    assert desk.read(ident)["csat_score"] == 5


def test_tries_are_limited(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    _, path = link(desk)
    limit = Limit(None, 2)
    monkeypatch.setattr(doors, "_limit", lambda _service: limit)
    seen = [visitor(desk).get(path).status_code for _ in range(4)]
    assert 429 in seen
    assert seen[:2] == [200, 200]
    assert visitor(desk).get(path).headers["Retry-After"]
    shared = Limit(desk.runtime.redis, 1)
    shared.count("198.51.100.7")
    assert surveys.PATH in path
