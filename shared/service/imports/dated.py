"""Rows that count from an instant of their own: applied in the order of these instants, and never over what is newer.

A value that the history has at its instant is not written again, so that the same file twice changes nothing. One that
is older than what the attribute came to since is refused: histories go on by version, nothing is put in between. What
undone imports wrote, and their undoing, counts as never written. Not for moves between stages, whose visits see to
themselves; it is rows of files alone that come in any order.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from shared.eav.declare import AttributeDef
from shared.eav.entity import Entity, HistoryEntry, View
from shared.eav.requests import Ref
from shared.eav.types import kind_of
from shared.kernel.clock import iso
from shared.kernel.errors import FieldError
from shared.service.imports.conversion import Row
from shared.service.imports.layers import UNDO_SUFFIX
from shared.service.imports.targets import Found, find_targets
from shared.service.imports.task import Task

SUPERSEDED = "SUPERSEDED_VALUE"
_LAST = datetime.max.replace(tzinfo=UTC)


class Known(NamedTuple):
    """A value of an attribute as text, "" for none, and since when."""

    at: str
    text: str


def in_order(rows: Sequence[Row], keys: Sequence[str | None]) -> list[int]:
    """Places of the rows in the order in which they apply: those about one entity change places among themselves, so
    that the earliest comes first; what counts from now comes last. Pure."""
    about: dict[str, list[int]] = {}
    for place, key in enumerate(keys):
        if key is not None:
            about.setdefault(key, []).append(place)
    order = list(range(len(rows)))
    for places in about.values():
        for place, taken in zip(places, sorted(places, key=lambda one: rows[one].effective_at or _LAST), strict=True):
            order[place] = taken
    return order


def verdict(timeline: Sequence[Known], at: str, text: str) -> str:
    """What a value that counts from `at` is, beside what is known in the order it came: "known" where it was in force
    at that instant or from exactly then on, "late" where there is another one since, else "new". Pure."""
    before = [one for one in timeline if one.at <= at]
    latest = max((one.at for one in timeline), default="")
    # Of two at one instant the one that came later holds.
    held = max(enumerate(before), key=lambda one: (one[1].at, one[0]), default=None)
    if Known(at, text) in timeline or (held is not None and held[1].text == text and at < latest):
        return "known"
    return "late" if at < latest and timeline[-1].text != text else "new"


def judge_dates(task: Task, rows: Sequence[Row]) -> None:
    """Take out values that the entities' histories have already, and refuse rows that are older than these."""
    dated = [row for row in rows if row.effective_at is not None and not row.errors]
    if not dated:
        return
    ids = _ids(task, dated)
    names = sorted({one.name for row in dated for name in row.values if (one := _judged(task, name)) is not None})
    asked = [Ref(id=one) for one in sorted(set(ids.values()))]
    if not asked or not names:
        return
    view = View("text", tuple(names), tuple(names))
    found = task.runtime.engine.reads.read(task.live.name, asked, view)
    known = {ref.id: one for ref, one in zip(asked, found, strict=True) if one is not None}
    for row in dated:
        entity = known.get(ids.get(row.line))
        if entity is not None:
            judge_row(task, row, _timelines(task, entity))


def judge_row(task: Task, row: Row, timelines: Mapping[str, Sequence[Known]]) -> None:
    """The same for one row, by internal attribute name."""
    if row.effective_at is None:
        return
    at = iso(row.effective_at)
    for name, raw in list(row.values.items()):
        attribute = _judged(task, name)
        timeline = timelines.get(attribute.name) if attribute is not None else None
        if attribute is None or not timeline:
            continue
        said = verdict(timeline, at, as_text(task, attribute, raw))
        if said == "known":
            del row.values[name]
        elif said == "late":
            since = max(one.at for one in timeline)
            message = f"a value that counts from {since} on is not overwritten by one from before"
            row.errors.append(FieldError(name, SUPERSEDED, message))


def as_text(task: Task, attribute: AttributeDef, raw: Any) -> str:
    """A raw value as histories show it; "" for none, and for one that cannot exist."""
    value = task.keys.canonical(attribute, raw)
    return "" if value is None else kind_of(attribute).to_text(value)


def _judged(task: Task, name: str) -> AttributeDef | None:
    """An attribute whose values are judged: not what tells the entity apart."""
    found = task.live.find(name)
    key = task.spec.key
    named = None if key is None else task.live.find(key.attribute)
    return None if found is None or found.system or found is named else found


def _ids(task: Task, rows: Iterable[Row]) -> dict[int, int]:
    """Line -> the entity that is there already."""
    ids = {row.line: row.id for row in rows if row.id is not None}
    key, mode = task.spec.key, task.spec.mode
    if key is None or mode == "create" or key.attribute in task.planned:
        return ids
    texts = {row.line: str(row.key) for row in rows if row.key is not None}
    with task.runtime.db.connect() as connection:
        judge = task.runtime.engine.judge
        found: Found = find_targets(connection, judge, task.live, key.attribute, set(texts.values()))
    return ids | {line: found[text][0] for line, text in texts.items() if len(found.get(text, ())) == 1}


def _timelines(task: Task, entity: Entity) -> dict[str, list[Known]]:
    names = {one.wire: one.name for one in task.live.attributes.values()}
    listed = (entity.history or {}).items()
    return {names.get(name, name): _standing(entries) for name, entries in listed}


def _standing(entries: Sequence[HistoryEntry]) -> list[Known]:
    """A history without what was undone, in the order it came."""
    undone = {(one.source, (one.source_id or "").removesuffix(UNDO_SUFFIX)) for one in entries if _undoes(one)}
    return [
        Known(one.at, one.value)
        for one in reversed(entries)
        if not _undoes(one) and (one.source, one.source_id) not in undone
    ]


def _undoes(entry: HistoryEntry) -> bool:
    return bool(entry.source_id) and str(entry.source_id).endswith(UNDO_SUFFIX)
