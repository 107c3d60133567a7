"""The entity type deal: something that might be sold to somebody. Data only."""

from __future__ import annotations

from services.opportunities.schema.choices import (
    AMOUNT_SOURCES,
    CURRENCIES,
    DEAL_TYPES,
    FORECAST_CATEGORIES,
    PRIORITIES,
)
from shared.service.schema import (
    GroupDef,
    TypeDef,
    attribute,
    grouped,
    merged_ids_attribute,
    owner_attribute,
    system_attributes,
)

_DEAL = "dealinformation"
_MONEY = "dealamounts"
_WAY = "dealstages"

GROUPS = (
    GroupDef(_DEAL, "Deal information", 0),
    GroupDef(_MONEY, "Amounts", 1),
    GroupDef(_WAY, "Stages", 2),
)

_IDENTITY = (
    attribute("name", "Name", wire_name="dealname", searchable=True, default=True),
    attribute(
        "pipeline",
        "Pipeline",
        "enumeration",
        searchable=True,
        default=True,
        external_options=True,
        description="The pipeline this stands in; its choices are the pipelines of deals.",
    ),
    attribute(
        "stage",
        "Stage",
        "enumeration",
        wire_name="dealstage",
        searchable=True,
        default=True,
        external_options=True,
        description="How far this has come; its choices are the stages of all pipelines.",
    ),
    attribute(
        "closes_at",
        "Close date",
        "datetime",
        wire_name="closedate",
        default=True,
        description="When the deal is expected to be won or lost; once it is closed, when it was.",
    ),
    attribute("type", "Deal type", "enumeration", wire_name="dealtype", searchable=True, options=DEAL_TYPES),
    attribute("description", "Description", "long_text", searchable=True),
    owner_attribute(),
    attribute(
        "team_id",
        "Team",
        "reference",
        wire_name="hubspot_team_id",
        reference="team",
        external_options=True,
        description="The team that works on it.",
    ),
    attribute("priority", "Priority", "enumeration", wire_name="hs_priority", options=PRIORITIES),
    attribute("next_step", "Next step", wire_name="hs_next_step"),
    attribute(
        "lead_source", "Source", wire_name="lead_source", description="Where the deal came from, such as a campaign."
    ),
)

_ORIGIN = attribute(
    "converted_from",
    "Made of lead",
    unique=True,
    description="The lead that this was made of, such as contact/42. Of one lead there is one deal.",
)

_AMOUNTS = (
    attribute("amount", "Amount", "number", default=True, description="What it is worth, in its own currency."),
    attribute(
        "amount_source",
        "Amount comes from",
        "enumeration",
        options=AMOUNT_SOURCES,
        description="Whether the amount is typed, or kept equal to the sum of the line items.",
    ),
    attribute("currency", "Currency", "enumeration", wire_name="deal_currency_code", options=CURRENCIES),
    attribute("acv", "Annual contract value", "number", wire_name="hs_acv"),
    attribute("arr", "Annual recurring revenue", "number", wire_name="hs_arr"),
    attribute("mrr", "Monthly recurring revenue", "number", wire_name="hs_mrr"),
    attribute("tcv", "Total contract value", "number", wire_name="hs_tcv"),
    attribute(
        "forecast_probability",
        "Probability by hand",
        "number",
        wire_name="hs_forecast_probability",
        description="From 0 to 1. Stands in place of the stage's until it is cleared.",
    ),
    attribute(
        "manual_forecast_category",
        "Forecast category by hand",
        "enumeration",
        wire_name="hs_manual_forecast_category",
        options=FORECAST_CATEGORIES,
        description="Stands in place of what follows from the stage until it is cleared.",
    ),
)

_FOLLOWING_AMOUNTS = (
    attribute("amount_in_home_currency", "Amount in home currency", "number"),
    attribute("exchange_rate", "Exchange rate", "number", description="Home currency for one of the deal's."),
    attribute(
        "closed_amount",
        "Closed amount",
        "number",
        wire_name="hs_closed_amount",
        description="The amount in home currency once the deal is won.",
    ),
    attribute(
        "forecast_amount",
        "Weighted amount",
        "number",
        wire_name="hs_forecast_amount",
        description="The amount in home currency times the probability in force.",
    ),
    attribute(
        "projected_amount",
        "Amount by stage",
        "number",
        wire_name="hs_projected_amount",
        description="The amount in home currency times the stage's probability.",
    ),
    attribute(
        "forecast_category",
        "Forecast category",
        "enumeration",
        options=FORECAST_CATEGORIES,
        description="The one by hand, else what follows from the stage.",
    ),
)

_ENDS = (
    attribute("lost_reason", "Reason for losing", wire_name="closed_lost_reason"),
    attribute(
        "lost_note",
        "Note on losing",
        "long_text",
        wire_name="closed_lost_note",
        description="What there is to say beyond the reason; asked for with the reason other.",
    ),
    attribute("won_reason", "Reason for winning", wire_name="closed_won_reason"),
)

_FOLLOWING_ENDS = (
    attribute("stage_probability", "Probability of the stage", "number", wire_name="hs_deal_stage_probability"),
    attribute(
        "probability",
        "Probability",
        "number",
        wire_name="deal_probability",
        description="The one by hand, else the stage's.",
    ),
    attribute(
        "opened_at",
        "Opened",
        "datetime",
        wire_name="deal_opened_at",
        description="When the deal began; its cycle is counted from then.",
    ),
    attribute("is_closed", "Closed", "boolean", wire_name="hs_is_closed"),
    attribute("is_won", "Won", "boolean", wire_name="hs_is_closed_won"),
    attribute(
        "closed_at",
        "Closed at",
        "datetime",
        wire_name="deal_closed_at",
        description="When the deal came to the stage in which it ended.",
    ),
    attribute("days_to_close", "Days to close", "number", description="Whole days from creation to the close date."),
    attribute(
        "stage_entered_at",
        "Entered its stage",
        "datetime",
        wire_name="hs_v2_date_entered_current_stage",
        description="When the deal came to the stage it stands in.",
    ),
    attribute(
        "rotting_at",
        "Rots at",
        "datetime",
        wire_name="deal_rotting_at",
        description="When the deal will have been in its stage for longer than the stage allows.",
    ),
)

_COUNTED = (
    attribute("contact_count", "Contacts", "number", wire_name="num_associated_contacts"),
    merged_ids_attribute("deals"),
)

DEAL = TypeDef(
    name="deal",
    plural="deals",
    label="Deal",
    plural_label="Deals",
    wire_id="0-3",
    groups=GROUPS,
    attributes=(
        *system_attributes(_DEAL),
        *grouped(_DEAL, _IDENTITY),
        *grouped(_DEAL, (_ORIGIN,), kept=True),
        *grouped(_MONEY, _AMOUNTS),
        *grouped(_MONEY, _FOLLOWING_AMOUNTS, kept=True),
        *grouped(_WAY, _ENDS),
        *grouped(_WAY, _FOLLOWING_ENDS, kept=True),
        *grouped(_DEAL, _COUNTED, kept=True),
    ),
    primary_display="name",
    secondary_display=("stage", "amount"),
    searchable=("name", "pipeline", "stage", "type", "description"),
    description="Something that might be sold to somebody.",
    builtin=True,
    # Times in stages are attributes of each stage: two instants and two numbers.
    pool=(32, 32, 64, 64),
)
