"""Unknown senders become contacts: at once where contacts answers, later where it does not, never twice."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from services.service_desk.mail import introducing
from shared.kernel.json import dumps, loads
from shared.service.work import ledger
from shared.service.work.running import run_one
from tests.integration.service_desk.conftest import TICKETS, Desk
from tests.integration.service_desk.test_mail import send


class Contacts:
    """The other service, as far as it is asked: one contact for each address, 409 naming the one there is."""

    def __init__(self) -> None:
        self.known: dict[str, int] = {}
        self.values: dict[str, Any] = {}
        self.asked = 0
        self.away: list[Any] = []
        self._lock = threading.Lock()

    def post(self, url: str, *, content: bytes, headers: Any, timeout: float) -> httpx.Response:
        """Instead of `httpx.post`."""
        self.asked += 1
        assert url.endswith(introducing.PATH)
        assert headers["Authorization"].startswith("Bearer crm_")
        values = loads(content)["values"]
        with self._lock:
            if self.away and isinstance(trouble := self.away.pop(0), Exception):
                raise trouble
            known = self.known.get(values["email"])
            if known is None:
                known = self.known[values["email"]] = 9000 + len(self.known)
                self.values[values["email"]] = values
                found, body = 201, {"id": str(known)}
            else:
                found, body = 409, {"context": {"existingId": [str(known)]}}  # type: ignore[dict-item]
            return httpx.Response(found, content=dumps(body))


@pytest.fixture
def contacts(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Iterator[Contacts]:
    """A fresh one, and nothing queued."""
    made = Contacts()
    monkeypatch.setattr(introducing.httpx, "post", made.post)
    introducing._away.forget()
    with desk.runtime.db.connect() as connection:
        connection.run("delete from work_job")
    yield made
    introducing._away.forget()


def work(desk: Desk) -> None:
    """Everything queued, once, all at the same time."""
    with desk.runtime.db.connect() as connection:
        connection.run("delete from work_job where kind = 'mail'")
        connection.run("update work_chunk set leased_until = null where lease is null")
    claims = []
    while (claim := ledger.claim(desk.runtime.db)) is not None:
        claims.append(claim)
    threads = [threading.Thread(target=run_one, args=(desk.runtime, desk.runtime.manifest.work, one)) for one in claims]
    for one in threads:
        one.start()
    for one in threads:
        one.join()


def linked(desk: Desk, ticket: str) -> list[int]:
    """Contacts that a ticket is linked to."""
    found = desk.ask("GET", f"/crm/v4/objects/tickets/{ticket}/associations/contacts")["results"]
    return [int(one["toObjectId"]) for one in found]


def test_many_messages_of_somebody_new_make_one_contact(desk: Desk, contacts: Contacts) -> None:
    made = [send(desk, f"req{n}@x", From="Ada Maria Lovelace <ADA@example.org>")["ticket"] for n in range(4)]
    assert [linked(desk, one) for one in made] == [[]] * 4  # the tickets did not wait
    work(desk)
    assert [linked(desk, one) for one in made] == [[9000]] * 4
    assert contacts.values == {
        "ada@example.org": {"email": "ada@example.org", "first_name": "Ada Maria", "last_name": "Lovelace"}
    }
    with desk.runtime.db.connect() as connection:
        assert connection.rows("select 1 from work_job where kind in ('requester', 'writer')") == []


def test_tickets_come_in_while_contacts_is_away(desk: Desk, contacts: Contacts) -> None:
    contacts.away = [httpx.ConnectError("nobody there"), httpx.ReadTimeout("no answer")]
    made = send(desk, "req5@x", From="bob@example.org")["ticket"]
    assert desk.read(made)["requester_email"] == "bob@example.org"
    work(desk)
    work(desk)  # does not even ask: contacts was away a moment ago
    assert contacts.asked == 1
    for _ in range(2):
        introducing._away.forget()
        work(desk)
    assert (contacts.asked, linked(desk, made)) == (3, [9000])


def test_whoever_else_answers_is_introduced_too(desk: Desk, contacts: Contacts) -> None:
    made = send(desk, "req7@x", From="ada@example.org")["ticket"]
    send(desk, "req8@x", From="Bob <bob@example.org>", In_Reply_To="<req7@x>")
    send(desk, "req9@x", From="robot@example.org", In_Reply_To="<req7@x>", Auto_Submitted="auto-replied")
    work(desk)
    assert sorted(linked(desk, made)) == sorted(contacts.known.values())
    assert contacts.values["bob@example.org"]["first_name"] == "Bob"
    assert sorted(contacts.known) == ["ada@example.org", "bob@example.org"]
    assert contacts.asked == 2  # of who asked, the ticket tells


def test_whoever_is_killed_after_the_contact_finds_it_again(
    desk: Desk, contacts: Contacts, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = send(desk, "req6@x", From="eve@example.org")["ticket"]
    with monkeypatch.context() as patch:
        patch.setattr(desk.runtime.links, "put", lambda *_: 1 / 0)
        work(desk)
    work(desk)
    assert (linked(desk, made), len(contacts.known)) == ([9000], 1)


def test_imports_and_histories_introduce_nobody(desk: Desk, contacts: Contacts) -> None:
    body = {"values": {"source": "EMAIL", "requester_email": "old@example.org"}}
    desk.ask("POST", TICKETS, 201, **body, effective_at="2026-03-02T09:00:00Z")
    desk.ask("POST", TICKETS, 201, values={"source": "PHONE", "requester_email": "call@example.org"})
    work(desk)
    assert contacts.asked == 0
