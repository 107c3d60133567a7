"""What the service desk keeps: tickets, what was said about them, what their clocks came to, what customers thought.

Data only.
"""

from services.service_desk.schema.article import ARTICLE
from services.service_desk.schema.clock import TICKET_CLOCK
from services.service_desk.schema.entry import TICKET_ENTRY
from services.service_desk.schema.survey import TICKET_SURVEY
from services.service_desk.schema.ticket import TICKET

TYPES = (TICKET, TICKET_ENTRY, ARTICLE, TICKET_CLOCK, TICKET_SURVEY)

__all__ = ["ARTICLE", "TICKET", "TICKET_CLOCK", "TICKET_ENTRY", "TICKET_SURVEY", "TYPES"]
