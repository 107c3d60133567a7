"""What workspace hears: how imports go, from every service that has entity types; and which types those have.

Handlers write to this database alone, in the transaction that moves the watermark: every report counts once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from services.workspace.commands.forgetting import Gone, forget_foreseen, forget_mentions, forget_refused, forget_rows
from services.workspace.commands.steering import end_phase
from services.workspace.tables import jobs, reports
from services.workspace.tables.jobs import CANCELED, CANCELING, CHECKING, DONE, FAILED, PAUSED, RUNNING, UNDOING
from shared.contracts import imports as contract
from shared.contracts.event import CATALOG_ATTRIBUTE, CATALOG_TYPE, ERASED, ERASURE, Event
from shared.contracts.imports import ChunkDone, PhaseFinished, detail_of
from shared.kernel.config import Settings
from shared.kernel.db import Connection, Database
from shared.kernel.errors import NotFound
from shared.service.erasure.secret import secrets_of
from shared.service.following import Subscription, asker
from shared.service.replica.catalogs import apply_catalog_events, put_types

WORKSPACE = "workspace"
HOSTS = (WORKSPACE, "contacts", "opportunities", "service_desk")
"""The services whose entity types files can be imported into."""

_ACTIVE = frozenset({CHECKING, RUNNING, PAUSED, CANCELING, UNDOING})
_OUTCOMES = {contract.DONE: DONE, contract.FAILED: FAILED, contract.CANCELED: CANCELED}


def subscriptions(settings: Settings) -> tuple[Subscription, ...]:
    """One per service that has entity types."""
    return tuple(
        Subscription(
            name=f"{WORKSPACE}.imports.of.{source}",
            source=source,
            handler=_handler(source, settings),
            types=frozenset({contract.CHUNK, contract.FINISHED, CATALOG_TYPE, CATALOG_ATTRIBUTE, ERASED, ERASURE}),
            rebuild=_rebuild(settings, source),
        )
        for source in HOSTS
    )


def _handler(source: str, settings: Settings) -> Callable[[Connection, Sequence[Event]], None]:
    def handle(connection: Connection, events: Sequence[Event]) -> None:
        apply_catalog_events(connection, source, events)
        for event in events:
            if event.kind in (contract.CHUNK, contract.FINISHED) and event.entity_id is not None:
                _apply(connection, source, event.entity_id, event)
            elif event.kind == ERASED:
                forget_rows(connection, source, event.detail.get("imports", ()))
                forget_foreseen(connection, source, event.entity_type, event.entity_id or 0)
        told = [one for one in events if one.kind == ERASURE]
        if told:
            # All at once: the rows are gone through once, however many were erased.
            gone = [Gone(one.entity_type, one.detail.get("values", ()), one.detail.get("forms", ())) for one in told]
            forget_mentions(connection, secrets_of(settings), gone)

    return handle


def _apply(connection: Connection, source: str, number: int, event: Event) -> None:
    try:
        job = jobs.find(connection, number, lock=True)
    except NotFound:  # of an installation before this one
        return
    detail = detail_of(event)
    if job.service != source:
        return
    if isinstance(detail, ChunkDone):
        if reports.count(connection, number, detail):
            forget_refused(connection, job, detail.errors)
    elif isinstance(detail, PhaseFinished) and job.state in _ACTIVE and detail.phase == job.phase:
        end_phase(connection, job, _OUTCOMES.get(detail.state, FAILED), detail.reason)


def _rebuild(settings: Settings, source: str) -> Callable[[Database], None]:
    """A log that no longer begins at its origin: the types are asked for. Reports that are lost with it stay lost."""

    def rebuild(database: Database) -> None:
        found = asker(settings, source)(f"/api/v1/{source}/catalog")
        with database.transaction() as connection:
            put_types(connection, source, found["types"])

    return rebuild
