"""The entity type product: something on the price list. Data only."""

from __future__ import annotations

from services.opportunities.schema.choices import BILLING_FREQUENCIES, CURRENCIES
from shared.service.schema import GroupDef, TypeDef, attribute, grouped, owner_attribute, system_attributes

_PRODUCT = "productinformation"

PRODUCT = TypeDef(
    name="product",
    plural="products",
    label="Product",
    plural_label="Products",
    wire_id="0-7",
    groups=(GroupDef(_PRODUCT, "Product information", 0),),
    attributes=(
        *system_attributes(_PRODUCT),
        *grouped(
            _PRODUCT,
            (
                attribute("name", "Name", searchable=True, default=True),
                attribute("description", "Description", "long_text", searchable=True, default=True),
                attribute("price", "Unit price", "number", default=True),
                attribute("currency", "Currency", "enumeration", wire_name="hs_currency", options=CURRENCIES),
                attribute("sku", "Article number", wire_name="hs_sku", searchable=True),
                attribute("unit_cost", "Unit cost", "number", wire_name="hs_cost_of_goods_sold"),
                attribute("category", "Category", wire_name="hs_product_category"),
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
                    description="How long it is paid for, such as P12M for twelve months.",
                ),
                owner_attribute(),
            ),
        ),
    ),
    primary_display="name",
    secondary_display=("sku", "price"),
    searchable=("name", "description", "sku"),
    description="Something on the price list.",
    builtin=True,
)
