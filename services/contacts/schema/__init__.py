"""What the contacts service keeps: people, the companies they belong to, and what was done with them. Data only."""

from services.contacts.schema.activity import ACTIVITIES
from services.contacts.schema.company import COMPANY
from services.contacts.schema.contact import CONTACT

TYPES = (CONTACT, COMPANY, *ACTIVITIES)

__all__ = ["ACTIVITIES", "COMPANY", "CONTACT", "TYPES"]
