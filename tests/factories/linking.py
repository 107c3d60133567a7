"""Worlds of linked entities: people, firms and gadgets under the built-in relations, and what was told of links."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from shared.eav.declare import TypeDef
from shared.eav.engine import Engine
from shared.eav.links.asked import LinkChange, LinkItem, LinkOutcome
from shared.eav.requests import LinkTo
from shared.kernel.context import Context
from shared.kernel.db import Connection, Database
from shared.service.relations import BUILTIN
from tests.factories.asking import CONTEXT, create
from tests.factories.kinds import SYSTEM, attribute
from tests.factories.schema import Schema

PLAIN, PLAIN_BACK = 279, 280
PRIMARY, PRIMARY_BACK = 1, 2
PARENT, CHILD, FIRMS = 14, 13, 450
POOL = (8, 8, 4, 4)

TYPES = (
    TypeDef(
        "contact", "contacts", "Contact", "Contacts", "0-1",
        attributes=(*SYSTEM, attribute("email", "email", unique=True), attribute("count", "number")), pool=POOL,
    ),
    TypeDef(
        "company", "companies", "Company", "Companies", "0-2",
        attributes=(
            *SYSTEM,
            attribute("name", "string", searchable=True),
            attribute("industry", "enumeration"),
            attribute("tags", "multi_enumeration"),
            attribute("staff", "number"),
            attribute("founded", "date"),
            attribute("about", "long_text"),
        ),
        pool=POOL,
    ),
    TypeDef("gadget", "gadgets", "Gadget", "Gadgets", attributes=(*SYSTEM, attribute("code", "string")), pool=POOL),
)  # fmt: skip


class Told:
    """A `publish_links` that keeps what it was told."""

    def __init__(self) -> None:
        self.changes: list[LinkChange] = []

    def __call__(self, connection: Connection, changes: Sequence[LinkChange], context: Context) -> None:
        self.changes += changes

    def taken(self) -> set[tuple[int, int, int, bool]]:
        """(relation, from, to, live) of what was told since the last time."""
        found = {(one.relation, one.from_id, one.to_id, one.live) for one in self.changes}
        assert len(found) == len(self.changes)
        self.changes.clear()
        return found


def linked_engine(database: Database, **more: Any) -> Engine:
    """An engine of the built-in relations."""
    return Engine(database, relations=BUILTIN, **more)


def define(engine: Engine) -> None:
    """Make the types."""
    for defn in TYPES:
        Schema(engine).add_type(defn)


def some(engine: Engine, name: str, count: int) -> list[int]:
    """Ids of new entities without values."""
    return [one.id for one in create(engine, name, *[{} for _ in range(count)])]


def link(engine: Engine, from_type: str, from_id: int, to_type: str, to_id: int, *relations: int) -> LinkOutcome:
    """Link one pair."""
    (done,) = engine.links.put(from_type, [LinkItem(from_id, LinkTo(to_type, to_id, relations))], CONTEXT)
    assert isinstance(done, LinkOutcome)
    return done


def links(engine: Engine, from_type: str, from_id: int, to_type: str) -> dict[int, tuple[int, ...]]:
    """What an entity is linked to: id -> relations."""
    listed, behind = engine.links.page(from_type, from_id, to_type)
    assert behind is None
    return {one.to_id: one.relations for one in listed}


def rows(database: Database) -> set[tuple[int, int, int]]:
    """Every stored row."""
    with database.connect() as connection:
        return set(connection.rows("select relation, from_id, to_id from eav_link"))


def audit_links(engine: Engine) -> None:
    """What must hold of all rows: both directions, the plain relation under every label, registers with one end."""
    stored = rows(engine.database)
    held: dict[tuple[int, int], int] = {}
    for relation, start, end in stored:
        defn = engine.relations.get(relation)
        assert defn is not None
        assert (defn.inverse, end, start) in stored
        assert (engine.relations.plain(defn.from_type, defn.to_type).id, start, end) in stored
        if defn.single:
            assert held.setdefault((relation, start), end) == end
