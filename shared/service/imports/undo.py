"""Taking a job back, entity by entity: what it created is archived, what it changed goes back, its links go.

What somebody else changed since stays, and is told. The truth is the history: a value goes back only if the job was
the last to write it, other undone jobs aside (`layers.py`), so that jobs may be undone in any order. A chunk is a
stretch of entities; its work and its ledger row are one transaction. For imports and mass changes, whose rows are kept
(`rows.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING, Any

from shared.contracts.imports import ChunkDone, KeptValue
from shared.eav.bulk.items import BulkItem, BulkOutcome
from shared.eav.catalog import LiveType
from shared.eav.links.asked import Unlink
from shared.eav.requests import Ref
from shared.eav.store.archive import archive
from shared.eav.tables import table_name
from shared.kernel.context import SYSTEM, Context
from shared.kernel.db import Connection
from shared.kernel.errors import Unavailable
from shared.service.imports.layers import UNDO_SUFFIX, Back, Change, Writer, plans
from shared.service.imports.settling import settle
from shared.service.imports.task import context_of
from shared.service.imports.telling import tell_chunk
from shared.service.work import ledger
from shared.service.work.ledger import Claim, Counts

if TYPE_CHECKING:
    from shared.service.runtime import Runtime

Told = Callable[[Connection, ChunkDone], None]
_TOUCHED = """
select entity_type, entity_id, bool_or(outcome in ('created', 'target')) from import_row
where job_id = %(job)s and entity_id between %(first)s and %(last)s and outcome <> 'unchanged'
group by 1, 2 order by 1, 2
"""
_LINKS = """
select from_type, from_id, to_type, to_id, array_agg(relation) from import_link
where job_id = %(job)s and from_id between %(first)s and %(last)s group by 1, 2, 3, 4 order by 1, 2, 3, 4
"""
_HISTORY = """
select entity_id, version, source, source_id, actor, changed from eav_history
where entity_id = any(%(ids)s) and type_id = %(type)s order by entity_id, version
"""
_UNDONE = """
select kind, number::text from work_job
where phase = 'undo' and id <> %(job)s and number = any(%(numbers)s::bigint[])
"""
_OUTCOMES = ("updated", "rejected")
# What jobs of these kinds stamp their writes with.
_STAMPS = {"import": "IMPORT", "change": "BATCH_UPDATE"}


def run_undo(runtime: Runtime, claim: Claim) -> None:
    """Undo a chunk of an import, and tell."""

    def told(connection: Connection, done: ChunkDone) -> None:
        tell_chunk(connection, claim.job, done)
        if ledger.complete(connection, claim, Counts(done.rows, 0, done.updated, done.unchanged, 0)):
            settle(connection, claim.job)

    take_back(runtime, claim, context_of(claim.job), told)


def take_back(runtime: Runtime, claim: Claim, written: Context, done: Told) -> None:
    """Undo a chunk of entities. written: what the writes to undo were stamped with; done: ends the transaction."""
    context = replace(written, source_id=f"{written.source_id}{UNDO_SUFFIX}")
    values = {"job": claim.job.id, **claim.spec}
    with runtime.db.connect() as connection:
        touched = connection.rows(_TOUCHED, values)
        links = connection.rows(_LINKS, values)
    for from_type, listed in groupby(links, key=lambda row: row[0]):
        _unlink(runtime, from_type, listed, context)
    unlinked = {row[1] for row in links if row[0] == claim.job.entity_type}
    by_type = {name: [tuple(row[1:]) for row in rows] for name, rows in groupby(touched, key=lambda row: row[0])}
    # The imported type is the last one, whose transaction carries the ledger's row; others may be undone again.
    others = [name for name in by_type if name != claim.job.entity_type]
    undoing = _Undoing(runtime, claim.job.id, (written.source, written.source_id), context)
    kept = [one for name in others for one in undoing.take_back(name, by_type[name])[1]]
    name = claim.job.entity_type

    def last(connection: Connection, backs: Sequence[Back], went: Collection[int], more: Sequence[KeptValue]) -> None:
        rows, updated = len({*unlinked, *(one.id for one in backs)}), len({*unlinked, *went})
        told = (*kept, *more)
        report = ChunkDone(claim.job.phase, claim.n, rows, updated=updated, unchanged=rows - updated, kept=told)
        done(connection, report)

    undoing.take_back(name, by_type.get(name, []), last)


def _unlink(runtime: Runtime, from_type: str, rows: Iterable[Sequence[Any]], context: Context) -> None:
    items = [Unlink(from_id, to_type, to_id, _labels(runtime, from_type, to_type, relations))
             for _, from_id, to_type, to_id, relations in rows]  # fmt: skip
    runtime.engine.links.remove(from_type, items, context)


def _labels(runtime: Runtime, from_type: str, to_type: str, relations: Sequence[int]) -> tuple[int, ...] | None:
    """Everything when the import made the plain link, else the labels it added."""
    plain = runtime.engine.relations.plain(from_type, to_type).id
    return None if plain in relations else tuple(relations)


Last = Callable[[Connection, Sequence[Back], Collection[int], Sequence[KeptValue]], None]
"""Ends the transaction: what was to be done, which entities went back or were archived, and what was kept."""


@dataclass(frozen=True, slots=True)
class _Undoing:
    """One job that is undone. own: what its writes were stamped with; context: what undoing them is stamped with."""

    runtime: Runtime
    job: int
    own: Writer
    context: Context

    def take_back(
        self, name: str, rows: Sequence[tuple[Any, ...]], last: Last | None = None
    ) -> tuple[list[Back], list[KeptValue]]:
        """Undo entities of one type in one transaction, of which `last` is the end; what was done and what was kept."""
        runtime, context = self.runtime, self.context
        runtime.catalog.refresh()  # of attributes that are not known nothing would be taken back
        live = runtime.catalog.type(name)
        with runtime.db.connect() as connection:
            history = _history(connection, live, [row[0] for row in rows])
            creators = _creators(connection, live, [row[0] for row in rows])
            undone = _undone(connection, self.job, {*creators.values(), *(one.writer for one in history)})
        listed = [(ident, created, creators.get(ident, (None, None))) for ident, created in rows]
        backs = plans(listed, history, self.own, undone)
        going = [one for one in backs if one.values and not one.archive]
        names = {key: attribute.name for key, attribute in _writable(live).items()}
        items = [
            BulkItem(
                {names[key]: old for key, (_, old) in one.values.items() if key in names}, Ref(id=one.id), "update"
            )
            for one in going
        ]
        kept = [KeptValue(one.id, _shown(live, key)) for one in backs for key in one.kept]

        def also(connection: Connection, outcomes: Sequence[BulkOutcome]) -> None:
            _check(going, outcomes)
            known = {one.id: one.version for one in backs if one.archive}
            gone = archive(connection, live, list(known), context)
            if any(one.state.version != known[one.state.id] + 1 for one in gone):
                raise Unavailable("an entity changed meanwhile")
            runtime.engine.publish(connection, live, gone, context)
            if last is not None:
                by_outcome = {one: [going[o.place].id for o in outcomes if o.outcome == one] for one in _OUTCOMES}
                went = {*by_outcome["updated"], *(one.state.id for one in gone)}
                last(connection, backs, went, [*kept, *map(KeptValue, by_outcome["rejected"])])

        runtime.engine.bulk.write(name, items, context, view_changes=True, also=also)
        return backs, kept


def _writable(live: LiveType) -> Mapping[str, Any]:
    return {one.key: one for one in live.attributes.values() if not one.read_only}


def _shown(live: LiveType, key: str) -> str:
    attribute = live.by_id.get(int(key)) if key else None
    return "" if attribute is None else attribute.name


def _history(connection: Connection, live: LiveType, ids: Sequence[int]) -> list[Change]:
    """What was written, without values that the system keeps: they follow from others, and nobody puts them back."""
    kept = {str(ident) for ident, attribute in live.by_id.items() if attribute.read_only}

    def change(ident: int, version: int, source: str, source_id: str, actor: str, changed: Mapping[str, Any]) -> Change:
        left = {key: pair for key, pair in changed.items() if key not in kept}
        derived = bool(changed) and not left and actor == SYSTEM.id
        return Change(ident, version, (source, source_id), left, derived)

    return [change(*row) for row in connection.rows(_HISTORY, {"ids": list(ids), "type": live.id})]


def _creators(connection: Connection, live: LiveType, ids: Sequence[int]) -> dict[int, Writer]:
    sql = f"select id, source, source_id from {table_name(live.table)} where id = any(%(ids)s)"
    return {ident: (source, source_id) for ident, source, source_id in connection.rows(sql, {"ids": list(ids)})}


def _undone(connection: Connection, job: int, writers: Collection[Writer]) -> frozenset[Writer]:
    """Which of these are other jobs that are undone by now, or about to be."""
    stamps = set(_STAMPS.values())
    numbers = {int(ident) for source, ident in writers if source in stamps and ident and ident.isdecimal()}
    if not numbers:
        return frozenset()
    rows = connection.rows(_UNDONE, {"job": job, "numbers": sorted(numbers)})
    return frozenset((_STAMPS.get(kind), number) for kind, number in rows) & frozenset(writers)


def _check(going: Sequence[Back], outcomes: Sequence[BulkOutcome]) -> None:
    """What went back must have been what the job left. Raises Unavailable (look again); nothing has happened."""
    for back, outcome in zip(going, outcomes, strict=True):
        for key, (old, _) in outcome.changed.items():
            if key in back.values and back.values[key][0] != old:
                raise Unavailable("an entity changed meanwhile")
