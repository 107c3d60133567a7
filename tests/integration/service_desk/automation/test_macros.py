"""Canned replies and macros: declared with all errors, previewed, applied whole or not at all, to one or several."""

from __future__ import annotations

import threading

from shared.service.foreign import drop_known, put_known
from tests.integration.service_desk.automation.conftest import ROOT, Following, codes, declare, fired, said
from tests.integration.service_desk.conftest import Desk


def test_a_reply_is_filled_in(desk: Desk) -> None:
    ident = desk.ticket(subject="Printer", priority="HIGH", requester_email="ada@example.org")
    text = (
        "{{ requester.email }}: {{ ticket.subject }} is {{ ticket.priority }}{{ ticket.closed_at }}, {{ agent.name }}"
    )
    declare(desk, "replies", name="status", text=text)
    found = desk.ask("POST", f"{ROOT}/replies/preview", ticket=ident, canned="status", agent="7")
    assert found["text"].startswith("ada@example.org: Printer is High, ")
    listed = desk.ask("GET", f"{ROOT}/replies")["results"]
    assert [one["version"] for one in listed if one["name"] == "status"] == [1]


def test_unknown_variables_are_named_all_at_once(desk: Desk) -> None:
    found = declare(desk, "replies", 400, name="No", text="{{ ticket.subjekt }} {{ nobody.name }}")
    assert codes(found) == {"INVALID_NAME", "UNKNOWN_VARIABLE"}
    said = " ".join(one["message"] for one in found["errors"])
    assert "ticket.subjekt" in said
    assert "did you mean ticket.subject" in said
    assert "nobody.name" in said


def test_texts_are_no_programs(desk: Desk) -> None:
    for text in (
        "{% for a in ticket %}{{ a }}{% endfor %}",
        "{{ ticket.__class__ }}",
        "{{ ticket['subject'].upper() }}",
        "{{ 'a' * 1000000000 }}",
        "{{ ticket.subject | map(attribute='x') }}",
        "{% set a = 1 %}",
        "{% include 'x' %}",
        "{{ self }}",
        "{{ 10 ** 10 }}",
        "{{",
    ):
        found = declare(desk, "replies", 400, name="evil", text=text)
        assert codes(found) <= {"INVALID_TEMPLATE", "UNKNOWN_VARIABLE"}, text


def test_a_macro_is_applied_whole(desk: Desk) -> None:
    declare(desk, "replies", name="thanks", text="Thank you for {{ ticket.subject }}")
    actions = [
        {"set": {"priority": "URGENT"}},
        {"reply": {"canned": "thanks"}},
        {"note": {"text": "by {{ agent.name }}"}},
        {"follow": ["7", "8"]},
    ]
    declare(desk, "macros", name="whole", actions=actions)
    several = [desk.ticket(subject=f"T{n}", followers="8") for n in range(3)]
    before = [desk.read(one) for one in several]
    seen = desk.ask("POST", f"{ROOT}/macros/whole/apply", tickets=several, preview=True)
    assert seen["results"][0]["changed"]["priority"] == [None, "URGENT"]
    assert seen["results"][1]["said"][0]["body"] == "Thank you for T1"
    assert [desk.read(one) for one in several] == before
    assert said(desk, several[0]) == []
    done = desk.ask("POST", f"{ROOT}/macros/whole/apply", tickets=several)
    assert len(done["results"]) == 3
    for one in several:
        values = desk.read(one)
        assert (values["priority"], values["followers"]) == ("URGENT", "8;7")
        assert [(entry["author"], entry["visibility"]) for entry in said(desk, one)] == [
            ("AGENT", "PUBLIC"),
            ("AGENT", "INTERNAL"),
        ]
    history = desk.ask("GET", f"/api/v1/objects/tickets/{several[0]}?history=priority")["history"]["priority"]
    assert (history[0]["source"], history[0]["source_id"]) == ("MACRO", "whole/1")


def test_what_is_wrong_with_a_macro_is_told_at_once(desk: Desk) -> None:
    actions = [
        {"set": {"priority": "VERY", "status": "closed"}},
        {"reply": {"canned": "nowhere"}},
        {"note": {"text": "{{ ticket.nothing }}"}},
        {"dance": {}},
        {"follow": ["x"]},
        {"notify": {"owners": ["1"], "text": "x"}},
    ]
    found = declare(desk, "macros", 400, name="wrong", actions=actions)
    text = " ".join(one["message"] for one in found["errors"])
    for place in range(6):
        assert f"actions[{place}]" in text
    assert "read-only" in text
    assert "VERY" in text


