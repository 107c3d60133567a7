"""E-mails that come in: tickets, threads, machines, and the same message twice."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from tests.integration.service_desk.conftest import ENTRIES, Desk


def send(desk: Desk, ident: str, text: str = "It burns.", status: int = 200, **headers: str) -> Any:
    """An e-mail comes in."""
    found = {"From": "Ada <ada@example.org>", "Subject": "Help", "Message-ID": f"<{ident}>", **headers}
    raw = "".join(f"{name.replace('_', '-')}: {value}\n" for name, value in found.items()) + f"\n{text}"
    return desk.ask("POST", "/api/v1/service_desk/messages", status, raw=raw)


def entries(desk: Desk, ticket: str) -> list[dict[str, Any]]:
    """What was said about a ticket."""
    condition = {"attribute": "ticket_id", "operator": "EQ", "value": ticket}
    names = ["author", "visibility", "body", "message_id"]
    body = {"filter": condition, "sorts": ["id"], "attributes": names}
    return [one["values"] for one in desk.ask("POST", f"{ENTRIES}/query", **body)["results"]]


def test_an_email_opens_a_ticket_once(desk: Desk) -> None:
    made = send(desk, "a1@x", Subject="Re: Printer")
    assert made["outcome"] == "opened"
    values = desk.read(made["ticket"])
    assert (values["subject"], values["source"], values["requester_email"]) == ("Printer", "EMAIL", "ada@example.org")
    assert send(desk, "a1@x") == {**made, "outcome": "again"}
    assert [one["author"] for one in entries(desk, made["ticket"])] == ["CUSTOMER"]


def test_an_answer_joins_its_thread_and_wakes_the_ticket(desk: Desk) -> None:
    made = send(desk, "b1@x")
    desk.say(made["ticket"], message_id="<b2@desk>")
    desk.write(made["ticket"], stage="2")
    answer = send(desk, "b3@x", Subject="Re: Help", References="<b1@x> <b2@desk>")
    assert (answer["outcome"], answer["ticket"]) == ("added", made["ticket"])
    assert desk.read(made["ticket"])["status"] == "waiting_on_us"
    desk.write(made["ticket"], stage="4")
    send(desk, "b4@x", In_Reply_To="<b3@x>")
    again = desk.read(made["ticket"])
    assert (again["status"], again["reopened_count"]) == ("waiting_on_us", 1)


def test_a_number_in_the_subject_is_believed_of_who_asked_only(desk: Desk) -> None:
    made = send(desk, "c1@x")
    named = f"Still burning [#{made['ticket']}]"
    assert send(desk, "c2@x", Subject=named)["ticket"] == made["ticket"]
    stranger = send(desk, "c3@x", Subject=named, From="eve@example.org")
    assert stranger["outcome"] == "opened"


def test_machines_open_nothing_and_move_no_clock(desk: Desk) -> None:
    assert send(desk, "d1@x", Auto_Submitted="auto-replied") == {"outcome": "dropped"}
    made = send(desk, "d2@x")
    desk.write(made["ticket"], stage="2")
    noted = send(desk, "d3@x", In_Reply_To="<d2@x>", Auto_Submitted="auto-replied")
    assert noted["outcome"] == "added"
    assert desk.read(made["ticket"])["status"] == "waiting_on_customer"
    last = entries(desk, made["ticket"])[-1]
    assert (last["author"], last["visibility"]) == ("SYSTEM", "INTERNAL")


def test_whoever_is_killed_after_the_ticket_finds_it_again(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    from services.service_desk.mail import receiving

    with monkeypatch.context() as patch:
        patch.setattr(receiving, "_entered", lambda *_: 1 / 0)
        send(desk, "e1@x", status=500)
    made = send(desk, "e1@x")
    condition = {"attribute": "thread_id", "operator": "EQ", "value": "<e1@x>"}
    found = desk.ask("POST", "/api/v1/objects/tickets/query", filter=condition)["results"]
    assert [one["id"] for one in found] == [made["ticket"]]


def test_a_ticket_closed_for_good_is_followed_by_another(desk: Desk) -> None:
    stages = [
        {"label": "Open", "metadata": {"ticketState": "OPEN"}},
        {"label": "Done", "metadata": {"ticketState": "CLOSED"}},
    ]
    body = {"label": "Strict", "metadata": {"reopenDays": "1"}, "stages": stages}
    pipeline = desk.ask("POST", "/api/v1/types/tickets/pipelines", 201, **body)
    opened, done = (one["id"] for one in pipeline["stages"])
    old = desk.ticket(pipeline=pipeline["id"], stage=opened, at="2026-03-02T09:00:00Z")
    desk.say(old, message_id="<f1@desk>", at="2026-03-02T09:30:00Z", said_at="2026-03-02T09:30:00Z")
    desk.write(old, stage=done, at="2026-03-02T10:00:00Z")
    made = send(desk, "f2@x", In_Reply_To="<f1@desk>")
    assert made["outcome"] == "opened"
    assert desk.read(made["ticket"])["parent_id"] == old


def test_what_is_no_message(desk: Desk) -> None:
    for body in ({}, {"raw": "no sender"}, {"raw_base64": "%%%"}, {"raw": "x", "raw_base64": "eA=="}):
        desk.ask("POST", "/api/v1/service_desk/messages", 400, **body)
    empty = desk.ask("POST", "/api/v1/service_desk/messages", 400, raw="")
    assert empty["errors"][0]["message"] == "raw or raw_base64 must be an e-mail"
    raw = base64.b64encode("From: a@b.c\nSubject: ü\nMessage-ID: <g1@x>\n\nä".encode("latin-1")).decode()
    assert desk.ask("POST", "/api/v1/service_desk/messages", raw_base64=raw)["outcome"] == "opened"
