"""Asking an engine and expecting what evaluation in Python says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from shared.eav.catalog import LiveType
from shared.eav.engine import Engine
from shared.eav.entity import Entity, View
from shared.eav.filters import Node, check, matches
from shared.eav.requests import Draft, ItemError, Query, Sort
from shared.eav.types import kind_of
from shared.kernel.context import Context
from tests.factories.audit import Expected, audit

CONTEXT = Context()
IDS = View("text", ())
ALL = 100_000


class Memory:
    """A walk that remembers, as Redis does for a service."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    def get(self, key: str) -> bytes | None:
        """What was put."""
        return self.kept.get(key)

    def put(self, key: str, value: bytes) -> None:
        """Keep."""
        self.kept[key] = value


def create(engine: Engine, name: str, *values: Mapping[str, object], view: View = IDS) -> list[Entity]:
    """Create entities; none may be refused."""
    made = engine.writes.create(name, [Draft(one) for one in values], CONTEXT, view)
    assert not any(isinstance(one, ItemError) for one in made)
    return made  # type: ignore[return-value]


def typed(live: LiveType, values: Mapping[str, object]) -> dict[int, Any]:
    """Canonical values by attribute id of raw ones by name."""
    found = {
        live.attribute(name).id: kind_of(live.attribute(name)).coerce(raw, live.attribute(name))
        for name, raw in values.items()
    }
    return {ident: value for ident, value in found.items() if value is not None}


def found(engine: Engine, name: str, node: Node | None, *sorts: Sort, text: str = "") -> list[int]:
    """The ids that a query finds, in its order; its exact total must agree."""
    page = engine.reads.query(name, Query(node, text, sorts, limit=ALL), IDS)
    assert page.next_offset is None
    assert page.total == len(page.entities)
    return [one.id for one in page.entities]


def matching(engine: Engine, name: str, node: Node, entities: Mapping[int, Mapping[int, Any]]) -> list[int]:
    """The ids whose canonical values match in Python, ascending."""
    checked = check(node, engine.catalog.type(name))
    return sorted(ident for ident, values in entities.items() if matches(checked, values))


def walk(engine: Engine, name: str, query: Query, view: View = IDS) -> Iterator[Sequence[Entity]]:
    """The pages of a query from its first one on: by offset when it has one, else by cursor."""
    while True:
        page = engine.reads.query(name, query, view)
        yield page.entities
        assert len(page.entities) <= query.limit
        by_offset = query.offset is not None
        if (page.next_offset if by_offset else page.next_cursor) is None:
            return
        assert len(page.entities) == query.limit
        query = Query(
            query.filter, query.text, query.sorts, query.limit,
            page.next_offset, None if by_offset else page.next_cursor, query.total,
        )  # fmt: skip


def held_exactly(engine: Engine, name: str, entities: dict[int, tuple[int, dict[str, object]]]) -> None:
    """All tables hold exactly these entities: (version, values by name)."""
    engine.catalog.refresh()
    live = engine.catalog.type(name)
    expected = {ident: Expected(version, typed(live, values)) for ident, (version, values) in entities.items()}
    with engine.database.connect() as connection:
        audit(connection, live, expected)
