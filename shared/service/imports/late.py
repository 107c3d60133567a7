"""The phases after a file's chunks: rows that waited are decided, written, and linked to each other.

Steps, each a chunk of the ledger: `plan` refuses what can never go and cuts the rest; `rows` writes them, with the
links that can be made; `links` makes those that were skipped. A dry run needs `plan` alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from shared.contracts.imports import RowError
from shared.eav.bulk.items import BulkItem, BulkOutcome
from shared.eav.requests import Ref
from shared.kernel.db import Connection
from shared.kernel.errors import FieldError
from shared.service.imports import waiting
from shared.service.imports.chunks import close, report
from shared.service.imports.circles import error_of, find_impossible
from shared.service.imports.foreseeing import HERE
from shared.service.imports.resolving import (
    Resolved,
    create_targets,
    judge_targets,
    meant,
    no_target,
    not_made,
    resolve,
)
from shared.service.imports.rows import record_links
from shared.service.imports.targets import find_targets
from shared.service.imports.task import Task
from shared.service.imports.telling import chunk_done
from shared.service.imports.waiting import Target, Waiting
from shared.service.imports.writing import Pair, write
from shared.service.work import ledger
from shared.service.work.ledger import Chunk

_ROWS_A_CHUNK = 1000
_SEEN = """
select attribute, key from import_seen where job_id = %(job)s and attribute = any(%(names)s) and "values" ? %(here)s
"""
_IDS = """
select line, entity_id from import_row where job_id = %(job)s and entity_type = %(type)s and line = any(%(lines)s)
and outcome <> 'target'
"""


def run_late(task: Task) -> None:
    """Do the step that the chunk says."""
    _STEPS[str(task.claim.spec.get("step"))](task)


def _plan(task: Task) -> None:
    with task.runtime.db.connect() as connection:
        everybody = sorted(waiting.everybody(connection, task), key=lambda one: (one.late, one.line))
        there = _existing(connection, task, everybody)
    unmade = _unmade(task, everybody, there)
    with task.runtime.db.transaction() as connection:
        refused = _refused(connection, task, everybody, there, unmade)
        left = [one for one in everybody if one.line not in refused]
        outcomes = ["rejected" for _ in refused]
        if task.dry:
            coming = {claim for one in left for claim in one.claims}
            outcomes += [_foreseen(one, lambda target: target in coming or there(target)) for one in left]
        else:
            _cut(connection, task, sorted(one.line for one in left))
        waiting.forget(connection, task, [one.line for one in everybody] if task.dry else list(refused))
        errors = [error for line in sorted(refused) for error in task.telling.errors(line, {}, refused[line])]
        report(connection, task, chunk_done(task.job.phase, task.claim.n, outcomes, errors))


def _foreseen(one: Waiting, comes: Callable[[Target], bool]) -> str:
    """What a row comes to that goes: who gains a link is updated."""
    gains = any(comes(target) or target in one.must for target in one.later)
    return "updated" if one.outcome == "unchanged" and gains else one.outcome or "created"


def _unmade(
    task: Task, everybody: Sequence[Waiting], there: Callable[[Target], bool]
) -> dict[Target, FieldError | None]:
    """Whom rows name who would have to be created, and why that cannot be; None where it can."""
    found: dict[Target, FieldError | None] = {}
    for place, link in enumerate(task.spec.links):
        if task.inward(place) and link.missing == "create":
            asked = {t for one in everybody for t in one.must if one.places[t] == place and not there(t)}
            reasons = judge_targets(task, place, {text for _, text in asked})
            found |= {target: reasons.get(target[1]) for target in asked}
    return found


def _refused(
    connection: Connection,
    task: Task,
    everybody: Sequence[Waiting],
    there: Callable[[Target], bool],
    unmade: Mapping[Target, FieldError | None],
) -> dict[int, list[FieldError]]:
    """Line -> why it can never go. Whoever is refused takes others along, which may open circles again."""

    def comes(target: Target) -> bool:
        return there(target) or (target in unmade and unmade[target] is None)

    by_line = {one.line: one for one in everybody}
    impossible: dict[int, tuple[int, str]] = {}
    while True:
        lost = waiting.lost(everybody, comes, impossible)
        found = find_impossible(connection, task, everybody, lost)
        if not found:
            break
        impossible |= found
    return {
        line: _reasons(task, by_line[line], places, unmade)
        if line not in impossible
        else [error_of(task, *impossible[line])]
        for line, places in lost.items()
    }


def _reasons(
    task: Task, one: Waiting, places: Sequence[int], unmade: Mapping[Target, FieldError | None]
) -> list[FieldError]:
    reasons = {one.places[target]: why for target in one.must if (why := unmade.get(target)) is not None}
    return [
        not_made(task, place, reasons[place]) if place in reasons else no_target(task, place)
        for place in sorted(set(places))
    ]


def _existing(connection: Connection, task: Task, everybody: Sequence[Waiting]) -> Callable[[Target], bool]:
    """Who is there without the rows that wait: in the database, and in a dry run in the rest of the file."""
    wanted = {target: place for one in everybody for target, place in (*one.named, *one.places.items())}
    there: set[Target] = set()
    for place in set(wanted.values()):
        link = task.spec.links[place]
        texts = {target[1] for target, column in wanted.items() if column == place}
        if link.attribute not in task.planned:
            found = find_targets(connection, task.runtime.engine.judge, task.live, link.attribute, texts)
            there |= {target for target in wanted if target[1] in found and wanted[target] == place}
    if task.dry:
        names = sorted({name for name, _ in wanted})
        there |= set(map(tuple, connection.rows(_SEEN, {"job": task.job.id, "names": names, "here": HERE})))
    return there.__contains__


def _cut(connection: Connection, task: Task, lines: Sequence[int]) -> None:
    """Two chunks for each stretch of lines, one after the other: first all rows, then all skipped links."""
    cuts = [lines[start : start + _ROWS_A_CHUNK] for start in range(0, len(lines), _ROWS_A_CHUNK)]
    chunks: list[Chunk] = []
    for step in ("rows", "links"):
        for cut in cuts:
            n = len(chunks) + 1
            chunks.append(Chunk(n, n - 1, {"step": step, "first": cut[0], "last": cut[-1]}))
    ledger.add_chunks(connection, task.job.id, task.job.phase, chunks)


def _resolved(task: Task) -> list[Resolved]:
    spec = task.claim.spec
    with task.runtime.db.connect() as connection:
        lines = waiting.cells_between(connection, task, spec["first"], spec["last"])
    return resolve(task, [task.convert(line, cells) for line, cells in lines])


def _rows(task: Task) -> None:
    """Write the rows; those with targets that still wait come again for their links."""
    resolved = _resolved(task)
    coming = _coming(task, resolved)
    for place, link in enumerate(task.spec.links):
        if task.inward(place) and link.missing == "create":
            missing = {text for one in resolved for column, text in one.missing if column == place}
            made = {text for text in missing if waiting.target_of(task, place, text) not in coming}
            found, refused = create_targets(task, place, resolved, made)
            for one in resolved:
                for column, text in list(one.missing):
                    if column == place and text in made:
                        one.missing.remove((column, text))
                        meant(task, one, place, text, found.get(text, ()), refused)

    def finish(connection: Connection, pairs: list[Pair]) -> None:
        skipped = {one.row.line for one, outcome in pairs if one.missing and outcome.outcome != "rejected"}
        waiting.forget(connection, task, [one.row.line for one, _ in pairs if one.row.line not in skipped])
        close(connection, task, pairs)

    write(task, resolved, finish)


def _coming(task: Task, resolved: Sequence[Resolved]) -> set[Target]:
    """What rows that wait will be known by; asked only when something is missing."""
    if not any(one.missing for one in resolved):
        return set()
    with task.runtime.db.connect() as connection:
        return {claim for one in waiting.everybody(connection, task) for claim in one.claims}


def _links(task: Task) -> None:
    """Make the links that were skipped: now everybody is there. Rows were counted before."""
    resolved = _resolved(task)
    with task.runtime.db.connect() as connection:
        values = {"job": task.job.id, "type": task.live.name, "lines": [one.row.line for one in resolved]}
        ids = {line: ident for line, ident in connection.rows(_IDS, values)}  # noqa: C416 (typed pairs)
    here = [one for one in resolved if one.row.line in ids and one.links]
    items = [BulkItem({}, Ref(id=ids[one.row.line]), "update", links=tuple(one.links)) for one in here]

    def also(connection: Connection, outcomes: Sequence[BulkOutcome]) -> None:
        record_links(connection, task.job.id, [link for outcome in outcomes for link in outcome.linked])
        waiting.forget(connection, task, [one.row.line for one in resolved])
        errors = [error for one in resolved for error in _left_out(task, one)]
        for one, outcome in zip(here, outcomes, strict=True):
            errors += task.telling.errors(one.row.line, {}, outcome.errors)
        report(connection, task, chunk_done(task.job.phase, task.claim.n, (), errors))

    task.runtime.engine.bulk.write(task.live.name, items, task.context, also=also)


def _left_out(task: Task, one: Resolved) -> list[RowError]:
    """A target that was to come and did not, because its own row was refused in the end."""
    errors: list[FieldError] = [
        no_target(task, place) for place, _ in one.missing if task.spec.links[place].missing != "left"
    ]
    return task.telling.errors(one.row.line, {}, errors)


_STEPS: Mapping[str, Callable[[Task], Any]] = {"plan": _plan, "rows": _rows, "links": _links}
