"""Erasing entities: no table of the engine keeps a value of them, and nothing brings them back.

Whoever was merged into an entity goes with it. What lies outside the engine (the log, answers kept for repetitions, a
ledger) is the caller's `also`, in the same transaction. Not for archiving, which can be undone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.eav.attempts import Attempts, Overtaken, Publish
from shared.eav.catalog import Catalog, LiveType
from shared.eav.links.relations import Relations
from shared.eav.references import MAX_BIGINT, unique_key
from shared.eav.requests import Ref
from shared.eav.store import erase as store
from shared.eav.store.archive import unique_keys
from shared.eav.store.keys import owners
from shared.eav.store.rows import shown_at
from shared.eav.store.state import State, Written
from shared.eav.types import kind_of
from shared.eav.validation import Judge, coerce
from shared.kernel.clock import now
from shared.kernel.context import Context
from shared.kernel.db import Connection
from shared.kernel.errors import Invalid

ERASED = "erased"
Key = tuple[int, str]


@dataclass(frozen=True, slots=True)
class Lent:
    """Values of an erased entity in another one's past: attributes (keys) between two of its versions."""

    id: int
    first: int
    last: int
    attributes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Erased:
    """What is erased, before it is: by id, the version each ends at and the instant it was recorded at; every unique
    (attribute id, key) that led to one of them, with its owner; links from their side as (relation, inverse, from, to);
    what others have of them.
    """

    versions: dict[int, int]
    recorded: dict[int, datetime]
    keys: tuple[tuple[Key, int], ...]
    links: tuple[tuple[int, int, int, int], ...]
    lent: tuple[Lent, ...]


Also = Callable[[Connection, LiveType, Erased], dict[int, dict[str, object]]]
"""Erases what lies elsewhere; answers what else the event of each id is to tell."""


class Erasing:
    """Erases entities of one database."""

    def __init__(
        self, attempts: Attempts, catalog: Catalog, judge: Judge, publish: Publish, relations: Relations
    ) -> None:
        self._attempts = attempts
        self._catalog = catalog
        self._judge = judge
        self._publish = publish
        self._relations = relations

    def erase(
        self, type_name: str, refs: Sequence[Ref], context: Context, also: Also, *, exactly: bool = False
    ) -> dict[int, int]:
        """Erase whom references mean, live or archived, with all that were merged into them; {id: last version}.

        A unique value also means every archived entity that had it. exactly: only these very ids. References to
        nothing are fine. Raises Invalid for an attribute that is not unique.
        """

        def once(live: LiveType, _refused: object) -> dict[int, int]:
            self._relations.ready()
            try:
                with self._attempts.transaction(live) as connection:
                    ids = self._meant(connection, live, refs)
                    if ids and not exactly:
                        ids = store.family(connection, ids)
                    return self._erase(connection, live, ids, context, also, exactly) if ids else {}
            except Invalid:
                self._attempts.confirm(live)
                raise

        names = [ref.attribute for ref in refs if ref.attribute]
        return self._attempts.run(type_name, False, names, once)

    def within(
        self, connection: Connection, type_name: str, ids: Sequence[int], context: Context, also: Also
    ) -> dict[int, int]:
        """Erase these very entities as part of another erasure, in its transaction; {id: last version}. Raises
        StaleCatalog: the whole erasure begins again."""
        return self._erase(connection, self._catalog.type(type_name), sorted(set(ids)), context, also, exactly=True)

    def _meant(self, connection: Connection, live: LiveType, refs: Sequence[Ref]) -> list[int]:
        ids = [ref.id for ref in refs if ref.id is not None and 0 < ref.id <= MAX_BIGINT]
        for ref in (one for one in refs if one.id is None):
            key = unique_key(live, ref, self._judge)
            if key is not None:
                attribute = live.by_id[key[0]]
                value = coerce(self._judge, live, attribute, ref.value)
                ids += owners(connection, [key]).values()
                ids += store.archived_with(connection, live, key[0], kind_of(attribute).to_slot(value, attribute))
        return sorted(set(ids))

    def _erase(
        self, connection: Connection, live: LiveType, ids: list[int], context: Context, also: Also, exactly: bool
    ) -> dict[int, int]:
        found = [
            *store.states(connection, live, ids, archived=False),
            *store.states(connection, live, ids, archived=True),
        ]
        if not exactly and store.family(connection, ids) != ids:
            raise Overtaken  # a merge came between
        if not found:
            return {}
        erased = self._told(connection, live, found)
        for one in erased.lent:
            store.unlearn(connection, one.id, one.first, one.last, one.attributes)
        details = also(connection, live, erased)
        store.remove(connection, live, erased.versions, context)
        at = shown_at(now())
        news = [
            Written(State(ident, version, "", at, {}), {}, ERASED, detail=self._detail(erased, ident, details))
            for ident, version in erased.versions.items()
        ]
        self._publish(connection, live, news, context)
        return erased.versions

    def _told(self, connection: Connection, live: LiveType, found: Sequence[tuple[State, datetime]]) -> Erased:
        ids = [state.id for state, _ in found]
        keys = {(key, state.id) for state, _ in found for key in unique_keys(live, state)}
        aliases = {(key, ids[0]) for key in store.held_keys(connection, ids)}
        known = {key for key, _ in keys}
        keys |= {(key, ident) for key, ident in aliases if key not in known}
        inverses = {one.id: one.inverse for one in self._relations.leaving(live.name)}
        links = store.unlink(connection, inverses, ids)
        return Erased(
            {state.id: state.version + 1 for state, _ in found},
            {state.id: at for state, at in found},
            tuple(sorted(keys)),
            tuple((relation, inverses[relation], start, to) for relation, start, to in links),
            tuple(Lent(who, low, high, tuple(names)) for who, low, high, names in store.lent(connection, live, ids)),
        )

    def _detail(self, erased: Erased, ident: int, details: dict[int, dict[str, object]]) -> dict[str, object]:
        """What copies have to blank beside the entity itself: its links, and what others once had of it."""
        told: dict[str, object] = {}
        links = [[relation, inverse, str(to)] for relation, inverse, start, to in erased.links if start == ident]
        if links:
            told["links"] = links
        if erased.lent:
            told["lent"] = [[str(one.id), one.first, one.last, list(one.attributes)] for one in erased.lent]
        return {**told, **details.get(ident, {})}
