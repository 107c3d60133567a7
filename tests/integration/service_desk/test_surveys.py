"""What customers said of each cycle stays, under whoever had the ticket then; with the ticket it was asked about."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from services.service_desk.satisfaction import surveys
from services.service_desk.satisfaction.carrying import carry_earlier
from shared.kernel.clock import iso, now
from shared.kernel.context import Context
from shared.service.home import Home
from tests.factories.searching import tables_with
from tests.integration.service_desk.conftest import SURVEYS, TICKETS, Desk
from tests.integration.service_desk.test_merging import merge

CLOSED, OPEN = "4", "1"
CSAT = ("csat_score", "csat_comment", "csat_agent")


def answer(desk: Desk, path: str, score: int, comment: str = "") -> None:
    """What a customer says."""
    assert desk.client.post(path, data={"score": str(score), "comment": comment}).status_code == 200


def served(desk: Desk, score: int | None, **values: Any) -> str:
    """A ticket that somebody was asked about, and answered."""
    ident = desk.ticket(**values)
    path = desk.asked(ident)
    if score is not None:
        answer(desk, path, score)
    return ident


def shown(desk: Desk, ident: str) -> tuple[Any, ...]:
    """What a ticket tells."""
    values = desk.read(ident)
    return tuple(values.get(one) for one in CSAT)


def test_each_cycle_keeps_its_answer_and_its_agent(desk: Desk) -> None:
    ident = desk.ticket(owner_id="7", priority="HIGH")
    desk.write(ident, stage=CLOSED)
    answer(desk, desk.asked(ident), 2, "Slow")
    (first,) = desk.surveys(ident)
    told = {name: first[name] for name in ("ticket_id", "cycle", "score", "comment", "owner_id", "priority")}
    assert told == {"ticket_id": ident, "cycle": 1, "score": 2, "comment": "Slow", "owner_id": "7", "priority": "HIGH"}
    assert first["asked_at"] < first["answered_at"]
    desk.write(ident, stage=OPEN, owner_id="8", priority="LOW")
    desk.write(ident, stage=CLOSED)
    path = desk.asked(ident)
    assert shown(desk, ident) == (None, None, "8")
    answer(desk, path, 5)
    assert shown(desk, ident) == (5, None, "8")
    before, second = desk.surveys(ident)
    assert before == first
    assert (second["cycle"], second["score"], second["owner_id"], second["priority"]) == (2, 5, "8", "LOW")


def test_merging_takes_answers_along_and_undoing_it_gives_them_back(desk: Desk) -> None:
    one, other, third = served(desk, 1, owner_id="5"), served(desk, 2, owner_id="7"), served(desk, None, owner_id="6")
    merge(desk, one, other)
    assert [each["score"] for each in desk.surveys(one)] == [1, 2]
    assert shown(desk, one) == (2, None, "7")  # the latest of all
    merge(desk, one, third)
    assert shown(desk, one) == (None, None, "6")
    assert [each["score"] for each in desk.surveys(one)] == [1, 2, None]
    desk.ask("POST", f"{TICKETS}/{one}/unmerge")
    assert (shown(desk, one), shown(desk, third)) == ((2, None, "7"), (None, None, "6"))
    desk.ask("POST", f"{TICKETS}/{one}/unmerge")
    assert (shown(desk, one), shown(desk, other)) == ((1, None, "5"), (2, None, "7"))
    assert [[each["score"] for each in desk.surveys(ident)] for ident in (one, other, third)] == [[1], [2], [None]]


def test_what_is_answered_while_merged_goes_back_with_the_ticket_it_was_asked_for(desk: Desk) -> None:
    one, other = desk.ticket(owner_id="5"), desk.ticket(owner_id="7")
    path = desk.asked(other)
    merge(desk, one, other)
    answer(desk, path, 4, "Good")
    assert (shown(desk, one), desk.surveys(one)[0]["comment"]) == ((4, None, "7"), "Good")
    undone = desk.ask("POST", f"{TICKETS}/{one}/unmerge")
    assert undone["entity"]["version"] == desk.ask("GET", f"{TICKETS}/{one}")["version"]
    assert (shown(desk, one), shown(desk, other)) == ((None, None, None), (4, "Good", "7"))
    assert (desk.surveys(one), [each["score"] for each in desk.surveys(other)]) == ([], [4])
    assert "4 - good" in desk.client.get(path).text


def test_who_answers_while_the_ticket_is_being_merged(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = desk.ticket(), desk.ticket(owner_id="7")
    path, meant = desk.asked(other), surveys.meant
    merge(desk, one, other)
    seen = iter([int(other)])  # looked up before that, held after it
    monkeypatch.setattr(surveys, "meant", lambda *asked: next(seen, None) or meant(*asked))
    answer(desk, path, 4)
    assert (next(seen, None), shown(desk, one)) == (None, (4, None, "7"))


def test_earlier_answers_are_carried_over_once(desk: Desk) -> None:
    """As a service left them that kept them by ticket."""
    at = [now() - timedelta(days=days) for days in (9, 8, 7, 6)]
    one, other = (desk.ticket(at=iso(at[0] - timedelta(days=1)), priority="HIGH") for _ in "ab")
    desk.write(one, at=iso(at[2] - timedelta(hours=1)), priority="LOW")
    merge(desk, other, one)
    rows = [(one, 1, 7, at[0], 2, "Slow", at[1]), (one, 2, 8, at[2], 5, None, at[3])]
    with desk.runtime.db.transaction() as connection:
        for row in rows:
            connection.run(
                "insert into desk_survey (ticket_id, cycle, agent, asked_at, expires_at, score, comment, answered_at)"
                " values (%s, %s, %s, %s, now(), %s, %s, %s)",
                tuple(each.replace(tzinfo=None) if hasattr(each, "tzinfo") else each for each in row),
            )
    desk.ask("POST", f"{TICKETS}/{other}/unmerge")
    merge(desk, other, one)
    assert carry_earlier(desk.runtime.db) == 2
    assert carry_earlier(desk.runtime.db) == 0
    names = ("cycle", "owner_id", "priority", "score", "comment", "asked_at", "answered_at")
    expected = [(1, "7", "HIGH", 2, "Slow", iso(at[0]), iso(at[1])), (2, "8", "LOW", 5, None, iso(at[2]), iso(at[3]))]
    assert [tuple(each[name] for name in names) for each in desk.surveys(other)] == expected
    assert shown(desk, other) == (5, None, "8")
    desk.ask("POST", f"{TICKETS}/{other}/unmerge")
    assert [tuple(each[name] for name in names) for each in desk.surveys(one)] == expected
    assert (shown(desk, one), shown(desk, other)) == ((5, None, "8"), (None, None, None))
    with desk.runtime.db.connect() as connection:
        assert connection.rows("select 1 from desk_survey where comment is not null or score is not null") == []


def test_a_link_from_before_is_answered_before_it_is_carried_over(desk: Desk) -> None:
    ident = desk.ticket(owner_id="7", requester_email="ada@example.com")
    path = desk.asked(ident)
    for stage in (CLOSED, OPEN):
        desk.write(ident, stage=stage)
    later = desk.asked(ident)
    answer(desk, later, 5)
    known = [int(one["id"]) for one in desk.surveys(ident)]
    with desk.runtime.db.transaction() as connection:  # as both were asked earlier
        Home(desk.runtime.engine).keeper.discard(connection, "ticket_survey", known, Context())
        sql = """update desk_survey set entity_id = null, score = case when cycle = 2 then 5 end,
            answered_at = case when cycle = 2 then asked_at end where ticket_id = %(id)s"""
        connection.run(sql, {"id": int(ident)})
    assert "How did we do?" in desk.client.get(path).text
    answer(desk, path, 3)
    assert shown(desk, ident) == (5, None, "7")  # what waits is not forgotten
    (made,) = desk.surveys(ident)
    assert (made["cycle"], made["score"], made["requester_email"]) == (1, 3, "ada@example.com")
    assert carry_earlier(desk.runtime.db) == 1
    assert [(one["cycle"], one["score"]) for one in desk.surveys(ident)] == [(1, 3), (2, 5)]
    assert "answered this before" in desk.client.post(path, data={"score": "1"}).text


def test_nobody_else_writes_them_and_they_go_with_their_ticket(desk: Desk) -> None:
    ident = served(desk, 5)
    (survey,) = desk.surveys(ident)
    desk.ask("POST", SURVEYS, 400, values={"ticket_id": ident, "score": 1})
    desk.ask("PATCH", f"{SURVEYS}/{survey['id']}", 400, values={"score": 1})
    assert desk.client.delete(f"{SURVEYS}/{survey['id']}").status_code == 400
    desk.ask("DELETE", f"{TICKETS}/{ident}", 204)
    assert desk.surveys(ident) == [survey]
    assert desk.client.post("/crm/v3/objects/tickets/gdpr-delete", json={"objectId": ident}).status_code == 204
    assert desk.surveys(ident) == []
    with desk.runtime.db.connect() as connection:
        assert connection.rows("select 1 from desk_survey where ticket_id = %(id)s", {"id": int(ident)}) == []


def test_words_are_nowhere_once_the_ticket_is_erased_that_they_were_about(desk: Desk) -> None:
    word = "Schneckenpost"
    one, other = desk.ticket(), desk.ticket()
    path = desk.asked(other)
    answer(desk, path, 1, word)
    merge(desk, one, other)
    desk.ask("POST", f"{TICKETS}/{one}/unmerge")
    with desk.runtime.db.connect() as connection:
        assert tables_with(connection, [word])
    assert desk.client.post("/crm/v3/objects/tickets/gdpr-delete", json={"objectId": other}).status_code == 204
    with desk.runtime.db.connect() as connection:
        assert not tables_with(connection, [word])
    assert (desk.client.get(path).status_code, word in desk.client.get(path).text) == (404, False)
