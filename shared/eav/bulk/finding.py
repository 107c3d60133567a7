"""What the references of a call mean in the database: one statement per way of referring, whatever their number.

A reference names an id, a unique attribute or any other attribute with a slot. What earlier items of the same call
do to the answer is `judging`'s business.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from shared.eav.absorbed import heirs
from shared.eav.attempts import Overtaken
from shared.eav.bulk.shapes import Shapes
from shared.eav.catalog import LiveType
from shared.eav.declare import AttributeDef
from shared.eav.query.page import check_version
from shared.eav.query.reading import reader
from shared.eav.references import MAX_BIGINT
from shared.eav.requests import Ref
from shared.eav.store.keys import owners
from shared.eav.store.state import State
from shared.eav.store.write import state_of
from shared.eav.tables import table_name
from shared.eav.types import ValueProblem, kind_of
from shared.kernel.db import Connection
from shared.kernel.errors import FieldError

Key = tuple[int, Any]
# Who has a value that need not be unique: more names than these help nobody, and a value may have millions.
MOST_NAMED = 10
_ARRAYS = {"t": "text", "i": "bigint", "d": "timestamp", "n": "numeric"}
_INDEXED = """
select k.place, t.id from unnest(%(keys)s::{array}[]) with ordinality k(value, place)
cross join lateral (select id from {table} where {column} = k.value order by id limit {most}) t order by 1, 2
"""
# An index that is still being built: one walk through the table instead of one per key.
_UNINDEXED = """
select place, id from (
    select k.place, t.id, row_number() over (partition by k.place order by t.id) as nth
    from {table} t join unnest(%(keys)s::{array}[]) with ordinality k(value, place) on t.{column} = k.value) found
