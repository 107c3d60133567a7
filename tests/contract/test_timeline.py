"""The timeline through the running system: what is written at one service stands with the customer a moment later."""

from __future__ import annotations

from typing import Any

import httpx
import hubspot.crm.deals as deals
import hubspot.crm.objects as objects

from deploy.local.waiting import wait_until
from tests.contract.test_activities import WHEN, activity, person

SECONDS = 60


def kinds(http: httpx.Client, who: str, **asked: str) -> list[str]:
    answer = http.get(f"/api/v1/timeline/contacts/{who}", params=asked)
    assert answer.status_code == 200, answer.text
    return [one["kind"] for one in answer.json()["results"]]


def test_activities_deals_and_what_follows_from_them(sdk: Any, http: httpx.Client) -> None:
    who = person(sdk)
    call = activity(sdk, "calls", hs_call_title="Rang")
    sdk.crm.associations.v4.basic_api.create_default("contacts", who, "calls", call)
    draft = deals.SimplePublicObjectInputForCreate(properties={"dealname": "Big", "dealstage": "appointmentscheduled"})
    deal = str(sdk.crm.deals.basic_api.create(draft).id)
    sdk.crm.associations.v4.basic_api.create_default("deals", deal, "contacts", who)
    sdk.crm.deals.basic_api.update(deal, deals.SimplePublicObjectInput(properties={"dealstage": "contractsent"}))
    assert wait_until(lambda: {"call", "stage", "linked", "created"} <= set(kinds(http, who)), SECONDS)
    (line,) = http.get(f"/api/v1/timeline/contacts/{who}", params={"kinds": "stage"}).json()["results"]
    assert line["entity"]["id"] == deal
    assert line["changes"][0]["new"] == "contractsent"
    shown = ["num_notes", "notes_last_contacted", "notes_last_updated"]

    def read() -> list[Any]:
        found = sdk.crm.contacts.basic_api.get_by_id(who, properties=shown).properties
        return [found[name] for name in shown]

    assert wait_until(lambda: read() == ["1", WHEN, WHEN], SECONDS), read()
    sdk.crm.associations.v4.basic_api.archive("contacts", who, "deals", deal)
    assert wait_until(lambda: "stage" not in kinds(http, who), SECONDS)
    assert "unlinked" in kinds(http, who)


def test_notes_of_a_deal_from_either_side(sdk: Any, http: httpx.Client) -> None:
    draft = deals.SimplePublicObjectInputForCreate(properties={"dealname": "Noted"})
    deal = str(sdk.crm.deals.basic_api.create(draft).id)
    one, other = activity(sdk, "notes", hs_note_body="one"), activity(sdk, "notes", hs_note_body="other")
    api = sdk.crm.associations.v4.basic_api
    api.create_default("notes", one, "deals", deal)
    api.create_default("deals", deal, "notes", other)

    def noted() -> set[str]:
        answer = http.get(f"/api/v1/timeline/deals/{deal}", params={"kinds": "activity"})
        return {line["entity"]["id"] for line in answer.json().get("results", ())}

    assert wait_until(lambda: noted() == {one, other}, SECONDS), noted()
    found = sdk.crm.objects.basic_api.get_by_id("notes", one, associations=["deals"])
    assert isinstance(found, objects.SimplePublicObjectWithAssociations)
    assert [each.id for each in found.associations["deals"].results] == [deal]
