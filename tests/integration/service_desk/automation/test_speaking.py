"""What texts say of who asked: contacts live in another service, and are read from their mirrors here."""

from __future__ import annotations

from collections.abc import Callable

from shared.service.people import Owner, put_owners
from shared.service.tokens import token_hash
from tests.integration.service_desk.automation.conftest import ROOT, Following, codes, declare, linked, said
from tests.integration.service_desk.conftest import Desk

PREVIEW = f"{ROOT}/replies/preview"
GREETING = "Dear {{ requester.first_name }} ({{ requester.name }}, {{ requester.email }}, {{ requester.phone }})"


def test_who_is_linked_is_spoken_to_by_name(desk: Desk, contact: Callable[..., str], follow: Following) -> None:
    ada = contact(first_name="Ada", last_name="Lovelace", email="ada@speaking.example", phone="+44 1")
    ident = linked(desk, ada, subject="Printer", requester_email="other@speaking.example", requester_name="Other")
    greeted = "Dear Ada (Ada Lovelace, ada@speaking.example, +44 1)"
    assert desk.ask("POST", PREVIEW, ticket=ident, text=GREETING) == {"text": greeted}
    declare(desk, "macros", name="greet", actions=[{"note": {"text": GREETING}}])
    desk.ask("POST", f"{ROOT}/macros/greet/apply", tickets=[ident])
    urgent = {"attribute": "priority", "operator": "EQ", "value": "URGENT"}
    declare(desk, "triggers", name="greet", on=["changed"], filter=urgent, actions=[{"reply": {"text": GREETING}}])
    desk.write(ident, priority="URGENT")
    follow()
    assert [one["body"] for one in said(desk, ident)] == [greeted, greeted]


def test_who_is_not_linked_has_the_name_that_the_ticket_says(desk: Desk) -> None:
    ident = desk.ticket(requester_email="eve@speaking.example", requester_name="Eve")
    assert desk.ask("POST", PREVIEW, ticket=ident, text=GREETING) == {"text": "Dear  (Eve, eve@speaking.example, )"}


def test_the_link_to_the_question_is_there_only_where_somebody_is_asked(desk: Desk) -> None:
    ident = desk.ticket()
    declare(desk, "replies", name="how", text="How was it? {{ satisfaction.url }}")
    for actions in ([{"reply": {"canned": "how"}}], [{"note": {"canned": "how"}}]):
        found = declare(desk, "macros", 400, name="how", actions=actions)
        assert "satisfaction.url" in found["errors"][0]["message"]
    declare(desk, "triggers", name="how", on="status", actions=[{"ask": {"canned": "how"}}])
    for wrong in ({"canned": "how"}, {"text": "{{ satisfaction.url }}"}):
        found = desk.ask("POST", PREVIEW, 400, ticket=ident, **wrong)
        assert "a trigger's ask" in found["errors"][0]["message"]


def test_a_preview_is_of_one_text_and_one_ticket(desk: Desk) -> None:
    declare(desk, "replies", name="one", text="x")
    ident = desk.ticket()
    for body in ({"text": "x", "canned": "one"}, {}):
        found = desk.ask("POST", PREVIEW, 400, ticket=ident, **body)
        assert "one of them" in found["errors"][0]["message"]
    for path in (PREVIEW, f"{ROOT}/surveys"):
        for given in ({"ticket": None}, {"ticket": ""}, {}):
            found = desk.ask("POST", path, 400, text="x", **given) if path == PREVIEW else None
            found = found or desk.client.post(path, json=given).json
            assert codes(found) == {"REQUIRED_FIELD"}
            assert found["errors"][0]["message"] == "ticket must be the id of a ticket"


def test_who_may_not_read_contacts_is_shown_none_of_their_values(desk: Desk, contact: Callable[..., str]) -> None:
    ada = contact(first_name="Ada", last_name="Secret", email="secret@speaking.example", phone="+44 2")
    ident = linked(desk, ada, requester_email="ticket@speaking.example")
    declare(desk, "macros", name="greet", actions=[{"note": {"text": GREETING}}])
    note = {"on": ["created"], "actions": [{"note": {"text": GREETING}}]}
    token = "crm_reads_no_contacts_" + "0" * 48
    scopes = ["crm.objects.tickets.read", "crm.objects.tickets.write"]
    scopes += [f"crm.objects.ticket_entries.{one}" for one in ("read", "write")]
    sql = """insert into service_token (id, name, hash, scopes, created_at, version)
    values (7002, 'desk only', %(hash)s, %(scopes)s, now() at time zone 'UTC', 1)"""
    with desk.runtime.db.transaction() as connection:
        params = {"hash": token_hash(token), "scopes": [*scopes, "crm.schemas.tickets.write"]}
        connection.run(sql, params)
    client = desk.client.application.test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {token}"
    answers = [
        client.post(PREVIEW, json={"ticket": ident, "text": GREETING}),
        client.post(f"{ROOT}/macros/greet/apply", json={"tickets": [ident], "preview": True}),
        client.post(f"{ROOT}/triggers/try", json={"trigger": note, "tickets": [ident]}),
    ]
    for one in answers:
        assert one.status_code == 200, one.text
        assert "ticket@speaking.example" in one.text
        assert not any(word in one.text for word in ("Secret", "secret@", "+44 2"))
    german = {"attribute": "contact.first_name", "operator": "STARTS_WITH", "value": "A"}
    assert client.post(f"{ROOT}/triggers/try", json={"trigger": {**note, "filter": german}}).status_code == 403
    policy = {"name": "guess", "calendar": "x", "filter": german, "targets": {}}
    assert client.post("/api/v1/sla/preview", json={"policies": [policy]}).status_code == 403


def test_the_agent_is_the_owner_by_name(desk: Desk) -> None:
    with desk.runtime.db.transaction() as connection:
        put_owners(connection, [Owner(81, 1, False, "grace@x.example", "Grace Hopper"), Owner(82, 1, False, "m@x")])
    ident, free = desk.ticket(owner_id="81"), desk.ticket()
    agents = "{{ agent.id }}/{{ agent.name }}"
    asked = [(ident, {}), (ident, {"agent": "82"}), (ident, {"agent": "83"})]
    found = [desk.ask("POST", PREVIEW, ticket=ticket, text=agents, **more)["text"] for ticket, more in asked]
    assert found[:2] == ["81/Grace Hopper", "82/m@x"]
    assert desk.ask("POST", PREVIEW, ticket=free, text=agents)["text"] == found[2].replace("83", "")
