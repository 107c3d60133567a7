"""What becomes of events that were put aside (`dead_letters`): replayed when the cause is mended, or skipped for good.

Who keeps entities at their versions cannot go on behind an event that was given up: such a subscription says how it
takes an entity over from its source (`Renew`). Not for consumers at work: an operator, or a repair, asks for it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from shared.bus.dead_letters import Entity, Gap, Handler, Renew, mark, passes_by_itself, told
from shared.contracts.event import Event, from_document
from shared.kernel.db import Connection, Database
from shared.kernel.json import loads
from shared.kernel.telemetry import logger

_log = logger("bus.settling")
_ABOUT = "select entity_type, entity_id from dead_letter where id = %(id)s"
_SKIPPED = "update watermark set skipped = skipped + 1 where subscription = %(subscription)s"
_FAILED = "update dead_letter set behind = false, error = %(error)s where id = %(id)s"
_SAME = """select d.id, d.event_id, d.body::text from dead_letter d join dead_letter asked on asked.id = %(id)s
and d.subscription = asked.subscription and d.entity_type = asked.entity_type
and d.entity_id is not distinct from asked.entity_id order by d.event_id for update of d"""


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of letters. taken_over: the entity was made what it is at its source; left: letters of it that stay,
    the first of them for the reason in `error`."""

    skipped: int = 0
    applied: int = 0
    left: int = 0
    taken_over: bool = False
    error: str | None = None

    @property
    def events(self) -> int:
        """Letters that are no more."""
        return self.skipped + self.applied


def replay(database: Database, subscription: str, handler: Handler, letter: int, renew: Renew | None = None) -> Settled:
    """Apply a letter and all of the same entity, in their order, in one transaction; nothing when there is no such.

    What cannot be applied because an earlier event is missing here for good is applied to the entity as its source has
    it, where the subscription can take it over. Raises whatever the handler raises; then nothing changed but the
    letter's count of attempts.
    """
    try:
        try:
            return _replay(database, subscription, handler, letter, None)
        except Gap:
            about = _about(database, letter)
            if renew is None or about is None:
                raise
            return _replay(database, subscription, handler, letter, renew(*about))
    except Exception as error:
        if not passes_by_itself(error):
            with database.connect() as connection:
                noted = {"id": letter, "error": told(error)[:500]}
                connection.run(
                    "update dead_letter set attempts = attempts + 1, error = %(error)s where id = %(id)s", noted
                )
        raise


def _replay(
    database: Database,
    subscription: str,
    handler: Handler,
    letter: int,
    take_over: Callable[[Connection], None] | None,
) -> Settled:
    with database.transaction() as connection:
        _lock(connection, subscription)
        rows = connection.rows(_SAME, {"id": letter})
        if take_over is not None and rows:
            take_over(connection)
        for _, event_id, body in rows:
            handler(connection, [_event(event_id, body)])
        _resolve(connection, subscription, [row[0] for row in rows])
        return Settled(applied=len(rows), taken_over=take_over is not None and bool(rows))


def skip(database: Database, subscription: str, handler: Handler, letter: int, renew: Renew | None = None) -> Settled:
    """Give exactly this letter up for good. When none of the same entity lies before it, the entity is taken over from
    its source where the subscription can do that, and those behind it are applied up to one that fails.

    Nothing when there is no such letter. Raises what passes by itself; then nothing has changed.
    """
    about = _about(database, letter)
    if about is None:
        return Settled()
    take_over = None if renew is None else renew(*about)
    with database.transaction() as connection:
        _lock(connection, subscription)
        rows = connection.rows(_SAME, {"id": letter})
        place = next((n for n, row in enumerate(rows) if row[0] == letter), None)
        if place is None:
            return Settled()
        _resolve(connection, subscription, [letter])
        connection.run(_SKIPPED, {"subscription": subscription})
        if place:
            return Settled(skipped=1, left=len(rows) - 1)
        found = _go_on(connection, handler, rows[1:], take_over)
        _resolve(connection, subscription, [row[0] for row in rows[1 : 1 + found.applied]])
    _log.warning(
        "an event was given up",
        subscription=subscription,
        entity_type=about[0],
        entity_id=about[1],
        taken_over=found.taken_over,
    )
    return replace(found, skipped=1)


def _go_on(
    connection: Connection,
    handler: Handler,
    behind: Sequence[tuple[Any, ...]],
    take_over: Callable[[Connection], None] | None,
) -> Settled:
    """Take the entity over, and apply letters up to one that fails."""
    error = None if take_over is None else _failure(connection, take_over)
    taken, applied = take_over is not None and error is None, 0
    for _, event_id, body in behind:
        error = error or _failure(connection, lambda within: handler(within, [_event(event_id, body)]))  # noqa: B023
        if error is not None:
            connection.run(_FAILED, {"id": behind[applied][0], "error": error})
            break
        applied += 1
    return Settled(applied=applied, left=len(behind) - applied, taken_over=taken, error=error)


def _failure(connection: Connection, attempt: Callable[[Connection], None]) -> str | None:
    """Why an attempt failed, which is undone then; None when it did not. Raises what passes by itself."""
    try:
        with connection.transaction():
            attempt(connection)
    except Exception as error:
        if passes_by_itself(error):
            raise
        return told(error)[:500]
    return None


def _about(database: Database, letter: int) -> Entity | None:
    with database.connect() as connection:
        row = connection.row(_ABOUT, {"id": letter})
    return None if row is None else (row[0], row[1])


def subscription_of(connection: Connection, letter: int) -> str | None:
    """Whose letter it is, None when there is no such letter."""
    row = connection.row("select subscription from dead_letter where id = %s", (letter,))
    return None if row is None else row[0]


def _lock(connection: Connection, subscription: str) -> None:
    """Keep the subscription's consumer out: nothing may come between a letter and what follows it."""
    connection.row("select 1 from watermark where subscription = %s for update", (subscription,))


def _event(event_id: int, body: str) -> Event:
    return from_document({**loads(body), "id": event_id})


def _resolve(connection: Connection, subscription: str, ids: Sequence[int]) -> None:
    connection.run("delete from dead_letter where id = any(%s)", (list(ids),))
    mark(connection, subscription)
