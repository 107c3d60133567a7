"""Filling a system: everything arrives, a second run changes nothing, an interrupted one is taken up."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from crm.api import Api
from crm.demo import Company, Size
from crm.demo import fill as filling
from crm.demo.activities import KINDS, activities_of
from crm.demo.company import SPAN, domain_of
from crm.demo.fill import Fill
from crm.demo.tickets import sayings_of
from services.service_desk.domain.policies import Target
from services.service_desk.promises.spelling import read_calendar, read_policy
from shared.kernel import clock
from tests.unit.crm.fake import FakeSystem, run_crm, singular

COMPANY = Company(5, Size(3, 20, 130, 40, 30), datetime(2026, 3, 1, tzinfo=UTC))


@pytest.fixture(autouse=True)
def small_batches(monkeypatch):
    monkeypatch.setattr(filling, "BATCH", 25)


def fill(system: FakeSystem) -> filling.Outcome:
    with Api("http://x.example", None, system.transport()) as api:
        return Fill(api, COMPANY).run()


def by_key(system: FakeSystem, type_name: str, key: str) -> dict:
    return {one["values"][key]: one for one in system.entities[type_name].values()}


def test_everything_arrives_with_its_history():
    system = FakeSystem()
    outcome = fill(system)
    assert (outcome.created, outcome.kept, outcome.refused, outcome.dated) == (223, 0, 0, True)
    told = [one for story in COMPANY.contacts() for one in activities_of(story, 5, COMPANY.now, 130)]
    assert outcome.activities == len(told) > 130
    written = [one["values"]["occurs_at"] for kind in KINDS for one in system.entities[singular(kind)].values()]
    assert sorted(written) == sorted(one.values["occurs_at"] for one in told)
    score = next(one["name"] for one in system.attributes["contact"] if one["label"] == "Score")
    owners = list(by_key(system, "owner", "email").values())
    contacts = by_key(system, "contact", "email")
    for story in COMPANY.contacts():
        entity = contacts[story.key]
        expected = {{"score": score}.get(name, name): value for name, value in story.final().items()}
        if story.owner is not None:
            expected["owner_id"] = owners[story.owner]["id"]
        assert entity["values"] == expected
        assert entity["version"] == 1 + len(story.steps)
        assert entity["created_at"] == clock.iso(story.created)
        assert entity["updated_at"] == clock.iso(story.steps[-1].at if story.steps else story.created)
    companies = by_key(system, "company", "domain")
    assert len(companies) == 20
    assert outcome.linked == 130 + 2 * 40
    assert system.links["contacts/companies"] == {
        contacts[story.key]["id"]: companies[domain_of(story)]["id"] for story in COMPANY.contacts()
    }
    deals = by_key(system, "deal", "name")
    assert system.links["deals/contacts"] == {
        deals[story.key]["id"]: contacts[story.contact]["id"] for story in COMPANY.deals()
    }
    assert system.links["deals/companies"].keys() == system.links["deals/contacts"].keys()
    assert {story.key: deals[story.key]["values"]["stage"] for story in COMPANY.deals()} == {
        story.key: story.final()["stage"] for story in COMPANY.deals()
    }
    tickets = by_key(system, "ticket", "thread_id")
    assert {story.key: tickets[story.key]["values"]["stage"] for story in COMPANY.tickets()} == {
        story.key: story.final()["stage"] for story in COMPANY.tickets()
    }
    assert set(system.links["contacts/tickets"]) == {contacts[story.contact]["id"] for story in COMPANY.tickets()}
    said = by_key(system, "ticket_entries", "message_id")
    assert outcome.said == len(said) == sum(1 for story in COMPANY.tickets() for _ in sayings_of(story))
    assert {one["values"]["ticket_id"] for one in said.values()} == {one["id"] for one in tickets.values()}


def test_something_is_promised_from_the_first_day_on_and_once():
    system = FakeSystem()
    assert fill(system).promised == clock.iso(COMPANY.now - SPAN)
    (office,), (policy,) = (system.promises[kind] for kind in ("calendars", "policies"))
    assert read_calendar({key: one for key, one in office["body"].items() if key not in ("name", "valid_from")})
    body = {key: one for key, one in policy["body"].items() if key not in ("name", "valid_from")}
    read = read_policy(body, policy=1, version=1, valid_from=0, calendar=1)
    assert (len(read.goals), len(read.thresholds), len(read.goals[Target.RESOLUTION].by_priority)) == (3, 3, 3)
    assert fill(system).promised == ""
    assert [len(one) for one in system.promises.values()] == [1, 1]


def test_a_system_with_tickets_takes_promises_from_now_on():
    system = FakeSystem()
    fill(system)
    system.promises.clear()
    assert fill(system).promised > clock.iso(COMPANY.now - SPAN)
    assert len(system.promises["policies"]) == 1


def test_a_second_run_writes_nothing():
    system = FakeSystem()
    fill(system)
    system.requests.clear()
    outcome = fill(system)
    assert (outcome.created, outcome.changed, outcome.kept, outcome.linked) == (0, 0, 223, 0)
    assert (outcome.activities, outcome.said) == (0, 0)
    assert not [path for _method, path, _body in system.requests if path.endswith(("create", "update", "default"))]


def test_what_the_system_keeps_of_tickets_is_no_step():
    """Versions of tickets rise by themselves: how far one has come is told by when it entered its stage."""
    system = FakeSystem()
    fill(system)
    for story in COMPANY.tickets():
        ticket = by_key(system, "ticket", "thread_id")[story.key]
        ticket["version"] = 9
        entered = [step.at for step in story.steps[:-1]] or [story.created]
        ticket["values"]["stage_entered_at"] = clock.iso(entered[-1])
    outcome = fill(system)
    assert outcome.changed == sum(1 for story in COMPANY.tickets() if story.steps), "the last step of each"


def test_an_interrupted_run_is_taken_up():
    whole, broken = FakeSystem(), FakeSystem()
    fill(whole)
    create_all = broken.on_entities
    updates = []

    def dies_at_the_third_update(method, parts, body):
        if parts[-1] == "update":
            updates.append(parts)
        if len(updates) >= 3:
            raise KeyboardInterrupt
        return create_all(method, parts, body)

    broken.on_entities = dies_at_the_third_update
    with pytest.raises(KeyboardInterrupt):
        fill(broken)
    broken.on_entities = create_all
    assert fill(broken).kept > 0
    for type_name, key in (("contact", "email"), ("company", "domain")):
        expected = {
            name: (one["version"], one["values"].get("lifecycle_stage"))
            for name, one in by_key(whole, type_name, key).items()
        }
        found = {
            name: (one["version"], one["values"].get("lifecycle_stage"))
            for name, one in by_key(broken, type_name, key).items()
        }
        assert found == expected


def test_a_system_that_takes_no_past_gets_everything_dated_now():
    system = FakeSystem(takes_effective=False)
    outcome = fill(system)
    assert (outcome.created, outcome.dated) == (223, False)
    assert outcome.changed == sum(
        len(story.steps)
        for kind in (COMPANY.companies(), COMPANY.contacts(), COMPANY.deals(), COMPANY.tickets())
        for story in kind
    )


def test_the_command_ends_with_commands_that_work(monkeypatch, tmp_path):
    monkeypatch.setenv("CRM_HOME", str(tmp_path))
    monkeypatch.setattr("crm.demo.company.SIZES", {"small": Size(2, 10, 60, 90, 40)})
    system = FakeSystem()
    code, out, err = run_crm(system, "demo", "--seed", "5", width=200)
    assert code == 0, err
    assert "202 created" in out
    lines = [line.strip() for line in out.splitlines()]
    shown = next(line for line in lines if line.startswith("crm show contact")).split()
    assert shown[3] in by_key(system, "contact", "email")
    assert any(line.startswith("crm find contact 'score > 50 and city = 北京'") for line in lines)
    whom = next(line for line in lines if line.startswith("crm timeline contact")).split()[3]
    company = Company(5)
    assert whom in {one.contact for one in company.deals()} & {one.contact for one in company.tickets()}
    (story,) = [one for one in company.contacts() if one.key == whom]
    assert activities_of(story, 5, company.now, 60)
    assert any(line.startswith("curl ") and str(tmp_path) in line for line in lines)
