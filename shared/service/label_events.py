"""Relations on the log: how workspace tells of them, and how the other services' copies follow. Pure but for rows."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from shared.contracts.event import CATALOG_RELATION, Event
from shared.eav.links import labels
from shared.eav.links.relations import RelationDef, Relations
from shared.kernel.db import Connection
from shared.service.pulling import Pulling


def relation_detail(one: RelationDef, *, limit: int | None, removed: bool = False) -> dict[str, Any]:
    """A relation made at run time (or the limit on a built-in one), as events and copies know it."""
    return {
        "id": one.id,
        "inverse": one.inverse,
        "from_type": one.from_type,
        "to_type": one.to_type,
        "name": one.name,
        "label": one.label,
        "builtin": one.builtin,
        "limit": limit,
        "removed": removed,
    }


def relation_of(detail: Mapping[str, Any]) -> RelationDef:
    """The relation of a detail."""
    return RelationDef(
        int(detail["id"]),
        int(detail["inverse"]),
        detail["from_type"],
        detail["to_type"],
        detail.get("name") or "",
        detail.get("label"),
        builtin=bool(detail.get("builtin")),
    )


def apply_details(connection: Connection, details: Sequence[Mapping[str, Any]]) -> None:
    """Bring the copy to what the details say, in their order; any number of times."""
    for detail in details:
        relation = relation_of(detail)
        if detail.get("removed"):
            labels.remove(connection, [relation])
            continue
        if not relation.builtin:
            labels.put(connection, [relation])
        labels.limit(connection, relation, detail.get("limit"))


def copy_details(connection: Connection, details: Sequence[Mapping[str, Any]]) -> None:
    """Make the copy what the details say and nothing more."""
    told = {int(one["id"]) for one in details}
    gone = [one for one in labels.every(connection) if one.id not in told]
    if gone:
        labels.remove(connection, gone)
    apply_details(connection, details)


def apply_relation_events(connection: Connection, events: Sequence[Event]) -> None:
    """Bring the copy up to date with events of workspace's log; other kinds are passed over."""
    apply_details(connection, [one.detail for one in events if one.kind == CATALOG_RELATION])


class Learning:
    """Makes relations that were made elsewhere a moment ago known here. `pull`: None where they are made."""

    def __init__(self, relations: Relations, pull: Callable[[], None] | None) -> None:
        self._relations = relations
        self._pulling = None if pull is None else Pulling("relations", pull)

    def learn(self, ids: Collection[int]) -> None:
        """Ask for relations once when one of the ids is unknown; whoever needs them then refuses what still is."""
        if not self._known(ids):
            self._relations.refresh()
            if not self._known(ids):
                self.look()

    def look(self) -> None:
        """Ask for relations in any case, as when words are unknown that a label may have."""
        if self._pulling is None or self._pulling.fresh():
            self._relations.refresh()

    def _known(self, ids: Collection[int]) -> bool:
        return all(self._relations.get(one) is not None for one in ids)
