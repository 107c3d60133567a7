"""Giving entities out: who gets each, the owner written, the turn used and the ledger told, in ONE transaction.

Whoever dies in between has done nothing: no turn is used up, nobody has more than the ledger says. The number of
statements does not depend on how many entities are given out at once, only on how many rules know somebody's last one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from shared.eav.catalog import Catalog, LiveType, StaleCatalog
from shared.eav.engine import Engine
from shared.eav.keeping import Keeper, Refusals
from shared.eav.patience import tries
from shared.eav.query.picking import Urgency, counts_by, first_free, last_holders
from shared.eav.store.erase import states
from shared.eav.store.state import State
from shared.kernel.clock import now
from shared.kernel.context import Context
from shared.kernel.db import Connection
from shared.kernel.errors import Conflict, InvalidValues, Unavailable
from shared.service.assignment import ledger, rows
from shared.service.assignment.asking import asked_of, compiled, likeness, skills_of, told_of
from shared.service.assignment.choosing import Reason, Room, choose
from shared.service.assignment.declare import OWNER, Assigned, Rule
from shared.service.assignment.ledger import Line, Waiting
from shared.service.assignment.shares import Member, gave
from shared.service.home import Home
from shared.service.questions import Asking, with_answers
from shared.service.replica.evaluating import compiled_filter

NOTHING = Assigned()
STAMP = "owner_assigned_at"


@dataclass(frozen=True, slots=True)
class Given:
    """What became of one entity. owner None: nobody could get it, and it waits."""

    entity: int
    owner: int | None
    before: int | None
    rule: Rule | None
    pool: str | None
    reason: Reason
    told: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Wanted:
    state: State
    before: int | None
    rule: Rule | None
    pool: str | None


@dataclass(slots=True)
class _Table:
    """Pools and agents while something is given out: what was given so far changes what comes next."""

    pools: dict[str, list[Member]]
    room: Room
    opened: dict[int, int]
    known: dict[str, dict[Any, int]]

    def take_back(self, one: Given) -> None:
        """What the rules refused was given to nobody."""
        if one.owner is not None and one.pool is not None:
            self.pools[one.pool] = gave(self.pools[one.pool], one.owner, -1)
            self.opened[one.owner] = self.opened.get(one.owner, 1) - 1


class Giving:
    """Gives entities of one database out. assigned: what the service says of its types; asking: answers what rules ask
    of linked entities."""

    def __init__(self, catalog: Catalog, keeper: Keeper, assigned: Mapping[str, Assigned], asking: Asking) -> None:
        self._catalog = catalog
        self._keeper = keeper
        self._asking = asking
        self.assigned = assigned

    @classmethod
    def of(cls, engine: Engine, assigned: Mapping[str, Assigned]) -> Giving:
        """Over an engine: what is written is told, and judged, like any write."""
        keeper = Keeper(engine.database, engine.catalog, engine.publish, engine.judge)
        return cls(engine.catalog, keeper, assigned, Asking(engine.catalog, engine.relations))

    @classmethod
    def beside(cls, home: Home, assigned: Mapping[str, Assigned]) -> Giving:
        """Over the entities of a follower, in its transactions."""
        return cls(home.engine.catalog, home.keeper, assigned, home.asking)

    def ready(self, type_name: str) -> LiveType:
        """Before the transaction: the type as it is now, with places for what will be written."""
        self._catalog.refresh()  # rules may ask for what another process has just made, or put a first value in
        live = self._catalog.type(type_name)
        self._keeper.ready(live.name, [one for one in (OWNER, STAMP) if one in live.attributes])
        return self._catalog.type(type_name)

    def rules(self, connection: Connection, live: LiveType) -> list[Rule]:
        """Those that people made, then those that follow from what the service keeps."""
        derived = self.assigned.get(live.name, NOTHING).derived
        return [*rows.rules(connection, live.id), *(derived(connection, live) if derived else ())]

    def give(
        self,
        connection: Connection,
        type_name: str,
        asked: Mapping[int, str | None],
        context: Context,
        *,
        automatic: bool,
    ) -> list[Given]:
        """Give entities (id -> the pool that was asked for, None: rules choose) to whom they are due.

        automatic: only those that are open and nobody's, what rules refuse waits. Otherwise whatever there is, and
        what is refused raises InvalidValues. Those left out of the answer are not there, or not to be given out.
        """
        live, held = self._held(connection, type_name, sorted(asked))
        wanted = self._wanted(connection, live, held, asked, automatic)
        table = self._table(connection, live, wanted)
        given = [self._one(live, table, one) for one in wanted]
        given = self._write(connection, live, table, given, context, automatic)
        lines = [_line(one, one.owner) for one in given if one.owner is not None]
        ledger.note(connection, live.id, context.actor.id, lines)
        waits = [
            Waiting(one.entity, asked[one.entity], one.reason, _told_of(one)) for one in given if one.owner is None
        ]
        ledger.wait(connection, live.id, waits)
        ledger.done(connection, live.id, set(asked) - {one.entity for one in waits})
        return given

    def take(
        self,
        connection: Connection,
        live: LiveType,
        owner: int,
        wanted: Mapping[str, Any],
        urgency: Urgency,
        context: Context,
    ) -> int | None:
        """Give an owner the most urgent of what fits and is nobody's; its id, None without any. Raises
        Conflict when they have as many open ones as they can take."""
        self._check_room(connection, live, owner)
        free = {"attribute": OWNER, "operator": "NOT_HAS_PROPERTY"}
        checked = self._asking.check(live.name, {"and": [wanted, free]})
        ident = None if checked is None else first_free(connection, live, checked, urgency)
        if ident is None:
            return None
        refused: Refusals = {}
        self._keeper.keep(connection, live.name, {ident: {OWNER: owner}}, context, refused)
        if refused:
            raise InvalidValues(refused[ident])
        ledger.note(connection, live.id, context.actor.id, [Line(ident, owner, None, None, None, Reason.TAKEN)])
        ledger.done(connection, live.id, [ident])
        return ident

    def _check_room(self, connection: Connection, live: LiveType, owner: int) -> None:
        agent = rows.held_agents(connection, live.id, [owner]).get(owner)
        if agent is None or agent.capacity is None:
            return
        has = self._opened(connection, live, [owner]).get(owner, 0)
        if has >= agent.capacity:
            raise Conflict(f"Owner {owner} has {has} open {live.plural} and can take {agent.capacity}")

    def _opened(self, connection: Connection, live: LiveType, owners: Sequence[int]) -> dict[int, int]:
        """How many open ones owners have."""
        raw = self.assigned.get(live.name, NOTHING).open
        return counts_by(connection, live, self._asking.check(live.name, raw or None), OWNER, owners)

    def _held(self, connection: Connection, type_name: str, ids: Sequence[int]) -> tuple[LiveType, dict[int, State]]:
        for _ in tries():
            live = self._catalog.type(type_name)
            try:
                with connection.transaction():
                    found = states(connection, live, ids, archived=False, lock=True)
                return live, {state.id: state for state, _ in found}
            except StaleCatalog:
                self._catalog.refresh()
        raise Unavailable("the catalog keeps changing: try again")

    def _wanted(
        self,
        connection: Connection,
        live: LiveType,
        held: Mapping[int, State],
        asked: Mapping[int, str | None],
        automatic: bool,
    ) -> list[_Wanted]:
        """Which ones, and from which pool; by themselves, entities that no rule fits are nobody's business."""
        is_open = compiled_filter(live, self.assigned.get(live.name, NOTHING).open or None)
        tests = compiled(live, self.rules(connection, live)) if None in asked.values() else []
        links = asked_of(live, [one for one, _ in tests])
        answers = self._asking.answers(connection, live.name, links, held) if links else {}
        found, owner = [], live.attributes[OWNER].key
        for ident, state in held.items():
            before = state.values.get(owner)
            if automatic and (before is not None or (is_open is not None and not is_open(state.values))):
                continue
            pool, rule = asked[ident], None
            if pool is None:
                values = with_answers(state.values, answers.get(ident))
                rule = next((one for one, fits in tests if fits(values)), None)
                if rule is None and automatic:
                    continue
            named = rule.pool if rule is not None else pool
            found.append(_Wanted(state, None if before is None else int(before), rule, named))
        return found

    def _table(self, connection: Connection, live: LiveType, wanted: Sequence[_Wanted]) -> _Table:
        """Pools and agents, held until the transaction ends; so that nobody else counts meanwhile."""
        pools = rows.held(connection, live.id, {one.pool for one in wanted if one.pool is not None})
        owners = {one.owner for members in pools.values() for one in members}
        agents = rows.held_agents(connection, live.id, owners) if owners else {}
        limited = [one.owner for one in agents.values() if one.capacity is not None]
        opened = self._opened(connection, live, limited)
        gone = rows.gone(connection, owners) if owners else frozenset()
        room = Room(agents, opened, now(), gone)
        named = {one.rule.name: one.rule for one in wanted if one.rule is not None and one.rule.sticky is not None}
        known = {name: _known(connection, live, rule, wanted, pools.get(rule.pool, ())) for name, rule in named.items()}
        return _Table(pools, room, opened, known)

    def _one(self, live: LiveType, table: _Table, one: _Wanted) -> Given:
        """The choice for one entity, and what it leaves of the table."""
        if one.pool is None or one.pool not in table.pools:
            reason = Reason.NO_RULE if one.pool is None else Reason.NO_POOL
            return Given(one.state.id, None, one.before, one.rule, one.pool, reason)
        skills = skills_of(live, one.rule, one.state.values)
        members = table.pools[one.pool]
        slot = likeness(live, one.rule, one.state.values)
        sticky = table.known.get(one.rule.name, {}).get(slot) if one.rule is not None and slot is not None else None
        choice, after = choose(members, table.room, skills, sticky)
        table.pools[one.pool] = after
        told = told_of(choice, table.room, table.opened, after, skills)
        if choice.owner is not None:
            table.opened[choice.owner] = table.opened.get(choice.owner, 0) + 1
            if one.rule is not None and slot is not None:
                table.known[one.rule.name][slot] = choice.owner
        return Given(one.state.id, choice.owner, one.before, one.rule, one.pool, choice.reason, told)

    def _write(
        self,
        connection: Connection,
        live: LiveType,
        table: _Table,
        given: Sequence[Given],
        context: Context,
        automatic: bool,
    ) -> list[Given]:
        """Owners and turns; what rules refuse waits, or is raised."""
        refused: Refusals = {}
        values = {one.entity: {OWNER: one.owner} for one in given if one.owner is not None}
        if values:
            self._keeper.keep(connection, live.name, values, context, refused)
        if refused and not automatic:
            raise InvalidValues([error for several in refused.values() for error in several])
        found = []
        for one in given:
            if one.entity in refused:
                table.take_back(one)
                told = {"errors": [error.message for error in refused[one.entity]]}
                one = Given(one.entity, None, one.before, one.rule, one.pool, Reason.REFUSED, told)
            found.append(one)
        if values:
            rows.put(connection, live.id, table.pools)
        return found


def _known(
    connection: Connection, live: LiveType, rule: Rule, wanted: Sequence[_Wanted], members: Sequence[Member]
) -> dict[Any, int]:
    """Who had the last ones like those that a rule gives out."""
    assert rule.sticky is not None
    slots = {
        slot for one in wanted if one.rule is rule and (slot := likeness(live, rule, one.state.values)) is not None
    }
    since = now() - timedelta(days=rule.sticky.days)
    return last_holders(connection, live, OWNER, rule.sticky.by, slots, [one.owner for one in members], since)


def _told_of(one: Given) -> dict[str, Any]:
    rule = None if one.rule is None else one.rule.name
    return {**one.told, "rule": rule, "pool": one.pool}


def _line(one: Given, owner: int) -> Line:
    rule = None if one.rule is None else one.rule.name
    return Line(one.entity, owner, one.before, rule, one.pool, one.reason, one.told)
