"""What the service desk keeps: tickets, and what was said about them. Data only."""

from services.service_desk.schema.article import ARTICLE
from services.service_desk.schema.entry import TICKET_ENTRY
from services.service_desk.schema.ticket import TICKET

TYPES = (TICKET, TICKET_ENTRY, ARTICLE)

__all__ = ["ARTICLE", "TICKET", "TICKET_ENTRY", "TYPES"]
