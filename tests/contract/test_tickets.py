"""Tickets through the official SDK: made, moved, found, linked, closed; their pipeline; and promises about them."""

from __future__ import annotations

from typing import Any

import httpx
import hubspot.crm.tickets as tickets
import pytest

DEFAULTS = {
    "content", "createdate", "hs_lastmodifieddate", "hs_object_id", "hs_pipeline", "hs_pipeline_stage",
    "hs_ticket_category", "hs_ticket_priority", "subject",
}  # fmt: skip
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def make(sdk: Any, **properties: str) -> Any:
    given = tickets.SimplePublicObjectInputForCreate(properties=properties)
    return sdk.crm.tickets.basic_api.create(given)


def test_a_ticket_from_making_to_archiving(sdk: Any, unique: str) -> None:
    api = sdk.crm.tickets.basic_api
    made = make(sdk, subject=unique, hs_ticket_priority="HIGH", hs_ticket_category="PRODUCT_ISSUE;BILLING_ISSUE")
    read = api.get_by_id(made.id)
    assert set(read.properties) == DEFAULTS
    assert (read.properties["hs_pipeline"], read.properties["hs_pipeline_stage"]) == ("0", "1")
    change = tickets.SimplePublicObjectInput(properties={"hs_pipeline_stage": "4"})
    api.update(made.id, change)
    closed = api.get_by_id(made.id, properties=["closed_date", "time_to_close", "hs_v2_date_entered_4"])
    assert closed.properties["closed_date"] == closed.properties["hs_v2_date_entered_4"]
    assert float(closed.properties["time_to_close"]) >= 0
    search = tickets.PublicObjectSearchRequest(
        filter_groups=[{"filters": [{"propertyName": "subject", "operator": "EQ", "value": unique}]}]
    )
    found = sdk.crm.tickets.search_api.do_search(search)
    assert [one.id for one in found.results] == [made.id]
    api.archive(made.id)
    with pytest.raises(tickets.ApiException) as caught:
        api.get_by_id(made.id)
    assert caught.value.status == 404


def test_batches_and_merging(sdk: Any, http: httpx.Client, unique: str) -> None:
    api = sdk.crm.tickets.batch_api
    inputs = [
        tickets.SimplePublicObjectBatchInputForCreate(properties={"subject": f"{unique} {n}"}, associations=[])
        for n in range(3)
    ]
    made = api.create(tickets.BatchInputSimplePublicObjectBatchInputForCreate(inputs=inputs)).results
    assert len(made) == 3
    one, other = made[0].id, made[1].id
    body = {"primaryObjectId": one, "objectIdToMerge": other}
    merged = http.post("/crm/v3/objects/tickets/merge", json=body).json()
    assert sdk.crm.tickets.basic_api.get_by_id(other).id == merged["id"]


def test_the_support_pipeline(sdk: Any) -> None:
    (found,) = [one for one in sdk.crm.pipelines.pipelines_api.get_all("tickets").results if one.id == "0"]
    assert found.label == "Support Pipeline"
    stages = [(one.id, one.label, one.metadata["ticketState"]) for one in found.stages]
    assert stages == [
        ("1", "New", "OPEN"),
        ("2", "Waiting on contact", "OPEN"),
        ("3", "Waiting on us", "OPEN"),
        ("4", "Closed", "CLOSED"),
    ]


def test_promises_about_a_ticket(sdk: Any, http: httpx.Client, unique: str) -> None:
    hours = {day: [["00:00", "24:00"]] for day in DAYS}
    calendar = {"name": unique, "time_zone": "UTC", "hours": hours}
    assert http.post("/api/v1/sla/calendars", json=calendar).status_code == 201
    mine = {"attribute": "hs_ticket_category", "operator": "EQ", "value": "FEATURE_REQUEST"}
    targets = {"first_response": {"otherwise": 3600}, "resolution": {"otherwise": 7200}}
    policy = {"name": unique, "calendar": unique, "filter": mine, "targets": targets}
    assert http.post("/api/v1/sla/policies", json=policy).status_code == 201
    made = make(sdk, subject=unique, hs_ticket_category="FEATURE_REQUEST")
    found = http.get(f"/api/v1/objects/tickets/{made.id}/sla").json()
    assert {(one["target"], one["policy"], one["promised_ms"]) for one in found["clocks"]} == {
        ("first_response", unique, 3600_000),
        ("resolution", unique, 7200_000),
    }
    said = {"values": {"ticket_id": made.id, "body": "We are on it"}}
    assert http.post("/api/v1/objects/ticket_entries", json=said).status_code == 201
    found = http.get(f"/api/v1/objects/tickets/{made.id}/sla").json()
    assert {one["target"]: one["status"] for one in found["clocks"]} == {
        "first_response": "met",
        "resolution": "running",
    }
