"""E-mail through the whole system: a stranger's message is a ticket at once, and the stranger soon a contact."""

from __future__ import annotations

import httpx
import pytest

from deploy.local.waiting import wait_until
from tests.contract.serving import System

SECONDS = 90
MESSAGES = "/api/v1/service_desk/messages"


@pytest.fixture(scope="module", autouse=True)
def workers(system: System) -> None:
    """Contacts are made by who works."""
    system.begin("worker")
    system.begin("scheduler")


def test_a_stranger_becomes_a_contact_and_an_answer_says_how_it_fared(http: httpx.Client, unique: str) -> None:
    def linked(ticket: str) -> list[str]:
        found = http.get(f"/crm/v4/objects/tickets/{ticket}/associations/contacts").json()["results"]
        return [str(one["toObjectId"]) for one in found]

    def sent(number: int) -> str:
        head = f"From: Ada Lovelace <{unique}@example.org>\nSubject: Help\nMessage-ID: <{unique}-{number}@x>\n"
        answer = http.post(MESSAGES, json={"raw": f"{head}\nIt burns."})
        assert answer.json()["outcome"] == "opened", answer.text
        return str(answer.json()["ticket"])

    tickets = [sent(1), sent(2)]
    assert wait_until(lambda: all(linked(one) for one in tickets), SECONDS)
    (contact,) = {one for ticket in tickets for one in linked(ticket)}
    values = http.get(f"/api/v1/objects/contacts/{contact}?attributes=email,first_name,last_name").json()["values"]
    assert (values["email"], values["first_name"], values["last_name"]) == (f"{unique}@example.org", "Ada", "Lovelace")
    body = {"values": {"ticket_id": tickets[0], "body": "Water!"}}
    entry = http.post("/api/v1/objects/ticket_entries", json=body).json()
    assert entry["values"]["delivery"] == "QUEUED"

    def fared() -> str:
        found = http.get(f"/api/v1/objects/ticket_entries/{entry['id']}?attributes=delivery").json()
        return str(found["values"]["delivery"])

    assert wait_until(lambda: fared() == "OFF", SECONDS), fared()  # the system of these tests has no mail server
