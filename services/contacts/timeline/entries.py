"""From events to lines of timelines. Pure: the same event makes the same lines, whenever and however often it comes.

Activities are not told here: their lines follow from what they are now (`activities`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from services.contacts.domain.activities import TYPES as ACTIVITIES
from services.contacts.domain.activities import shortened
from shared.contracts.event import ARCHIVED, CREATED, LINK, MERGED, RESTORED, UNMERGED, UPDATED, Event
from shared.service.home import LiveType
from shared.service.parts import MERGING
from shared.service.relations import BUILTIN

CONTACT, COMPANY, DEAL, TICKET = "contact", "company", "deal", "ticket"
CUSTOMERS = (CONTACT, COMPANY)
HOMES: Mapping[str, str] = {DEAL: "opportunities", TICKET: "service_desk"}
"""Entity types of other services that have a timeline too, and the service that each lives in."""
SUBJECTS = (*CUSTOMERS, *HOMES)
"""Entity types that have a timeline."""
ENTRY = "ticket_entry"
"""What was said about a ticket: see `saying`."""

CHANGED, LIFECYCLE, STAGE, SATISFACTION = "changed", "lifecycle", "stage", "satisfaction"
PUBLIC_REPLY, INTERNAL_NOTE = "public_reply", "internal_note"
SPOKEN = (PUBLIC_REPLY, INTERNAL_NOTE)
"""Kinds of lines that tell what was said about a ticket."""
LINKED, UNLINKED = "linked", "unlinked"
KINDS = (
    "created",
    CHANGED,
    LIFECYCLE,
    STAGE,
    SATISFACTION,
    *SPOKEN,
    LINKED,
    UNLINKED,
    "merged",
    "unmerged",
    "archived",
    "restored",
    *ACTIVITIES,
)
"""Every kind of line; an activity's kind is its entity type."""
PASSED_ON = ("created", STAGE, SATISFACTION)
"""Lines of a deal or ticket that stand on the timelines of its customers too."""

_MOVES: Mapping[str, Mapping[str, str]] = {
    CONTACT: {"lifecycle_stage": LIFECYCLE},
    COMPANY: {"lifecycle_stage": LIFECYCLE},
    **{one: {"stage": STAGE, "pipeline": STAGE} for one in HOMES},
    TICKET: {
        **dict.fromkeys(("stage", "pipeline", "status"), STAGE),
        **dict.fromkeys(("csat_score", "csat_comment"), SATISFACTION),
    },
}
# What a creation shows, so that a history begins with where it began.
_BEGUN = frozenset({"lifecycle_stage", "stage", "pipeline", "status", "priority", "amount"})
_TOLD = {
    CREATED: "created",
    UPDATED: CHANGED,
    ARCHIVED: "archived",
    RESTORED: "restored",
    MERGED: "merged",
    UNMERGED: "unmerged",
}
_LABELS = frozenset(one.id for one in BUILTIN if not one.plain)
_USERS_LABELS = range(10_001, 1_000_000)

Changes = Mapping[str, Sequence[Any]]


@dataclass(frozen=True, slots=True)
class Entry:
    """One line, as it is kept. changes in `data` are {attribute id: [old, new]}, long texts cut."""

    subject_type: str
    subject_id: int
    at: datetime
    key: str
    kind: str
    recorded_at: datetime
    service: str
    ref_type: str = ""
    ref_id: int | None = None
    actor: str | None = None
    source: str | None = None
    source_id: str | None = None
    phase: str | None = None
    data: Mapping[str, Any] = field(default_factory=dict)


