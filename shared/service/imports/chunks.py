"""The chunks of a file: rows are converted, resolved and written (or foreseen), and told about, in one transaction.

Rows that name entities of the imported type which are not there yet wait until all chunks are done (`waiting.py`),
and so do later rows about an entity that waits, so that the order of the file holds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from shared.contracts.imports import ChunkDone, RowSample
from shared.eav.bulk.items import BulkOutcome
from shared.eav.declare import AttributeDef
from shared.kernel.db import Connection
from shared.service.imports import waiting
from shared.service.imports.foreseeing import Foresight, judge_planned
from shared.service.imports.payload import Line
from shared.service.imports.resolving import Resolved, resolve, waits
from shared.service.imports.rows import record, record_links
from shared.service.imports.settling import settle
from shared.service.imports.task import Task
from shared.service.imports.telling import chunk_done, tell_chunk
from shared.service.imports.writing import Pair, write
from shared.service.work import ledger
from shared.service.work.ledger import Counts

_SAMPLES = 5


def run_chunk(task: Task, lines: Sequence[Line]) -> None:
    """Write a chunk of the file."""
    resolved = resolve(task, [task.convert(line, cells) for line, cells in lines])
    ready, late = _apart(task, resolved)
    cells = dict(lines)
    if late:
        # Judged now, so that whoever waits is only missing others.
        judged: list[Pair] = []
        write(task, late, lambda connection, pairs: judged.extend(pairs), dry=True)
        last = {id(one): outcome for one, outcome in judged}
        refused = [one for one in late if last[id(one)].outcome == "rejected"]
        late = [one for one in late if last[id(one)].outcome != "rejected"]
        for one in refused:
            one.missing.clear()
            one.row.errors = list(last[id(one)].errors)
        ready = sorted([*ready, *refused], key=lambda one: one.row.line)

    def finish(connection: Connection, pairs: list[Pair]) -> None:
        waiting.put(connection, task, [(one, None, cells[one.row.line]) for one in late])
        close(connection, task, pairs)

    write(task, ready, finish)


def _apart(task: Task, resolved: Sequence[Resolved]) -> tuple[list[Resolved], list[Resolved]]:
    """Rows that can be written now, and those that wait."""
    if not task.waits:
        return list(resolved), []
    keys = {id(one): task.key(one.row) for one in resolved}
    held = waiting.keys_waiting(task, {key for key in keys.values() if key is not None})
    ready, late = [], []
    for one in resolved:
        key = keys[id(one)]
        if one.missing or (key is not None and key in held):
            late.append(one)
            held |= {key} - {None}
        else:
            ready.append(one)
    return ready, late


def foresee_chunk(task: Task, lines: Sequence[Line]) -> None:
    """Say what a chunk of the file would come to."""
    rows = [task.convert(line, cells) for line, cells in lines]
    judge_planned(task, rows)
    resolved = resolve(task, rows)
    # The chunks of a dry run follow each other, so that nothing is added to what is read here.
    with task.runtime.db.connect() as connection:
        foresight = Foresight(connection, task, resolved)

    def finish(connection: Connection, pairs: list[Pair]) -> None:
        foreseen = foresight.predictions(pairs)
        foresight.store(connection)
        late = [(one, outcome) for one, outcome in foreseen if waits(task, one) and outcome.outcome != "rejected"]
        waiting.put(connection, task, [(one, outcome, []) for one, outcome in late])
        later = {id(one) for one, _ in late}
        close(connection, task, [pair for pair in foreseen if id(pair[0]) not in later], foreseen)

    write(task, resolved, finish)


def close(connection: Connection, task: Task, pairs: Sequence[Pair], shown: Sequence[Pair] | None = None) -> None:
    """The end of a chunk's transaction: what its rows became, the event, the ledger, and what follows. shown: whom
    samples are of, where that is more."""
    if not task.dry:
        record(connection, task.job.id, task.live.name, [(one.row.line, outcome) for one, outcome in pairs])
        record_links(connection, task.job.id, [link for _, outcome in pairs for link in outcome.linked])
    errors = [
        error
        for one, outcome in pairs
        if outcome.outcome == "rejected" or outcome.warnings
        for error in task.telling.errors(one.row.line, one.row.values, (*outcome.errors, *outcome.warnings))
    ]
    outcomes = [outcome.outcome for _, outcome in pairs]
    samples = _samples(task, pairs if shown is None else shown) if task.dry else ()
    report(connection, task, chunk_done(task.job.phase, task.claim.n, outcomes, errors, samples))


def report(connection: Connection, task: Task, done: ChunkDone) -> None:
    """Tell of a chunk and mark it done; go on to what follows when it was the last."""
    tell_chunk(connection, task.job, done)
    counts = Counts(done.rows, done.created, done.updated, done.unchanged, done.rejected)
    if ledger.complete(connection, task.claim, counts):
        settle(connection, task.job)


def _samples(task: Task, pairs: Sequence[Pair]) -> tuple[RowSample, ...]:
    """A few rows to look at, updated ones first: they are what one wants to see before it happens."""
    shown = [pair for pair in pairs if pair[1].outcome in ("updated", "created")]
    shown.sort(key=lambda pair: pair[1].outcome != "updated")
    return tuple(
        RowSample(one.row.line, outcome.outcome, outcome.id, _changed_by_name(task, outcome))
        for one, outcome in shown[:_SAMPLES]
    )


def _changed_by_name(task: Task, outcome: BulkOutcome) -> dict[str, tuple[Any, Any]]:
    """An outcome's changes by attribute name, for people."""
    planned: dict[str, AttributeDef] = {one.key: one for one in task.planned.values()}
    found = {}
    for key, (old, new) in outcome.changed.items():
        attribute = planned.get(key) or task.live.by_id.get(int(key))
        if attribute is not None:
            found[attribute.name] = (old, new)
    return found
