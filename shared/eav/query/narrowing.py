"""Looking up the linked entities that a filter asks for, before the entities that are linked to them.

Few of them (`FEW`): the query then starts at their links, whose number PostgreSQL knows, and is planned with it. Many:
it is asked of each entity's links whether they lead to one, which finds a page soon. Neither way serves the other case,
and only the number tells them apart; no plan is made by PostgreSQL that goes by it.

One statement for a whole filter, none for filters without links. It also tells the catalog versions of the types
asked, like every statement that reads.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from shared.eav.catalog import LiveType, StaleCatalog
from shared.eav.filters import Checked, CheckedAnd, CheckedLinked, CheckedNode, CheckedNot, CheckedOr
from shared.eav.query.where import linked_ends, where
from shared.eav.tables import VERSIONS
from shared.kernel.db import Connection, Database, compiled

FEW = 1000
_VERSIONS = -1


def linked_nodes(node: CheckedNode) -> Iterator[CheckedLinked]:
    """The parts of a filter that ask for linked entities."""
    match node:
        case CheckedLinked():
            yield node
        case CheckedAnd(children) | CheckedOr(children):
            for child in children:
                yield from linked_nodes(child)
        case CheckedNot(child):
            yield from linked_nodes(child)


def narrowed(connection: Connection, checked: Checked | None) -> Checked | None:
    """The filter with the ids of linked entities looked up wherever those are few. Raises StaleCatalog."""
    linked = list(linked_nodes(checked.root)) if checked is not None else []
    if checked is None or not linked:
        return checked
    asked = [one for one in linked if _asks(one)]
    found = _look_up(connection, linked, asked, checked)
    named = dict(checked.params)
    known: list[CheckedLinked] = []
    for number, one in enumerate(asked):
        ids, name = found.get(number, []), f"l{number}"
        known.append(replace(one, ids=name) if len(ids) <= FEW else one)
        named[name] = ids
    root = _replaced(checked.root, iter(known))
    return Checked(root, root.shape, named)


def confirm(database: Database, checked: Checked | None) -> None:
    """For whoever asks the filter as it is: raise StaleCatalog unless the linked types are the ones in force."""
    linked = list(linked_nodes(checked.root)) if checked is not None else []
    if checked is not None and linked:
        with database.connect() as connection:
            _look_up(connection, linked, (), checked)


def _look_up(
    connection: Connection, linked: Sequence[CheckedLinked], asked: Sequence[CheckedLinked], checked: Checked
) -> dict[int, list[int]]:
    """The ids that match each of those asked, cut off where there are many."""
    types = {live.id: live for one in linked if isinstance(live := one.linkage.live_type, LiveType)}
    params = {**checked.params, "types": list(types), "most": FEW + 1}
    found: dict[int, list[int]] = {}
    for number, ident, version in connection.rows(_statement(_Lookups(tuple(asked))), params):
        if number != _VERSIONS:
            found.setdefault(number, []).append(ident)
        elif types[ident].version != version:
            raise StaleCatalog(types[ident].name)
    return found


def _replaced(node: CheckedNode, known: Iterator[CheckedLinked]) -> CheckedNode:
    """The tree with its linked parts, in order, as they are known."""
    match node:
        case CheckedLinked():
            return next(known) if _asks(node) else node
        case CheckedAnd(children) | CheckedOr(children):
            return type(node)(tuple(_replaced(child, known) for child in children))
        case CheckedNot(child):
            return CheckedNot(_replaced(child, known))
    return node


def _asks(node: CheckedLinked) -> bool:
    """Whether it matters which entity is linked."""
    return node.child != CheckedAnd(())


class _Lookups:
    """What to look up, as a cache key: equal when the SQL is."""

    __slots__ = ("_key", "asked")

    def __init__(self, asked: tuple[CheckedLinked, ...]) -> None:
        self.asked = asked
        self._key = tuple(one.shape for one in asked)

    def __hash__(self) -> int:
        return hash(self._key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Lookups) and self._key == other._key


@lru_cache(maxsize=1024)
def _statement(lookups: _Lookups) -> str:
    bigint: Any = sa.BigInteger()
    given = sa.func.any(sa.cast(sa.bindparam("types"), pg.ARRAY(sa.Integer())))
    parts: list[sa.Select[Any]] = [
        sa.select(
            sa.literal_column(str(_VERSIONS)).label("number"),
            sa.cast(VERSIONS.c.type_id, bigint).label("id"),
            VERSIONS.c.version,
        ).where(VERSIONS.c.type_id == given)
    ]
    for number, one in enumerate(lookups.asked):
        other = linked_ends(one)
        found = sa.select(other.main.c.id).select_from(other.rows).where(where(other, one.child))
        few = found.limit(sa.bindparam("most", type_=sa.Integer())).subquery(f"found_{number}")
        parts.append(sa.select(sa.literal_column(str(number)), few.c.id, sa.cast(sa.null(), bigint)))
    return compiled(sa.union_all(*parts))
