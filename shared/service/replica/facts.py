"""What the parts of a replica share: facts and their changes, and the statements that keep them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from shared.contracts.event import ARCHIVED, CREATED, ERASED, RESTORED, Event
from shared.eav.store.state import checksum
from shared.kernel.clock import iso
from shared.kernel.db import Connection
from shared.kernel.json import dumps
from shared.service.replica.catalogs import KnownType

Values = Mapping[str, Any]
Key = tuple[int, int]
NEVER = datetime.min.replace(tzinfo=UTC)

_PUT = """insert into fact (type_no, id, version, archived, at, checksum, values)
select type_no, id, version, archived, at, checksum, values from json_to_recordset(%(rows)s::json)
    as r(type_no smallint, id bigint, version bigint, archived bool, at timestamp, checksum bigint, values jsonb)
on conflict (type_no, id) do update set version = excluded.version, archived = excluded.archived, at = excluded.at,
    checksum = excluded.checksum, values = excluded.values"""
VERSION_SUM = "fact_version_sum(type_no, id, version, kind, at, effective_at, actor, {changed})"
"""What a version's row is proven by, of the row as it should be."""
_AS_GIVEN = VERSION_SUM.format(changed="changed")
VERSIONS = f"""insert into fact_version (type_no, id, version, kind, at, effective_at, actor, changed, checksum)
select type_no, id, version, kind, at, effective_at, actor, changed, {_AS_GIVEN} from json_to_recordset(%(rows)s::json)
    as r(type_no smallint, id bigint, version bigint, kind text, at timestamp, effective_at timestamp, actor text,
         changed jsonb)
on conflict do nothing"""
LINKED = """insert into fact_link (relation, from_id, to_id)
select * from unnest(%(relations)s::int[], %(froms)s::bigint[], %(tos)s::bigint[]) on conflict do nothing"""
UNLINKED = """delete from fact_link l
using unnest(%(relations)s::int[], %(froms)s::bigint[], %(tos)s::bigint[]) gone(relation, from_id, to_id)
where (l.relation, l.from_id, l.to_id) = (gone.relation, gone.from_id, gone.to_id)"""
_GONE = "(type_no, id) in (select * from unnest(%(types)s::smallint[], %(ids)s::bigint[]))"
_EMPTY = VERSION_SUM.format(changed="'{}'::jsonb")
_ERASE = (
    f"update fact_version set changed = '{{}}', checksum = {_EMPTY} where {_GONE}",
    f"update fact_transition set old = null, new = null where {_GONE}",
)


@dataclass(frozen=True, slots=True)
class FactChange:
    """One version of one entity. old, new: canonical values by attribute key, None while it is not live."""

    known: KnownType
    id: int
    version: int
    kind: str
    at: datetime
    effective_at: datetime
    old: Values | None
    new: Values | None


@dataclass(slots=True)
class Fact:
    """A fact while it is worked on. `touched`: to be stored. system: keys of the values that no event tells."""

    version: int
    archived: bool
    at: datetime
    values: dict[str, Any]
    touched: bool = False
    system: frozenset[str] = frozenset()

    @property
    def live(self) -> Values | None:
        """The values, None while the entity is not live."""
        return None if self.archived else self.values

    @property
    def checksum(self) -> int:
        """What the entity's home keeps of the same version, which is over the values that events tell."""
        told = {key: value for key, value in self.values.items() if key not in self.system}
        return checksum(told, self.version)


def store(connection: Connection, facts: Mapping[Key, Fact]) -> None:
    """Write the facts that were touched."""
    rows = [
        {
            "type_no": no,
            "id": ident,
            "version": fact.version,
            "archived": fact.archived,
            "at": naive(fact.at),
            "checksum": fact.checksum,
            "values": fact.values,
        }
        for (no, ident), fact in sorted(facts.items())
        if fact.touched
    ]
    if rows:
        connection.run(_PUT, {"rows": dumps(rows).decode()}, prepare=True)


