"""The corridor of mass changes: asked for, looked at, steered and taken back, by who may write entities of the type."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from shared.eav import filters
from shared.eav.catalog import LiveType
from shared.eav.declare import AttributeDef
from shared.eav.engine import Engine
from shared.eav.types import ValueProblem
from shared.eav.validation import coerce, misnamed
from shared.kernel.context import Context
from shared.kernel.db import Connection
from shared.kernel.errors import Conflict, FieldError, Invalid, InvalidValues, NotFound
from shared.kernel.json import dumps
from shared.service.entities import Entities, Query, View
from shared.service.imports import settling
from shared.service.mass.kind import DRY, KIND, RUN, UNDO
from shared.service.permissions import require
from shared.service.work import ledger
from shared.service.work.ledger import Job

_SPEC = """
update work_job set spec = %(spec)s where (kind, number) = (%(kind)s, %(number)s)
"""
_NUMBER = "select nextval(pg_get_serial_sequence('work_job', 'id'))"
_PROGRESS = """
select j.id, j.state, j.phase, j.reason, j.actor, j.rows, j.updated, j.unchanged, j.rejected, j.created_at,
    j.updated_at, j.spec, (select coalesce(sum(jsonb_array_length(c.spec->'ids')), 0) from work_chunk c
        where c.job_id = j.id and c.phase = j.phase),
    exists (select from work_chunk c where (c.job_id, c.phase, c.n, c.state) = (j.id, j.phase, 0, 'done'))
from work_job j where (j.kind, j.number) = (%(kind)s, %(number)s) and j.entity_type = %(type)s
"""
_NOTES = """
select coalesce(jsonb_agg(one order by c.n), '[]') from work_chunk c, jsonb_array_elements(c.spec->%(what)s) one
where c.job_id = %(job)s and c.phase = %(phase)s
"""
_STATE = "update work_job set state = %(state)s where id = %(job)s and state = any(%(from)s)"
_AGAIN = (
    "update work_chunk set state = 'pending', attempts = 0, failures = 0 where job_id = %(job)s and state = 'failed'"
)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a mass change is. total: how many entities fit, None while they are being found."""

    id: int
    type: str
    state: str
    phase: str
    reason: str
    actor: str | None
    total: int | None
    rows: int
    updated: int
    unchanged: int
    rejected: int
    created_at: datetime
    updated_at: datetime
    request: Mapping[str, Any]
    errors: tuple[Mapping[str, Any], ...] = ()
    kept: tuple[Mapping[str, Any], ...] = ()


