"""From what was written to what is told: change events into the outbox, in the transaction of the write."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.bus import outbox
from shared.bus.outbox import Rider
from shared.contracts.event import ARCHIVED, LINK, RESTORED, Event, Series, encode
from shared.eav.attempts import Publish
from shared.eav.catalog import LiveType
from shared.eav.links.asked import LinkChange
from shared.eav.merging.merging import ABSORBED
from shared.eav.merging.unmerging import RELEASED
from shared.eav.store.state import Written
from shared.kernel.clock import now
from shared.kernel.context import Context
from shared.kernel.db import Connection
from shared.service.idempotency import stamp

# From so many on, events are sent by COPY.
MANY = 200
# Whoever does not know of merges sees entities that go to the archive and come back.
_TOLD_AS = {ABSORBED: ARCHIVED, RELEASED: RESTORED}


def publish(
    connection: Connection,
    live: LiveType,
    written: Sequence[Written],
    context: Context,
    also: Sequence[Event] = (),
    riders: Sequence[Rider] = (),
) -> None:
    """Append one event per written entity, and stamp the request's idempotency key. Hand it to the engine.

    also: what else there is to tell, behind those events. riders: what the same statement does besides.
    """
    if not written:
        return
    if len(written) < MANY:
        outbox.append(connection, [*(_event(live, one, context) for one in written), *also], riders)
    else:
        outbox.copy(connection, _encoded(live, written, context))
        outbox.append(connection, also, riders)
    stamp(connection, (str(one.state.id) for one in written))


def _encoded(live: LiveType, written: Iterable[Written], context: Context) -> Iterator[outbox.Encoded]:
    """Events as they are stored. Those of one kind and instant have most of their form in common."""
    series: dict[tuple[str, str], Series] = {}
    for one in written:
        event_kind, state = kind_of_event(one.kind), one.state
        if one.detail:
            body = encode(_event(live, one, context))
        else:
            same = (event_kind, state.updated_at)
            if same not in series:
                series[same] = Series(_event(live, one, context))
            effective_at = one.effective_at or context.effective_at
            body = series[same].encode(state.id, state.version, effective_at, one.changed)
        yield event_kind, live.name, state.id, state.version, body


def kind_of_event(kind: str) -> str:
    """The kind of event that tells of a kind of write."""
    return _TOLD_AS.get(kind, f"entity.{kind}")


Riding = Callable[[Connection, LiveType, Sequence[Written], Context], Sequence[Rider]]
"""Makes what rides along with the events of a write; it may also run statements of its own, ahead of them."""


@dataclass(frozen=True, slots=True)
class Steps:
    """What is done besides with whatever is written, in its transaction. riding: in the statement that tells of it;
    turns: after that, one after the other."""

    riding: tuple[Riding, ...] = ()
    turns: tuple[Publish, ...] = ()


def in_turn(*steps: Publish) -> Publish:
    """Several things to do with what was written, one after the other."""

    def published(connection: Connection, live: LiveType, written: Sequence[Written], context: Context) -> None:
        for step in steps:
            step(connection, live, written, context)

    return published


def _event(live: LiveType, written: Written, context: Context) -> Event:
    return Event(
        kind=kind_of_event(written.kind),
        entity_type=live.name,
        # The very instant that the entity shows, so that a copy made of events shows it too.
        at=datetime.fromisoformat(written.state.updated_at),
        entity_id=written.state.id,
        version=written.state.version,
        effective_at=written.effective_at or context.effective_at,
        actor=context.actor.id,
        source=context.source,
        source_id=context.source_id,
        cause=context.cause,
        correlation=context.correlation,
        changed=written.changed,
        detail=written.detail,
    )


class LinkPublisher:
    """Appends one event per changed link (not per direction), told in the direction it was asked in."""

    def __init__(self, origin: str) -> None:
        self._origin = origin

    def __call__(self, connection: Connection, changes: Sequence[LinkChange], context: Context) -> None:
        at = now()
        outbox.append(connection, [self._event(one, context, at) for one in changes])
        stamp(connection)

    def _event(self, change: LinkChange, context: Context, at: datetime) -> Event:
        return Event(
            kind=LINK,
            entity_type=change.from_type,
            at=at,
            entity_id=change.from_id,
            effective_at=change.since or context.effective_at,
            actor=context.actor.id,
            source=context.source,
            source_id=context.source_id,
            cause=context.cause,
            correlation=context.correlation,
            detail={
                "relation": change.relation,
                "inverse": change.inverse,
                "from": {"type": change.from_type, "id": str(change.from_id)},
                "to": {"type": change.to_type, "id": str(change.to_id)},
                "live": change.live,
                "clock": str(change.clock),
                "origin": self._origin,
            },
        )


def tell(connection: Connection, events: Sequence[Event]) -> None:
    """Append what happened besides the writing of entities."""
    if events:
        outbox.append(connection, events)


def publish_definition(
    connection: Connection, kind: str, entity_type: str, detail: dict[str, Any], context: Context
) -> None:
    """Append a change of the catalog; it comes before any value that uses it, because that is a later write."""
    event = Event(
        kind=kind,
        entity_type=entity_type,
        at=now(),
        actor=context.actor.id,
        source=context.source,
        source_id=context.source_id,
        cause=context.cause,
        correlation=context.correlation,
        detail=detail,
    )
    outbox.append(connection, [event])
    stamp(connection, [])
