"""The corridor of assignment: pools of a type, and entities given to whose turn it is.

A turn is taken in a transaction of its own, before the entity is written: writes of entities do not queue up behind
each other for it. When the write comes to nothing, the turn is given back.
"""

from __future__ import annotations

from collections.abc import Sequence

from shared.eav.catalog import LiveType
from shared.eav.engine import Engine
from shared.kernel.context import Context
from shared.kernel.errors import ErrorList, Invalid, NotFound
from shared.service.assignment import rows
from shared.service.assignment.shares import Member
from shared.service.entities import Entities, Entity, ItemError, Ref, Update, View
from shared.service.permissions import Mode, require

OWNER = "owner_id"
MOST_MEMBERS = 500
MOST_WEIGHT = 1000
MOST_NAME = 100


class Assignment:
    """Assigns entities of one service."""

    def __init__(self, engine: Engine, entities: Entities) -> None:
        self._engine = engine
        self._entities = entities

    def pools(self, ctx: Context, type: str) -> dict[str, list[Member]]:
        """The pools of a type, by name, with what was given so far."""
        live = self._live(ctx, type, "read")
        with self._engine.database.connect() as connection:
            return rows.every(connection, live.id)

    def put(self, ctx: Context, type: str, name: str, members: Sequence[Member]) -> list[Member]:
        """Make a pool, or change it; its turns begin anew. Raises Invalid with everything wrong."""
        live = self._live(ctx, type, "write")
        _check(name, members)
        fresh = [Member(one.owner, one.weight) for one in members]
        with self._engine.database.transaction() as connection:
            rows.put(connection, live.id, name, fresh)
        return fresh

    def drop(self, ctx: Context, type: str, name: str) -> None:
        """Do away with a pool; fine when there is none."""
        live = self._live(ctx, type, "write")
        with self._engine.database.transaction() as connection:
            rows.drop(connection, live.id, name)

    def assign(self, ctx: Context, type: str, ident: int, name: str, view: View) -> Entity:
        """Give an entity to whose turn it is. Raises NotFound for no such pool or entity, Invalid when nobody in the
        pool gets anything, and whatever the write raises."""
        live = self._engine.catalog.type(type)
        require(ctx.actor, "objects", live.defn, "write")
        with self._engine.database.transaction() as connection:
            chosen = rows.take(connection, live.id, name, 1)
        if chosen is None:
            raise NotFound("pool", [name[:80]], f"There is no pool {name[:80]} of {live.plural}")
        if not chosen:
            raise Invalid.one("pool", "EMPTY_POOL", f"Nobody in pool {name} gets anything: give somebody a weight")
        try:
            update = Update(Ref(ident), {OWNER: str(chosen[0])})
            (outcome,) = self._entities.update(ctx, live.name, [update], view)
        except Exception:  # refused, for whatever reason: it is raised again. Who dies in between has used up a turn.
            self._give_back(live, name, chosen)
            raise
        assert not isinstance(outcome, ItemError)  # a single one raises
        return outcome

    def _give_back(self, live: LiveType, name: str, chosen: Sequence[int]) -> None:
        with self._engine.database.transaction() as connection:
            rows.give_back(connection, live.id, name, chosen)

    def _live(self, ctx: Context, type: str, mode: Mode) -> LiveType:
        live = self._engine.catalog.type(type)
        require(ctx.actor, "schemas", live.defn, mode)
        if OWNER not in live.attributes:
            raise Invalid.one("type", "NOT_AVAILABLE", f"{live.plural} have no owners")
        return live


def _check(name: str, members: Sequence[Member]) -> None:
    errors = ErrorList()
    if not name.strip() or len(name) > MOST_NAME:
        errors.add("pool", "INVALID_NAME", f"pool must have 1 to {MOST_NAME} characters")
    if not members or len(members) > MOST_MEMBERS:
        errors.add("members", "INVALID_LIST", f"a pool has 1 to {MOST_MEMBERS} members")
    if len({one.owner for one in members}) != len(members):
        errors.add("members", "DUPLICATE_ID", "an owner is in a pool once; a greater share is a greater weight")
    for place, one in enumerate(members):
        if not 0 <= one.weight <= MOST_WEIGHT:
            where = f"members[{place}].weight"
            errors.add(where, "INVALID_INTEGER", f"{where} must be a whole number from 0 to {MOST_WEIGHT}")
    errors.raise_if_any()
