"""Declared entity types are sound: names do not clash, choices are there, the wire dialect's defaults complete."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from deploy.services import ALL
from services.contacts.schema import COMPANY, CONTACT
from services.contacts.schema import TYPES as CONTACTS
from services.opportunities.schema import DEAL, LINE_ITEM, PRODUCT, QUOTE
from services.opportunities.schema import TYPES as OPPORTUNITIES
from services.service_desk.schema import TICKET
from services.service_desk.schema import TYPES as SERVICE_DESK
from services.workspace.schema import TYPES as WORKSPACE
from shared.eav.types import KINDS, kind_of
from shared.service.schema import FIELD_TYPES, TypeDef

TYPES = (*CONTACTS, *OPPORTUNITIES, *SERVICE_DESK, *WORKSPACE)
FORM_FIELDS = frozenset("text textarea number date select radio checkbox booleancheckbox phonenumber html".split())
NAME = re.compile(r"[a-z][a-z0-9_]{0,99}")
CLOSED = ("enumeration", "multi_enumeration")

every_type = pytest.mark.parametrize("entity_type", TYPES, ids=lambda one: one.name)

CONTACT_DEFAULTS = "createdate email firstname hs_object_id lastmodifieddate lastname"
COMPANY_DEFAULTS = "createdate domain hs_lastmodifieddate hs_object_id name"
CONTACT_WIRE = f"""{CONTACT_DEFAULTS} phone mobilephone fax company jobtitle website address city state zip country
industry salutation message lifecyclestage hs_lead_status hubspot_owner_id hubspot_owner_assigneddate hubspot_team_id
associatedcompanyid hs_additional_emails hs_merged_object_ids hs_email_optout hs_marketable_status
num_associated_deals num_notes notes_last_contacted notes_last_updated notes_next_activity_date hs_analytics_source
hs_object_source hs_object_source_label hs_object_source_id hs_timezone hs_language closedate annualrevenue
numemployees recent_deal_amount hs_all_owner_ids hs_created_by_user_id hs_updated_by_user_id"""
COMPANY_WIRE = f"""{COMPANY_DEFAULTS} website phone address address2 city state zip country description industry type
numberofemployees annualrevenue lifecyclestage hs_lead_status hubspot_owner_id founded_year is_public timezone
linkedin_company_page twitterhandle facebook_company_page hs_parent_company_id hs_num_child_companies
num_associated_contacts num_associated_deals hs_additional_domains hs_merged_object_ids closedate num_notes
notes_last_contacted notes_last_updated notes_next_activity_date"""
DEAL_DEFAULTS = "amount closedate createdate dealname dealstage hs_lastmodifieddate hs_object_id pipeline"
DEAL_WIRE = f"""{DEAL_DEFAULTS} dealtype description hubspot_owner_id hs_priority deal_currency_code
amount_in_home_currency hs_closed_amount hs_forecast_amount hs_projected_amount hs_deal_stage_probability days_to_close
hs_is_closed hs_is_closed_won closed_lost_reason closed_won_reason hs_next_step hs_forecast_probability
hs_manual_forecast_category hs_acv hs_arr hs_mrr hs_tcv num_associated_contacts"""
DEAL_READ_ONLY = """createdate hs_object_id hs_lastmodifieddate amount_in_home_currency hs_closed_amount
hs_forecast_amount hs_projected_amount hs_deal_stage_probability days_to_close hs_is_closed hs_is_closed_won
num_associated_contacts"""
TICKET_DEFAULTS = """content createdate hs_lastmodifieddate hs_object_id hs_pipeline hs_pipeline_stage
hs_ticket_category hs_ticket_priority subject"""
TICKET_WIRE = f"""{TICKET_DEFAULTS} hubspot_owner_id source_type hs_resolution closed_date first_agent_reply_date
last_reply_date time_to_close time_to_first_agent_reply hs_num_times_contacted"""
SYSTEM = "createdate hs_lastmodifieddate hs_object_id"
PRODUCT_DEFAULTS = f"{SYSTEM} description name price"
PRODUCT_WIRE = f"{PRODUCT_DEFAULTS} hs_sku hs_cost_of_goods_sold hs_recurring_billing_period"
LINE_ITEM_DEFAULTS = f"{SYSTEM} name price quantity amount"
LINE_ITEM_WIRE = f"{LINE_ITEM_DEFAULTS} hs_product_id hs_sku discount hs_discount_percentage"
QUOTE_DEFAULTS = """hs_createdate hs_expiration_date hs_lastmodifieddate hs_object_id hs_public_url_key hs_status
hs_title"""
CONTACT_READ_ONLY = """createdate hs_object_id lastmodifieddate hs_merged_object_ids num_associated_deals num_notes
notes_last_contacted notes_last_updated notes_next_activity_date hs_object_source hs_object_source_label
hs_object_source_id recent_deal_amount hs_all_owner_ids hs_created_by_user_id hs_updated_by_user_id"""


def wire_names(entity_type: TypeDef, **having: object) -> set[str]:
    return {
        one.wire
        for one in entity_type.attributes
        if all(getattr(one, field) == value for field, value in having.items())
    }


@every_type
def test_names_are_unique_and_well_formed(entity_type: TypeDef):
    names = Counter(one.name for one in entity_type.attributes)
    wires = Counter(one.wire for one in entity_type.attributes)
    assert {name for name, times in (names + Counter()).items() if times > 1} == set()
    assert {name for name, times in wires.items() if times > 1} == set()
    assert all(NAME.fullmatch(name) for name in (*names, *wires))


@every_type
def test_no_wire_name_is_another_attributes_name(entity_type: TypeDef):
    owners = {one.name: one for one in entity_type.attributes}
    clashes = [one.wire for one in entity_type.attributes if one.wire in owners and owners[one.wire] is not one]
    assert clashes == []


def test_type_names_and_ids_do_not_clash():
    spellings = Counter(
        spelling for one in TYPES for spelling in {one.name, one.plural, one.wire_id, *one.synonyms} if spelling
    )
    assert [spelling for spelling, times in spellings.items() if times > 1] == []
    assert not any(one.wire_id.startswith("2-") for one in TYPES), "2-<n> is for custom types"
    assert all(re.fullmatch(r"\d+-\d+", one.wire_id) for one in TYPES)


@every_type
def test_every_attribute_says_what_it_is(entity_type: TypeDef):
    groups = {group.name for group in entity_type.groups}
    for one in entity_type.attributes:
        assert one.label, one.name
        assert one.kind in KINDS, one.name
        assert one.group in groups, one.name
        assert one.field_type in FORM_FIELDS, one.name
        assert one.builtin, one.name
        assert (one.id, one.bank) == (0, 1), one.name
    assert entity_type.label
    assert entity_type.plural_label
    assert entity_type.description
    assert entity_type.builtin


@every_type
def test_choices_are_there_and_distinct(entity_type: TypeDef):
    for one in entity_type.attributes:
        # Those of pipelines and stages come from rows, and which queues there are, people say.
        outside = one.external_options or (entity_type.name, one.name) == ("task", "queue")
        assert bool(one.options) == (one.kind in CLOSED and not outside), one.name
        values = [option.value for option in one.options]
        assert len(set(values)) == len(values), one.name
        assert all(option.label for option in one.options), one.name
        assert [option.display_order for option in one.options] == list(range(len(values))), one.name


@every_type
def test_references_name_their_type(entity_type: TypeDef):
    known = {one.name for one in TYPES} | {name for manifest in ALL for name in manifest.refers}
    for one in entity_type.attributes:
        assert bool(one.reference) == (one.kind == "reference" and not one.column), one.name
        assert not one.reference or one.reference in known, one.name


@every_type
def test_system_attributes_are_kept_in_columns(entity_type: TypeDef):
    columns = {one.name: one.column for one in entity_type.attributes if one.column}
    assert columns == {"id": "id", "created_at": "created_at", "updated_at": "updated_at"}
    assert all(one.read_only for one in entity_type.attributes if one.column)


@every_type
def test_searchable_and_shown_names_exist(entity_type: TypeDef):
    by_name = {one.name: one for one in entity_type.attributes}
    assert set(entity_type.searchable) == {one.name for one in entity_type.attributes if one.searchable}
    for name in (entity_type.primary_display, *entity_type.secondary_display, *entity_type.required):
        assert name in by_name


@every_type
def test_pool_has_room_for_every_built_in_attribute(entity_type: TypeDef):
    families = Counter(kind_of(one).family for one in entity_type.attributes if not one.column)
    for family, room in zip("tidn", entity_type.pool, strict=True):
        assert families[family] < room, family


def test_every_kind_has_a_look():
    assert set(FIELD_TYPES) == set(KINDS)


@every_type
def test_unique_ones_can_be(entity_type: TypeDef):
    assert all(kind_of(one).can_be_unique for one in entity_type.attributes if one.unique)


@pytest.mark.parametrize(
    ("entity_type", "wire", "defaults"),
    [(CONTACT, CONTACT_WIRE, CONTACT_DEFAULTS), (COMPANY, COMPANY_WIRE, COMPANY_DEFAULTS)],
    ids=["contact", "company"],
)
def test_the_dialects_attributes_are_all_there(entity_type: TypeDef, wire: str, defaults: str):
    assert wire_names(entity_type) == set(wire.split())
    assert wire_names(entity_type, default=True) == set(defaults.split())
    assert entity_type.pool == (48, 40, 16, 16)


@pytest.mark.parametrize(
    ("entity_type", "wire", "defaults"),
    [
        (DEAL, DEAL_WIRE, DEAL_DEFAULTS),
        (PRODUCT, PRODUCT_WIRE, PRODUCT_DEFAULTS),
        (LINE_ITEM, LINE_ITEM_WIRE, LINE_ITEM_DEFAULTS),
        (QUOTE, QUOTE_DEFAULTS, QUOTE_DEFAULTS),
        (TICKET, TICKET_WIRE, TICKET_DEFAULTS),
    ],
    ids=["deal", "product", "line item", "quote", "ticket"],
)
def test_what_the_dialect_knows_of_deals_is_there_and_more(entity_type: TypeDef, wire: str, defaults: str):
    assert wire_names(entity_type) >= set(wire.split())
    assert wire_names(entity_type, default=True) == set(defaults.split())


def test_read_only_and_unique_ones():
    assert wire_names(DEAL, read_only=True) >= set(DEAL_READ_ONLY.split())
    assert wire_names(LINE_ITEM, read_only=True) >= {"amount"}
    assert wire_names(CONTACT, read_only=True) == set(CONTACT_READ_ONLY.split())
    assert wire_names(CONTACT, unique=True) == {"email"}
    assert wire_names(COMPANY, unique=True) == set()


def test_free_text_looks_where_clients_expect():
    assert wire_names(CONTACT, searchable=True) == set(
        "firstname lastname email phone company hs_additional_emails".split()
    )
    assert wire_names(COMPANY, searchable=True) == set("name domain website phone".split())


def test_owner_is_an_outside_choice():
    for entity_type in CONTACTS:
        owner = next(one for one in entity_type.attributes if one.wire == "hubspot_owner_id")
        assert (owner.name, owner.reference, owner.external_options) == ("owner_id", "owner", True)
