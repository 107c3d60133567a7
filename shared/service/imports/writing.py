"""Writing the rows of a chunk, values and links together, and whatever else must hold, in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from shared.eav.bulk.items import BulkItem, BulkOutcome
from shared.kernel.db import Connection
from shared.service.imports.conversion import INVALID_ID, REQUIRED, WRONG_WIDTH
from shared.service.imports.resolving import Resolved
from shared.service.imports.task import Task

Pair = tuple[Resolved, BulkOutcome]
_UNFOUND = frozenset({INVALID_ID, REQUIRED})
Finish = Callable[[Connection, list[Pair]], None]


def item_of(task: Task, one: Resolved) -> BulkItem:
    """What the engine is asked for a row."""
    row, mode = one.row, task.spec.mode
    ref = task.ref(row)
    if ref is None and mode == "upsert":
        mode = "create"
    values: Mapping[str, object] = row.values
    if task.planned or one.hidden:
        values = {name: raw for name, raw in values.items() if name not in task.planned and name not in one.hidden}
    return BulkItem(values, ref, mode, row.effective_at, tuple(one.links), tuple(row.errors))


def write(task: Task, resolved: Sequence[Resolved], finish: Finish, *, dry: bool | None = None) -> None:
    """Write rows; `finish` gets every row with its outcome, in order, just before the commit (again in a repetition).

    dry: nothing is written but what `finish` writes; None: as the task is.
    """
    judged = [one for one in resolved if not _hopeless(one)]
    foreseen = task.dry if dry is None else dry

    def also(connection: Connection, outcomes: Sequence[BulkOutcome]) -> None:
        finish(connection, _in_order(resolved, dict(zip(map(id, judged), outcomes, strict=True))))

    items = [item_of(task, one) for one in judged]
    task.runtime.engine.bulk.write(task.live.name, items, task.context, view_changes=foreseen, dry=foreseen, also=also)


def _hopeless(one: Resolved) -> bool:
    """A row of which not even the values are known: judging it would only add noise."""
    return any(error.code == WRONG_WIDTH for error in one.row.errors)


def _in_order(resolved: Sequence[Resolved], outcomes: dict[int, BulkOutcome]) -> list[Pair]:
    return [(one, _outcome(place, one, outcomes.get(id(one)))) for place, one in enumerate(resolved)]


def _outcome(place: int, one: Resolved, outcome: BulkOutcome | None) -> BulkOutcome:
    """A row's outcome. Of a row that cannot find its entity the engine also says what a new one would lack: noise."""
    errors = one.row.errors
    if outcome is None:
        return BulkOutcome(place, "rejected", errors=tuple(errors))
    if errors and outcome.outcome == "rejected":
        told = {error.code for error in errors}
        if told & _UNFOUND:
            outcome.errors = tuple(error for error in outcome.errors if error in errors or error.code != REQUIRED)
    return outcome
