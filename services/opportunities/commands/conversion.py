"""Making a deal of a lead: one command that may be sent any number of times and makes one deal.

What was converted is a unique value of the deal, so that the database itself refuses a second one, whichever process or
retry asks. The deal is linked to the contact and the company in the transaction that makes it; both sides show the
link, and the deal says what it was made of.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.kernel.context import Context
from shared.kernel.errors import Conflict, Invalid
from shared.service.entities import Draft, Entity, ItemError, LinkTo, Ref, View

if TYPE_CHECKING:
    from shared.service.runtime import Runtime

MADE_OF = "converted_from"
PRIMARY_COMPANY = 5
MOST_KEY = 60


@dataclass(frozen=True, slots=True)
class Lead:
    """A contact, with the company they are of. key: tells apart several deals of one contact."""

    contact: int
    company: int | None = None
    key: str = ""

    @property
    def name(self) -> str:
        """What the deal says it was made of."""
        return f"contact/{self.contact}" + (f"/{self.key}" if self.key else "")


def convert(
    service: Runtime, ctx: Context, lead: Lead, values: Mapping[str, object], view: View
) -> tuple[Entity, bool]:
    """The deal of a lead, and whether it was made now. `values` count for a deal that is made; one that is there stays
    as it is. Raises Invalid, NotFound for a contact or company that is known not to be there."""
    if MADE_OF in values:
        raise Invalid.one(MADE_OF, "READ_ONLY_VALUE", f"{MADE_OF} follows from the contact: say it there")
    found = _there(service, ctx, lead, view)
    if found is not None:
        return found, False
    links = [LinkTo("contact", lead.contact)]
    if lead.company is not None:
        links.append(LinkTo("company", lead.company, (PRIMARY_COMPANY,)))
    draft = Draft({**values, MADE_OF: lead.name}, links=tuple(links))
    try:
        (made,) = service.entities.create(ctx, "deal", [draft], view)
    except Conflict:
        found = _there(service, ctx, lead, view)
        if found is None:
            raise
        return found, False
    assert not isinstance(made, ItemError)  # a single one raises
    return made, True


def _there(service: Runtime, ctx: Context, lead: Lead, view: View) -> Entity | None:
    return service.entities.read(ctx, "deal", [Ref(attribute=MADE_OF, value=lead.name)], view)[0]
