"""What the opportunities service keeps: deals, products, line items and quotes. Data only."""

from services.opportunities.schema.deal import DEAL
from services.opportunities.schema.line_item import LINE_ITEM
from services.opportunities.schema.product import PRODUCT
from services.opportunities.schema.quote import QUOTE

TYPES = (DEAL, PRODUCT, LINE_ITEM, QUOTE)

__all__ = ["DEAL", "LINE_ITEM", "PRODUCT", "QUOTE", "TYPES"]