def entity_entries(service: str, live: LiveType, event: Event) -> Iterator[Entry]:
    """The lines that an event about an entity that has a timeline makes on its own timeline. What the system keeps by
    itself (read-only attributes) is no news; moves of lifecycle or stage and what a customer thought are lines of their
    own."""
    told = _TOLD.get(event.kind)
    if told is None or event.entity_id is None or _by_merge(event):
        return
    moves = _MOVES.get(event.entity_type, {})
    by_kind: dict[str, dict[str, Any]] = {}
    for key, change in event.changed.items():
        attribute = live.by_id.get(int(key))
        name = attribute.name if attribute is not None else ""
        if event.kind == CREATED:
            kind = told if name in _BEGUN else None
        elif event.kind == UPDATED and name in moves:
            kind = moves[name] if moves[name] != SATISFACTION or _thought(event, change) else None
        else:
            kind = None if attribute is not None and attribute.read_only else told
        if kind is not None:
            by_kind.setdefault(kind, {})[key] = [_shown(one) for one in change]
    if event.kind != UPDATED:
        by_kind.setdefault(told, {})
    for kind, changes in by_kind.items():
        data = {**({"changes": changes} if changes else {}), **_detail(event)}
        key = f"{event.entity_type}.{event.entity_id}.{event.version:08d}.{kind}"
        yield _entry(service, event, event.entity_type, event.entity_id, key, kind, data=data)


def _thought(event: Event, change: Sequence[Any]) -> bool:
    """Whether a customer says something here: what a ticket has of others by merging was told when they said it, and
    who is asked anew, or erased, has said nothing."""
    return event.source != MERGING and change[1] is not None


def _by_merge(event: Event) -> bool:
    """Whether an entity went away or came back by a merge: its survivor tells of that."""
    return event.kind in (ARCHIVED, RESTORED) and "merge" in event.detail


def _detail(event: Event) -> dict[str, Any]:
    parts = event.detail.get("absorbed") or event.detail.get("restored") or ()
    return {"ids": [one["id"] for one in parts]} if parts else {}


def _shown(value: Any) -> Any:
    return shortened(value) if isinstance(value, str) else value


def link_entries(service: str, event: Event) -> Iterator[Entry]:
    """The lines that a link makes, one on the timeline of each end that has one. Links of activities are none: an
    activity stands on a timeline or not. Labels come with the plain relation and make no lines of their own."""
    if event.kind != LINK or not is_plain(int(event.detail["relation"])):
        return
    ends = [(one["type"], int(one["id"])) for one in (event.detail["from"], event.detail["to"])]
    if any(kind in ACTIVITIES for kind, _ in ends):
        return
    (a_type, a_id), (b_type, b_id) = sorted(ends)
    key = f"link.{event.detail['clock']}.{event.detail['origin']}.{a_type}.{a_id}.{b_type}.{b_id}"
    kind = LINKED if event.detail["live"] else UNLINKED
    reason = event.detail.get("reason")
    data = {"reason": reason} if reason else {}
    for (subject, ident), other in ((ends[0], ends[1]), (ends[1], ends[0])):
        if subject in SUBJECTS:
            yield _entry(service, event, subject, ident, key, kind, ref=other, data=data)


def is_plain(relation: int) -> bool:
    """Whether a relation is the one that every linked pair of two types has, and no label on top of it."""
    return relation not in _LABELS and relation not in _USERS_LABELS


def _entry(
    service: str, event: Event, subject: str, ident: int, key: str, kind: str, *,
    ref: tuple[str, int] | None = None, data: Mapping[str, Any],
) -> Entry:  # fmt: skip
    return Entry(
        subject_type=subject,
        subject_id=ident,
        at=event.effective_at or event.at,
        key=key,
        kind=kind,
        recorded_at=event.at,
        service=service,
        ref_type=ref[0] if ref else "",
        ref_id=ref[1] if ref else None,
        actor=event.actor,
        source=event.source,
        source_id=event.source_id,
        data=data,
    )


Meaning = Callable[[str], LiveType | None]
"""The definition of a type by its name, None while it is not known."""


def entries_of(service: str, meaning: Meaning, events: Sequence[Event]) -> Iterator[Entry]:
    """The lines that events of one service's log make. Raises LookupError for values of a type not yet known."""
    for event in events:
        yield from link_entries(service, event)
        if event.kind in _TOLD and event.entity_type in SUBJECTS:
            live = meaning(event.entity_type)
            if live is None:
                raise LookupError(f"an event about {event.entity_type} came before its definition")
            yield from entity_entries(service, live, event)
