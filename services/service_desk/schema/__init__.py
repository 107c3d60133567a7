"""What the service desk keeps: tickets, what was said about them, and what their clocks came to. Data only."""

from services.service_desk.schema.article import ARTICLE
from services.service_desk.schema.clock import TICKET_CLOCK
from services.service_desk.schema.entry import TICKET_ENTRY
from services.service_desk.schema.ticket import TICKET

TYPES = (TICKET, TICKET_ENTRY, ARTICLE, TICKET_CLOCK)

__all__ = ["ARTICLE", "TICKET", "TICKET_CLOCK", "TICKET_ENTRY", "TYPES"]
