"""What can be read and means nothing: refused as it is declared, with the field and the rule, all of it at once."""

from __future__ import annotations

from typing import Any

import pytest

from shared.kernel.json import dumps
from shared.service.foreign import Foreign
from tests.integration.service_desk.automation.conftest import ROOT, TRIGGERS, declare
from tests.integration.service_desk.conftest import Desk

SLA = "/api/v1/sla"
PIPELINES = "/api/v1/types/ticket/pipelines"
QUEUES = f"{ROOT}/queues"
HOUR = {"resolution": {"otherwise": 3600}}
CLOSED = {"attribute": "status", "operator": "EQ", "value": "closed"}
NOTE = [{"note": {"text": "Seen"}}]


def soon(target: str, moment: str = "before", offset: int = 60) -> dict[str, Any]:
    """A threshold."""
    return {"name": f"{target} {moment} {offset}", "target": target, "moment": moment, "offset": offset}


def wrong(answer: dict[str, Any]) -> dict[str, str]:
    """The fields of errors, with what is said about them."""
    return {one["in"]: one["message"] for one in answer["errors"]}


@pytest.fixture(scope="module", autouse=True)
def calendar(desk: Desk) -> None:
    """One that policies may name; and a ticket, so that promises of the past stay."""
    desk.ticket()
    desk.ask("POST", f"{SLA}/calendars", 201, name="office", time_zone="UTC", hours={"monday": [["09:00", "17:00"]]})


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({"targets": {}}, {"targets"}),
        ({"targets": {"resolution": {}}}, {"targets.resolution"}),
        ({"targets": {"resolution": {"by_priority": {}, "pauses": ["open"]}, **HOUR}, "filter": {}}, {"filter"}),
        ({"targets": {**HOUR, "first_response": {"otherwise": None}}}, {"targets.first_response"}),
        ({"targets": HOUR, "thresholds": [soon("first_response", "at")]}, {"thresholds[0].target"}),
        ({"targets": HOUR, "thresholds": [soon("resolution", offset=3600)]}, {"thresholds[0].offset"}),
        (
            {"targets": {"next_response": {}}, "filter": {}, "thresholds": [soon("resolution"), soon("next_response")]},
            {"targets.next_response", "filter", "thresholds[0].target"},
        ),
        ({"name": "No", "valid_from": "2020-01-01T00:00:00Z", "targets": {}}, {"name", "valid_from", "targets"}),
    ],
)
def test_promises_that_mean_nothing(desk: Desk, body: dict[str, Any], fields: set[str]) -> None:
    draft = {"name": "nonsense", "calendar": "office", **body}
    assert wrong(desk.ask("POST", f"{SLA}/policies", 400, **draft)).keys() == fields
    desk.ask("POST", f"{SLA}/preview", 400, policies=[{key: one for key, one in draft.items() if key != "valid_from"}])
    assert "nonsense" not in {one["name"] for one in desk.ask("GET", f"{SLA}/policies")["results"]}


def test_what_means_something_stays(desk: Desk) -> None:
    """A warning may be longer than what is promised at one priority; targets that are null are left out."""
    targets = {"resolution": {"by_priority": {"URGENT": 600}, "otherwise": 3600}, "next_response": None}
    draft = {"name": "sense", "calendar": "office", "targets": targets, "thresholds": [soon("resolution", offset=1800)]}
    desk.ask("POST", f"{SLA}/preview", policies=[draft])


def test_an_unknown_policy_cannot_be_withdrawn(desk: Desk) -> None:
    gone = {"name": "never-there", "calendar": "office", "withdrawn": True}
    desk.ask("POST", f"{SLA}/policies", 404, **gone)
    desk.ask("POST", f"{SLA}/preview", 404, policies=[gone])
    assert "never-there" not in {one["name"] for one in desk.ask("GET", f"{SLA}/policies")["results"]}


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({"on": ["status"], "actions": [{"ask": {"text": "How was it?"}}]}, {"actions[0].ask"}),
        ({"on": ["status"], "actions": [*NOTE, {"ask": {"canned": "plain"}}]}, {"actions[1].ask"}),
        ({"on": ["created"], "was": CLOSED}, {"was"}),
        ({"on": ["created"], "changed": ["priority"]}, {"changed"}),
        ({"on": ["said", "created"], "changed": ["priority"], "was": CLOSED}, {"changed", "was"}),
        ({"on": ["status"], "filter": {}, "was": {}}, {"filter", "was"}),
        ({"on": ["said"], "said": {}}, {"said"}),
        (
            {"on": ["created"], "was": CLOSED, "order": "x", "actions": [{"assign": {"pool": "Nobody"}}]},
            {"was", "order", "actions[0].assign.pool"},
        ),
    ],
)
def test_triggers_that_mean_nothing(desk: Desk, body: dict[str, Any], fields: set[str]) -> None:
    declare(desk, "replies", name="plain", text="Goodbye")
    draft = {"actions": NOTE, **body}
    assert wrong(declare(desk, "triggers", 400, name="nonsense", **draft)).keys() == fields
    desk.ask("POST", f"{TRIGGERS}/try", 400, trigger=draft)
    assert desk.ask("GET", TRIGGERS)["results"] == []


