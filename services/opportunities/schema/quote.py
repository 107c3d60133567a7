"""The entity type quote: what was offered to a customer. Data only."""

from __future__ import annotations

from services.opportunities.schema.choices import AMOUNT_SOURCES, CURRENCIES, QUOTE_STATUSES
from shared.service.schema import GroupDef, TypeDef, attribute, grouped, owner_attribute, system_attributes

_QUOTE = "quoteinformation"

QUOTE = TypeDef(
    name="quote",
    plural="quotes",
    label="Quote",
    plural_label="Quotes",
    wire_id="0-14",
    groups=(GroupDef(_QUOTE, "Quote information", 0),),
    attributes=(
        *system_attributes(_QUOTE, created="hs_createdate"),
        *grouped(
            _QUOTE,
            (
                attribute("title", "Title", wire_name="hs_title", searchable=True, default=True),
                attribute(
                    "status", "Status", "enumeration", wire_name="hs_status", options=QUOTE_STATUSES, default=True
                ),
                attribute("expires_at", "Valid until", "datetime", wire_name="hs_expiration_date", default=True),
                attribute(
                    "public_key",
                    "Public key",
                    wire_name="hs_public_url_key",
                    default=True,
                    description="The last part of the address at which a customer reads the quote, where there is one.",
                ),
                attribute(
                    "amount",
                    "Amount",
                    "number",
                    wire_name="hs_quote_amount",
                    description="What is offered comes to, without tax: the sum of the line items until it is typed.",
                ),
                attribute(
                    "amount_source",
                    "Amount comes from",
                    "enumeration",
                    options=AMOUNT_SOURCES,
                    description="Whether the amount is typed, or kept equal to the sum of the line items; the latter "
                    "until somebody types one.",
                ),
                attribute("currency", "Currency", "enumeration", wire_name="hs_currency", options=CURRENCIES),
                attribute("language", "Language", wire_name="hs_language"),
                attribute("terms", "Terms", "long_text", wire_name="hs_terms"),
                attribute("comments", "Comments", "long_text", wire_name="hs_comments"),
                owner_attribute(),
            ),
        ),
    ),
    primary_display="title",
    secondary_display=("status",),
    searchable=("title",),
    description="What was offered to a customer.",
    builtin=True,
)
