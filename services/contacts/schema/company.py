"""The entity type company: an organisation one deals with. Data only."""

from __future__ import annotations

from services.contacts.schema.choices import COMPANY_TYPES, INDUSTRIES, LEAD_STATUSES, LIFECYCLE_STAGES
from shared.service.schema import (
    GroupDef,
    TypeDef,
    attribute,
    grouped,
    merged_ids_attribute,
    owner_attribute,
    system_attributes,
)

_COMPANY = "companyinformation"
_ONLINE = "companyonline"
_ACTIVITY = "companyactivity"

GROUPS = (
    GroupDef(_COMPANY, "Company information", 0),
    GroupDef(_ONLINE, "Online presence", 1),
    GroupDef(_ACTIVITY, "Activity", 2),
)

_IDENTITY = (
    attribute("name", "Name", searchable=True, default=True),
    attribute(
        "domain",
        "Domain",
        searchable=True,
        default=True,
        description="The company's internet domain, without scheme, path or leading www. Need not be unique.",
    ),
    attribute("website", "Website", "url", searchable=True),
    attribute(
        "phone",
        "Phone number",
        "phone",
        searchable=True,
        description="Kept in international form when it is a valid number of a known country, else as typed.",
    ),
    attribute("description", "Description", "long_text"),
    attribute("industry", "Industry", "enumeration", options=INDUSTRIES),
    attribute("type", "Type", "enumeration", options=COMPANY_TYPES, description="What the company is to us."),
    attribute("number_of_employees", "Number of employees", "number", wire_name="numberofemployees"),
    attribute("annual_revenue", "Annual revenue", "number", wire_name="annualrevenue"),
    attribute("founded_year", "Year founded"),
    attribute("is_public", "Publicly traded", "boolean"),
)

_PLACE = (
    attribute("address", "Street address"),
    attribute("address_line_2", "Street address, second line", wire_name="address2"),
    attribute("city", "City"),
    attribute("state", "State or region"),
    attribute("postal_code", "Postal code", wire_name="zip"),
    attribute("country", "Country or region"),
    attribute("time_zone", "Time zone", wire_name="timezone"),
)

_SALES = (
    attribute(
        "lifecycle_stage",
        "Lifecycle stage",
        "enumeration",
        wire_name="lifecyclestage",
        field_type="radio",
        options=LIFECYCLE_STAGES,
        description="How far the company is on the way to becoming a customer. Moves forward; clear it to start again.",
    ),
    attribute(
        "lead_status",
        "Lead status",
        "enumeration",
        wire_name="hs_lead_status",
        field_type="radio",
        options=LEAD_STATUSES,
        description="Where the sales team stands with this company.",
    ),
    owner_attribute(),
    attribute(
        "parent_company_id",
        "Parent company",
        "reference",
        wire_name="hs_parent_company_id",
        reference="company",
        description="Id of the company this one belongs to.",
    ),
    attribute("closed_at", "Became a customer", "datetime", wire_name="closedate"),
)

_PAGES = (
    attribute("linkedin_page", "LinkedIn page", wire_name="linkedin_company_page"),
    attribute("twitter_handle", "Twitter handle", wire_name="twitterhandle"),
    attribute("facebook_page", "Facebook page", wire_name="facebook_company_page"),
)

_COUNTED = (
    attribute("activity_count", "Activities", "number", wire_name="num_notes", description="Calls, notes and so on."),
    attribute("last_contacted_at", "Last contacted", "datetime", wire_name="notes_last_contacted"),
    attribute("last_activity_at", "Last activity", "datetime", wire_name="notes_last_updated"),
    attribute("next_activity_at", "Next activity", "datetime", wire_name="notes_next_activity_date"),
    attribute("child_company_count", "Child companies", "number", wire_name="hs_num_child_companies"),
    attribute("contact_count", "Contacts", "number", wire_name="num_associated_contacts"),
    attribute("deal_count", "Deals", "number", wire_name="num_associated_deals"),
)

_ADDITIONAL_DOMAINS = attribute(
    "additional_domains",
    "Additional domains",
    wire_name="hs_additional_domains",
    field_type="checkbox",
    external_options=True,
    description="Further domains of the company, separated by semicolons.",
)

COMPANY = TypeDef(
    name="company",
    plural="companies",
    label="Company",
    plural_label="Companies",
    wire_id="0-2",
    groups=GROUPS,
    attributes=(
        *system_attributes(_COMPANY),
        *grouped(_COMPANY, _IDENTITY + _PLACE + _SALES),
        *grouped(_ONLINE, (*_PAGES, _ADDITIONAL_DOMAINS)),
        *grouped(_ACTIVITY, (*_COUNTED, merged_ids_attribute("companies")), kept=True),
    ),
    primary_display="name",
    secondary_display=("domain",),
    searchable=("name", "domain", "website", "phone"),
    description="An organisation one deals with.",
    builtin=True,
    pool=(48, 40, 16, 16),
)
