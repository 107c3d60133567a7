"""What must hold and what follows when deals, line items and quotes are written. Pure: see `shared.service.rules`."""

from __future__ import annotations

from collections.abc import Mapping

from services.opportunities.rules.amounts import keep_amounts, keep_one_source
from services.opportunities.rules.line_items import LINE_ITEM
from services.opportunities.rules.origin import keep_origin
from services.opportunities.rules.quotes import QUOTE
from services.opportunities.rules.stages import demand_reason, keep_end, keep_probability
from shared.service.rules import RuleSet

DEAL = RuleSet(check=(keep_origin, keep_probability, keep_end, demand_reason, keep_one_source, keep_amounts))
RULES: Mapping[str, RuleSet] = {"deal": DEAL, "line_item": LINE_ITEM, "quote": QUOTE}
