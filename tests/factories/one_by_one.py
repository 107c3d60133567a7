"""Bulk items written one after the other through the ordinary writes: what a bulk call must come to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from shared.eav.bulk.items import BulkItem
from shared.eav.catalog import LiveType
from shared.eav.engine import Engine
from shared.eav.entity import View
from shared.eav.filters import Condition, Operator
from shared.eav.requests import Draft, ItemError, Query, Ref, Update
from shared.eav.store.state import Written
from shared.kernel.context import Context
from shared.kernel.db import Connection
from shared.kernel.errors import Conflict, CrmError, Invalid
from tests.factories.asking import CONTEXT

REJECTED = "rejected"
_ALL = View("canonical")


@dataclass
class Told:
    """A `publish` that remembers what it was given, by name of the type."""

    by_type: dict[str, list[Written]] = field(default_factory=dict)

    def __call__(self, connection: Connection, live: LiveType, written: Sequence[Written], context: Context) -> None:
        """Remember."""
        self.by_type.setdefault(live.name, []).extend(written)


@dataclass(frozen=True)
class Done:
    """What an item came to; `owner`: who had the value it wanted."""

    outcome: str
    id: int | None = None
    version: int | None = None
    owner: int | None = None


def one_by_one(engine: Engine, name: str, items: Sequence[BulkItem]) -> list[Done]:
    """Write them."""
    return [_written(engine, name, one) for one in items]


def _written(engine: Engine, name: str, item: BulkItem) -> Done:
    try:
        found = _meant(engine, name, item.ref)
        if len(found) > 1 or item.errors:
            return Done(REJECTED)
        if found:
            return _updated(engine, name, item, found[0])
        if item.mode == "update" or (item.ref is not None and item.ref.id is not None):
            return Done(REJECTED)
        return _created(engine, name, item)
    except Conflict as error:
        return Done(REJECTED, owner=error.existing_id)
    except Invalid:
        return Done(REJECTED)


def _meant(engine: Engine, name: str, ref: Ref | None) -> list[int]:
    """The ids a reference may mean."""
    if ref is None:
        return []
    attribute = None if ref.id is not None else engine.catalog.type(name).attribute(ref.attribute or "")
    if attribute is None or attribute.unique:
        return [one.id for one in engine.reads.read(name, [ref], _ALL) if one is not None]
    try:
        node = Condition(attribute.name, Operator.EQ, (ref.value,))
        return [one.id for one in engine.reads.query(name, Query(node, limit=100), _ALL).entities]
    except Invalid:
        return []


def _created(engine: Engine, name: str, item: BulkItem) -> Done:
    values: dict[str, Any] = dict(item.values)
    live = engine.catalog.type(name)
    if item.ref is not None:
        attribute = live.attribute(item.ref.attribute or "")
        if attribute.name not in {found.name for one in values if (found := live.find(one))}:
            values[attribute.name] = item.ref.value
    (made,) = engine.writes.create(name, [Draft(values, effective_at=item.effective_at)], CONTEXT, _ALL)
    assert not isinstance(made, ItemError)
    return Done("created", made.id, made.version)


def _updated(engine: Engine, name: str, item: BulkItem, ident: int) -> Done:
    if item.mode == "create":
        return Done(REJECTED)
    (before,) = engine.reads.read(name, [Ref(ident)], _ALL)
    assert before is not None
    update = Update(Ref(ident), item.values, effective_at=item.effective_at)
    (after,) = engine.writes.update(name, [update], CONTEXT, _ALL)
    assert not isinstance(after, ItemError)
    return Done("unchanged" if after.version == before.version else "updated", ident, after.version)


__all__ = ["REJECTED", "CrmError", "Done", "Told", "one_by_one"]
