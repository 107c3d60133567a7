"""Notes, tasks, calls and the other activities through the official SDK: written, searched, linked from both sides."""

from __future__ import annotations

import uuid
from typing import Any

import httpx
import hubspot.crm.associations.v4 as v4
import hubspot.crm.companies as companies
import hubspot.crm.contacts as contacts
import hubspot.crm.objects as objects
import hubspot.crm.objects.calls as calls
import hubspot.crm.objects.notes as notes
import hubspot.crm.objects.tasks as tasks
import pytest

WHEN = "2026-03-02T09:30:00.000Z"
# Association types, as the SDK ships them: from the record to the activity, and back.
TYPES = {
    "calls": (193, 194, 181, 182),
    "emails": (197, 198, 185, 186),
    "meetings": (199, 200, 187, 188),
    "notes": (201, 202, 189, 190),
    "tasks": (203, 204, 191, 192),
    "communications": (82, 81, 88, 87),
    "postal_mail": (454, 453, 460, 459),
}


def person(sdk: Any) -> str:
    address = f"{uuid.uuid4().hex[:12]}@example.com"
    made = contacts.SimplePublicObjectInputForCreate(properties={"email": address})
    return str(sdk.crm.contacts.basic_api.create(made).id)


def firm(sdk: Any) -> str:
    made = companies.SimplePublicObjectInputForCreate(properties={"name": f"Firm {uuid.uuid4().hex[:8]}"})
    return str(sdk.crm.companies.basic_api.create(made).id)


def activity(sdk: Any, kind: str, **properties: str) -> str:
    made = objects.SimplePublicObjectInputForCreate(properties={"hs_timestamp": WHEN, **properties})
    return str(sdk.crm.objects.basic_api.create(kind, made).id)


def linked(sdk: Any, kind: str, ident: str, to: str) -> dict[str, list[int]]:
    page = sdk.crm.associations.v4.basic_api.get_page(kind, ident, to)
    return {str(one.to_object_id): [each.type_id for each in one.association_types] for one in page.results}


def test_a_note_beside_a_contact(sdk: Any) -> None:
    who = person(sdk)
    spec = {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 202}
    draft = notes.SimplePublicObjectInputForCreate(
        properties={"hs_timestamp": WHEN, "hs_note_body": "Wants <b>two</b>"},
        associations=[{"to": {"id": who}, "types": [spec]}],
    )
    made = sdk.crm.objects.notes.basic_api.create(draft)
    assert {"hs_createdate", "hs_lastmodifieddate", "hs_object_id"} <= set(made.properties)
    found = sdk.crm.objects.notes.basic_api.get_by_id(
        made.id, properties=["hs_note_body", "hs_timestamp"], associations=["contacts"]
    )
    assert found.properties["hs_note_body"] == "Wants <b>two</b>"
    assert found.properties["hs_timestamp"] == WHEN
    assert [one.id for one in found.associations["contacts"].results] == [who]
    assert linked(sdk, "contacts", who, "notes") == {made.id: [201]}


def test_when_is_required(sdk: Any) -> None:
    for kind in TYPES:
        with pytest.raises(objects.ApiException) as refused:
            sdk.crm.objects.basic_api.create(kind, objects.SimplePublicObjectInputForCreate(properties={}))
        assert refused.value.status == 400
        assert "hs_timestamp" in refused.value.body


def test_a_task_from_open_to_completed(sdk: Any) -> None:
    api = sdk.crm.objects.tasks.basic_api
    properties = {
        "hs_timestamp": WHEN,
        "hs_task_subject": "Ring",
        "hs_task_priority": "HIGH",
        "hs_task_reminders": WHEN,
    }
    made = api.create(tasks.SimplePublicObjectInputForCreate(properties=properties))
    asked = ["hs_task_status", "hs_task_type", "hs_task_completion_date", "hs_task_reminders"]
    found = api.get_by_id(made.id, properties=asked).properties
    assert [found[name] for name in asked] == ["NOT_STARTED", "TODO", None, WHEN]
    api.update(made.id, tasks.SimplePublicObjectInput(properties={"hs_task_status": "COMPLETED"}))
    assert api.get_by_id(made.id, properties=asked).properties["hs_task_completion_date"]
    with pytest.raises(tasks.ApiException) as refused:
        api.update(made.id, tasks.SimplePublicObjectInput(properties={"hs_task_status": "DONE"}))
    assert refused.value.status == 400


def test_calls_in_batches_and_searched(sdk: Any, unique: str) -> None:
    inputs = [
        calls.SimplePublicObjectBatchInputForCreate(
            properties={
                "hs_timestamp": WHEN,
                "hs_call_title": f"{unique} {n}",
                "hs_call_duration": str(n * 1000),
                "hs_call_direction": "OUTBOUND",
            }
        )
        for n in range(3)
    ]
    made = sdk.crm.objects.calls.batch_api.create(calls.BatchInputSimplePublicObjectBatchInputForCreate(inputs=inputs))
    assert made.status == "COMPLETE"
    filters = [{"propertyName": "hs_call_duration", "operator": "GTE", "value": "1000"}]
    request = calls.PublicObjectSearchRequest(query=unique, filter_groups=[{"filters": filters}], limit=10)
    found = sdk.crm.objects.calls.search_api.do_search(request)
    assert found.total == 2


@pytest.mark.parametrize("kind", TYPES)
def test_links_from_both_sides(sdk: Any, kind: str) -> None:
    api = sdk.crm.associations.v4.basic_api
    of_contact, to_contact, of_company, to_company = TYPES[kind]
    who, where, what = person(sdk), firm(sdk), activity(sdk, kind)
    api.create_default(kind, what, "contacts", who)
    spec = v4.AssociationSpec(association_category="HUBSPOT_DEFINED", association_type_id=of_company)
    api.create("companies", where, kind, what, [spec])
    assert linked(sdk, kind, what, "contacts") == {who: [to_contact]}
    assert linked(sdk, "contacts", who, kind) == {what: [of_contact]}
    assert linked(sdk, kind, what, "companies") == {where: [to_company]}
    assert linked(sdk, "companies", where, kind) == {what: [of_company]}
    api.archive("contacts", who, kind, what)
    assert linked(sdk, kind, what, "contacts") == {}


def test_the_native_door(http: httpx.Client) -> None:
    made = http.post("/api/v1/objects/meetings", json={"values": {"occurs_at": WHEN, "title": "Kick-off"}})
    assert made.status_code == 201, made.text
    read = http.get(f"/api/v1/objects/meetings/{made.json()['id']}?attributes=starts_at,title").json()
    assert {"starts_at": WHEN, "title": "Kick-off"}.items() <= read["values"].items()
