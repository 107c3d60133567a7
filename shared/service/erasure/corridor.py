"""The corridor of erasing: permission, the erasure itself with everything around it, and what the ledger is for.

One transaction takes the values out of all tables of the service; caches are emptied after it. Other services hear of
it by `entity.erased` and blank what they hold. What a backup brings back, `reapply` erases again.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any

from shared.contracts.event import ERASURE, Event
from shared.contracts.imports import ERASED_VALUE
from shared.eav.catalog import LiveType
from shared.eav.engine import Engine
from shared.eav.erasing import Erased
from shared.eav.keeping import Keeper
from shared.eav.requests import Ref
from shared.eav.store.erase import naming, states, unlearn
from shared.eav.tables import table_name
from shared.eav.types import ValueProblem, kind_of
from shared.eav.validation import coerce
from shared.kernel.clock import now
from shared.kernel.context import Context
from shared.kernel.db import Connection
from shared.kernel.errors import FieldError, Invalid, InvalidValues, NotFound
from shared.service.erasure import belonging, blanking, ledger
from shared.service.erasure.belonging import Belongings, Forget, Link, Parts, Review
from shared.service.erasure.ledger import Entry, Hash
from shared.service.erasure.secret import Secret, form_of
from shared.service.matching.store import forget as forget_keys
from shared.service.permissions import ERASURES_READ, ERASURES_WRITE, require, require_scope
from shared.service.pipelines.visit_rows import forget as forget_visits
from shared.service.publishing import tell

_AT_ONCE = 100
_THERE = "select id, recorded_at from {table} where id = any(%(ids)s::bigint[])"


class Erasure:
    """Erasures of one service. secrets: read when first needed; forget: empties what is cached outside; belongings and
    parts: what goes with an erased entity; forgets: takes it out of what the service itself keeps."""

    def __init__(
        self,
        engine: Engine,
        secrets: Callable[[], Sequence[Secret]],
        forget: Callable[[], None],
        belongings: Belongings = MappingProxyType({}),
        forgets: Forget | None = None,
        parts: Parts = MappingProxyType({}),
    ) -> None:
        self._engine = engine
        self._secrets = secrets
        self._forget = forget
        self._belongings = belongings
        self._forgets = forgets
        self._parts = parts

    def erase(self, ctx: Context, type: str, ref: Ref) -> dict[int, int]:
        """Erase whom a reference means and all that were merged into them; {id: its last version}, empty when there is
        nobody. By a unique value, archived entities that had it go as well, and the value itself is noted."""
        live = self._engine.catalog.type(type)
        require(ctx.actor, "objects", live.defn, "write")
        gone = self._engine.erasing.erase(live.name, [ref], ctx, self._around(ctx))
        if ref.id is None:
            self._note_value(ctx, live.name, ref)
        self._forget()
        return gone

    def reapply(self, ctx: Context) -> dict[str, int]:
        """Erase again whatever of the ledger is there: {"erased", "known"}. An id given out anew since is another
        entity: only what was recorded before its erasure is touched. May be run any number of times."""
        require_scope(ctx.actor, ERASURES_WRITE)
        counts = {"erased": 0, "known": 0}
        for live in self._engine.catalog.types():
            after = 0
            while entries := self._page(after, live.name):
                after = entries[-1].id
                wanted = {one.entity_id: one.erased_at for one in entries if one.entity_id is not None}
                counts["known"] += len(wanted)
                counts["erased"] += self._again(ctx, live, wanted)
        self._forget()
        return counts

    def _page(self, after: int, entity_type: str) -> list[Entry]:
        with self._engine.database.connect() as connection:
            return ledger.listed(connection, after, _AT_ONCE, entity_type)

    def _again(self, ctx: Context, live: LiveType, wanted: Mapping[int, datetime]) -> int:
        with self._engine.database.connect() as connection:
            back = {
                ident
                for archive in (False, True)
                for ident, at in connection.rows(
                    _THERE.format(table=table_name(live.table, archive=archive)), {"ids": list(wanted)}
                )
                if at <= wanted[ident]
            }
        if not back:
            return 0
        self._engine.unmerges.free(live.name, back, ctx)
        refs = [Ref(id=one) for one in sorted(back)]
        return len(self._engine.erasing.erase(live.name, refs, ctx, self._around(ctx), exactly=True))

    def exported(self, ctx: Context, after: int = 0, limit: int = ledger.PAGE) -> list[Entry]:
        """A page of the ledger. It holds hashes, no values."""
        require_scope(ctx.actor, ERASURES_READ)
        with self._engine.database.connect() as connection:
            return ledger.listed(connection, after, limit)

    def imported(self, ctx: Context, entries: Sequence[Entry]) -> int:
        """Take over entries of an exported ledger; how many there were. Known ones stay as they are."""
        require_scope(ctx.actor, ERASURES_WRITE)
        with self._engine.database.transaction() as connection:
            return ledger.put(connection, entries)

    def reviews(self, ctx: Context, after: int, limit: int, *, settled: bool = False) -> list[Review]:
        """A page of what was shared with erased entities; settled: also what somebody has looked at."""
        require_scope(ctx.actor, ERASURES_READ)
        with self._engine.database.connect() as connection:
            return belonging.listed(connection, after, limit, settled=settled)

    def settle(self, ctx: Context, ident: int) -> bool:
        """Note that the actor has looked at it; whether it was still open. Raises NotFound."""
        require_scope(ctx.actor, ERASURES_WRITE)
        with self._engine.database.connect() as connection:
            done = belonging.settle(connection, ident, ctx.actor.id)
        if done is None:
            raise NotFound("review", [str(ident)])
        return done

    def lift(self, ctx: Context, type: str, attribute: str, value: str) -> bool:
        """Let an erased value be written again; whether it was blocked. Raises Invalid."""
        require_scope(ctx.actor, ERASURES_WRITE)
        self._engine.catalog.refresh()
        live = self._engine.catalog.type(type)
        found = self._value(live, attribute, value)
        with self._engine.database.connect() as connection:
            return ledger.lift(connection, self._secrets(), found)

    def refused(
        self, connection: Connection, live: LiveType, keys: Collection[tuple[int, str]]
    ) -> dict[tuple[int, str], InvalidValues]:
        """Which unique values may not be written, because they were erased; for the engine to ask in its writes."""
        named = {(live.name, live.by_id[ident].name, key): (ident, key) for ident, key in keys}
        if not named or not ledger.blocks(connection):
            return {}
        blocked = ledger.blocked(connection, self._secrets(), named)
        return {named[one]: _refusal(live, one[1]) for one in blocked}

    def _around(self, ctx: Context) -> Callable[[Connection, LiveType, Erased], dict[int, dict[str, Any]]]:
        """What is erased beside the engine's tables, as the engine calls it."""

        def also(connection: Connection, live: LiveType, erased: Erased) -> dict[int, dict[str, Any]]:
            ids = list(erased.versions)
            keys = [(live.by_id[attribute].name, key) for (attribute, key), _ in erased.keys]
            found = blanking.imported(connection, live.name, ids)
            blanking.blank_imports(connection, found, keys)
            blanking.blank_log(connection, live.name, erased, found)
            blanking.blank_answers(connection, ids, [key for _, key in keys])
            forget_keys(connection, live.id, ids)
            forget_visits(connection, ids)
            if self._forgets is not None:
                self._forgets(connection, live.name, ids)
            belonging.forget(connection, live.name, ids)
            self._erase_belongings(ctx, connection, live, erased)
            ledger.put(connection, self._entries(live, erased))
            self._tell(connection, live.name, keys, ctx)
            return {ident: {"imports": [list(line) for line in lines]} for ident, lines in found.lines.items()}

        return also

    def _erase_belongings(self, ctx: Context, connection: Connection, live: LiveType, erased: Erased) -> None:
        """What the erased had alone goes with them; what others have too is listed for somebody to look at."""
        theirs = self._belongings.get(live.name, ())
        known = ((one, self._engine.relations.get(one[0])) for one in erased.links)
        links = [
            (relation.to_type, inverse, start, to)
            for (_, inverse, start, to), relation in known
            if relation is not None and relation.to_type in theirs
        ]
        self.erase_left(ctx, connection, live.name, links)
        for kind, name in self._parts.get(live.name, ()):
            part = self._engine.catalog.type(kind)
            ids = naming(connection, part, part.attributes[name], list(erased.versions))
            if ids:
                self._engine.erasing.within(connection, kind, ids, ctx, self._around(ctx))

    def erase_left(self, ctx: Context, connection: Connection, erased_type: str, links: Sequence[Link]) -> None:
        """Erase what somebody who is erased had alone, and list what others have too; their own links are gone."""
        alone, shared = belonging.parted(connection, links)
        belonging.note(connection, erased_type, shared)
        for kind, ids in sorted(alone.items()):
            self._engine.erasing.within(connection, kind, ids, ctx, self._around(ctx))

    def erase_these(self, ctx: Context, connection: Connection, kind: str, ids: Sequence[int]) -> None:
        """Erase entities as part of an erasure, in its transaction; those that are not there any more are fine."""
        self._engine.erasing.within(connection, kind, ids, ctx, self._around(ctx))

    def empty(self, ctx: Context, connection: Connection, kind: str, ids: Sequence[int], names: Sequence[str]) -> None:
        """Empty attributes of live entities that stay, in what was ever told of them as well, and tell it: every copy
        does the same. A new version says that they are empty. Archived ones are left as they are."""
        live = self._engine.catalog.type(kind)
        keeper = Keeper(self._engine.database, self._engine.catalog, self._engine.publish)
        keeper.keep(connection, kind, {one: dict.fromkeys(names) for one in ids}, ctx)
        keys = [live.attributes[name].key for name in names]
        found = states(connection, live, ids, archived=False, lock=False, attributes=())
        for state, _ in found:
            unlearn(connection, state.id, 1, state.version, keys)
            blanking.blank_values(connection, kind, state.id, state.version, keys)
        there = {state.id: recorded for state, recorded in found}
        blanking.blank_samples(connection, there, blanking.imported(connection, kind, list(there)))
        blanking.blank_answers(connection, list(there), [])

    def _entries(self, live: LiveType, erased: Erased) -> list[Entry]:
        secret = self._secrets()[0]
        at = now().replace(tzinfo=None)
        return [
            Entry(
                live.name,
                ident,
                at,
                tuple(
                    Hash(secret.id, secret.hash(live.name, live.by_id[attribute].name, key))
                    for (attribute, key), owner in erased.keys
                    if owner == ident
                ),
            )
            for ident in erased.versions
        ]

    def _tell(self, connection: Connection, entity_type: str, keys: Collection[tuple[str, str]], ctx: Context) -> None:
        """Which unique (attribute name, key) nobody may have any more, to those who keep text as it came."""
        secret, told = self._secrets()[0], sorted(set(keys))
        values = [[secret.id, name, secret.hash(entity_type, name, key).hex()] for name, key in told]
        detail = {"values": values, "forms": [form_of(key) for _, key in told]}
        if values:
            tell(connection, [Event(ERASURE, entity_type, now(), correlation=ctx.correlation, detail=detail)])

    def _note_value(self, ctx: Context, entity_type: str, ref: Ref) -> None:
        """A value is kept out also when nobody had it."""
        live = self._engine.catalog.type(entity_type)
        try:
            found = self._value(live, ref.attribute or "", ref.value or "")
        except Invalid:
            return
        secret = self._secrets()[0]
        entry = Entry(live.name, None, now().replace(tzinfo=None), (Hash(secret.id, secret.hash(*found)),))
        with self._engine.database.transaction() as connection:
            ledger.put(connection, [entry])
            self._tell(connection, live.name, [found[1:]], ctx)

    def _value(self, live: LiveType, name: str, raw: str) -> tuple[str, str, str]:
        attribute = live.attribute(name)
        if not attribute.unique:
            message = f'Property "{name}" does not hold unique values: nothing of it is kept out'
            raise Invalid.one(name, "NOT_UNIQUE", message)
        try:
            value = coerce(self._engine.judge, live, attribute, raw)
        except ValueProblem as problem:
            raise Invalid.one(name, problem.code, problem.message) from problem
        if value is None:
            raise Invalid.one(name, "REQUIRED_FIELD", f"{name} must have a value")
        return live.name, attribute.name, kind_of(attribute).unique_key(value, attribute)


def _refusal(live: LiveType, name: str) -> InvalidValues:
    wire = live.attributes[name].wire
    message = (
        f'This value of "{wire}" belonged to a {live.defn.label.lower()} that was erased on request, and is kept out. '
        "An administrator can lift that (crm erasures lift)."
    )
    return InvalidValues([FieldError(wire, ERASED_VALUE, message)])