COPIED = "entity.copied"
COPIED_ARCHIVED = "entity.copied_archived"
# Told as archived and restored, with the merge that did it: kept apart, so that what became of an entity can be told.
ABSORBED = "entity.absorbed"
RELEASED = "entity.released"
_ARCHIVES = {
    ABSORBED: True,
    RELEASED: False,
    CREATED: False,
    RESTORED: False,
    COPIED: False,
    ARCHIVED: True,
    COPIED_ARCHIVED: True,
    ERASED: True,
}

_BY_A_MERGE = {ARCHIVED: ABSORBED, RESTORED: RELEASED}


@dataclass(frozen=True, slots=True)
class Step:
    """One version as it was told, or as it was noted: what makes the next state of a fact from the one before."""

    id: int
    version: int
    kind: str
    at: datetime
    effective_at: datetime
    changed: Mapping[str, Sequence[Any]]


def kind_of(event: Event) -> str:
    """The kind of a version, as it is kept."""
    return _BY_A_MERGE.get(event.kind, event.kind) if "merge" in event.detail else event.kind


def advance(known: KnownType, fact: Fact, step: Step) -> FactChange:
    """Bring a fact to its next version; what that changed."""
    old = fact.live
    if step.kind == ERASED:
        fact.values = {}
    else:
        fact.values = applied(fact.values, step.changed)
        if step.kind not in (COPIED, COPIED_ARCHIVED):
            created = step.effective_at if step.version == 1 else None
            fact.values |= kept_by_the_system(known, step.id, created, step.at)
    fact.archived = _ARCHIVES.get(step.kind, fact.archived)
    fact.version, fact.at, fact.touched, fact.system = step.version, step.at, True, system_keys(known)
    return FactChange(known, step.id, step.version, step.kind, step.at, step.effective_at, old, fact.live)


def applied(values: Mapping[str, Any], changed: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
    """The values after a change."""
    after = dict(values)
    for key, (_, new) in changed.items():
        if new is None:
            after.pop(key, None)
        else:
            after[key] = new
    return after


def new_fact() -> Fact:
    """An entity before its first version."""
    return Fact(0, True, NEVER, {})


def kept_by_the_system(known: KnownType, ident: int, created: datetime | None, changed: datetime) -> dict[str, Any]:
    """Values that no event tells, because every entity has them: id and instants."""
    keys = _system(known)
    told = {"id": str(ident), "updated_at": _iso(changed)}
    if created is not None:
        told["created_at"] = _iso(created)
    return {keys[name]: value for name, value in told.items() if name in keys}


@lru_cache(maxsize=256)
def system_keys(known: KnownType) -> frozenset[str]:
    """Keys of the values that no event tells."""
    return frozenset(_system(known).values())


@lru_cache(maxsize=256)
def _system(known: KnownType) -> Mapping[str, str]:
    """Their keys by name; per type in force, for every event asks."""
    attributes = known.live.attributes
    return {name: attributes[name].key for name in ("id", "created_at", "updated_at") if name in attributes}


_iso = lru_cache(maxsize=1024)(iso)
"""Events of one write share their instant."""


def write_links(connection: Connection, statement: str, links: Iterable[tuple[int, int, int]]) -> None:
    """Run LINKED or UNLINKED over these links."""
    rows = sorted(links)
    if rows:
        columns = [list(one) for one in zip(*rows, strict=True)]
        params = dict(zip(("relations", "froms", "tos"), columns, strict=True))
        connection.run(statement, params, prepare=True)


def forget(connection: Connection, erased: Sequence[FactChange]) -> None:
    """Take the values of erased entities out of all their versions."""
    if erased:
        keys = {"types": [one.known.no for one in erased], "ids": [one.id for one in erased]}
        for statement in _ERASE:
            connection.run(statement, keys)


@lru_cache(maxsize=1024)
def naive(instant: datetime) -> str:
    """An instant as the tables keep it, in JSON."""
    return instant.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds")
