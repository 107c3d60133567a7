"""What a service keeps of its entities that goes by their links: told when links, or linked values, have changed.

In the transaction in which they changed here: of a link that is written, of a mirror that takes in what its home tells.
Not for what may happen later: that is a consumer of the log.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Protocol

from shared.eav.links.asked import LinkChange
from shared.eav.links.links import PublishLinks
from shared.kernel.context import Context
from shared.kernel.db import Connection


class Heeding(Protocol):
    """Part of a manifest."""

    def concerned(self, connection: Connection, types: Collection[str]) -> Collection[str]:
        """Of types that entities are linked to, those whose links and values matter at this time."""

    def moved(self, connection: Connection, entities: Mapping[str, Collection[int]]) -> None:
        """Links or linked values of these entities (by type) have changed."""


def heed_changes(heeding: Heeding | None, connection: Connection, changes: Sequence[LinkChange]) -> None:
    """Tell of links that were made or undone."""
    if heeding is None or not changes:
        return
    ends = [
        end
        for one in changes
        for end in ((one.from_type, one.from_id, one.to_type), (one.to_type, one.to_id, one.from_type))
    ]
    matter = set(heeding.concerned(connection, {other for *_, other in ends}))
    heed(heeding, connection, ((kind, ident) for kind, ident, other in ends if other in matter))


def heed(heeding: Heeding, connection: Connection, entities: Iterable[tuple[str, int]]) -> None:
    """Tell of entities, by type and id."""
    found: dict[str, set[int]] = {}
    for kind, ident in entities:
        found.setdefault(kind, set()).add(ident)
    if found:
        heeding.moved(connection, found)


def heeded(publish: PublishLinks, heeding: Heeding | None) -> PublishLinks:
    """Publish links, and tell of them."""

    def published(connection: Connection, changes: Sequence[LinkChange], context: Context) -> None:
        publish(connection, changes, context)
        heed_changes(heeding, connection, changes)

    return published
