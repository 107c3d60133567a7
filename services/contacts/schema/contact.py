"""The entity type contact: a person one deals with. Data only."""

from __future__ import annotations

from services.contacts.schema.choices import (
    LEAD_STATUSES,
    LIFECYCLE_STAGES,
    MARKETING_STATUSES,
    TRAFFIC_SOURCES,
)
from services.contacts.schema.locales import LANGUAGES, TIME_ZONES
from shared.service.ownership import OWNERSHIP
from shared.service.schema import (
    GroupDef,
    TypeDef,
    attribute,
    grouped,
    merged_ids_attribute,
    system_attributes,
)

_PERSON = "contactinformation"
_ACTIVITY = "contactactivity"
_ORIGIN = "contactorigin"

GROUPS = (
    GroupDef(_PERSON, "Contact information", 0),
    GroupDef(_ACTIVITY, "Activity", 1),
    GroupDef(_ORIGIN, "Origin", 2),
)

_IDENTITY = (
    attribute(
        "email",
        "E-mail",
        "email",
        unique=True,
        searchable=True,
        default=True,
        description="The address that identifies this person; no two contacts share one. Kept in lower case.",
    ),
    attribute("first_name", "First name", wire_name="firstname", searchable=True, default=True),
    attribute("last_name", "Last name", wire_name="lastname", searchable=True, default=True),
    attribute("salutation", "Salutation", description="How the person is addressed in letters."),
    attribute(
        "phone",
        "Phone number",
        "phone",
        searchable=True,
        description="Kept in international form when it is a valid number of a known country, else as typed.",
    ),
    attribute("mobile_phone", "Mobile phone number", "phone", wire_name="mobilephone"),
    attribute("fax", "Fax number", "phone", field_type="text"),
    attribute("company", "Company name", searchable=True, description="The employer's name as the person gave it."),
    attribute("job_title", "Job title", wire_name="jobtitle"),
    attribute("industry", "Industry", description="The industry this person works in."),
    attribute("annual_revenue", "Annual revenue", wire_name="annualrevenue", description="Revenue of the employer."),
    attribute(
        "number_of_employees", "Number of employees", wire_name="numemployees", description="Size of the employer."
    ),
    attribute("website", "Website", "url", description="The person's or the employer's site."),
    attribute("message", "Message", "long_text", description="What the person wrote in a form."),
    attribute(
        "additional_emails",
        "Additional e-mail addresses",
        wire_name="hs_additional_emails",
        searchable=True,
        description="Further addresses, separated by semicolons.",
    ),
)

_PLACE = (
    attribute("address", "Street address"),
    attribute("city", "City"),
    attribute("state", "State or region"),
    attribute("postal_code", "Postal code", wire_name="zip"),
    attribute("country", "Country or region"),
    attribute("time_zone", "Time zone", "enumeration", wire_name="hs_timezone", options=TIME_ZONES),
    attribute("language", "Preferred language", "enumeration", wire_name="hs_language", options=LANGUAGES),
)

_SALES = (
    attribute(
        "lifecycle_stage",
        "Lifecycle stage",
        "enumeration",
        wire_name="lifecyclestage",
        field_type="radio",
        options=LIFECYCLE_STAGES,
        description="How far the person is on the way to becoming a customer. Moves forward; clear it to start again.",
    ),
    attribute(
        "lead_status",
        "Lead status",
        "enumeration",
        wire_name="hs_lead_status",
        field_type="radio",
        options=LEAD_STATUSES,
        description="Where the sales team stands with this lead.",
    ),
    *OWNERSHIP,
    attribute(
        "company_id",
        "Primary company",
        "reference",
        wire_name="associatedcompanyid",
        reference="company",
        description="Id of the company this person mainly belongs to.",
    ),
    attribute(
        "closed_at",
        "Became a customer",
        "datetime",
        wire_name="closedate",
        description="When the person became a customer.",
    ),
    attribute(
        "email_opt_out",
        "Opted out of e-mail",
        "boolean",
        wire_name="hs_email_optout",
        description="Whether the person refused all marketing e-mail.",
    ),
    attribute(
        "marketing_status",
        "Marketing status",
        "enumeration",
        wire_name="hs_marketable_status",
        options=MARKETING_STATUSES,
        description="Whether the person may be sent marketing at all.",
    ),
)

_COUNTED = (
    attribute("deal_count", "Deals", "number", wire_name="num_associated_deals", description="Number of linked deals."),
    attribute(
        "recent_deal_amount",
        "Latest deal amount",
        "number",
        description="Amount of the linked deal that was won last.",
    ),
    attribute("activity_count", "Activities", "number", wire_name="num_notes", description="Calls, notes and so on."),
    attribute("last_contacted_at", "Last contacted", "datetime", wire_name="notes_last_contacted"),
    attribute("last_activity_at", "Last activity", "datetime", wire_name="notes_last_updated"),
    attribute("next_activity_at", "Next activity", "datetime", wire_name="notes_next_activity_date"),
)

_TRACED = (
    attribute("source", "Created through", wire_name="hs_object_source", description="Code of what created it."),
    attribute("source_label", "Created through (label)", wire_name="hs_object_source_label"),
    attribute(
        "source_id",
        "Created by",
        wire_name="hs_object_source_id",
        description="Id of the token or job behind it.",
    ),
    attribute("created_by_user", "Created by user", "number", wire_name="hs_created_by_user_id"),
    attribute("updated_by_user", "Changed by user", "number", wire_name="hs_updated_by_user_id"),
    attribute(
        "all_owner_ids",
        "All owners",
        wire_name="hs_all_owner_ids",
        field_type="checkbox",
        external_options=True,
        description="Ids of all owners of this contact, separated by semicolons.",
    ),
    merged_ids_attribute("contacts"),
)

_TRAFFIC = attribute(
    "traffic_source",
    "First seen through",
    "enumeration",
    wire_name="hs_analytics_source",
    options=TRAFFIC_SOURCES,
    description="The channel that first brought this person.",
)


CONTACT = TypeDef(
    name="contact",
    plural="contacts",
    label="Contact",
    plural_label="Contacts",
    wire_id="0-1",
    groups=GROUPS,
    attributes=(
        *system_attributes(_PERSON, updated="lastmodifieddate"),
        *grouped(_PERSON, _IDENTITY + _PLACE + _SALES),
        *grouped(_ACTIVITY, _COUNTED, kept=True),
        *grouped(_ORIGIN, (_TRAFFIC,)),
        *grouped(_ORIGIN, _TRACED, kept=True),
    ),
    primary_display="email",
    secondary_display=("first_name", "last_name"),
    searchable=("first_name", "last_name", "email", "phone", "company", "additional_emails"),
    description="A person one deals with.",
    builtin=True,
    pool=(48, 40, 16, 16),
)
