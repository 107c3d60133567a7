"""The entity type line item: so many of a product, at a price, in a deal or a quote. Data only."""

from __future__ import annotations

from services.opportunities.schema.choices import BILLING_FREQUENCIES, CURRENCIES
from shared.service.schema import GroupDef, TypeDef, attribute, grouped, system_attributes

_LINE = "lineiteminformation"
_KEPT = "lineitemamounts"

_TYPED = (
    attribute("name", "Name", searchable=True, default=True),
    attribute(
        "product_id",
        "Product",
        "reference",
        wire_name="hs_product_id",
        reference="product",
        description="The product that is sold here.",
    ),
    attribute("sku", "Article number", wire_name="hs_sku", searchable=True),
    attribute("description", "Description", "long_text"),
    attribute("quantity", "Quantity", "number", default=True),
    attribute("price", "Unit price", "number", default=True),
    attribute("unit_cost", "Unit cost", "number", wire_name="hs_cost_of_goods_sold"),
    attribute("discount", "Discount per unit", "number", description="Taken off the unit price."),
    attribute(
        "discount_percentage",
        "Discount in percent",
        "number",
        wire_name="hs_discount_percentage",
        description="From 0 to 100, taken off the unit price; not together with a discount per unit.",
    ),
    attribute(
        "tax_rate",
        "Tax in percent",
        "number",
        wire_name="hs_tax_rate",
        description="Comes on top of the discounted price.",
    ),
    attribute("currency", "Currency", "enumeration", wire_name="hs_line_item_currency_code", options=CURRENCIES),
    attribute(
        "billing_frequency",
        "Billed",
        "enumeration",
        wire_name="recurringbillingfrequency",
        options=BILLING_FREQUENCIES,
        description="How often the price is paid; without a value, once.",
    ),
    attribute(
        "billing_period",
        "Term",
        wire_name="hs_recurring_billing_period",
        description="How long it is paid for, such as P12M for twelve months; without a value, until it is ended.",
    ),
    attribute("billing_starts_on", "Billed from", "date", wire_name="hs_recurring_billing_start_date"),
)

_FOLLOWING = (
    attribute(
        "amount",
        "Amount",
        "number",
        default=True,
        description="Quantity times discounted price, for one billing period, without tax.",
    ),
    attribute("list_amount", "Amount before discount", "number", wire_name="hs_pre_discount_amount"),
    attribute("discount_amount", "Discount", "number", wire_name="hs_total_discount"),
    attribute("tax_amount", "Tax", "number", wire_name="hs_tax_amount"),
    attribute("gross_amount", "Amount with tax", "number", wire_name="hs_post_tax_amount"),
    attribute("mrr", "Monthly recurring revenue", "number", wire_name="hs_mrr"),
    attribute("arr", "Annual recurring revenue", "number", wire_name="hs_arr"),
    attribute("acv", "Annual contract value", "number", wire_name="hs_acv"),
    attribute("tcv", "Total contract value", "number", wire_name="hs_tcv"),
)

LINE_ITEM = TypeDef(
    name="line_item",
    plural="line_items",
    label="Line item",
    plural_label="Line items",
    wire_id="0-8",
    groups=(GroupDef(_LINE, "Line item information", 0), GroupDef(_KEPT, "Amounts", 1)),
    attributes=(
        *system_attributes(_LINE),
        *grouped(_LINE, _TYPED),
        *grouped(_KEPT, _FOLLOWING, kept=True),
    ),
    primary_display="name",
    secondary_display=("quantity", "amount"),
    searchable=("name", "sku"),
    description="So many of a product, at a price, in a deal or a quote.",
    builtin=True,
    pool=(24, 24, 8, 24),
)