class MassChanges:
    """Mass changes of one service."""

    def __init__(self, engine: Engine, entities: Entities) -> None:
        self._engine = engine
        self._entities = entities

    def begin(
        self, ctx: Context, type: str, filter: Mapping[str, Any], values: Mapping[str, object], *, dry: bool = False
    ) -> Progress:
        """Order a change of everything that fits. Raises Forbidden, Invalid for filter or values that never work."""
        live = self._permit(ctx, type)
        self._engine.catalog.refresh()
        live = self._engine.catalog.type(live.name)
        self._check_values(live, values)
        # Asked like any other question, so that rights on linked types are asked as well.
        node = filters.parse(dict(filter))
        self._entities.query(ctx, live.name, Query(node, limit=1, total="none"), View(attributes=()))
        spec = dumps({"filter": filter, "values": values}).decode()
        with self._engine.database.transaction() as connection:
            row = connection.row(_NUMBER)
            assert row is not None
            number = int(row[0])
            ledger.start(connection, KIND, number, entity_type=live.name, phase=DRY if dry else RUN, context=ctx)
            connection.run(_SPEC, {"spec": spec, "kind": KIND, "number": number})
            return self._progress(connection, live, number)

    def find(self, ctx: Context, type: str, number: int) -> Progress:
        """How far one is, with the first errors. Raises NotFound, Forbidden."""
        live = self._permit(ctx, type)
        with self._engine.database.connect() as connection:
            return self._progress(connection, live, number)

    def steer(self, ctx: Context, type: str, number: int, verb: str) -> Progress:
        """pause, resume, cancel or undo; what is so already stays so. Raises NotFound, Forbidden, Conflict."""
        live = self._permit(ctx, type)
        with self._engine.database.transaction() as connection:
            job = ledger.find(connection, KIND, number, lock=True)
            if job is None or job.entity_type != live.name:
                raise NotFound("mass change", [str(number)])
            _STEPS[verb](connection, job)
            return self._progress(connection, live, number)

    def _permit(self, ctx: Context, type: str) -> LiveType:
        live = self._engine.catalog.type(type)
        require(ctx.actor, "objects", live.defn, "write")
        return live

    def _check_values(self, live: LiveType, values: Mapping[str, object]) -> None:
        """What is wrong with the values whatever entity they are for."""
        if not values:
            raise Invalid.one("values", "REQUIRED_FIELD", "values are needed: at least one attribute to write")
        errors: list[FieldError] = []
        names: dict[str, str] = {}
        for name, raw in values.items():
            attribute = live.find(name)
            error = misnamed(live, name, attribute, names)
            if error is None and attribute is not None:
                names[attribute.name] = name
                error = self._unfit(live, attribute, name, raw)
            errors += [error] if error else []
        if errors:
            raise InvalidValues(errors)

    def _unfit(self, live: LiveType, attribute: AttributeDef, name: str, raw: object) -> FieldError | None:
        """Why a value can be nobody's, or not many entities'."""
        try:
            value = coerce(self._engine.judge, live, attribute, raw)
        except ValueProblem as problem:
            return FieldError(name, problem.code, problem.message, problem.nearest)
        if attribute.unique and value is not None:
            message = f'Property "{name}" holds unique values: many entities cannot have the same'
            return FieldError(name, "DUPLICATE_UNIQUE_PROPERTY_VALUE", message)
        return None

    def _progress(self, connection: Connection, live: LiveType, number: int) -> Progress:
        row = connection.row(_PROGRESS, {"kind": KIND, "number": number, "type": live.name})
        if row is None:
            raise NotFound("mass change", [str(number)])
        job, state, phase, reason, actor, rows, updated, unchanged, rejected, made, changed, spec, total, found = row
        notes = [
            connection.row(_NOTES, {"what": what, "job": job, "phase": phase}) or ([],) for what in ("errors", "kept")
        ]
        return Progress(
            number, live.name, state, phase, reason, actor, total if found and phase != UNDO else None, rows, updated,
            unchanged, rejected, made.replace(tzinfo=UTC), changed.replace(tzinfo=UTC), spec, tuple(notes[0][0]),
            tuple(notes[1][0]),
        )  # fmt: skip


def _pause(connection: Connection, job: Job) -> None:
    _require(job, "paused", ledger.RUNNING, ledger.PAUSED)
    _set(connection, job, ledger.PAUSED, ledger.RUNNING)


def _resume(connection: Connection, job: Job) -> None:
    _require(job, "resumed", ledger.RUNNING, ledger.PAUSED, ledger.FAILED)
    connection.run(_AGAIN, {"job": job.id})
    _set(connection, job, ledger.RUNNING, ledger.PAUSED, ledger.FAILED)


def _cancel(connection: Connection, job: Job) -> None:
    _require(job, "canceled", ledger.RUNNING, ledger.PAUSED, ledger.FAILED, ledger.CANCELED)
    _set(connection, job, ledger.CANCELED, ledger.RUNNING, ledger.PAUSED, ledger.FAILED)


def _undo(connection: Connection, job: Job) -> None:
    if job.phase == UNDO and job.state not in (ledger.FAILED, ledger.CANCELED):
        return
    _require(job, "undone", ledger.DONE, ledger.CANCELED, ledger.FAILED)
    if job.phase == DRY:
        raise Conflict("A dry run has changed nothing that could be undone")
    if not settling.begin_undo(connection, job):
        ledger.end(connection, job.id, ledger.DONE)


def _require(job: Job, verb: str, *states: str) -> None:
    if job.state not in states:
        raise Conflict(f"The mass change is {job.state} and cannot be {verb}")


def _set(connection: Connection, job: Job, state: str, *before: str) -> None:
    connection.run(_STATE, {"state": state, "job": job.id, "from": list(before)})


_STEPS: Mapping[str, Callable[[Connection, Job], None]] = {
    "pause": _pause,
    "resume": _resume,
    "cancel": _cancel,
    "undo": _undo,
}
VERBS = tuple(_STEPS)
