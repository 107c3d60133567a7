"""The log of stage visits: written in the transaction of every write that moves an entity, and read.

Every type with pipelines has one, also those made at run time. A visit is told of on the log by an event of its own
kind, after the event of the write. Not for how long something was in a stage altogether: `timing` keeps that as
attributes, which filter and sort.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from shared.contracts.event import STAGE_VISIT, Event
from shared.eav.attempts import Publish
from shared.eav.catalog import LiveType
from shared.eav.engine import Engine
from shared.eav.merging.plan import need_slots
from shared.eav.merging.unmerging import UNMERGED
from shared.eav.store.state import Written, changes
from shared.eav.store.write import Pending
from shared.eav.store.write import update as rewrite
from shared.kernel.clock import iso
from shared.kernel.context import Context
from shared.kernel.db import Connection
from shared.kernel.errors import NotFound
from shared.service.permissions import require
from shared.service.pipelines import timing, visit_rows
from shared.service.pipelines.agreement import declared_for, governed
from shared.service.pipelines.declare import Pipelined
from shared.service.pipelines.steering import detail_of
from shared.service.pipelines.visit_rows import Move, Visit
from shared.service.presence import meant
from shared.service.publishing import Riding, Steps, in_turn, publish


def telling(declarations: Mapping[str, Pipelined], steps: Steps = Steps()) -> Publish:  # noqa: B008 (it is frozen)
    """All that a service does with what was written. Hand it to the engine in place of `publish`."""
    return in_turn(Visiting(declarations, steps.riding), *steps.turns)


class Visiting:
    """Publishes what was written, and keeps the log of visits with it. riding: what else is done with it."""

    def __init__(self, declarations: Mapping[str, Pipelined], riding: Sequence[Riding] = ()) -> None:
        self._declarations = declarations
        self._riding = riding

    def __call__(self, connection: Connection, live: LiveType, written: Sequence[Written], context: Context) -> None:
        """Tell what was written and note the moves in it: one statement for both, unless it is very much."""
        if not written:
            return
        declared = declared_for(self._declarations, live)
        riders = [one for riding in self._riding for one in riding(connection, live, written, context)]
        visits: list[Event] = []
        moved = [] if declared is None else _moved(declared, live, written)
        if declared is not None and moved:
            moves = _moves(declared, live, moved, context)
            visits += (_event(live, one, move, context) for one, move in zip(moved, moves, strict=True))
            riders.append(visit_rows.added(live.id, moves, context))
        publish(connection, live, written, context, visits, riders)
        if declared is not None:
            for one in written:
                if one.kind == UNMERGED:
                    _again(connection, live, declared, one, context)


def _moved(declared: Pipelined, live: LiveType, written: Sequence[Written]) -> list[Written]:
    attributes = governed(declared, live)
    if attributes is None:
        return []
    key = attributes[1].key
    return [one for one in written if key in one.changed]


def _again(connection: Connection, live: LiveType, declared: Pipelined, one: Written, context: Context) -> None:
    """What a merge brought is taken back value by value; times are those of the visits that there were meanwhile."""
    visits = visit_rows.listed(connection, one.state.id)
    here = one.state.values.get(live.attributes[declared.stage].key)
    values = timing.replayed(declared, live, visits, detail_of(live, declared.stage, here))
    need_slots(live, values)
    changed = changes(live, one.state.values, values)
    if changed:
        publish(connection, live, rewrite(connection, live, [Pending(one.state, values, changed)], context), context)


def _moves(declared: Pipelined, live: LiveType, moved: Sequence[Written], context: Context) -> list[Move]:
    """One move per write; an entity may be written more than once in a call, in the order of its versions."""
    stage, pipeline = live.attributes[declared.stage].key, live.attributes[declared.pipeline].key
    moves: list[Move] = []
    last: dict[int, datetime] = {}
    for one in moved:
        ident = one.state.id
        old, new = one.changed[stage]
        at = _moment(declared, live, one, context)
        last[ident] = at = max(at, last.get(ident, at))
        moves.append(Move(ident, one.state.version, one.state.values.get(pipeline), new, old, at))
    return moves


def _moment(declared: Pipelined, live: LiveType, one: Written, context: Context) -> datetime:
    """When a move counts: as the attribute has it, so that both say the same."""
    # After a merge is undone it has what was before; but nobody went back in time.
    times = None if one.kind == UNMERGED else declared.times
    attribute = None if times is None else live.attributes.get(times.entered)
    shown = None if attribute is None else one.state.values.get(attribute.key)
    if shown is not None:
        return datetime.fromisoformat(shown)
    return one.effective_at or context.effective_at or datetime.fromisoformat(one.state.updated_at)


def _event(live: LiveType, one: Written, move: Move, context: Context) -> Event:
    return Event(
        kind=STAGE_VISIT,
        entity_type=live.name,
        at=datetime.fromisoformat(one.state.updated_at),
        entity_id=move.entity,
        version=move.version,
        effective_at=move.entered,
        actor=context.actor.id,
        source=context.source,
        source_id=context.source_id,
        cause=context.cause,
        correlation=context.correlation,
        detail={"pipeline": move.pipeline, "stage": move.stage, "from": move.came_from, "entered": iso(move.entered)},
    )


class Visits:
    """Reads the log of one service."""

    def __init__(self, engine: Engine, declarations: Mapping[str, Pipelined]) -> None:
        self._engine = engine
        self._declarations = declarations

    def of(self, ctx: Context, type: str, ident: int, *, after: int = 0, limit: int = 100) -> list[Visit]:
        """An entity's visits in order, archived ones' too. Raises NotFound for no entity and for a type without."""
        live = self._engine.catalog.type(type)
        require(ctx.actor, "objects", live.defn, "read")
        if declared_for(self._declarations, live) is None:
            raise NotFound("pipeline", [live.name], f"{live.plural} have no pipelines")
        found = meant(self._engine, live, ident)
        with self._engine.database.connect() as connection:
            return visit_rows.listed(connection, found, after, limit)
