"""What the contacts service keeps: people and the companies they belong to. Data only."""

from services.contacts.schema.company import COMPANY
from services.contacts.schema.contact import CONTACT

TYPES = (CONTACT, COMPANY)

__all__ = ["COMPANY", "CONTACT", "TYPES"]
