"""Change event v1: what a service tells the others about one change.

An event is a plain frozen value; `to_document`/`from_document` turn it into JSON and back. The JSON form is published
language: fields may be added to it, none renamed or removed, and every version ever written stays readable (samples
of each are kept with the tests). Unknown fields and unknown kinds are accepted on reading, an unknown envelope version
is not. Not for messages inside one service: those are function calls.

The JSON form: {"v": 1, "kind", "entity_type", "entity_id": decimal text, "version", "at", "effective_at", "actor",
"source", "source_id", "cause", "correlation", "changed": {attribute id: [old, new]}, "detail": {...}}; what is not
known is left out; values are canonical typed JSON (decimals as text, enumerations as option values).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from shared.kernel.clock import iso
from shared.kernel.json import dumps

VERSION = 1

CREATED = "entity.created"
UPDATED = "entity.updated"
ARCHIVED = "entity.archived"
RESTORED = "entity.restored"
ERASED = "entity.erased"
MERGED = "entity.merged"
UNMERGED = "entity.unmerged"
# Details, ids as decimal text, attributes by id:
# merged: {"merge", "absorbed": [{"id", "version"}], "sources": {attribute: id or null (several, or a rule)},
#   "links": [[relation, inverse, absorbed, other, whether the survivor got it]], "clock": of those links}; each
#   absorbed entity is told of by an `archived` of its own.
# unmerged: {"merge", "restored": [{"id", "version"}], "kept": [{"id", "attribute"}], "links": as above, those given
#   back, "clock"}; each restored entity is told of by a `restored` of its own.
# updated: {"lent": as below} where attributes were emptied because somebody was erased of whom they told.
# erased: {"links": [[relation, inverse, other]], "imports": [[job, line]], "lent": [[id, first, last version,
#   [attributes]]]}: a copy blanks every version of the entity, and those attributes in versions of others.
ERASURE = "erasure"
# Details: {"values": [[id of a secret, attribute, hash]]}: unique values that were erased, whosever they were, as keyed
# hashes. Whoever keeps text as it came looks for them there.
ENTITY_KINDS = frozenset({CREATED, UPDATED, ARCHIVED, RESTORED, ERASED, MERGED, UNMERGED})

CATALOG_TYPE = "catalog.type"
CATALOG_ATTRIBUTE = "catalog.attribute"
CATALOG_OPTION = "catalog.option"
CATALOG_GROUP = "catalog.group"
CATALOG_PIPELINE = "catalog.pipeline"
CATALOG_RELATION = "catalog.relation"
TOKEN = "token"  # noqa: S105 (a kind of event, not a secret)
LINK = "link"
SLA_REACHED = "sla.reached"
# Details: {"target", "cycle", "round", "threshold", "policy", "version", "at", "late_seconds", "changed"}: a promise
# about the ticket came to one of its thresholds at an instant, and this was done about it. Told once.
DESK_NOTICE = "desk.notice"
# Details: {"owners": ids as text, "text"}: a trigger has something to say to these owners about the ticket.
DESK_SIGNAL = "desk.signal"
# Details: {"name", "detail"}: a trigger says that something is so with the ticket, for whoever listens.
REMINDER = "task.reminder"
# Details: {"owner": id as text or null, "due"}: the instant came at which the owner of a task wants to be reminded of
# it. Told once.
STAGE_VISIT = "stage.visit"
# Details: {"pipeline", "stage", "from", "entered"}: the entity came from the one stage (null: from none) to the other
# (null: to none), with this version of it, and counted from `effective_at`. It left the former one at that instant.

Changed = Mapping[str, Sequence[Any]]


class UnknownVersion(ValueError):
    """The envelope is of a version this code does not know: upgrade the reader, never skip the event."""


@dataclass(frozen=True, slots=True)
class Event:
    """One change.

    kind: what happened (`entity.updated`, `catalog.attribute`, `token`...). entity_type: whose, "" when about none.
    at: when it was recorded; effective_at: the instant it counts from, None when that is `at`. cause: the event or
    request it follows from. changed: attribute id (as text) -> (old, new); a creation lists every value.
    detail: what happened, for kinds that are not about an entity's values. id: its place in the log, None until stored.
    """

    kind: str
    entity_type: str
    at: datetime
    entity_id: int | None = None
    version: int = 0
    effective_at: datetime | None = None
    actor: str | None = None
    source: str | None = None
    source_id: str | None = None
    cause: str | None = None
    correlation: str | None = None
    changed: Changed = field(default_factory=dict)
    detail: Mapping[str, Any] = field(default_factory=dict)
    id: int | None = None


_TEXTS = ("actor", "source", "source_id", "cause", "correlation")


def to_document(event: Event) -> dict[str, Any]:
    """The JSON form as a dict, without what is unknown and without the place in the log."""
    document: dict[str, Any] = {"v": VERSION, "kind": event.kind, "entity_type": event.entity_type}
    if event.entity_id is not None:
        document["entity_id"] = str(event.entity_id)
    document["version"] = event.version
    document["at"] = iso(event.at)
    if event.effective_at is not None:
        document["effective_at"] = iso(event.effective_at)
    for name in _TEXTS:
        text = getattr(event, name)
        if text is not None:
            document[name] = text
    if event.changed:
        document["changed"] = event.changed
    if event.detail:
        document["detail"] = event.detail
    return document


def encode(event: Event) -> bytes:
    """The JSON form as UTF-8 bytes."""
    return dumps(to_document(event))


class Series:
    """Encodes many events that differ only in the entity they are about and what happened to it."""

    def __init__(self, sample: Event) -> None:
        self._document = to_document(sample)
        for name in ("entity_id", "version", "effective_at", "changed"):
            self._document.pop(name, None)

    def encode(self, entity_id: int, version: int, effective_at: datetime | None, changed: Changed) -> bytes:
        """What `encode` makes of the sample with these fields."""
        document = self._document.copy()
        document["entity_id"] = str(entity_id)
        document["version"] = version
        if effective_at is not None:
            document["effective_at"] = iso(effective_at)
        if changed:
            document["changed"] = changed
        return dumps(document)


def from_document(document: Mapping[str, Any]) -> Event:
    """The event of a JSON form of any version; raises UnknownVersion, or KeyError/ValueError on what is no event."""
    version = document["v"]
    reader = _READERS.get(version)
    if reader is None:
        raise UnknownVersion(f"change event version {version!r} is not known here")
    return reader(document)


def _read_v1(document: Mapping[str, Any]) -> Event:
    entity_id = document.get("entity_id")
    effective_at = document.get("effective_at")
    place = document.get("id")
    return Event(
        kind=document["kind"],
        entity_type=document["entity_type"],
        at=_instant(document["at"]),
        entity_id=None if entity_id is None else int(entity_id),
        version=document.get("version", 0),
        effective_at=None if effective_at is None else _instant(effective_at),
        actor=document.get("actor"),
        source=document.get("source"),
        source_id=document.get("source_id"),
        cause=document.get("cause"),
        correlation=document.get("correlation"),
        changed=document.get("changed", {}),
        detail=document.get("detail", {}),
        id=None if place is None else int(place),
    )


_READERS: Mapping[int, Callable[[Mapping[str, Any]], Event]] = {1: _read_v1}


@lru_cache(maxsize=256)
def _instant(text: str) -> datetime:
    """Remembered, since all that one transaction wrote has the same."""
    return datetime.fromisoformat(text).astimezone(UTC)
