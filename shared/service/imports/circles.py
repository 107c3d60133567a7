"""Rows that cannot have the link they name: to themselves, or to somebody above whom they stand themselves.

Decided for all rows that wait, in the order of the file and before any is written, so that a row whose link is refused
is refused as a whole. Not for rows whose targets are there: the engine refuses these when they are written.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable, Collection, Mapping, Sequence

from shared.eav.links import store
from shared.eav.links.relations import RelationDef
from shared.kernel.db import Connection
from shared.kernel.errors import FieldError
from shared.service.imports.resolving import Edge, edge_of
from shared.service.imports.spec import BY_ID
from shared.service.imports.targets import find_targets
from shared.service.imports.task import Task
from shared.service.imports.waiting import Target, Waiting

ITSELF, CIRCLE = "INVALID_ASSOCIATION", "CIRCULAR_ASSOCIATION"
_TOLD = {ITSELF: "an entity cannot be linked to itself", CIRCLE: "what is meant stands below this one: a circle"}
Parents = dict[tuple[int, Target], Target]
"""(tree, child) -> parent"""


def impossible(
    rows: Sequence[Waiting],
    edges: Mapping[int, Edge | None],
    node: Callable[[Target], Target],
    above: Mapping[tuple[int, Target], Target],
    also: Collection[int] = (),
) -> dict[int, tuple[int, str]]:
    """Line -> (link column, code) of rows that can never go. Pure.

    node: one name for all names of an entity; above: parents by now; also: lines refused for other reasons.
    """
    refused: dict[int, tuple[int, str]] = {}
    parents: Parents = dict(above)
    for one in rows:
        own = {node(claim) for claim in one.claims}
        made: Parents = {}
        for target, place in () if one.line in also else one.named:
            edge, other = edges.get(place), node(target)
            if other in own:
                refused.setdefault(one.line, (place, ITSELF))
            for name in own:
                if edge is None:
                    break
                child, parent = (name, other) if edge.upwards else (other, name)
                if _stands_above(ChainMap(made, parents), edge.tree, child, parent):
                    refused.setdefault(one.line, (place, CIRCLE))
                made[edge.tree, child] = parent
        if one.line not in refused:
            parents |= made
    return refused


def _stands_above(parents: Mapping[tuple[int, Target], Target], tree: int, child: Target, parent: Target) -> bool:
    seen, at = set(), parent
    while at not in seen:
        if at == child:
            return True
        seen.add(at)
        found = parents.get((tree, at))
        if found is None:
            return False
        at = found
    return False


def find_impossible(
    connection: Connection, task: Task, rows: Sequence[Waiting], also: Collection[int] = ()
) -> dict[int, tuple[int, str]]:
    """The same beside what the database has."""
    edges = {place: edge_of(task, place) for place in range(len(task.spec.links)) if task.inward(place)}
    ids = _ids(connection, task, {name for one in rows for name in (*one.claims, *(pair[0] for pair in one.named))})
    first: dict[Target, Target] = {}
    for one in rows:
        held = sorted(one.claims)
        for name in held:
            first.setdefault(name, first.get(held[0], held[0]))

    def node(target: Target) -> Target:
        return (BY_ID, str(ids[target])) if target in ids else first.get(target, target)

    return impossible(rows, edges, node, _above(connection, task, edges, ids), also)


def error_of(task: Task, place: int, code: str) -> FieldError:
    """The row error."""
    link = task.spec.links[place]
    return FieldError(link.header or link.type, code, _TOLD[code])


def _ids(connection: Connection, task: Task, names: set[Target]) -> dict[Target, int]:
    """Those that are there already."""
    by_attribute: dict[str, set[str]] = {}
    for attribute, text in names:
        if attribute not in task.planned:
            by_attribute.setdefault(attribute, set()).add(text)
    ids: dict[Target, int] = {}
    for attribute, texts in by_attribute.items():
        found = find_targets(connection, task.runtime.engine.judge, task.live, attribute, texts)
        ids |= {(attribute, text): those[0] for text, those in found.items() if len(those) == 1}
    return ids


def _above(connection: Connection, task: Task, edges: Mapping[int, Edge | None], ids: Mapping[Target, int]) -> Parents:
    trees = {one.tree for one in edges.values() if one is not None}
    defns = [one for tree in trees if (one := task.runtime.engine.relations.get(tree)) is not None]
    holders: list[tuple[RelationDef, int]] = [(one, ident) for one in defns for ident in sorted(set(ids.values()))]
    if not holders:
        return {}
    stored = store.read(connection, (), holders, (), {task.live.name: task.live.table})
    return {
        (tree, (BY_ID, str(child))): (BY_ID, str(parent)) for (tree, child), parent in stored.parents.items() if parent
    }