def test_a_reply_that_asks_keeps_its_link(desk: Desk) -> None:
    declare(desk, "replies", name="asking", text="How? {{ satisfaction.url }}")
    declare(desk, "triggers", name="asks", on=["created", "status"], changed=["status"],
            actions=[{"ask": {"canned": "asking"}}])  # fmt: skip
    refused = declare(desk, "replies", 400, name="asking", text="How?")
    assert "trigger asks" in wrong(refused)["text"]


def test_a_trigger_of_earlier_can_be_changed(desk: Desk) -> None:
    """Filters without conditions were taken once: they mean what null does."""
    declare(desk, "triggers", name="old", on=["status"], actions=NOTE)
    body = dumps({"on": ["status"], "filter": {}, "actions": NOTE}).decode()
    with desk.runtime.db.transaction() as connection:
        sql = """update desk_rule_version v set body = %(body)s::jsonb from desk_rule r
        where r.id = v.rule_id and kind = 'trigger' and name = 'old'"""
        assert connection.run(sql, {"body": body}) == 1
    assert desk.ask("PATCH", f"{TRIGGERS}/old", enabled=False)["body"]["filter"] is None


def test_queues_tell_everything_that_is_wrong(desk: Desk) -> None:
    body = {"name": "", "filter": {}, "skills": [1], "position": "first", "pool": "Nobody"}
    assert wrong(desk.ask("POST", QUEUES, 400, **body)).keys() == body.keys()
    made = desk.ask("POST", QUEUES, 201, name="Sensible", filter=CLOSED)["id"]
    assert wrong(desk.ask("PATCH", f"{QUEUES}/{made}", 400, filter={})).keys() == {"filter"}
    assert desk.ask("GET", f"{QUEUES}/{made}")["filter"] == CLOSED
    desk.ask("DELETE", f"{QUEUES}/{made}", 204)


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ({"ticketState": "CLOSED", "statusCategory": "open"}, None),
        ({"ticketState": "OPEN", "statusCategory": "closed"}, None),
        ({"statusCategory": "closed"}, {"ticketState": "CLOSED", "statusCategory": "closed", "isClosed": "true"}),
        ({"ticketState": "CLOSED"}, {"ticketState": "CLOSED", "isClosed": "true"}),
    ],
)
def test_stages_do_not_contradict_themselves(desk: Desk, said: dict[str, str], kept: dict[str, str] | None) -> None:
    stage = {"label": f"Stage {said}", "position": 9, "metadata": said}
    found = desk.ask("POST", f"{PIPELINES}/0/stages", 400 if kept is None else 201, **stage)
    if kept is None:
        assert "contradicts" in wrong(found)["metadata.statusCategory"]
        return
    assert found["metadata"] == kept
    # What is said alone later takes the other along.
    path = f"{PIPELINES}/0/stages/{found['id']}"
    changed = desk.ask("PATCH", path, metadata={"statusCategory": "waiting_on_us"})["metadata"]
    assert (changed["ticketState"], changed["isClosed"]) == ("OPEN", "false")
    assert desk.ask("PATCH", path, metadata={"ticketState": "CLOSED"})["metadata"]["statusCategory"] == "closed"
    assert "statusCategory" not in desk.ask("PATCH", path, metadata={"ticketState": "OPEN"})["metadata"]
    desk.ask("DELETE", path, 204)


def test_a_ticket_of_another_pipeline_begins_in_its_first_stage(desk: Desk) -> None:
    stages = [
        {"label": "Done", "position": 2, "metadata": {"ticketState": "CLOSED"}},
        {"label": "Begun", "position": 1, "metadata": {"statusCategory": "waiting_on_us"}},
    ]
    made = desk.ask("POST", PIPELINES, 201, label="Returns", stages=stages)
    first = next(one["id"] for one in made["stages"] if one["label"] == "Begun")
    found = desk.read(desk.ticket(pipeline=made["id"]))
    assert (found["stage"], found["status"]) == (first, "waiting_on_us")
    assert found["stage_entered_at"]
    # Who stands somewhere else says where it goes to.
    other = desk.ticket()
    assert "one of its stages" in str(desk.write(other, 400, pipeline=made["id"]))


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({"name": 5, "content_base64": "SQ=="}, {"name"}),
        ({"content_base64": "SQ=="}, {"name"}),
        ({"name": None, "content_type": 5, "content_base64": 5}, {"name", "content_type", "content_base64"}),
    ],
)
def test_files_without_a_name(desk: Desk, body: dict[str, Any], fields: set[str]) -> None:
    assert wrong(desk.ask("POST", f"{ROOT}/attachments", 400, **body)).keys() == fields


def test_of_nobody_there_are_no_notifications(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    path = f"{ROOT}/agents/424242"
    desk.ask("GET", f"{path}/notifications")  # nobody can be asked here who there is
    monkeypatch.setattr(desk.runtime, "foreign", Foreign(desk.runtime.db, ("owner",), None))
    desk.ask("GET", f"{path}/notifications", 404)
    desk.ask("POST", f"{path}/notifications/read", 404, upto="1")
    desk.ask("GET", f"{path}/tickets", 404)
