"""What follows for deals when the person they were made of is erased elsewhere.

A deal is a matter of the business and stays; but its name and texts may be about the one person it was converted from.
It is listed for somebody to look at, like everything that is shared with who was erased. The list is a set: hearing of
it twice changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

from services.opportunities.commands.conversion import MADE_OF, made_of
from shared.contracts.event import ERASED, Event
from shared.kernel.db import Connection
from shared.service.erasure import belonging
from shared.service.following import Subscription
from shared.service.home import Home

OF = "contacts"
_MADE_OF_THEM = """
select u.entity_id, g.contact from unnest(%(contacts)s::bigint[], %(names)s::text[]) g(contact, name)
join eav_unique u on u.attribute_id = %(attribute)s
    and (u.key = g.name or u.key >= g.name || '/' and u.key < g.name || '0')
"""


def follower(home: Home) -> Subscription:
    """Hears of erased contacts."""

    def hear(connection: Connection, events: Sequence[Event]) -> None:
        erased = sorted({one.entity_id for one in events if one.entity_type == "contact" and one.entity_id is not None})
        params = {
            "contacts": erased,
            "names": [made_of(one, "", None) for one in erased],
            "attribute": home.type("deal").attributes[MADE_OF].id,
        }
        for deal, contact in connection.rows(_MADE_OF_THEM, params) if erased else ():
            belonging.note_all(connection, "contact", contact, "deal", [deal])

    return Subscription("opportunities.leads", OF, hear, types=frozenset({ERASED}), begin="start")
