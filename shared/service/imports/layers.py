"""Whose value an attribute has, by its history: every write lies on top of those before, and one that is undone goes.

So jobs may be undone in any order: what one leaves alone, because another wrote over it, goes when that one is undone
as well, back to what neither of them wrote. Pure. Not for links, which a job has made or has not.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

UNDO_SUFFIX = "-undo"
Writer = tuple[str | None, str | None]
"""Source and source id of a write."""
_SOMEBODY: Writer = ("", "")


class Change(NamedTuple):
    """One version of an entity. changed: attribute key -> [old, new]; derived: the system worked out all of it, such
    as a number of links, so that it is nobody's word."""

    id: int
    version: int
    writer: Writer
    changed: Mapping[str, Sequence[Any]]
    derived: bool = False


class _Layer(NamedTuple):
    """A value, and who wrote it; nobody below all others."""

    writer: Writer | None
    value: Any


@dataclass(slots=True)
class Back:
    """What is to be done about one entity. values: attribute key -> (what the job left, what was before); version:
    its last one in the history."""

    id: int
    version: int = 1
    archive: bool = False
    values: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    kept: list[str] = field(default_factory=list)


def plans(
    rows: Iterable[tuple[int, bool, Writer]], history: Iterable[Change], own: Writer, undone: Collection[Writer]
) -> list[Back]:
    """What undoing means for each entity. rows: (id, whether the job created it, who did); history: what came after
    creations, in order of versions, without values that the system keeps; own: the job to undo; undone: other jobs that
    are undone, or about to be."""
    by_entity: dict[int, list[Change]] = {}
    for one in history:
        by_entity.setdefault(one.id, []).append(one)
    return [_plan(ident, created, creator, by_entity.get(ident, ()), own, undone) for ident, created, creator in rows]


def _plan(
    ident: int, created: bool, creator: Writer, history: Sequence[Change], own: Writer, undone: Collection[Writer]
) -> Back:
    # What an earlier run of the job created and somebody brought back is theirs.
    beginning = _SOMEBODY if creator == own and not created else creator
    version = history[-1].version if history else 1
    history = [one for one in history if not one.derived]
    stacks = _stacks(beginning, history, undone)
    gone = {own, *undone}
    touched = any(not one.changed and _undoes(one.writer) is None and one.writer not in gone for one in history)
    touched |= any(one.writer is not None and one.writer not in gone for stack in stacks.values() for one in stack)
    # What an undone job created stayed only because others wrote to it; now the last of them goes.
    if (created or beginning in undone) and not touched:
        return Back(ident, version, archive=True)
    back = Back(ident, version, kept=[""] if created else [])
    for key, stack in () if created else stacks.items():
        value = stack[-1].value
        if _stands(stack, own, undone):
            before = next(one.value for one in reversed(stack) if one.writer not in gone)
            if before != value:
                back.values[key] = (value, before)
        elif any(one.writer == own for one in stack):
            back.kept.append(key)
    back.kept.sort()
    return back


def _stands(stack: Sequence[_Layer], own: Writer, undone: Collection[Writer]) -> bool:
    """Whether what the job wrote is the value: nobody wrote over it but jobs whose undoing left it as it was."""
    place = next((place for place in range(len(stack) - 1, -1, -1) if stack[place].writer == own), None)
    if place is None or stack[place].value != stack[-1].value:
        return False
    return all(one.writer in undone for one in stack[place + 1 :])


def _stacks(creator: Writer, history: Iterable[Change], undone: Collection[Writer]) -> dict[str, list[_Layer]]:
    """Attribute key -> who wrote it, the last on top."""
    stacks: dict[str, list[_Layer]] = {}
    for one in history:
        taken = _undoes(one.writer)
        for key, (old, new) in one.changed.items():
            stack = stacks.setdefault(key, [_Layer(None, None), _Layer(creator, old)])
            if taken is None:
                stack.append(_Layer(one.writer, new))
            else:
                stacks[key] = _without(stack, taken, new, undone)
    return stacks


def _undoes(writer: Writer) -> Writer | None:
    """The job that was undone by this write."""
    source, ident = writer
    return (source, ident.removesuffix(UNDO_SUFFIX)) if ident and ident.endswith(UNDO_SUFFIX) else None


def _without(stack: Iterable[_Layer], taken: Writer, value: Any, undone: Collection[Writer]) -> list[_Layer]:
    """What lies there once a job was undone, by which the attribute came to this value."""
    left = [one for one in stack if one.writer != taken]
    for place in range(len(left) - 1, -1, -1):
        if left[place].value == value:
            return left[: place + 1]
        if left[place].writer not in undone:
            break
    return [*left, _Layer(_SOMEBODY, value)]
