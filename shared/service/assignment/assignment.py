"""The corridor of assignment: pools, agents and rules of a type, and entities given to whom they are due.

An entity is held, then its pool, and both are written in one transaction: writes of entities do not queue up behind
each other for it, only those who give out from the same pool do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import psycopg

from shared.eav.catalog import LiveType
from shared.eav.engine import Engine
from shared.eav.entity import Entity, View
from shared.eav.patience import tries
from shared.eav.query.picking import Urgency
from shared.eav.requests import Ref
from shared.kernel.context import Context
from shared.kernel.db import Connection
from shared.kernel.errors import Conflict, Invalid, NotFound, Unavailable
from shared.service.assignment import ledger, rows
from shared.service.assignment.checking import check_agent, check_owners, check_pool, check_rules
from shared.service.assignment.choosing import Agent, Reason
from shared.service.assignment.declare import OWNER, Assigned, Rule
from shared.service.assignment.giving import Given, Giving
from shared.service.assignment.ledger import Line, Waiting
from shared.service.assignment.shares import Member
from shared.service.foreign import Foreign
from shared.service.permissions import Mode, require
from shared.service.presence import meant
from shared.service.questions import Asking

T = TypeVar("T")
MOST_LISTED = 500


class Assignment:
    """Assigns entities of one service."""

    def __init__(self, engine: Engine, foreign: Foreign, assigned: Mapping[str, Assigned]) -> None:
        self._engine = engine
        self._giving = Giving.of(engine, assigned)
        self._asking = Asking(engine.catalog, engine.relations)
        self._foreign = foreign

    def pools(self, ctx: Context, type: str) -> dict[str, list[Member]]:
        """The pools of a type, by name, with what was given so far."""
        live = self._live(ctx, type, "read")
        with self._engine.database.connect() as connection:
            return rows.every(connection, live.id)

    def members(self, type: str, name: str) -> list[Member] | None:
        """Who is in a pool, None when there is none; for a service's own rules, which ask nobody's rights."""
        live = self._engine.catalog.type(type)
        with self._engine.database.connect() as connection:
            return rows.every(connection, live.id).get(name)

    def put(self, ctx: Context, type: str, name: str, members: Sequence[Member]) -> list[Member]:
        """Make a pool, or change it; its turns begin anew. Raises Invalid with everything wrong."""
        live = self._live(ctx, type, "write")
        check_pool(name, members)
        check_owners(self._foreign, live, [one.owner for one in members])
        fresh = [Member(one.owner, one.weight) for one in members]
        with self._engine.database.transaction() as connection:
            rows.put(connection, live.id, {name: fresh})
        return fresh

    def drop(self, ctx: Context, type: str, name: str) -> None:
        """Do away with a pool; fine when there is none. Raises Conflict while a rule names it."""
        live = self._live(ctx, type, "write")
        with self._engine.database.transaction() as connection:
            named = [one.name for one in self._giving.rules(connection, live) if one.pool == name]
            if named:
                raise Conflict(f"Pool {name[:80]} is named by rule {named[0]}: change the rule first")
            rows.drop(connection, live.id, name)

    def agents(self, ctx: Context, type: str) -> list[Agent]:
        """Everybody of whom is said what they can take."""
        live = self._live(ctx, type, "read")
        with self._engine.database.connect() as connection:
            return rows.agents(connection, live.id)

    def put_agent(self, ctx: Context, type: str, agent: Agent) -> None:
        """Say what an owner can take. Raises Invalid."""
        live = self._live(ctx, type, "write")
        check_agent(agent)
        check_owners(self._foreign, live, [agent.owner])
        with self._engine.database.transaction() as connection:
            rows.put_agent(connection, live.id, agent)

    def drop_agent(self, ctx: Context, type: str, owner: int) -> None:
        """Say nothing of an owner any more; fine when nothing was said."""
        live = self._live(ctx, type, "write")
        with self._engine.database.transaction() as connection:
            rows.drop_agent(connection, live.id, owner)

    def rules(self, ctx: Context, type: str) -> list[Rule]:
        """The rules of a type in the order in which they are asked, those that follow from other things last."""
        live = self._live(ctx, type, "read")
        with self._engine.database.connect() as connection:
            return self._giving.rules(connection, live)

    def put_rules(self, ctx: Context, type: str, listed: Sequence[Rule]) -> None:
        """Other rules in place of those that people made. Raises Invalid with everything wrong, and Forbidden where
        they look through links at what one may not read."""
        live = self._live(ctx, type, "write")
        with self._engine.database.transaction() as connection:
            check_rules(live, listed, rows.held(connection, live.id, {one.pool for one in listed}), self._asking)
            for one in listed:
                self._asking.permit(ctx, live.name, one.filter)
            rows.put_rules(connection, live.id, listed)

    def assign(self, ctx: Context, type: str, ident: int, pool: str | None, view: View) -> tuple[Entity, Given]:
        """Give an entity to whom it is due: of a pool, or by the rules. Nobody is free: it waits, and `owner` is None.

        Raises NotFound for no such pool or entity, Invalid when no rule fits or nobody in the pool gets anything, and
        whatever the write raises.
        """
        live = self._engine.catalog.type(type)
        require(ctx.actor, "objects", live.defn, "write")
        _owned(live)
        live = self._giving.ready(live.name)

        def work(connection: Connection) -> Given:
            given = self._giving.give(connection, live.name, {ident: pool}, ctx, automatic=False)
            if not given:
                raise NotFound(live.name, [str(ident)])
            _raise_for(given[0], live)
            return given[0]

        given = self._at_once(work)
        (entity,) = self._engine.reads.read(live.name, [Ref(given.entity)], view)
        if entity is None:
            raise NotFound(live.name, [str(ident)])
        return entity, given

    def take(
        self, ctx: Context, type: str, owner: int, wanted: Mapping[str, Any], urgency: Urgency, view: View
    ) -> Entity | None:
        """Hand an owner the most urgent entity that fits a filter and is nobody's; None when there is none. What one
        is being handed, another is not, and waits for nobody. Raises Conflict for who has as many
        open ones as they can take, Invalid for a filter that means nothing, and whatever the write raises.
        """
        live = self._engine.catalog.type(type)
        require(ctx.actor, "objects", live.defn, "write")
        check_owners(self._foreign, _owned(live), [owner])
        live = self._giving.ready(live.name)
        ident = self._at_once(lambda connection: self._giving.take(connection, live, owner, wanted, urgency, ctx))
        return None if ident is None else self._engine.reads.read(live.name, [Ref(ident)], view)[0]

    def story(self, ctx: Context, type: str, ident: int, limit: int) -> tuple[list[Line], Waiting | None]:
        """Who got an entity and why, the latest first, and whether it waits for somebody. Raises NotFound."""
        live = self._engine.catalog.type(type)
        require(ctx.actor, "objects", live.defn, "read")
        meant(self._engine, live, ident)
        with self._engine.database.connect() as connection:
            return ledger.lines(connection, live.id, ident, limit), ledger.waiting(connection, live.id, ident)

    def waiting(self, ctx: Context, type: str, after: int, limit: int) -> list[Waiting]:
        """What nobody could get so far, by id, and why."""
        live = self._engine.catalog.type(type)
        require(ctx.actor, "objects", live.defn, "read")
        with self._engine.database.connect() as connection:
            return ledger.listed(connection, live.id, after, limit)

    def _at_once(self, work: Callable[[Connection], T]) -> T:
        for _ in tries():
            try:
                with self._engine.database.transaction() as connection:
                    return work(connection)
            except (psycopg.errors.DeadlockDetected, psycopg.errors.SerializationFailure):
                continue
        raise Unavailable("too much is changing at once: try again")

    def _live(self, ctx: Context, type: str, mode: Mode) -> LiveType:
        live = self._engine.catalog.type(type)
        require(ctx.actor, "schemas", live.defn, mode)
        return _owned(live)


def _owned(live: LiveType) -> LiveType:
    if OWNER not in live.attributes:
        raise Invalid.one("type", "NOT_AVAILABLE", f"{live.plural} have no owners")
    return live


def _raise_for(given: Given, live: LiveType) -> None:
    """What waiting would not help with."""
    if given.reason is Reason.NO_POOL:
        name = str(given.pool)[:80]
        raise NotFound("pool", [name], f"There is no pool {name} of {live.plural}")
    if given.reason is Reason.NO_RULE:
        raise Invalid.one("pool", "NO_RULE", f"No rule of {live.plural} fits: name a pool, or make a rule")
    if given.reason is Reason.EMPTY:
        raise Invalid.one("pool", "EMPTY_POOL", f"Nobody in pool {given.pool} gets anything: give somebody a weight")
