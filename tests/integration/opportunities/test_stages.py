"""Deals on their way: visits and times, ends and reopening, what pipelines demand and at which door."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from shared.kernel.context import SYSTEM, Context
from shared.service.entities import BulkItem, Ref
from shared.service.pipelines import visit_rows
from tests.integration.opportunities.conftest import DEALS, Service

DAY = 86_400_000


def day(n: int) -> str:
    return f"2026-03-{n:02d}T00:00:00.000Z"


@pytest.fixture
def strict(service: Service) -> dict[str, Any]:
    """A pipeline that demands: talk -> offer -> won or lost, an offer needs an amount, a loss a reason."""
    name = f"s{uuid.uuid4().hex[:8]}"
    stages = [
        {"id": f"{name}talk", "label": "Talk", "metadata": {"probability": "0.1", "nextStages": f"{name}offer"}},
        {
            "id": f"{name}offer",
            "label": "Offer",
            "metadata": {"probability": "0.5", "requiredAttributes": "amount", "rottingDays": "10"},
        },
        {"id": f"{name}won", "label": "Won", "metadata": {"probability": "1"}},
        {"id": f"{name}lost", "label": "Lost", "metadata": {"probability": "0"}},
    ]
    made = service.pipeline(name, stages, requireLostReason="true")
    assert made["metadata"] == {"requireLostReason": "true"}
    return {one["label"].lower(): one["id"] for one in made["stages"]} | {"id": made["id"]}


def test_visits_and_times_follow_every_move(service: Service):
    deal = service.deal(day(1), name="A", stage="appointmentscheduled")
    service.write(deal["id"], at=day(3), stage="qualifiedtobuy")
    service.write(deal["id"], at=day(4), stage="appointmentscheduled")
    values = service.write(deal["id"], at=day(9), stage="contractsent")
    visits = service.visits(deal["id"])
    assert [(one["stage"], one["from"], one["entered_at"], one["left_at"], one["seconds"]) for one in visits] == [
        ("appointmentscheduled", None, day(1), day(3), 2 * 86400),
        ("qualifiedtobuy", "appointmentscheduled", day(3), day(4), 86400),
        ("appointmentscheduled", "qualifiedtobuy", day(4), day(9), 5 * 86400),
        ("contractsent", "appointmentscheduled", day(9), None, None),
    ]
    assert [one["version"] for one in visits] == [1, 2, 3, 4]
    assert values["entered_appointmentscheduled"] == day(4)
    assert values["left_appointmentscheduled"] == day(9)
    assert values["time_in_appointmentscheduled"] == 5 * DAY
    assert values["total_time_in_appointmentscheduled"] == 7 * DAY
    assert (values["stage_entered_at"], values["left_contractsent"]) == (day(9), None)


def test_times_filter_and_sort_under_the_wires_names(service: Service):
    deal = service.deal(day(2), name="B", stage="presentationscheduled")
    service.write(deal["id"], at=day(5), stage="closedwon")
    name = "hs_v2_cumulative_time_in_presentationscheduled"
    filters = [{"propertyName": name, "operator": "EQ", "value": str(3 * DAY)}]
    body = {"filterGroups": [{"filters": filters}], "properties": [name], "sorts": [f"-{name}"]}
    found = service.client.post("/crm/v3/objects/deals/search", json=body).json
    assert [one["id"] for one in found["results"]] == [deal["id"]]
    shown = service.client.get("/crm/v3/properties/deals/hs_v2_date_entered_closedwon").json
    assert (shown["type"], shown["modificationMetadata"]["readOnlyValue"]) == ("datetime", True)
    service.wire(deal["id"], 400, hs_v2_date_entered_closedwon=day(1))


def test_a_move_into_the_past_counts_from_the_entry(service: Service):
    deal = service.deal(day(10), name="C", stage="appointmentscheduled")
    service.write(deal["id"], at=day(2), stage="qualifiedtobuy")
    visits = service.visits(deal["id"])
    assert [(one["entered_at"], one["left_at"]) for one in visits] == [(day(10), day(10)), (day(10), None)]


def test_a_visit_is_told_of(service: Service):
    deal = service.deal(day(1), name="D", stage="appointmentscheduled")
    service.write(deal["id"], at=day(2), stage="contractsent")
    with service.runtime.db.connect() as connection:
        rows = connection.rows(
            "select body from outbox where kind = 'stage.visit' and entity_id = %(id)s order by id", {"id": deal["id"]}
        )
    (first,), (second,) = rows
    assert (first["detail"]["from"], first["effective_at"]) == (None, day(1))
    assert second["detail"] == {
        "pipeline": "default",
        "stage": "contractsent",
        "from": "appointmentscheduled",
        "entered": day(2),
    }


def test_winning_and_opening_again(service: Service):
    deal = service.deal(day(1), name="E", stage="appointmentscheduled", amount=1000)
    values = service.write(deal["id"], at=day(8), stage="closedwon", won_reason="Price")
    assert (values["is_closed"], values["is_won"], values["closed_amount"]) == (True, True, 1000)
    assert (values["closes_at"], values["closed_at"], values["days_to_close"]) == (day(8), day(8), 7)
    assert (values["probability"], values["forecast_category"]) == (1, "CLOSED")
    values = service.write(deal["id"], at=day(9), stage="contractsent")
    assert (values["is_closed"], values["is_won"], values["closed_amount"], values["closed_at"]) == (
        False,
        False,
        None,
        None,
    )
    assert (values["won_reason"], values["days_to_close"], values["forecast_amount"]) == (None, None, 900)
    history = service.client.get(f"{DEALS}/{deal['id']}?history=won_reason").json["history"]["won_reason"]
    assert [one["value"] for one in history] == ["", "Price"]


def test_a_deal_closes_on_the_day_it_closed_whatever_was_expected(service: Service):
    deal = service.deal(day(1), name="T", stage="appointmentscheduled", closes_at=day(28))
    lost = service.write(deal["id"], at=day(5), stage="closedlost")
    assert (lost["closes_at"], lost["days_to_close"]) == (day(5), 4)
    assert service.write(deal["id"], at=day(6), stage="contractsent")["closes_at"] == day(5)
    won = service.write(deal["id"], at=day(9), stage="closedwon")
    assert (won["closes_at"], won["closed_at"], won["days_to_close"]) == (day(9), day(9), 8)
    service.write(deal["id"], at=day(10), stage="contractsent")
    said = service.write(deal["id"], at=day(11), stage="closedwon", closes_at=day(9))
    assert (said["closes_at"], said["closed_at"]) == (day(9), day(11))
    assert service.write(deal["id"], closes_at=day(7))["days_to_close"] == 6


def test_an_import_that_gives_the_close_date_keeps_it(service: Service):
    """Also where it is the one that was expected."""
    deal = service.deal(day(1), name="V", stage="appointmentscheduled", closes_at=day(8))
    context = Context(SYSTEM, source="IMPORT", source_id="1")
    item = BulkItem({"stage": "closedwon", "closes_at": day(8)}, ref=Ref(int(deal["id"])))
    (found,) = service.runtime.entities.bulk(context, "deal", [item])
    assert (found.outcome, service.read(deal["id"])["values"]["closes_at"]) == ("updated", day(8))


def test_only_winning_makes_a_deal_a_closed_one_of_the_forecast(service: Service):
    deal = service.deal(name="U", stage="contractsent")
    (error,) = service.write(deal["id"], 400, manual_forecast_category="CLOSED")
    assert error["context"] == {"propertyName": ["manual_forecast_category"]}
    assert service.write(deal["id"], stage="closedwon", manual_forecast_category="CLOSED")["is_won"]
    assert service.write(deal["id"], stage="contractsent")["forecast_category"] != "CLOSED"


def test_a_probability_by_hand_sticks_until_it_is_cleared(service: Service):
    deal = service.deal(name="F", stage="appointmentscheduled", amount=100, forecast_probability=0.75)
    assert (deal["values"]["probability"], deal["values"]["stage_probability"]) == (0.75, 0.2)
    values = service.write(deal["id"], stage="qualifiedtobuy")
    assert (values["probability"], values["stage_probability"], values["forecast_amount"]) == (0.75, 0.4, 75)
    assert values["projected_amount"] == 40
    values = service.write(deal["id"], forecast_probability=None)
    assert (values["probability"], values["forecast_amount"]) == (0.4, 40)
    service.write(deal["id"], 400, forecast_probability=1.5)


def test_moves_and_demands_of_a_stage(service: Service, strict: dict[str, Any]):
    deal = service.deal(name="G", pipeline=strict["id"], stage=strict["talk"])
    (error,) = service.write(deal["id"], 400, stage=strict["won"])
    told = {"propertyName": ["stage"], "nearest": [strict["offer"]]}
    assert (error["code"], error["context"]) == ("STAGE_NOT_ALLOWED", told)
    (error,) = service.write(deal["id"], 400, stage=strict["offer"])
    assert (error["code"], error["context"]) == ("REQUIRED_FIELD", {"propertyName": ["amount"]})
    values = service.write(deal["id"], at=day(2), stage=strict["offer"], amount=5)
    assert values["rotting_at"] is not None
    assert service.write(deal["id"], 400, amount=None)[0]["code"] == "REQUIRED_FIELD"


def test_a_stage_says_when_its_deals_rot(service: Service, strict: dict[str, Any]):
    deal = service.deal(day(1), name="H", pipeline=strict["id"], stage=strict["offer"], amount=5)
    assert deal["values"]["rotting_at"] == day(11)
    assert service.write(deal["id"], at=day(3), stage=strict["won"])["rotting_at"] is None


def test_the_dialect_need_not_say_why_unless_all_must(service: Service, strict: dict[str, Any]):
    lost = service.deal(name="I", pipeline=strict["id"], stage=strict["talk"])
    service.wire(lost["id"], dealstage=strict["lost"])
    deal = service.deal(name="J", pipeline=strict["id"], stage=strict["offer"], amount=1)
    (error,) = service.write(deal["id"], 400, stage=strict["lost"])
    assert error["context"] == {"propertyName": ["lost_reason"]}
    (error,) = service.write(deal["id"], 400, stage=strict["lost"], lost_reason="Other")
    assert error["context"] == {"propertyName": ["lost_note"]}
    service.write(deal["id"], stage=strict["lost"], lost_reason="other", lost_note="They moved")
    patched = service.client.patch(
        f"/api/v1/types/deals/pipelines/{strict['id']}", json={"metadata": {"enforce": "all"}}
    )
    assert patched.json["metadata"] == {"requireLostReason": "true", "enforce": "all"}
    open_one = service.deal(name="K", pipeline=strict["id"], stage=strict["offer"], amount=1)
    service.wire(open_one["id"], 400, dealstage=strict["lost"])
    service.wire(open_one["id"], dealstage=strict["lost"], closed_lost_reason="Price")


def test_imports_write_and_warn(service: Service, strict: dict[str, Any]):
    values = {"name": "M", "pipeline": strict["id"], "stage": strict["lost"]}
    items = [BulkItem(values), BulkItem({**values, "lost_reason": "Price"})]
    context = Context(SYSTEM, source="IMPORT")
    found = service.runtime.entities.bulk(context, "deal", items)
    assert [(one.outcome, [error.name for error in one.warnings]) for one in found] == [
        ("created", ["lost_reason"]),
        ("created", []),
    ]
    path = f"/api/v1/types/deals/pipelines/{strict['id']}"
    assert service.client.patch(path, json={"metadata": {"enforce": "all"}}).status_code == 200
    refused, fine = service.runtime.entities.bulk(context, "deal", items)
    assert (refused.outcome, refused.errors[0].name, fine.outcome) == ("rejected", "lost_reason", "created")


def test_rules_of_stages_that_are_not_there_are_refused(service: Service):
    for metadata in ({"nextStages": "nowhere"}, {"requiredAttributes": "amuont"}, {"rottingDays": "-1"}):
        body = {"label": uuid.uuid4().hex, "stages": [{"label": "A", "metadata": {"probability": "0.1", **metadata}}]}
        assert service.client.post("/api/v1/types/deals/pipelines", json=body).status_code == 400, metadata


def test_archived_deals_keep_their_visits_and_erased_ones_do_not(service: Service):
    deal = service.deal(day(1), name="L", stage="appointmentscheduled")
    assert service.client.delete(f"{DEALS}/{deal['id']}").status_code == 204
    assert len(service.visits(deal["id"])) == 1
    assert service.client.post(f"{DEALS}/{deal['id']}/erase", json={}).status_code in (200, 204)
    with service.runtime.db.connect() as connection:
        assert not connection.rows("select 1 from stage_visit where entity_id = %(id)s", {"id": deal["id"]})


def test_leaving_all_stages_ends_the_visit_and_the_log_can_be_made_as_it_was(service: Service):
    """Rows of the log are only added to; the revision that made it so loses nothing, in either direction."""
    deal = service.deal(day(1), name="Q", stage="appointmentscheduled")
    service.write(deal["id"], at=day(2), pipeline=None, stage=None)
    service.write(deal["id"], at=day(4), stage="contractsent")
    service.write(deal["id"], at=day(3), stage="closedwon")  # told too late: it counts as the one before
    visits = service.visits(deal["id"])
    assert [(one["stage"], one["entered_at"][:10], (one["left_at"] or "")[:10]) for one in visits] == [
        ("appointmentscheduled", day(1)[:10], day(2)[:10]),
        ("contractsent", day(4)[:10], day(4)[:10]),
        ("closedwon", day(4)[:10], ""),
    ]
    with service.runtime.db.connect() as connection:
        listed = visit_rows.listed(connection, int(deal["id"]))
        with connection.transaction():
            for statement in visit_rows.NOT_ONLY_ADDED:
                connection.run(statement)
            stored = connection.rows(
                "select stage, left_at from stage_visit where entity_id = %(id)s order by version", {"id": deal["id"]}
            )
            for statement in visit_rows.ONLY_ADDED:
                connection.run(statement)
            again = visit_rows.listed(connection, int(deal["id"]))
    assert [(one.stage, one.left and one.left.replace(tzinfo=None)) for one in listed] == stored
    assert again == listed


def test_merging_keeps_the_survivors_way(service: Service):
    first = service.deal(day(1), name="N", stage="appointmentscheduled", amount=1)
    second = service.deal(day(2), name="O", stage="contractsent", amount=2)
    bare = service.deal(day(3), name="P")
    body = {"absorb": [second["id"]]}
    merged = service.client.post(f"{DEALS}/{first['id']}/merge", json=body)
    assert merged.status_code == 200, merged.text
    assert [one["stage"] for one in service.visits(first["id"])] == ["appointmentscheduled"]
    filled = service.client.post(f"{DEALS}/{bare['id']}/merge", json={"absorb": [first["id"]]})
    assert filled.status_code == 200, filled.text
    visits, values = service.visits(bare["id"]), service.read(bare["id"])["values"]
    assert [(one["stage"], one["left_at"], one["source"]) for one in visits] == [
        ("appointmentscheduled", None, "MERGE_OBJECTS")
    ]
    assert values["stage_entered_at"] == values["entered_appointmentscheduled"] == visits[0]["entered_at"]
    assert values["probability"] == 0.2


@pytest.mark.parametrize("rules", [{}, {"stage": "newest"}])
def test_a_merged_deal_ended_when_it_did(service: Service, rules: dict[str, str]):
    """Whoever's stage it takes: the days of the end are that one's, and undoing the merge gives back the others."""
    survivor = service.deal(day(2), name="V", stage=None if not rules else "contractsent", closes_at=day(28))
    won = service.deal(day(1), name="W", stage="contractsent")
    service.write(won["id"], at=day(9), stage="closedwon")
    body = {"absorb": [won["id"]], "rules": rules}
    answer = service.client.post(f"{DEALS}/{survivor['id']}/merge", json=body)
    assert answer.status_code == 200, answer.text
    values = service.read(survivor["id"])["values"]
    assert (values["stage"], values["closed_at"], values["closes_at"]) == ("closedwon", day(9), day(9))
    answer = service.client.post(f"{DEALS}/{survivor['id']}/unmerge", json={})
    assert answer.status_code == 200, answer.text
    values = service.read(survivor["id"])["values"]
    assert (values["closed_at"], values["closes_at"]) == (None, day(28))


@pytest.mark.parametrize("moved_on", [False, True])
def test_undoing_a_merge_leaves_times_that_agree_with_the_visits(service: Service, moved_on: bool):
    """Whatever happened since: what was told of the stage that the merge brought is a visit like any other."""
    stood = service.deal(day(1), name="R", stage="appointmentscheduled")
    bare = service.deal(day(3), name="S")
    answer = service.client.post(f"{DEALS}/{bare['id']}/merge", json={"absorb": [stood["id"]]})
    assert answer.status_code == 200, answer.text
    if moved_on:
        service.write(bare["id"], stage="contractsent")
    answer = service.client.post(f"{DEALS}/{bare['id']}/unmerge", json={})
    assert answer.status_code == 200, answer.text
    visits, values = service.visits(bare["id"]), service.read(bare["id"])["values"]
    assert [one["stage"] for one in visits] == ["appointmentscheduled", "contractsent"][: 1 + moved_on]
    first, last = visits[0], visits[-1]
    assert values["stage"] == (last["stage"] if moved_on else None)
    assert values["stage_entered_at"] == (last["entered_at"] if moved_on else None)
    assert values["entered_appointmentscheduled"] == first["entered_at"]
    assert values["left_appointmentscheduled"] == first["left_at"]
    assert values["total_time_in_appointmentscheduled"] == round(first["seconds"] * 1000)
    assert values["entered_contractsent"] == (last["entered_at"] if moved_on else None)
    assert [one["entered_at"] for one in service.visits(stood["id"])] == [day(1)]
    assert service.read(stood["id"])["values"]["stage_entered_at"] == day(1)
