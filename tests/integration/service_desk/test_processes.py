"""What one process does is known to the others: of attributes that got their place, or were made, meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest

from services.service_desk.manifest import MANIFEST
from shared.eav import mirroring
from shared.eav.catalog import StaleCatalog
from shared.eav.declare import AttributeDef
from shared.eav.mirroring import Mirrored
from shared.service.bereft import Bereft
from shared.service.definition_changes import attribute_detail
from shared.service.entities import Draft, Ref, View
from shared.service.erasure.secret import Secret
from shared.service.mirrors.catalogs import apply_type
from shared.service.runtime import Runtime
from tests.factories.processes import ANYBODY, processes
from tests.integration.service_desk.conftest import TICKETS, Desk
from tests.integration.service_desk.test_promises import ROUND_THE_CLOCK
from tests.integration.service_desk.test_splitting import said

PLAIN = View("json", ())


@pytest.fixture(scope="module")
def start(desk: Desk) -> Iterator[Callable[[], Runtime]]:
    """Starts further processes."""
    with processes(desk.runtime) as made:
        yield made


@pytest.fixture(scope="module", autouse=True)
def early(desk: Desk, start: Callable[[], Runtime]) -> list[Runtime]:
    """Processes that know where tickets have their values, and looked before anybody said anything."""
    one, other = desk.ticket(subject="One"), desk.ticket(subject="Other")
    merging = desk.runtime.merging
    merging.merge(ANYBODY, "ticket", int(one), [int(other)], PLAIN)
    merging.unmerge(ANYBODY, "ticket", int(one), PLAIN)
    found = [start(), start()]
    assert found[0].catalog.type("ticket_entry").attributes["ticket_id"].column is None
    return found


@pytest.fixture(scope="module", autouse=True)
def bereft(desk: Desk) -> Iterator[Bereft]:
    """What sees to erasures elsewhere, in a process that looked before any address was known."""
    made = Bereft(MANIFEST, desk.runtime.settings)
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("SERVICE_DESK_DATABASE_URL", desk.runtime.db.url)
        made._engine.catalog.refresh()
    yield made
    made._engine.database.dispose()


def say(runtime: Runtime, ticket: str) -> None:
    """A customer's question, by way of another process."""
    values = {"ticket_id": ticket, "author": "CUSTOMER", "body": "Hello?"}
    runtime.entities.create(ANYBODY, "ticket_entry", [Draft(values)], PLAIN)


def test_merging_elsewhere_takes_along_what_was_said(desk: Desk, early: list[Runtime]) -> None:
    one, other = desk.ticket(subject="One"), desk.ticket(subject="Other")
    entry = desk.say(other)["id"]
    merging = early[0].merging
    merging.merge(ANYBODY, "ticket", int(one), [int(other)], PLAIN)
    assert said(desk, one) == [entry]
    merging.unmerge(ANYBODY, "ticket", int(one), PLAIN)
    assert said(desk, other) == [entry]


def test_erasing_elsewhere_takes_along_what_was_said(
    desk: Desk, early: list[Runtime], monkeypatch: pytest.MonkeyPatch
) -> None:
    ticket = desk.ticket(subject="Gone")
    entry = desk.say(ticket)["id"]
    runtime = early[1]
    monkeypatch.setattr(runtime.erasure, "_secrets", lambda: [Secret.of("secret of tests")])
    runtime.erasure.erase(ANYBODY, "ticket", Ref(int(ticket)))
    assert desk.runtime.entities.read(ANYBODY, "ticket_entry", [Ref(int(entry))], PLAIN) == [None]


def test_tickets_of_who_is_erased_are_found_whoever_wrote_them(desk: Desk, bereft: Bereft) -> None:
    told = attribute_detail(AttributeDef("email", "E-mail", "email", id=1))
    with desk.runtime.db.transaction() as connection:
        apply_type(connection, desk.runtime.catalog.linkable("contact").id, {"email"}, {"attributes": [told]})
    desk.runtime.catalog.refresh()
    contact = desk.runtime.catalog.linkable("contact")
    email, at = contact.attributes["email"].key, datetime(2026, 1, 1, tzinfo=UTC)
    with desk.runtime.db.transaction() as connection:
        mirroring.put(connection, contact, [Mirrored(4711, 1, False, at, at, {email: "gone@example.com"})])
    ticket = desk.ticket(subject="Mine", requester_email="gone@example.com")
    with pytest.raises(StaleCatalog), desk.runtime.db.transaction() as connection:
        bereft.named(connection, contact, [4711])
    with desk.runtime.db.transaction() as connection:
        assert bereft.named(connection, contact, [4711])[4711, "ticket"] == {int(ticket)}


def test_clocks_of_what_is_said_elsewhere_run_under_a_promise_about_a_new_attribute(
    desk: Desk, start: Callable[[], Runtime]
) -> None:
    desk.say(desk.ticket(subject="Before"), "CUSTOMER")
    runtime = start()
    desk.ask("POST", "/api/v1/types/tickets/attributes", 201, name="contract", label="Contract", type="string")
    desk.ask("POST", "/api/v1/sla/calendars", 201, name="always", **ROUND_THE_CLOCK)
    targets = {"next_response": {"otherwise": 3600}}
    gold = {"attribute": "contract", "operator": "EQ", "value": "gold"}
    desk.ask("POST", "/api/v1/sla/policies", 201, name="gold", calendar="always", filter=gold, targets=targets)
    ticket = desk.ticket(subject="Help", contract="gold")
    desk.say(ticket)
    say(runtime, ticket)
    (clock,) = [
        one
        for one in desk.ask("GET", f"{TICKETS}/{ticket}/sla")["clocks"]
        if one["target"] == "next_response" and one["stopped_at"] is None
    ]
    assert clock["policy"] == "gold"
