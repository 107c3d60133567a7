"""Keys of entities, kept in the transaction of every write: handed to the engine beside the publishing of events.

What was created while somebody is `watching` is noted, with whoever had one of its keys: the statement that keeps the
keys answers that, so that a creation costs one statement for both. Two that are created at the same moment do not see
each other. An update that leaves alone what rules read costs nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from shared.eav.catalog import LiveType
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


@dataclass(slots=True)
class Created:
    """Something just created: its values by attribute key, and by rule number who had one of its keys."""

    values: Mapping[str, Any]
    alike: dict[int, set[int]] = field(default_factory=dict)


_created: ContextVar[dict[int, Created] | None] = ContextVar("created", default=None)


class Keeping:
    """Keeps keys by the rules of a service. `register` them when migrating; without that they do not count here."""

    def __init__(self, matching: Matching, database: Database) -> None:
        self.matching = matching
        self._database = database
        self._numbers: dict[tuple[int, str, int], int] | None = None
        self._rules: dict[int, tuple[LiveType, tuple[Numbered, ...]]] = {}

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
        kept = self._rules.get(live.id)
        if kept is None or kept[0] is not live:
            self.ready()
            rules = _numbered(live, self.matching[live.name], self._numbers or {})
            kept = self._rules[live.id] = (live, rules)
        return kept[1]

    def __call__(self, connection: Connection, live: LiveType, written: Sequence[Written], context: Context) -> None:
        """Bring the keys of what was written up to date."""
        rules = self.rules(live)
        if not rules:
            return
        noted = _created.get()
        there: dict[store.Kept, bool] = {}  # the last word on each key: an entity may be written more than once
        asking: list[store.Kept] = []
        for one in written:
            ident, values = one.state.id, one.state.values
            if one.kind in APPEARING:
                keys = [(rule.number, key, ident) for rule in rules for key in rule.keys(values)]
                if noted is not None and one.kind == "created":
                    noted[ident] = Created(values)
                    asking += keys
                else:
                    there |= dict.fromkeys(keys, True)
            elif one.kind in CHANGING:
                there |= _moved(rules, ident, values, one.changed)
        if asking and noted is not None:
            _note(noted, asking, store.add_and_find(connection, live.table, sorted(asking)))
        if there:
            store.drop(connection, sorted(kept for kept, live_on in there.items() if not live_on))
            store.add(connection, sorted(kept for kept, live_on in there.items() if live_on))

    @contextmanager
    def watching(self) -> Iterator[dict[int, Created]]:
        """Inside the block, what is created is noted under its id; what attempts that came to nothing created, too."""
        found: dict[int, Created] = {}
        token = _created.set(found)
        try:
            yield found
        finally:
            _created.reset(token)


def _numbered(
    live: LiveType, rules: Sequence[MatchRule], numbers: Mapping[tuple[int, str, int], int]
) -> tuple[Numbered, ...]:
    found = []
    for rule in rules:
        number = numbers.get((live.id, rule.name, rule.version))
        names = {live.attributes[name].key: name for name in rule.attributes if name in live.attributes}
        if number is not None and names:
            found.append(Numbered(number, rule, names))
    return tuple(found)


def _note(noted: Mapping[int, Created], asked: Sequence[store.Kept], sharing: Iterable[store.Kept]) -> None:
    """Tell what was created who had one of its keys, and who was created with one beside it."""
    owners: dict[store.Key, list[int]] = {}
    for number, key, ident in asked:
        owners.setdefault((number, key), []).append(ident)
    beside = [
        (*key, other) for key, idents in owners.items() if len(idents) > 1 for other in idents[-store.MOST_PER_KEY :]
    ]
    for number, key, other in (*sharing, *beside):
        for ident in owners[number, key]:
            if ident != other:
                noted[ident].alike.setdefault(number, set()).add(other)


def _moved(
    rules: Sequence[Numbered], ident: int, values: Mapping[str, Any], changed: Mapping[str, Change]
) -> dict[store.Kept, bool]:
    """Keys that a change gave to an entity, and those it took away."""
    there: dict[store.Kept, bool] = {}
    for rule in rules:
        if not rule.names.keys().isdisjoint(changed):
            had = rule.keys({**values, **{key: old for key, (old, _) in changed.items()}})
            has = rule.keys(values)
            there |= {(rule.number, key, ident): key in has for key in had ^ has}
    return there
