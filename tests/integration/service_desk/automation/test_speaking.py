"""What texts say of who asked: contacts live in another service, and are read from their mirrors here."""

from __future__ import annotations

from collections.abc import Callable

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
