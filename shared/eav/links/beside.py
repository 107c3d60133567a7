"""Links that come with the values of created and changed entities, in one transaction with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from shared.eav.batches import Batch, Items
from shared.eav.links.links import Links
from shared.eav.links.preparing import Prepared
from shared.eav.requests import LinkTo
from shared.eav.store.state import Written
from shared.kernel.db import Connection


def _stand_in(place: int) -> int:
    """The id of an entity that is not created yet."""
    return -place - 1


def dated_link(to: LinkTo, effective_at: datetime | None) -> LinkTo:
    """The link as it counts when its item has an instant of its own."""
    return to if effective_at is None or to.since is not None else replace(to, since=effective_at)


def prepare_beside(links: Links, connection: Connection, batch: Batch, items: Items) -> Prepared | None:
    """Prepare the links of what the batch writes, None without any; items whose links are refused are left out of it.

    Raises what was refused unless the batch is partial, and StaleCatalog.
    """
    ids = {place: one.state.id for place, one in batch.updates.items()}
    ids |= {place: _stand_in(place) for place in batch.inserts}
    asked = [
        (place, ids[place], dated_link(to, items[place].effective_at))
        for place in sorted(ids)
        for to in items[place].links
    ]
    if not asked:
        return None
    prepared = links.preparing.prepare(connection, batch.live, asked, held=ids.values())
    if not batch.partial:
        prepared.settle()
    for place, error in prepared.errors.items():
        batch.refuse(place, error)
    return prepared


def made_of(batch: Batch, done: Mapping[int, Written]) -> dict[int, int]:
    """The ids of what stood in for created entities."""
    return {_stand_in(place): done[place].state.id for place in batch.inserts}
