"""Activities on timelines: their lines follow from what they are and whom they are linked to at this moment.

An event says no more than that something about an activity changed. So it does not matter in what order events come,
nor how often: the last of them finds what all of them led to.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from services.contacts.domain import activities
from services.contacts.timeline import store
from services.contacts.timeline.entries import CUSTOMERS, SUBJECTS, Entry
from services.contacts.timeline.store import Key
from shared.kernel.db import Connection
from shared.service.home import Entity, Home

SERVICE = "contacts"
_SHOWN = (
    "subject", "title", "body", "text", "status", "outcome", "direction", "priority", "channel", "owner_id",
    "occurs_at", "starts_at", "completed_at",
)  # fmt: skip
Touched = Mapping[str, Iterable[int]]
"""Ids of activities by type."""


def refresh(connection: Connection, home: Home, touched: Touched) -> set[Key]:
    """Let these activities stand where they belong, as they are; every entity whose timeline that may have changed."""
    subjects: set[Key] = set()
    for kind, ids in sorted(touched.items()):
        found = sorted(set(ids))
        subjects |= store.clear(connection, kind, found)
        links = [*home.linked(connection, kind, found, CUSTOMERS), *store.led(connection, kind, found)]
        subjects |= {subject for _, subject in links}
        states = home.read(kind, found, _SHOWN)
        store.put(connection, (entry for entry in _entries(kind, states, links)))
    return subjects


def _entries(kind: str, states: Mapping[int, Entity], links: Sequence[tuple[int, Key]]) -> Iterable[Entry]:
    for ident, (subject_type, subject_id) in sorted(set(links)):
        one = states.get(ident)
        if one is not None and subject_type in SUBJECTS:
            yield _entry(kind, one, subject_type, subject_id)


def _entry(kind: str, one: Entity, subject_type: str, subject_id: int) -> Entry:
    values: dict[str, Any] = one.values
    at = activities.stands_at(values) or one.created_at
    return Entry(
        subject_type=subject_type,
        subject_id=subject_id,
        at=datetime.fromisoformat(str(at)),
        key=f"{kind}.{one.id}",
        kind=kind,
        recorded_at=datetime.fromisoformat(one.created_at),
        service=SERVICE,
        ref_type=kind,
        ref_id=one.id,
        phase=activities.phase(kind, values),
        data=activities.summary(values),
    )
