"""Holding both ends of links while they are written: carriers against other writers, the others so that they stay."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from shared.eav.catalog import LiveType
from shared.eav.links import store
from shared.eav.links.relations import RelationBook
from shared.kernel.db import Connection

End = tuple[str, int]
"""(type, id)."""


def hold(
    connection: Connection,
    lives: Mapping[str, LiveType],
    relations: RelationBook,
    pairs: Iterable[tuple[End, End]],
    held: Collection[int] = (),
) -> set[End]:
    """Lock both ends of every pair, the carriers against other writers; those that are not there. First ends that
    are `held` need no lock. Raises StaleCatalog."""
    known = frozenset(held)
    ends: dict[str, tuple[LiveType, set[int], bool]] = {}
    asked: set[End] = set()
    for start, end in pairs:
        for (name, ident), carries in zip((start, end), carriers(relations, start[0], end[0]), strict=True):
            live, ids, already = ends.get(name, (lives[name], set(), False))
            ends[name] = (live, ids, already or carries)
            if (name, ident) == end or ident not in known:
                ids.add(ident)
                asked.add((name, ident))
    there = store.lock(connection, {name: end for name, end in ends.items() if end[1]})
    return {(name, ident) for name, ident in asked if ident not in there[name]}


def carriers(relations: RelationBook, from_type: str, to_type: str) -> tuple[bool, bool]:
    """Which ends are locked against other writers: those with a register or a limit, else the one that the plain
    relation of the higher id leads away from; always at least one, the same one from both sides."""
    ahead, back = relations.between(from_type, to_type), relations.between(to_type, from_type)
    from_carries = any(one.single or one.limit for one in ahead)
    to_carries = any(one.single or one.limit for one in back)
    if not from_carries and not to_carries:
        from_carries = ahead[0].id >= back[0].id
        to_carries = not from_carries
    return from_carries, to_carries
