"""Deals and what is sold with them through the official SDK."""

from __future__ import annotations

from typing import Any

import httpx
import hubspot.crm.associations.v4 as links
import hubspot.crm.deals as deals
import hubspot.crm.line_items as line_items
import hubspot.crm.pipelines as pipelines
import hubspot.crm.products as products
import hubspot.crm.quotes as quotes
import pytest

from deploy.local.waiting import wait_until

DEAL_DEFAULTS = set("amount closedate createdate dealname dealstage hs_lastmodifieddate hs_object_id pipeline".split())
PRODUCT_DEFAULTS = set("createdate description hs_lastmodifieddate hs_object_id name price".split())
QUOTE_DEFAULTS = set(
    "hs_createdate hs_expiration_date hs_lastmodifieddate hs_object_id hs_public_url_key hs_status hs_title".split()
)


def made(sdk: Any, **properties: str) -> Any:
    """A deal."""
    return sdk.crm.deals.basic_api.create(deals.SimplePublicObjectInputForCreate(properties=properties))


def test_a_deal_starts_in_the_usual_pipeline(sdk: Any, unique: str) -> None:
    deal = made(sdk, dealname=unique, dealstage="appointmentscheduled", amount="1500.50")
    assert (deal.properties["pipeline"], deal.properties["amount"]) == ("default", "1500.5")
    read = sdk.crm.deals.basic_api.get_by_id(deal.id)
    assert set(read.properties) == DEAL_DEFAULTS
    moved = deals.SimplePublicObjectInput(properties={"dealstage": "contractsent"})
    assert sdk.crm.deals.basic_api.update(deal.id, moved).properties["dealstage"] == "contractsent"
    sdk.crm.deals.basic_api.archive(deal.id)


def test_a_stage_of_no_pipeline_is_refused(sdk: Any, unique: str) -> None:
    with pytest.raises(deals.ApiException) as refused:
        made(sdk, dealname=unique, dealstage="nowhere")
    assert refused.value.status == 400


def test_the_default_pipeline(sdk: Any) -> None:
    pipeline = sdk.crm.pipelines.pipelines_api.get_by_id("deals", "default")
    assert pipeline.label == "Sales Pipeline"
    assert [(one.id, one.metadata["probability"], one.metadata["isClosed"]) for one in pipeline.stages] == [
        ("appointmentscheduled", "0.2", "false"),
        ("qualifiedtobuy", "0.4", "false"),
        ("presentationscheduled", "0.6", "false"),
        ("decisionmakerboughtin", "0.8", "false"),
        ("contractsent", "0.9", "false"),
        ("closedwon", "1.0", "true"),
        ("closedlost", "0.0", "true"),
    ]


def test_a_pipeline_of_ones_own(sdk: Any, unique: str) -> None:
    stages = [
        pipelines.PipelineStageInput(label=label, display_order=place, metadata={"probability": probability})
        for place, (label, probability) in enumerate([("Talk", "0.3"), ("Won", "1.0"), ("Lost", "0.0")])
    ]
    wanted = pipelines.PipelineInput(label=unique, display_order=9, stages=stages)
    pipeline = sdk.crm.pipelines.pipelines_api.create("deals", wanted)
    deal = made(sdk, dealname=unique, pipeline=pipeline.id, dealstage=pipeline.stages[0].id)
    with pytest.raises(pipelines.ApiException) as refused:
        sdk.crm.pipelines.pipelines_api.archive("deals", pipeline.id, validate_deal_stage_usages_before_delete=True)
    assert refused.value.status == 400
    sdk.crm.deals.basic_api.archive(deal.id)
    sdk.crm.pipelines.pipelines_api.archive("deals", pipeline.id, validate_deal_stage_usages_before_delete=True)


