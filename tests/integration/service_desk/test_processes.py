"""What one process does is known to the others: of attributes that got their place, or were made, meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from services.service_desk.manifest import MANIFEST
from services.service_desk.queues.routing import OPEN
from shared.contracts.event import from_document
from shared.eav import mirroring
from shared.eav.catalog import StaleCatalog
from shared.eav.declare import AttributeDef
from shared.eav.mirroring import Mirrored
from shared.eav.query.picking import Urgency
from shared.service.app import build_app
from shared.service.assignment import Tally
from shared.service.assignment.giving import Giving
from shared.service.bereft import Bereft
from shared.service.definition_changes import attribute_detail
from shared.service.entities import Draft, Ref, View
from shared.service.erasure.secret import Secret
from shared.service.giving_out import Hearing
from shared.service.mirrors.catalogs import apply_type
from shared.service.questions import Asking, Question
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
    found = [start() for _ in range(3)]
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


@pytest.fixture(scope="module")
def other(desk: Desk) -> Iterator[Desk]:
    """The doors of another process."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("SERVICE_DESK_DATABASE_URL", desk.runtime.db.url)
        app = build_app(MANIFEST, desk.runtime.settings)
    client = app.test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = desk.client.environ_base["HTTP_AUTHORIZATION"]
    yield Desk(app.extensions["crm"], client)
    app.extensions["crm"].db.dispose()


def make(desk: Desk, name: str, **more: Any) -> dict[str, Any]:
    """A new attribute of tickets; a filter that asks for it."""
    desk.ask("POST", "/api/v1/types/tickets/attributes", 201, name=name, label=name, **{"type": "string", **more})
    return {"attribute": name, "operator": "EQ", "value": "gold"}


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
    gold = make(desk, "contract")
    desk.ask("POST", "/api/v1/sla/calendars", 201, name="always", **ROUND_THE_CLOCK)
    targets = {"next_response": {"otherwise": 3600}}
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


def test_queues_count_what_others_put_into_them(desk: Desk, early: list[Runtime]) -> None:
    queue = desk.ask("POST", "/api/v1/service_desk/queues", 201, name="Counted")["id"]
    desk.ticket(queue_id=queue)
    numbers = Tally(early[2].engine).by_reference(ANYBODY, "ticket", OPEN, "queue_id", [int(queue)])
    assert numbers == {int(queue): 1}


def test_rules_about_a_new_attribute_are_heeded_by_who_gives_out(desk: Desk, start: Callable[[], Runtime]) -> None:
    ticket, _ = desk.ticket(subject="Waits"), desk.ticket(subject="Somebody's", owner_id="70")
    hearing = Hearing(Giving.of(start().engine, MANIFEST.assigned))
    rules = [{"name": "gold", "pool": "Gold", "filter": make(desk, "tier")}]
    desk.ask("PUT", "/api/v1/types/tickets/pools/Gold", members=[{"owner": "71"}])
    desk.ask("PUT", "/api/v1/types/tickets/assignment-rules", rules=rules)
    desk.write(ticket, tier="gold")
    with desk.runtime.db.transaction() as connection:
        rows = connection.rows("select body from outbox order by id desc limit 1")
        hearing(connection, [from_document(body) for (body,) in rows])
    assert str(desk.read(ticket)["owner_id"]) == "71"


def test_the_next_one_is_found_by_a_value_just_put(desk: Desk, start: Callable[[], Runtime]) -> None:
    wanted = make(desk, "next_up")
    desk.ticket(subject="Before", owner_id="1", priority="LOW")
    runtime = start()
    ticket = desk.ticket(subject="Taken", next_up="gold")
    urgency = Urgency("priority", ("HIGH",), ())
    taken = runtime.assignment.take(ANYBODY, "ticket", 72, wanted, urgency, PLAIN)
    assert taken is not None
    assert taken.id == int(ticket)


def test_linked_values_just_mirrored_are_answered(desk: Desk, start: Callable[[], Runtime]) -> None:
    runtime, told = start(), attribute_detail(AttributeDef("city", "City", "string", id=2))
    with desk.runtime.db.transaction() as connection:
        apply_type(connection, desk.runtime.catalog.linkable("contact").id, {"city"}, {"attributes": [told]})
    desk.runtime.catalog.refresh()
    contact, at = desk.runtime.catalog.linkable("contact"), datetime(2026, 1, 1, tzinfo=UTC)
    with desk.runtime.db.transaction() as connection:
        values = {contact.attributes["city"].key: "Oslo"}
        mirroring.put(connection, contact, [Mirrored(4712, 1, False, at, at, values)])
    ticket = desk.ticket(subject="From Oslo")
    assert desk.client.put(f"{TICKETS}/{ticket}/links/contacts/4712", json={}).status_code in (200, 201)
    asked = Question("@city", {"attribute": "contact.city", "operator": "EQ", "value": "Oslo"})
    asking = Asking(runtime.catalog, runtime.engine.relations)
    with desk.runtime.db.transaction() as connection:
        assert asking.answers(connection, "ticket", [asked], [int(ticket)]) == {int(ticket): {"@city": True}}


def test_all_attributes_are_shown_those_just_made_too(desk: Desk, other: Desk) -> None:
    other.runtime.catalog.refresh()
    make(desk, "shown")
    ticket = desk.ticket(shown="gold")
    assert other.ask("GET", f"{TICKETS}/{ticket}?attributes=*")["values"]["shown"] == "gold"


def test_ids_in_an_attribute_just_made_are_checked(desk: Desk, other: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(other.runtime.foreign, "_pulling", None)
    other.runtime.catalog.refresh()
    make(desk, "second_queue", type="reference", reference="queue")
    refused = other.ask("POST", TICKETS, 400, values={"subject": "A", "second_queue": "999999"})
    assert refused["errors"][0]["code"] == "INVALID_OPTION"


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/api/v1/service_desk/queues", {"name": "Asks"}),
        ("POST", "/api/v1/service_desk/triggers", {"name": "asks", "on": "created", "actions": [{"follow": ["7"]}]}),
        ("POST", "/api/v1/sla/preview", {"policies": []}),
        ("PUT", "/api/v1/types/tickets/views/Shows", {}),
        ("PUT", "/api/v1/types/tickets/assignment-rules", {"rules": []}),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_what_is_declared_may_ask_for_what_was_just_made(
    desk: Desk, other: Desk, method: str, path: str, body: dict[str, Any]
) -> None:
    other.runtime.catalog.refresh()
    wanted = make(desk, f"asked_{path.rsplit('/', 1)[1].replace('-', '_').lower()}")
    if "rules" in body:
        desk.ask("PUT", "/api/v1/types/tickets/pools/Some", members=[{"owner": "71"}])
        body = {"rules": [{"name": "asks", "pool": "Some", "filter": wanted}]}
    elif "policies" in body:
        desk.client.post("/api/v1/sla/calendars", json={"name": "always", **ROUND_THE_CLOCK})
        targets = {"next_response": {"otherwise": 3600}}
        body = {"policies": [{"name": "asks", "calendar": "always", "filter": wanted, "targets": targets}]}
    elif not body:
        body = {"attributes": [wanted["attribute"]]}
    else:
        body = {**body, "filter": wanted}
    answer = other.client.open(path, method=method, json=body)
    assert answer.status_code in (200, 201), answer.text