where nth <= {most} order by 1, 2
"""


@dataclass(frozen=True, slots=True)
class Sought:
    """What one reference asks for: an id, or a key of an attribute; neither when its value cannot exist."""

    id: int | None = None
    attribute: AttributeDef | None = None
    key: Key | None = None
    error: FieldError | None = None


NOTHING = Sought()


def sought(shapes: Shapes, live: LiveType, ref: Ref | None) -> Sought:
    """What a reference asks for; an error when no entity can be told by it."""
    if ref is None:
        return NOTHING
    if ref.id is not None:
        return Sought(ref.id if 0 < ref.id <= MAX_BIGINT else 0)
    name = ref.attribute or ""
    attribute = live.find(name)
    if attribute is None:
        close = live.suggestions(name)
        message = f'Property "{name}" does not exist on {live.plural}'
        return Sought(error=FieldError(name, "PROPERTY_DOESNT_EXIST", message, close))
    kind = kind_of(attribute)
    if attribute.system or kind.family is None:
        message = f'Property "{name}" cannot identify an entity'
        return Sought(error=FieldError(name, "NOT_UNIQUE", message))
    try:
        value, _ = shapes.column(attribute).read(ref.value)
    except ValueProblem:
        return Sought(attribute=attribute)
    return Sought(attribute=attribute, key=None if value is None else key_of(attribute, value))


def key_of(attribute: AttributeDef, value: Any) -> Key:
    """What a canonical value is looked up by: equal for values that count as the same."""
    kind = kind_of(attribute)
    return (
        attribute.id,
        kind.unique_key(value, attribute) if attribute.unique else kind.to_slot(value, attribute),
    )


def held_key(attribute: AttributeDef, values: Mapping[str, Any]) -> Key | None:
    """The key that canonical JSON values hold of an attribute."""
    held = values.get(attribute.key)
    return None if held is None else key_of(attribute, kind_of(attribute).from_json(held, attribute))


@dataclass(slots=True)
class Found:
    """What the database said. `states` by id; `owners` of unique keys, of which `asked` is known; `matches` of others
    (at most MOST_NAMED ids, in order); `heirs` of absorbed ids."""

    live: LiveType
    states: dict[int, State] = field(default_factory=dict)
    owners: dict[Key, int] = field(default_factory=dict)
    asked: set[Key] = field(default_factory=set)
    matches: dict[Key, tuple[int, ...]] = field(default_factory=dict)
    heirs: dict[int, int] = field(default_factory=dict)

    def look(self, connection: Connection, every: Sequence[Sought]) -> None:
        """Find everything that is referred to.

        Raises Overtaken when a value went elsewhere between two statements, StaleCatalog.
        """
        keys = {one.key for one in every if one.key is not None and one.attribute and one.attribute.unique}
        self.ask(connection, keys)
        self._match(connection, [one for one in every if one.attribute and not one.attribute.unique])
        asked = {one.id for one in every if one.id}
        ids = set(asked)
        ids |= {self.owners[key] for key in keys if key in self.owners}
        ids |= {found[0] for found in self.matches.values() if len(found) == 1}
        self.read(connection, ids)
        self._inherit(connection, asked - self.states.keys())
        self.verify(connection, every)

    def _inherit(self, connection: Connection, ids: Collection[int]) -> None:
        """The ids of absorbed entities mean their survivors."""
        self.heirs = heirs(connection, self.live, ids)
        self.read(connection, set(self.heirs.values()) - self.states.keys())

    def verify(self, connection: Connection, every: Iterable[Sought]) -> None:
        """Raise Overtaken unless whom a key led to still has it, or is still led to by it as by an alias."""
        doubtful: dict[Key, int] = {}
        for one in every:
            ident = self._only(one.key)
            if ident is None or one.attribute is None or one.key is None:
                continue
            if not self._holds(ident, one.attribute, one.key):
                doubtful[one.key] = ident
        if doubtful and not (doubtful.keys() <= self.asked and owners(connection, doubtful) == doubtful):
            raise Overtaken
        if not self.states.keys() >= set(doubtful.values()):
            raise Overtaken

    def meant(self, one: Sought) -> int | None:
        """The id a reference by id or by a unique attribute leads to, before this call changes anything."""
        if one.id is not None:
            return self.heirs.get(one.id, one.id)
        return None if one.key is None else self.owners.get(one.key)

    def ask(self, connection: Connection, keys: Iterable[Key]) -> bool:
        """Who has these unique keys; whether anybody has one that was not known of."""
        new = set(keys) - self.asked
        found = owners(connection, new)
        self.asked |= new
        self.owners |= found
        return bool(found)

    def read(self, connection: Connection, ids: Iterable[int]) -> None:
        """Read the states of these ids anew; those that are not there are forgotten."""
        wanted = sorted(set(ids))
        if not wanted:
            return
        view = reader(self.live, self.live.kept, "canonical")
        rows = view.rows(connection, wanted)
        check_version(connection, self.live, rows)
        for ident in wanted:
            self.states.pop(ident, None)
        self.states |= {state.id: state for state in (state_of(view, row) for row in rows)}

    def _only(self, key: Key | None) -> int | None:
        """The one entity a key was found at."""
        if key is None:
            return None
        several = self.matches.get(key, ())
        return several[0] if len(several) == 1 else self.owners.get(key)

    def _holds(self, ident: int, attribute: AttributeDef | None, key: Key | None) -> bool:
        state = self.states.get(ident)
        return state is not None and attribute is not None and held_key(attribute, state.values) == key

    def _match(self, connection: Connection, named: Sequence[Sought]) -> None:
        by_id = {one.attribute.id: one.attribute for one in named if one.attribute is not None}
        sets: dict[int, set[Any]] = {}
        for one in named:
            if one.key is not None:
                sets.setdefault(one.key[0], set()).add(one.key[1])
        for ident, values in sets.items():
            attribute = by_id[ident]
            if attribute.column is None:
                continue
            keys = sorted(values)
            sql = (_INDEXED if attribute.indexed else _UNINDEXED).format(
                array=_ARRAYS[kind_of(attribute).family or "t"],
                table=table_name(self.live.table, attribute.bank),
                column=attribute.column,
                most=MOST_NAMED,
            )
            for place, entity_id in connection.rows(sql, {"keys": keys}):
                key = (ident, keys[place - 1])
                self.matches[key] = (*self.matches.get(key, ()), entity_id)
