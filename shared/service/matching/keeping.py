"""Keys of entities, kept in the transaction of every write: handed to the engine beside the publishing of events.

What was created while somebody is `watching` is noted, so that its possible duplicates can be looked up afterwards
without reading it again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from shared.eav.catalog import Keyed, LiveType, keyed
from shared.eav.merging.merging import MERGED
from shared.eav.merging.unmerging import RELEASED, UNMERGED
from shared.eav.store.state import Change, Written
from shared.kernel.context import Context
from shared.kernel.db import Connection, Database
from shared.service.matching import store
from shared.service.matching.rules import Matching, MatchRule

APPEARING = frozenset({"created", "restored", RELEASED})
CHANGING = frozenset({"updated", MERGED, UNMERGED})


@dataclass(frozen=True, slots=True)
class Numbered:
    """A rule as this database knows it, and the attribute keys it reads."""

    number: int
    rule: MatchRule
    names: Mapping[str, str]
    """attribute key -> internal name"""

    def values(self, stored: Mapping[str, Any]) -> dict[str, Any]:
        """What the rule reads of an entity's values by attribute key."""
        return {name: value for key, name in self.names.items() if (value := stored.get(key)) is not None}

    def keys(self, stored: Mapping[str, Any]) -> frozenset[int]:
        """The hashes of an entity's keys."""
        return self.rule.hashes(self.values(stored))


_created: ContextVar[dict[int, Mapping[str, Any]] | None] = ContextVar("created", default=None)


class Keeping:
    """Keeps keys by the rules of a service. `register` them when migrating; without that they do not count here."""

    def __init__(self, matching: Matching, database: Database) -> None:
        self.matching = matching
        self._database = database
        self._numbers: dict[tuple[int, str, int], int] | None = None

    def register(self) -> None:
        """Number the rules of all types. Idempotent."""
        with self._database.connect() as connection:
            for entity_type, rules in self.matching.items():
                for rule in rules:
                    store.register(connection, entity_type, rule.name, rule.version)

    def ready(self) -> None:
        """Learn the numbers now, before a connection is held."""
        if self._numbers is None and self.matching:
            with self._database.connect() as connection:
                self._numbers = store.numbers(connection)

    def rules(self, live: LiveType) -> Sequence[Numbered]:
        """The rules of a type that this database knows."""
        if live.name not in self.matching:
            return ()
        self.ready()
        known = tuple(sorted((self._numbers or {}).items()))
        return _numbered(keyed(live), self.matching[live.name], known)

    def __call__(self, connection: Connection, live: LiveType, written: Sequence[Written], context: Context) -> None:
        """Bring the keys of what was written up to date."""
        rules = self.rules(live)
        if not rules:
            return
        noted = _created.get()
        there: dict[store.Kept, bool] = {}  # the last word on each key: an entity may be written more than once
        for one in written:
            ident, values = one.state.id, one.state.values
            if one.kind in APPEARING:
                there |= dict.fromkeys(((rule.number, key, ident) for rule in rules for key in rule.keys(values)), True)
                if noted is not None and one.kind == "created":
                    noted[ident] = values
            elif one.kind in CHANGING:
                there |= _moved(rules, ident, values, one.changed)
        store.drop(connection, sorted(kept for kept, live_on in there.items() if not live_on))
        store.add(connection, sorted(kept for kept, live_on in there.items() if live_on))

    @contextmanager
    def watching(self) -> Iterator[dict[int, Mapping[str, Any]]]:
        """Inside the block, values (by attribute key) of what is created are noted under its id, and of attempts that
        came to nothing, too."""
        found: dict[int, Mapping[str, Any]] = {}
        token = _created.set(found)
        try:
            yield found
        finally:
            _created.reset(token)


@lru_cache(maxsize=256)
def _numbered(
    key: Keyed, rules: tuple[MatchRule, ...], known: tuple[tuple[tuple[int, str, int], int], ...]
) -> tuple[Numbered, ...]:
    live, numbers = key.live, dict(known)
    found = []
    for rule in rules:
        number = numbers.get((live.id, rule.name, rule.version))
        names = {live.attributes[name].key: name for name in rule.attributes if name in live.attributes}
        if number is not None and names:
            found.append(Numbered(number, rule, names))
    return tuple(found)


def _moved(
    rules: Sequence[Numbered], ident: int, values: Mapping[str, Any], changed: Mapping[str, Change]
) -> dict[store.Kept, bool]:
    """Keys that an entity has after a change, and those that the change took away."""
    there: dict[store.Kept, bool] = {}
    for rule in rules:
        if not rule.names.keys().isdisjoint(changed):
            before = {**values, **{key: old for key, (old, _) in changed.items()}}
            there |= {(rule.number, key, ident): False for key in rule.keys(before)}
            there |= {(rule.number, key, ident): True for key in rule.keys(values)}
    return there
