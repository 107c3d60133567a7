"""Stages that say something else, or go away: what becomes of the deals that stand in them."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from shared.kernel.context import SYSTEM, Actor, Context
from shared.kernel.errors import Forbidden
from shared.service.entities import Draft, View
from shared.service.jobs import KINDS, work_off
from shared.service.work import ledger
from tests.integration.opportunities.conftest import DEALS, Service

PATH = "/api/v1/types/deals/pipelines"


class Way:
    """A pipeline talk -> offer -> won or lost of its own."""

    def __init__(self, service: Service) -> None:
        self.service, self.name = service, f"w{uuid.uuid4().hex[:8]}"
        stages = (("talk", "0.1"), ("offer", "0.5"), ("won", "1"), ("lost", "0"))
        bodies = [
            {"id": self.stage(name), "label": name, "metadata": {"probability": probability}}
            for name, probability in stages
        ]
        self.id = service.pipeline(self.name, bodies)["id"]

    def stage(self, name: str) -> str:
        """The id of a stage."""
        return f"{self.name}{name}"

    def deal(self, stage: str, **values: Any) -> str:
        """A deal in it."""
        return str(self.service.deal(name="d", pipeline=self.id, stage=self.stage(stage), **values)["id"])

    def says(self, stage: str, **metadata: Any) -> None:
        """Let a stage say something else, and the work be done."""
        path = f"{PATH}/{self.id}/stages/{self.stage(stage)}"
        answer = self.service.client.patch(path, json={"metadata": metadata})
        assert answer.status_code == 200, answer.text
        self.follow()

    def follow(self) -> None:
        """Do what work there is."""
        while work_off(self.service.runtime):
            pass

    def archive(self, path: str, status: int, **query: str) -> Any:
        """Put a stage or the pipeline away."""
        answer = self.service.client.delete(f"{PATH}/{self.id}{path}", query_string=query)
        assert answer.status_code == status, answer.text
        return answer.json

    def work(self) -> list[dict[str, Any]]:
        """What is done with its deals."""
        found = self.service.client.get(f"{PATH}/{self.id}/work")
        assert found.status_code == 200, found.text
        return list(found.json["results"])

    def versions(self, *deals: str) -> list[int]:
        """How often they were written."""
        return [self.service.read(one)["version"] for one in deals]


@pytest.fixture
def way(service: Service) -> Way:
    """A pipeline of its own."""
    return Way(service)


def test_deals_follow_what_their_stage_says(way: Way):
    """Probability, category and rotting; what was said by hand stays; each deal is written once, and no visit made."""
    read = way.service.read
    plain, by_hand = way.deal("offer", amount=100), way.deal("offer", amount=100, forecast_probability=0.9)
    other = way.deal("talk", amount=100)
    entered = way.service.visits(plain)
    way.says("offer", probability="0.8", forecastCategory="COMMIT", rottingDays="5")
    values = read(plain)["values"]
    assert (values["stage_probability"], values["probability"], values["forecast_amount"]) == (0.8, 0.8, 80)
    assert values["forecast_category"] == "COMMIT"
    assert values["rotting_at"] is not None
    values = read(by_hand)["values"]
    assert (values["stage_probability"], values["probability"], values["forecast_amount"]) == (0.8, 0.9, 90)
    assert values["projected_amount"] == 80
    assert way.versions(plain, by_hand, other) == [2, 2, 1]
    assert way.service.visits(plain) == entered
    (work,) = way.work()
    told = {name: work[name] for name in ("kind", "state", "stages", "entities", "looked_at", "changed", "refused")}
    assert told == {
        "kind": "follow", "state": "done", "stages": [way.stage("offer")], "entities": 2, "looked_at": 2, "changed": 2,
        "refused": 0,
    }  # fmt: skip
    way.says("offer", nextStages=way.stage("won"), requiredAttributes="amount")
    assert way.versions(plain, by_hand, other) == [2, 2, 1]


def test_a_stage_that_comes_to_end_the_way_ends_the_deals_in_it(way: Way):
    """And opens them again; history tells both, and nobody has moved."""
    read = way.service.read
    deal, visits = way.deal("offer", amount=100), None
    visits = way.service.visits(deal)
    way.says("offer", probability="1")
    (stage,) = [
        one for one in way.service.client.get(f"{PATH}/{way.id}").json["stages"] if one["id"] == way.stage("offer")
    ]
    values = read(deal)["values"]
    assert (values["is_closed"], values["is_won"], values["closed_amount"]) == (True, True, 100)
    assert values["closed_at"] == values["closes_at"] == stage["updated_at"]
    assert (values["probability"], values["forecast_category"], values["days_to_close"]) == (1, "CLOSED", 0)
    way.says("offer", probability="0")
    values = read(deal)["values"]
    assert (values["is_closed"], values["is_won"], values["closed_amount"]) == (True, False, None)
    way.says("offer", probability="0.5")
    values = read(deal)["values"]
    assert (values["is_closed"], values["is_won"], values["closed_at"]) == (False, False, None)
    assert way.service.visits(deal) == visits
    assert way.versions(deal) == [4]


def test_who_has_left_is_left_alone(way: Way):
    """Between the change and the work."""
    stays, leaves = way.deal("offer"), way.deal("offer")
    path = f"{PATH}/{way.id}/stages/{way.stage('offer')}"
    assert way.service.client.patch(path, json={"metadata": {"probability": "1"}}).status_code == 200
    claim = ledger.claim(way.service.runtime.db)
    assert claim is not None
    KINDS[claim.job.kind].run(way.service.runtime, claim)
    way.service.write(leaves, stage=way.stage("talk"))
    way.follow()
    assert way.service.read(leaves)["values"]["stage"] == way.stage("talk")
    assert way.service.read(leaves)["values"]["is_closed"] is False
    assert way.service.read(stays)["values"]["is_won"] is True


def test_what_is_in_use_is_refused_or_moved(way: Way):
    """Moves like any other: visits, history, events; then the stage is gone."""
    deals = [way.deal("offer", amount=10) for _ in range(3)]
    refused = way.archive(f"/stages/{way.stage('offer')}", 400)
    assert refused["errors"][0]["code"] == "STAGE_IN_USE"
    assert f"3 deals stand in it (3 in {way.stage('offer')})" in refused["message"]
    refused = way.archive(f"/stages/{way.stage('offer')}", 400, move_to=way.stage("offer"))
    assert refused["errors"][0]["in"] == "move_to"
    begun = way.archive(f"/stages/{way.stage('offer')}", 202, move_to=way.stage("won"))
    assert (begun["kind"], begun["state"], begun["move_to"]) == ("move", "running", way.stage("won"))
    assert way.archive(f"/stages/{way.stage('talk')}", 409, move_to=way.stage("offer"))["category"] == "CONFLICT"
    way.follow()
    for one in deals:
        values = way.service.read(one)["values"]
        assert (values["stage"], values["is_won"], values["closed_amount"]) == (way.stage("won"), True, 10)
        assert [visit["stage"] for visit in way.service.visits(one)] == [way.stage("offer"), way.stage("won")]
    left = way.service.client.get(f"{PATH}/{way.id}").json["stages"]
    assert [one["id"] for one in left] == [way.stage("talk"), way.stage("won"), way.stage("lost")]
    (work,) = way.work()
    assert (work["state"], work["changed"], work["entities"]) == ("done", 3, 3)


def test_a_whole_pipeline_goes(way: Way, service: Service):
    """Its deals go to a stage of another one; by default nobody is left behind at the native door."""
    there = Way(service)
    deals = [way.deal("talk"), way.deal("won")]
    for refused in (
        service.client.delete(f"{PATH}/{way.id}"),
        service.client.patch(f"{PATH}/{way.id}", json={"archived": True}),
        service.client.put(f"{PATH}/{way.id}", json={"label": way.name, "stages": []}),
    ):
        assert (refused.status_code, refused.json["errors"][0]["code"]) == (400, "STAGE_IN_USE")
    way.archive("", 202, move_to=there.stage("talk"))
    way.follow()
    for one in deals:
        values = service.read(one)["values"]
        assert (values["pipeline"], values["stage"], values["is_closed"]) == (there.id, there.stage("talk"), False)
    assert service.client.get(f"{PATH}/{way.id}").status_code == 404
    assert way.work()[0]["state"] == "done"


def test_nothing_comes_back_to_a_pipeline_that_was_put_away(way: Way):
    """It says which one; once that is back, so is the deal. Who was left behind there is not written into it again."""
    gone, left = way.deal("talk"), way.deal("offer")
    client = way.service.client
    assert client.delete(f"{DEALS}/{gone}").status_code == 204
    way.archive("", 204, unused="false")
    refused = client.post(f"{DEALS}/{gone}/restore", json={})
    (error,) = refused.json["errors"]
    assert (refused.status_code, error["code"], way.id in error["message"]) == (400, "INVALID_OPTION", True)
    way.service.write(left, 400, stage=way.stage("offer"))
    way.service.wire(left, 400, dealstage=way.stage("offer"))
    assert way.service.write(left, amount=5)["amount"] == 5
    assert client.patch(f"{PATH}/{way.id}", json={"archived": False}).status_code == 200
    assert client.post(f"{DEALS}/{gone}/restore", json={}).status_code == 200
    assert client.delete(f"{DEALS}/{gone}").status_code == 204
    way.archive(f"/stages/{way.stage('talk')}", 204)
    stays = client.post(f"{DEALS}/{gone}/restore", json={})
    assert (stays.status_code, way.stage("talk") in stays.json["errors"][0]["message"]) == (400, True)


def test_whom_rules_keep_stays_and_so_does_the_stage(way: Way):
    """Where a pipeline enforces all; reasons for what natively is asked are none of this."""
    kept, free = way.deal("offer"), way.deal("offer", amount=1)
    way.says("won", requiredAttributes="amount")
    enforce = way.service.client.patch(f"{PATH}/{way.id}", json={"metadata": {"enforce": "all"}})
    assert enforce.status_code == 200
    way.archive(f"/stages/{way.stage('offer')}", 202, move_to=way.stage("won"))
    way.follow()
    (work,) = [one for one in way.work() if one["kind"] == "move"]
    assert (work["state"], work["changed"], work["refused"]) == ("failed", 1, 1)
    assert kept in work["reason"]
    assert [way.service.read(one)["values"]["stage"] for one in (kept, free)] == [way.stage("offer"), way.stage("won")]
    way.service.client.patch(f"{PATH}/{way.id}", json={"metadata": {"enforce": "native"}})
    way.archive(f"/stages/{way.stage('offer')}", 202, move_to=way.stage("won"))
    way.follow()
    assert way.service.read(kept)["values"]["stage"] == way.stage("won")


def test_who_comes_meanwhile_is_moved_too(way: Way):
    """In another round; and nobody goes to a stage that is gone by then."""
    there, run = Way(way.service), way.service.runtime
    first = way.deal("offer")
    way.archive(f"/stages/{way.stage('offer')}", 202, move_to=way.stage("won"))
    claim = ledger.claim(run.db)
    assert claim is not None
    KINDS[claim.job.kind].run(run, claim)
    late = way.deal("offer")
    way.follow()
    assert {way.service.read(one)["values"]["stage"] for one in (first, late)} == {way.stage("won")}
    assert way.work()[0]["state"] == "done"
    way.archive(f"/stages/{way.stage('won')}", 202, move_to=there.stage("won"))
    there.archive("", 204, unused="false")
    way.follow()
    assert (way.work()[0]["state"], "put away meanwhile" in way.work()[0]["reason"]) == ("failed", True)
    assert way.service.read(first)["values"]["stage"] == way.stage("won")


def test_moving_deals_takes_the_right_to_write_them(way: Way):
    """That to change pipelines is not enough."""
    context = Context(Actor("a", scopes=frozenset({"crm.schemas.deals.write"})), door="native")
    with pytest.raises(Forbidden, match="objects"):
        way.service.runtime.pipelines.archive_moving(context, "deal", way.id, way.stage("talk"), way.stage("won"))


def test_following_takes_a_constant_number_of_statements(way: Way):
    """However many deals a chunk holds."""

    def counted(count: int, probability: str) -> list[int]:
        drafts = [Draft({"name": "S", "pipeline": way.id, "stage": way.stage("talk")}) for _ in range(count)]
        way.service.runtime.entities.create(Context(SYSTEM), "deal", drafts, View(attributes=()))
        path = f"{PATH}/{way.id}/stages/{way.stage('talk')}"
        answer = way.service.client.patch(path, json={"metadata": {"probability": probability}})
        assert answer.status_code == 200
        numbers = []
        while (claim := ledger.claim(way.service.runtime.db)) is not None:
            with way.service.runtime.db.counted() as statements:
                KINDS[claim.job.kind].run(way.service.runtime, claim)
            numbers.append(len(statements))
        return numbers

    counted(1, "0.2")
    assert counted(1, "0.3") == counted(30, "0.4")


def test_what_stages_say_is_checked(way: Way):
    """Everything wrong at once, by the names of the native door."""
    stages = [
        {"label": "A", "metadata": {"probability": [1], "rottingDays": {"n": 1}}},
        {"label": "B", "id": "b", "metadata": {"probability": "0.5", "nextStages": f"b,{way.stage('won')},nothing"}},
        {"label": "C", "metadata": {"probability": "0.5", "requiredAttributes": "amuont", "probabilty": "1"}},
    ]
    refused = way.service.client.post(PATH, json={"label": "X", "metadata": {"enforce": [1]}, "stages": stages})
    assert refused.status_code == 400
    assert sorted((one["in"], one["code"]) for one in refused.json["errors"]) == [
        ("metadata.enforce", "INVALID_TYPE"),
        ("stages[0].metadata.probability", "INVALID_TYPE"),
        ("stages[0].metadata.rottingDays", "INVALID_TYPE"),
        ("stages[1].metadata.nextStages", "INVALID_OPTION"),
        ("stages[1].metadata.nextStages", "INVALID_OPTION"),
        ("stages[2].metadata.probabilty", "UNKNOWN_KEY"),
        ("stages[2].metadata.requiredAttributes", "INVALID_OPTION"),
    ]
    path = f"{PATH}/{way.id}/stages/{way.stage('talk')}"
    metadata = {"rottingDays": [], "nextStages": "closedwon"}
    refused = way.service.client.patch(path, json={"metadata": metadata})
    assert sorted(one["in"] for one in refused.json["errors"]) == ["metadata.nextStages", "metadata.rottingDays"]


def test_a_stage_that_goes_is_no_next_stage_any_more(way: Way):
    """Unless it was the only one: then one would go anywhere."""
    way.says("talk", nextStages=f"{way.stage('offer')},{way.stage('lost')}")
    way.archive(f"/stages/{way.stage('offer')}", 204)
    stages = way.service.client.get(f"{PATH}/{way.id}").json["stages"]
    assert stages[0]["metadata"]["nextStages"] == way.stage("lost")
    refused = way.archive(f"/stages/{way.stage('lost')}", 400)
    assert refused["errors"][0]["in"] == "metadata.nextStages"


def test_errors_call_attributes_as_the_door_does(way: Way):
    """By internal name at the native one."""
    way.says("won", requiredAttributes="closes_at")
    one = way.deal("offer")
    (error,) = way.service.write(one, 400, stage=way.stage("talk"), pipeline="default")
    assert "write stage as well" in error["message"] or "pipeline" in error["message"]
    assert "dealstage" not in error["message"]
    enforce = way.service.client.patch(f"{PATH}/{way.id}", json={"metadata": {"enforce": "all"}})
    assert enforce.status_code == 200
    made = way.service.client.post(
        "/api/v1/objects/deals", json={"values": {"name": "x", "pipeline": way.id, "stage": way.stage("talk")}}
    )
    assert made.status_code == 201
    way.says("talk", requiredAttributes="lead_source,next_step")
    (error,) = way.service.write(one, 400, stage=way.stage("talk"), next_step="x")
    assert (error["context"]["propertyName"], "lead_source" in error["message"]) == (["lead_source"], True)
    wire = way.service.wire(one, 400, dealstage=way.stage("talk"))
    assert {error["context"]["propertyName"][0] for error in wire["errors"]} == {"lead_source", "hs_next_step"}