def test_products_line_items_and_quotes(sdk: Any, unique: str) -> None:
    product = sdk.crm.products.basic_api.create(
        products.SimplePublicObjectInputForCreate(properties={"name": unique, "price": "20", "hs_sku": "A-1"})
    )
    assert set(sdk.crm.products.basic_api.get_by_id(product.id).properties) == PRODUCT_DEFAULTS
    deal = made(sdk, dealname=unique, dealstage="qualifiedtobuy")
    to_deal = line_items.PublicAssociationsForObject(
        to=line_items.PublicObjectId(id=deal.id),
        types=[line_items.AssociationSpec(association_category="HUBSPOT_DEFINED", association_type_id=20)],
    )
    item = sdk.crm.line_items.basic_api.create(
        line_items.SimplePublicObjectInputForCreate(
            properties={"name": unique, "quantity": "3", "price": "20", "hs_product_id": product.id},
            associations=[to_deal],
        )
    )
    quote = sdk.crm.quotes.basic_api.create(
        quotes.SimplePublicObjectInputForCreate(properties={"hs_title": unique, "hs_status": "DRAFT"})
    )
    assert set(sdk.crm.quotes.basic_api.get_by_id(quote.id).properties) == QUOTE_DEFAULTS
    sdk.crm.associations.v4.basic_api.create(
        "deals", deal.id, "quotes", quote.id, [links.AssociationSpec("HUBSPOT_DEFINED", 63)]
    )
    read = sdk.crm.deals.basic_api.get_by_id(deal.id, associations=["line_items", "quotes"])
    assert [one.id for one in read.associations["line_items"].results] == [item.id]
    assert [one.id for one in read.associations["quotes"].results] == [quote.id]


def test_times_in_stages_and_the_end_under_their_names(sdk: Any, unique: str) -> None:
    deal = made(sdk, dealname=unique, dealstage="appointmentscheduled", amount="200")
    moved = deals.SimplePublicObjectInput(properties={"dealstage": "closedwon"})
    sdk.crm.deals.basic_api.update(deal.id, moved)
    names = """hs_v2_date_entered_appointmentscheduled hs_v2_date_exited_appointmentscheduled
        hs_v2_latest_time_in_appointmentscheduled hs_v2_cumulative_time_in_appointmentscheduled
        hs_v2_date_entered_closedwon hs_v2_date_exited_closedwon hs_is_closed hs_is_closed_won closedate
        hs_closed_amount hs_deal_stage_probability days_to_close""".split()
    read = sdk.crm.deals.basic_api.get_by_id(deal.id, properties=names).properties
    assert (read["hs_is_closed"], read["hs_is_closed_won"], read["hs_closed_amount"]) == ("true", "true", "200")
    assert (read["hs_deal_stage_probability"], read["days_to_close"]) == ("1", "0")
    assert read["hs_v2_date_exited_appointmentscheduled"] == read["hs_v2_date_entered_closedwon"] == read["closedate"]
    spent = int(read["hs_v2_latest_time_in_appointmentscheduled"])
    assert spent == int(read["hs_v2_cumulative_time_in_appointmentscheduled"]) >= 0
    assert read["hs_v2_date_exited_closedwon"] is None
    defined = {one.name: one for one in sdk.crm.properties.core_api.get_all("deals").results}
    assert all(defined[name].hubspot_defined for name in names)


def test_an_amount_follows_its_line_items(sdk: Any, unique: str) -> None:
    deal = made(sdk, dealname=unique, dealstage="contractsent", amount_source="line_items")
    to_deal = line_items.PublicAssociationsForObject(
        to=line_items.PublicObjectId(id=deal.id),
        types=[line_items.AssociationSpec(association_category="HUBSPOT_DEFINED", association_type_id=20)],
    )
    properties = {"name": unique, "quantity": "3", "price": "20"}
    wanted = line_items.SimplePublicObjectInputForCreate(properties=properties, associations=[to_deal])
    sdk.crm.line_items.basic_api.create(wanted)

    def follows() -> bool:
        return bool(sdk.crm.deals.basic_api.get_by_id(deal.id).properties["amount"] == "60")

    assert wait_until(follows, 60)


def test_deals_are_found(sdk: Any, unique: str) -> None:
    deal = made(sdk, dealname=f"{unique} north", dealstage="contractsent", amount="12")
    search = deals.PublicObjectSearchRequest(
        query=unique,
        filter_groups=[{"filters": [{"propertyName": "dealstage", "operator": "EQ", "value": "contractsent"}]}],
    )
    assert [one.id for one in sdk.crm.deals.search_api.do_search(search).results] == [deal.id]


def test_the_native_door_knows_deals(http: httpx.Client, unique: str) -> None:
    body = {"values": {"name": unique, "stage": "closedwon", "amount": 10}}
    deal = http.post("/api/v1/objects/deals", json=body)
    assert deal.status_code == 201, deal.text
    assert (deal.json()["values"]["pipeline"], deal.json()["values"]["amount"]) == ("default", 10)
