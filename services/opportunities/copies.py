"""What a new line item takes from the product that it is of. Data only."""

from __future__ import annotations

from shared.service.copying import Copied, Copies

_SAME = ("name", "description", "sku", "price", "currency", "unit_cost", "billing_frequency", "billing_period")

COPIES: Copies = {
    "line_item": Copied(
        by="product_id",
        of="product",
        attributes={name: name for name in _SAME},
        # A price that is typed is in the currency of the deal, and paid as the line says.
        beside={"currency": "price", "billing_period": "billing_frequency"},
    )
}
