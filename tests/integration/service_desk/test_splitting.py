"""A ticket is split in two: what moves, who tells of it, how clocks stand then, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from services.service_desk.promises.sweeping import sweep
from services.service_desk.splitting import commands
from tests.integration.service_desk.conftest import ENTRIES, TICKETS, Desk
from tests.integration.service_desk.test_mail import entries, send

NINE, TEN, ELEVEN, NOON = (f"2026-03-02T{hour:02}:00:00.000Z" for hour in (9, 10, 11, 12))


def split(desk: Desk, ticket: str, chosen: list[Any], status: int = 201, key: str = "", **values: Any) -> Any:
    """Split a ticket."""
    headers = {"Idempotency-Key": key} if key else {}
    body = {"entries": chosen, "values": values}
    answer = desk.client.post(f"{TICKETS}/{ticket}/split", json=body, headers=headers)
    assert answer.status_code == status, answer.text
    return answer.json


def told(desk: Desk) -> str:
    """A ticket of two matters: asked at nine and answered at ten, asked again at eleven and answered at noon."""
    ticket = desk.ticket(subject="Two things", priority="HIGH", requester_email="ada@example.org", at=NINE)
    for at, author in ((NINE, "CUSTOMER"), (TEN, "AGENT"), (ELEVEN, "CUSTOMER"), (NOON, "AGENT")):
        desk.say(ticket, author, said_at=at, at=at, body=f"{author} {at}")
    return ticket


def said(desk: Desk, ticket: str) -> list[str]:
    """Ids of what was said about a ticket."""
    body = {"filter": {"attribute": "ticket_id", "operator": "EQ", "value": ticket}, "sorts": ["id"]}
    return [one["id"] for one in desk.ask("POST", f"{ENTRIES}/query", **body)["results"]]


def clocks(desk: Desk, ticket: str) -> list[tuple[str, str, str | None]]:
    """Clocks of a ticket that have to do with answers: target, from, to."""
    found = desk.ask("GET", f"{TICKETS}/{ticket}/sla")["clocks"]
    return [(one["target"], one["started_at"], one["stopped_at"]) for one in found if one["target"] != "resolution"]


def test_what_was_said_moves_and_both_sides_tell(desk: Desk) -> None:
    ticket = told(desk)
    before = said(desk, ticket)
    made = split(desk, ticket, before[2:], subject="The other thing")
    new, values = made["ticket"]["id"], desk.read(made["ticket"]["id"])
    assert (said(desk, ticket), said(desk, new), made["entries"]) == (before[:2], before[2:], before[2:])
    assert (values["subject"], values["priority"], values["requester_email"]) == (
        "The other thing", "HIGH", "ada@example.org",
    )  # fmt: skip
    assert (values["split_from_id"], values["opened_at"], values["status"]) == (ticket, ELEVEN, "waiting_on_us")
    assert desk.read(ticket)["split_ids"] == new
    history = desk.ask("GET", f"{TICKETS}/{ticket}?history=split_ids")["history"]["split_ids"]
    assert [(one["value"], one["source"], one["source_id"]) for one in history] == [(new, "SPLIT", ticket)]
    moved = desk.ask("GET", f"{ENTRIES}/{before[2]}?history=ticket_id")["history"]["ticket_id"]
    assert [(one["value"], one["source"]) for one in moved] == [(new, "SPLIT"), (ticket, "API")]
    (link,) = desk.ask("GET", f"/crm/v4/objects/tickets/{ticket}/associations/tickets")["results"]
    assert str(link["toObjectId"]) == new
    assert {one["label"] for one in link["associationTypes"]} == {None, "Split off"}


def test_clocks_are_as_if_it_had_always_been_so(desk: Desk) -> None:
    ticket = told(desk)
    sweep(desk.runtime.db)
    assert desk.read(ticket)["reply_count"] == 2
    new = split(desk, ticket, said(desk, ticket)[2:])["ticket"]["id"]
    expected = {ticket: ("first_response", NINE, TEN), new: ("first_response", ELEVEN, NOON)}
    for _ in range(2):  # worked out when asked, then by the sweep
        assert {one: clocks(desk, one) for one in (ticket, new)} == {one: [clock] for one, clock in expected.items()}
        sweep(desk.runtime.db)
    for one, (_, _, replied) in expected.items():
        values = desk.read(one)
        assert (values["reply_count"], values["first_reply_at"], values["last_reply_at"]) == (1, replied, replied)


def test_answers_follow_what_they_answer(desk: Desk) -> None:
    made = send(desk, "split1@x")
    other = send(desk, "split2@x", In_Reply_To="<split1@x>")
    new = split(desk, made["ticket"], [other["entry"]])["ticket"]["id"]
    assert send(desk, "split3@x", References="<split1@x> <split2@x>")["ticket"] == new
    assert send(desk, "split4@x", In_Reply_To="<split1@x>")["ticket"] == made["ticket"]
    assert [one["message_id"] for one in entries(desk, new)] == ["<split2@x>", "<split3@x>"]


def test_once_for_each_key(desk: Desk) -> None:
    ticket = told(desk)
    chosen = said(desk, ticket)[2:]
    made = split(desk, ticket, chosen, key=f"split-{ticket}")
    assert split(desk, ticket, chosen, key=f"split-{ticket}") == made
    assert len(said(desk, ticket)) == 2


def test_everything_wrong_is_told_and_nothing_changes(desk: Desk) -> None:
    ticket, other = told(desk), told(desk)
    mine, foreign = said(desk, ticket), said(desk, other)[0]
    refused = split(desk, ticket, [mine[0], foreign, "999999"], 400, priority="DIRE", nonsense=1)
    named = {one["in"] for one in refused["errors"]}
    assert named == {"entries[1]", "entries[2]", "values.priority", "values.nonsense"}
    for chosen in ([], "x", [mine[0], mine[0]], ["one"], [True]):
        split(desk, ticket, chosen, 400)  # type: ignore[arg-type]
    split(desk, "999999", mine[:1], 404)
    assert said(desk, ticket) == mine


def test_whoever_dies_on_the_way_has_done_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    ticket = told(desk)
    before = said(desk, ticket)
    count = desk.ask("POST", f"{TICKETS}/query", total="exact")["total"]
    with monkeypatch.context() as patch:
        patch.setattr(commands, "_link", lambda *_: 1 / 0)
        split(desk, ticket, before[:1], 500)
    assert said(desk, ticket) == before
    assert desk.ask("POST", f"{TICKETS}/query", total="exact")["total"] == count
