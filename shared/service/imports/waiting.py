"""Rows that wait for other rows of their file: kept beside the ledger until all chunks are done, then decided together.

By then everything the file has is known, so one look decides: a row goes when every entity it must name is there, or
is about to be made by another waiting row that goes. Rows that name each other in a circle go as well: first all rows
are written, then the links that were skipped.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shared.eav.bulk.items import BulkOutcome
from shared.kernel.db import Connection
from shared.kernel.json import dumps
from shared.service.imports.foreseeing import claims_of
from shared.service.imports.resolving import Resolved
from shared.service.imports.spec import BY_ID
from shared.service.imports.task import Task

_PUT = """
insert into import_deferred (job_id, line, key, cells, outcome, wants)
select %(job)s, (one->>'line')::int, one->>'key', one->'cells', one->>'outcome', one->'wants'
from jsonb_array_elements(%(rows)s::jsonb) as listed(one)
"""
_KEYS = "select distinct key from import_deferred where job_id = %(job)s and key = any(%(keys)s)"
_ALL = "select line, outcome, wants from import_deferred where job_id = %(job)s order by line"
_SOME = """
select line, cells from import_deferred where job_id = %(job)s and line between %(first)s and %(last)s order by line
"""
_GONE = "delete from import_deferred where job_id = %(job)s and line = any(%(lines)s)"

Target = tuple[str, str]
"""(internal attribute name, key text) of an entity that a row names"""


@dataclass(frozen=True, slots=True)
class Waiting:
    """One row that waits. must: what it names that has to be there; claims: by what others may name it; named: all of
    its type that it names, each with its link column; later: links it gains if whom they name comes; late: whether
    anything it names was missing."""

    line: int
    outcome: str | None
    must: frozenset[Target]
    claims: frozenset[Target]
    places: Mapping[Target, int]
    named: tuple[tuple[Target, int], ...] = ()
    later: frozenset[Target] = frozenset()
    late: bool = True


def put(connection: Connection, task: Task, rows: Iterable[tuple[Resolved, BulkOutcome | None, Sequence[Any]]]) -> None:
    """Keep rows until the rest is there; their outcome where it is foreseen already."""
    listed = []
    for one, outcome, cells in rows:
        key, others = claims_of(task, one.row)
        listed.append(
            {
                "line": one.row.line,
                "key": task.key(one.row),
                "cells": list(cells),
                "outcome": None if outcome is None else outcome.outcome,
                "wants": {
                    "targets": one.missing,
                    "later": one.later,
                    "claims": [*([key] if key else []), *others],
                    "named": [
                        [place, text] for place in one.row.links if task.inward(place) for text in one.row.links[place]
                    ],
                },
            }
        )
    if listed:
        connection.run(_PUT, {"job": task.job.id, "rows": dumps(listed).decode()})


def keys_waiting(task: Task, keys: Collection[str]) -> set[str | None]:
    """Which of these keys rows wait for that are kept already."""
    with task.runtime.db.connect() as connection:
        return {row[0] for row in connection.rows(_KEYS, {"job": task.job.id, "keys": list(keys)})}


def everybody(connection: Connection, task: Task) -> list[Waiting]:
    """All rows that wait, in the order of the file."""
    return [_waiting(task, *row) for row in connection.rows(_ALL, {"job": task.job.id})]


def _waiting(task: Task, line: int, outcome: str | None, wants: Mapping[str, Any]) -> Waiting:
    must: dict[Target, int] = {}
    missing = wants.get("targets", ())
    for place, text in missing:
        if task.spec.links[place].missing != "left":
            must[target_of(task, place, text)] = place
    claims = frozenset((name, key) for name, key in wants.get("claims", ()))
    named = tuple((target_of(task, place, text), place) for place, text in wants.get("named", missing))
    later = frozenset(target_of(task, place, text) for place, text in wants.get("later", ()))
    return Waiting(line, outcome, frozenset(must), claims, must, named, later, bool(missing))


def target_of(task: Task, place: int, text: str) -> Target:
    """How a text in a link column and the claim of a row that it means are the same."""
    name = task.spec.links[place].attribute
    attribute = task.find(name)
    return (BY_ID if name == BY_ID or attribute is None else attribute.name, task.keys.text(name, text) or text)


def cells_between(connection: Connection, task: Task, first: int, last: int) -> list[tuple[int, list[Any]]]:
    """The rows of a stretch of lines that still wait."""
    rows = connection.rows(_SOME, {"job": task.job.id, "first": first, "last": last})
    return [(line, cells) for line, cells in rows]


def forget(connection: Connection, task: Task, lines: Sequence[int]) -> None:
    """These rows wait no longer."""
    connection.run(_GONE, {"job": task.job.id, "lines": list(lines)})


def lost(
    waiting: Sequence[Waiting], there: Callable[[Target], bool], refused_before: Collection[int] = ()
) -> dict[int, list[int]]:
    """Lines that can never go, and the link columns that are why. `there`: who exists without the waiting rows;
    refused_before: lines that go for other reasons, which are in the answer without columns.

    Pure. Refusing a row takes away what it would have made, so that others may be refused with it, and so on.
    """
    makers: dict[Target, set[int]] = {}
    needed: dict[Target, list[Waiting]] = {}
    refused: dict[int, list[int]] = {line: [] for line in refused_before}
    for one in waiting:
        for claim in one.claims if one.line not in refused else ():
            makers.setdefault(claim, set()).add(one.line)
        for target in one.must:
            needed.setdefault(target, []).append(one)
    gone = [target for target in needed if not makers.get(target) and not there(target)]
    while gone:
        target = gone.pop()
        for one in needed[target]:
            first = one.line not in refused
            refused.setdefault(one.line, []).append(one.places[target])
            for claim in one.claims if first else ():
                makers[claim].discard(one.line)
                if not makers[claim] and claim in needed and not there(claim):
                    gone.append(claim)
    return refused