def test_nothing_is_half_done(desk: Desk) -> None:
    declare(desk, "macros", name="close", actions=[{"note": {"text": "closing"}}, {"set": {"stage": "4"}}])
    good = desk.ticket()
    desk.ask("POST", f"{ROOT}/macros/close/apply", 404, tickets=[good, "999999999"])
    assert (said(desk, good), desk.read(good)["status"]) == ([], "new")
    # Of two tickets, one is refused by the rules: nothing is written to the other.
    declare(desk, "macros", name="own", actions=[{"note": {"text": "n"}}, {"set": {"parent_id": good}}])
    other = desk.ticket()
    desk.ask("POST", f"{ROOT}/macros/own/apply", 400, tickets=[other, good])
    assert (said(desk, other), said(desk, good)) == ([], [])
    assert desk.read(other).get("parent_id") is None
    desk.ask("POST", f"{ROOT}/macros/own/apply", 400, tickets=[])
    desk.ask("POST", f"{ROOT}/macros/nothing/apply", 404, tickets=[good])


def test_a_reply_in_use_stays(desk: Desk) -> None:
    declare(desk, "replies", name="kept", text="x")
    declare(desk, "macros", name="user", actions=[{"note": {"canned": "kept"}}])
    desk.ask("DELETE", f"{ROOT}/replies/kept", 409)
    desk.ask("DELETE", f"{ROOT}/macros/user", 204)
    desk.ask("DELETE", f"{ROOT}/replies/kept", 204)
    desk.ask("DELETE", f"{ROOT}/replies/kept", 404)


def test_two_apply_at_once(desk: Desk) -> None:
    declare(desk, "macros", name="race", actions=[{"follow": ["11"]}, {"note": {"text": "n"}}])
    declare(desk, "macros", name="racer", actions=[{"follow": ["12"]}, {"note": {"text": "n"}}])
    several = [desk.ticket() for _ in range(4)]
    answers = []

    def apply(name: str, tickets: list[str]) -> None:
        client = desk.client.application.test_client()
        client.environ_base["HTTP_AUTHORIZATION"] = desk.client.environ_base["HTTP_AUTHORIZATION"]
        answer = client.post(f"{ROOT}/macros/{name}/apply", json={"tickets": tickets})
        answers.append(answer.status_code)

    threads = [
        threading.Thread(target=apply, args=("race" if n % 2 else "racer", several if n % 2 else several[::-1]))
        for n in range(4)
    ]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert answers == [200] * 4
    for one in several:
        assert sorted(desk.read(one)["followers"].split(";")) == ["11", "12"]
        assert len(said(desk, one)) == 4


def test_a_ticket_is_given_out_from_a_pool_or_by_rules(desk: Desk, follow: Following) -> None:
    pools = "/api/v1/types/tickets/pools"
    desk.ask("PUT", f"{pools}/night", members=[{"owner": "91"}])
    desk.ask("PUT", f"{pools}/day", members=[{"owner": "92"}])
    declare(desk, "triggers", name="night", on=["created"], actions=[{"assign": {"pool": "night"}}])
    ident = desk.ticket()
    follow()
    assert (desk.read(ident)["owner_id"], [one["outcome"] for one in fired(desk, ident)]) == ("91", ["done"])
    declare(desk, "macros", name="by-rules", actions=[{"assign": {"rules": True}}])
    refused = desk.ask("POST", f"{ROOT}/macros/by-rules/apply", 400, tickets=[ident])
    assert "no rule of assignment fits" in refused["message"]
    declare(desk, "macros", name="to-day", actions=[{"assign": {"pool": "day"}}])
    preview = desk.ask("POST", f"{ROOT}/macros/to-day/apply", tickets=[ident], preview=True)
    assert preview["results"][0]["changed"]["owner_id"] == ["91", "92"]
    assert desk.read(ident)["owner_id"] == "91"
    desk.ask("POST", f"{ROOT}/macros/to-day/apply", tickets=[ident])
    assert desk.read(ident)["owner_id"] == "92"
    for wrong in ({"pool": "nobody"}, {"pool": "day", "owner": "1"}, {"rules": False}, {"pool": 7}):
        declare(desk, "macros", 400, name="wrong", actions=[{"assign": wrong}])


def test_who_is_gone_since_is_found_out_at_use(desk: Desk, follow: Following) -> None:
    to_gone = [{"assign": {"owner": "93"}}, {"notify": {"owners": ["94"], "text": "x"}}]
    declare(desk, "triggers", name="gone", on=["created"], actions=to_gone)
    with desk.runtime.db.transaction() as connection:
        put_known(connection, "owner", [(91, 1, False)])
    try:
        ident = desk.ticket()
        follow()
        (line,) = fired(desk, ident, "gone")
        assert (line["outcome"], "93 is not the id of any owner" in line["reason"]) == ("failed", True)
        assert desk.read(ident).get("owner_id") is None
    finally:
        with desk.runtime.db.transaction() as connection:
            drop_known(connection, "owner", [91])
