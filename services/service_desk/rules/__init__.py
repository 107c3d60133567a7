"""What must hold and what follows when tickets and their entries are written. Pure: see `shared.service.rules`."""

from __future__ import annotations

from collections.abc import Mapping

from services.service_desk.rules.articles import ARTICLE
from services.service_desk.rules.entries import TICKET_ENTRY
from services.service_desk.rules.status import TICKET
from shared.service.rules import RuleSet

RULES: Mapping[str, RuleSet] = {"ticket": TICKET, "ticket_entry": TICKET_ENTRY, "article": ARTICLE}
