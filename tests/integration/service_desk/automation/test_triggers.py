"""Triggers: what makes them fire, once each; loops, failures, time, kills in between, and what would have been done."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest

from services.service_desk.promises.instants import naive
from services.service_desk.triggers import firing, following
from shared.kernel.clock import now
from tests.integration.service_desk.automation.conftest import TRIGGERS, Following, codes, declare, fired, said
from tests.integration.service_desk.conftest import Desk

STATUS = {"attribute": "status", "operator": "EQ"}


def test_it_fires_when_something_became_true(desk: Desk, follow: Following) -> None:
    high = {"attribute": "priority", "operator": "EQ", "value": "HIGH"}
    declare(
        desk, "triggers", name="high", on="changed", filter=high, actions=[{"note": {"text": "{{ ticket.subject }}!"}}]
    )
    ident = desk.ticket(subject="Fire")
    desk.write(ident, priority="HIGH")
    desk.write(ident, subject="Still")
    follow()
    assert [(one["outcome"], one["why"]["changed"], one["cause"]) for one in fired(desk, ident)] == [
        ("done", ["priority"], f"ticket/{ident}/2")
    ]
    # Texts tell of the ticket as it is when they are said.
    assert [(one["author"], one["visibility"], one["body"]) for one in said(desk, ident)] == [
        ("SYSTEM", "INTERNAL", "Still!")
    ]
    desk.write(ident, priority="LOW")
    desk.write(ident, priority="HIGH")
    follow()
    assert len(fired(desk, ident)) == 2


def test_conditions_are_judged_on_the_version_that_is_told_of(desk: Desk, follow: Following) -> None:
    low = {"attribute": "priority", "operator": "EQ", "value": "LOW"}
    declare(desk, "triggers", name="lowly", on="created", filter=low, actions=[{"set": {"resolution": "WONT_FIX"}}])
    ident, other = desk.ticket(priority="LOW"), desk.ticket(priority="HIGH")
    desk.write(ident, priority="HIGH")
    desk.write(other, priority="LOW")
    follow()
    assert desk.read(ident)["resolution"] == "WONT_FIX"
    assert desk.read(other).get("resolution") is None


def test_before_after_and_what_was_said(desk: Desk, follow: Following) -> None:
    declare(
        desk, "triggers", name="reopened", on=["status"], was={**STATUS, "value": "closed"},
        filter={"attribute": "status", "operator": "NEQ", "value": "closed"}, actions=[{"set": {"priority": "URGENT"}}],
    )  # fmt: skip
    customer = {"attribute": "author", "operator": "EQ", "value": "CUSTOMER"}
    declare(desk, "triggers", name="answered", on="said", said=customer, actions=[{"set": {"stage": "3"}}])
    ident = desk.ticket(stage="2")
    desk.say(ident)
    follow()
    assert desk.read(ident)["stage"] == "2"
    desk.say(ident, "CUSTOMER")
    follow()
    assert desk.read(ident)["stage"] == "3"
    desk.write(ident, stage="4")
    follow()
    assert desk.read(ident).get("priority") is None
    desk.write(ident, stage="1")
    follow()
    assert desk.read(ident)["priority"] == "URGENT"
    assert [one["trigger"] for one in fired(desk, ident)] == ["answered", "reopened"]


def test_duplicates_and_kills_do_nothing_twice(desk: Desk, follow: Following) -> None:
    declare(desk, "triggers", name="once", on="created", actions=[{"reply": {"text": "We have it."}}])
    place = follow.last
    ident = desk.ticket()

    def killed() -> None:
        with desk.runtime.db.transaction() as connection:
            follow.acting.hear(connection, follow.page(connection, place))
            raise ZeroDivisionError  # before the page was committed

    with pytest.raises(ZeroDivisionError):
        killed()
    assert (fired(desk, ident), said(desk, ident)) == ([], [])
    follow()
    for _ in range(2):
        with desk.runtime.db.transaction() as connection:
            follow.acting.hear(connection, follow.page(connection, place))
    assert len(fired(desk, ident)) == 1
    (entry,) = said(desk, ident)
    assert (entry["author"], entry["visibility"], entry["body"]) == ("SYSTEM", "PUBLIC", "We have it.")


def test_two_consumers_at_once(desk: Desk, follow: Following) -> None:
    declare(desk, "triggers", name="twice", on="created", actions=[{"note": {"text": "n"}}])
    place = follow.last
    several = [desk.ticket() for _ in range(3)]

    def hear() -> None:
        with desk.runtime.db.transaction() as connection:
            follow.acting.hear(connection, follow.page(connection, place))

    threads = [threading.Thread(target=hear) for _ in range(2)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert [len(said(desk, one)) for one in several] == [1, 1, 1]
    follow()
    assert [len(fired(desk, one)) for one in several] == [1, 1, 1]


def test_a_loop_is_stopped_and_says_so(desk: Desk, follow: Following) -> None:
    for name, before, after in (("ping", "LOW", "HIGH"), ("pong", "HIGH", "LOW")):
        became = {"attribute": "priority", "operator": "EQ", "value": before}
        declare(
            desk,
            "triggers",
            name=name,
            on=["created", "changed"],
            filter=became,
            actions=[{"set": {"priority": after}}],
        )
    ident = desk.ticket(priority="LOW")
    follow()
    assert [(one["trigger"], one["outcome"]) for one in fired(desk, ident)] == [
        ("ping", "done"),
        ("pong", "done"),
        ("ping", "stopped"),
    ]
    assert fired(desk, ident)[2]["reason"] == "a loop: ping > pong > ping"
    assert len(fired(desk, ident)[2]["chain"]) == 2
    # What somebody does later begins a chain of its own.
    desk.write(ident, priority="HIGH")
    follow()
    assert len(fired(desk, ident)) == 6


def test_a_long_chain_is_stopped(desk: Desk, follow: Following, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(firing, "MOST_LINKS", 2)
    way = ["LOW", "MEDIUM", "HIGH", "URGENT"]
    for place, (before, after) in enumerate(zip(way, [*way[1:], "LOW"], strict=True)):
        became = {"attribute": "priority", "operator": "EQ", "value": before}
        actions = [{"set": {"priority": after}}]
        declare(desk, "triggers", name=f"link{place}", on=["created", "changed"], filter=became, actions=actions)
    ident = desk.ticket(priority="LOW")
    follow()
    assert [one["outcome"] for one in fired(desk, ident)] == ["done", "done", "stopped"]
    assert "2 triggers followed" in fired(desk, ident)[2]["reason"]
    assert desk.read(ident)["priority"] == "HIGH"


def test_one_that_fails_is_told_and_blocks_nobody(desk: Desk, follow: Following) -> None:
    ident = desk.ticket()
    declare(
        desk, "triggers", name="bad", order=1, on="changed", changed=["subject"],
        actions=[{"note": {"text": "half"}}, {"set": {"parent_id": ident}}],
    )  # fmt: skip
    declare(
        desk,
        "triggers",
        name="good",
        order=2,
        on="changed",
        changed=["subject"],
        actions=[{"set": {"priority": "LOW"}}],
    )
    desk.write(ident, subject="x")
    follow()
    assert [(one["trigger"], one["outcome"]) for one in fired(desk, ident)] == [("bad", "failed"), ("good", "done")]
    assert "not a part of itself" in fired(desk, ident)[0]["reason"]
    assert (said(desk, ident), desk.read(ident)["priority"]) == ([], "LOW")


def test_order_disabling_and_what_was_before(desk: Desk, follow: Following) -> None:
    earlier = desk.ticket()
    for name, order in (("second", 2), ("first", 1), ("never", 0)):
        declare(desk, "triggers", name=name, on="created", order=order, actions=[{"note": {"text": name}}])
    desk.ask("PATCH", f"{TRIGGERS}/never", enabled=False)
    ident = desk.ticket()
    follow()
    assert [one["body"] for one in said(desk, ident)] == ["first", "second"]
    assert fired(desk, earlier) == []
    assert desk.ask("GET", f"{TRIGGERS}/never")["version"] == 2
    # What waits in the log is not done either once a trigger is switched off.
    late = desk.ticket()
    desk.ask("PATCH", f"{TRIGGERS}/first", enabled=False)
    follow()
    assert [one["body"] for one in said(desk, late)] == ["second"]


def test_it_may_ask_for_what_was_just_made(desk: Desk, follow: Following) -> None:
    follow()
    desk.ask("POST", "/api/v1/types/tickets/attributes", 201, name="mood", label="Mood", type="string")
    angry = {"attribute": "mood", "operator": "EQ", "value": "angry"}
    declare(
        desk, "triggers", name="moody", on="created", filter=angry, actions=[{"note": {"text": "{{ ticket.mood }}"}}]
    )
    ident = desk.ticket(mood="angry")
    follow()
    assert [one["body"] for one in said(desk, ident)] == ["angry"]


def test_imports_are_left_alone(desk: Desk, follow: Following) -> None:
    declare(desk, "triggers", name="quiet", on="created", actions=[{"note": {"text": "n"}}])
    declare(desk, "triggers", name="loud", on="created", imports=True, actions=[{"note": {"text": "n"}}])
    ident = desk.ticket()
    with desk.runtime.db.transaction() as connection:
        connection.run("""update outbox set body = jsonb_set(body, '{source}', '"IMPORT"')
            where id > %(last)s""", {"last": follow.last})  # fmt: skip
    follow()
    assert [one["trigger"] for one in fired(desk, ident)] == ["loud"]


def test_signals_and_notices_are_told(desk: Desk, follow: Following) -> None:
    actions: list[Any] = [
        {"emit": {"name": "escalated", "detail": {"to": 2}}},
        {"notify": {"owners": ["5"], "text": "Look at {{ ticket.subject }}"}},
    ]
    declare(desk, "triggers", name="tell", on="created", actions=actions)
    place = follow.last
    ident = desk.ticket(subject="this")
    follow()
    with desk.runtime.db.connect() as connection:
        found = {one.kind: one for one in follow.page(connection, place) if one.kind.startswith("desk.")}
    assert dict(found["desk.signal"].detail) == {"name": "escalated", "detail": {"to": 2}}
    assert dict(found["desk.notice"].detail) == {"owners": ["5"], "text": "Look at this"}
    assert found["desk.notice"].cause == f"fired/{fired(desk, ident)[0]['id']}"


def waited(desk: Desk, follow: Following, ident: str, **ago: float) -> None:
    """A ticket has stood in its stage for longer than it has."""
    moment = now() - timedelta(**ago)
    key = desk.runtime.catalog.type("ticket").attributes["stage_entered_at"]
    with desk.runtime.db.transaction() as connection:
        follow.acting.home.keep(connection, "ticket", {int(ident): {key.name: moment}}, following_context())
    follow()


def following_context() -> Any:
    """As the system writes."""
    return firing.Context(firing.SYSTEM, "TEST")


REMIND: dict[str, Any] = {
    "name": "remind",
    "on": ["time"],
    "filter": {**STATUS, "value": "waiting_on_customer"},
    "at": {"attribute": "stage_entered_at", "after": 172800},
    "actions": [{"reply": {"text": "Still there?"}}],
}


def test_time_brings_it_once(desk: Desk, follow: Following) -> None:
    ident, other = desk.ticket(stage="2"), desk.ticket(stage="2")
    declare(desk, "triggers", **REMIND)
    follow.acting.sweep()
    assert fired(desk, ident) == []
    waited(desk, follow, ident, hours=49)
    waited(desk, follow, other, hours=47)
    desk.write(ident, subject="touched")
    follow()
    assert following.sweep(desk.runtime.db) >= 1
    with desk.runtime.db.counted() as statements:
        assert following.sweep(desk.runtime.db) == 0
    assert len(statements) == 2
    (row,) = fired(desk, ident)
    assert (row["outcome"], row["why"]["on"]) == ("done", "time")
    assert row["why"]["late_seconds"] >= 3500
    assert [one["body"] for one in said(desk, ident)] == ["Still there?"]
    assert fired(desk, other) == []
    # Nothing new for the same instant; another instant is another cause.
    desk.write(ident, priority="LOW")
    follow()
    follow.acting.sweep()
    assert len(fired(desk, ident)) == 1
    waited(desk, follow, ident, hours=50)
    follow.acting.sweep()
    assert len(fired(desk, ident)) == 2


def test_what_no_longer_holds_is_not_done(desk: Desk, follow: Following) -> None:
    declare(desk, "triggers", **REMIND)
    ident = desk.ticket(stage="2")
    waited(desk, follow, ident, hours=49)
    desk.write(ident, stage="3")
    follow.acting.sweep()
    assert fired(desk, ident) == []


def test_a_sweep_that_is_killed_has_done_nothing(
    desk: Desk, follow: Following, monkeypatch: pytest.MonkeyPatch
) -> None:
    declare(desk, "triggers", **REMIND)
    ident = desk.ticket(stage="2")
    waited(desk, follow, ident, hours=49)

    def killed(*_: object) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as patched:
        patched.setattr(following.timing, "drop", killed)
        with pytest.raises(ZeroDivisionError):
            follow.acting.sweep()
    assert (fired(desk, ident), said(desk, ident)) == ([], [])
    follow.acting.sweep()
    assert (len(fired(desk, ident)), len(said(desk, ident))) == (1, 1)


def test_what_lay_behind_us_when_it_was_declared_is_history(desk: Desk, follow: Following) -> None:
    old, new = desk.ticket(stage="2"), desk.ticket(stage="2")
    waited(desk, follow, old, hours=72)
    declare(desk, "triggers", **REMIND)
    follow.acting.sweep()
    with desk.runtime.db.connect() as connection:
        rows = dict(connection.rows("select ticket_id, due_at from desk_due"))
    assert int(old) not in rows
    assert rows[int(new)] > naive(int(now().timestamp() * 1000))
    desk.write(old, subject="touched")
    follow()
    follow.acting.sweep()
    assert fired(desk, old) == []


def test_what_it_would_have_done(desk: Desk, follow: Following) -> None:
    ident = desk.ticket(subject="Tried", priority="LOW")
    desk.write(ident, priority="HIGH")
    desk.say(ident, "CUSTOMER")
    high = {"attribute": "priority", "operator": "EQ", "value": "HIGH"}
    draft = {"on": ["changed", "said"], "filter": high, "actions": [{"note": {"text": "{{ ticket.subject }}"}}]}
    found = desk.ask("POST", f"{TRIGGERS}/try", trigger=draft, tickets=[ident])
    assert [one["why"] for one in found["results"]] == ["changed", "said"]
    assert found["results"][0]["would"]["said"][0]["body"] == "Tried"
    assert (said(desk, ident)[0]["author"], len(said(desk, ident))) == ("CUSTOMER", 1)
    lately = desk.ask("POST", f"{TRIGGERS}/try", trigger=draft, days=1)
    assert ident in {one["ticket"] for one in lately["results"]}
    assert lately["looked_at"] > 1


def test_what_is_old_or_erased_is_forgotten(desk: Desk, follow: Following) -> None:
    declare(desk, "triggers", name="old", on="created", actions=[{"note": {"text": "n"}}])
    ident, other = desk.ticket(), desk.ticket()
    follow()
    with desk.runtime.db.transaction() as connection:
        sql = "update desk_fired set at = at - interval '401 days' where ticket_id = %(id)s"
        connection.run(sql, {"id": int(ident)})
    following.sweep(desk.runtime.db)
    assert (len(fired(desk, ident)), len(fired(desk, other))) == (0, 1)
    with desk.runtime.db.transaction() as connection:
        desk.runtime.manifest.forgets(connection, "ticket", [int(other)])
    assert fired(desk, other) == []


def test_what_is_wrong_is_told_at_once(desk: Desk) -> None:
    found = declare(
        desk, "triggers", 400, name="X", on=["never"], filter={"attribute": "nope", "operator": "EQ", "value": 1},
        at={"attribute": "subject", "after": 1}, changed=["nope"], enabled="yes",
        actions=[{"set": {"priority": "VERY"}}],
    )  # fmt: skip
    said = " | ".join(one["message"] for one in found["errors"])
    for word in (
        "name: ",
        "on must",
        "filter: ",
        "tickets hold: owner_assigned_at, ",
        "changed: ",
        "enabled must",
        "actions[0].set: ",
    ):
        assert word in said
    assert "UNKNOWN_KEY" in codes(declare(desk, "triggers", 400, name="x", whenever=1))
