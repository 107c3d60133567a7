"""Making facts and links what their home says they are, in place of what events would have told."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.contracts.event import ERASED
from shared.kernel.clock import now
from shared.kernel.db import Connection
from shared.kernel.json import dumps, loads
from shared.service.replica.catalogs import KnownType
from shared.service.replica.facts import (
    COPIED,
    COPIED_ARCHIVED,
    LINKED,
    NEVER,
    UNLINKED,
    VERSIONS,
    Fact,
    FactChange,
    Key,
    Step,
    Values,
    advance,
    kept_by_the_system,
    naive,
    new_fact,
    store,
    system_keys,
    write_links,
)

_BETWEEN = """select id, version, archived, values::text, checksum from fact
where type_no = %(no)s and id > %(after)s and id <= %(upto)s order by id for update"""
_LOSE = tuple(
    f"delete from {table} where type_no = %(no)s and id = any(%(ids)s)"
    for table in ("fact", "fact_version", "fact_transition")
)
# A source that was put back to an earlier day goes on from there: what came after never was.
_TAKE_BACK = tuple(
    f"""delete from {table} t using unnest(%(ids)s::bigint[], %(versions)s::bigint[]) now(id, version)
    where t.type_no = %(no)s and t.id = now.id and t.version > now.version"""
    for table in ("fact_version", "fact_transition")
)
_LINKS_BETWEEN = """select relation, from_id, to_id from fact_link
where (relation, from_id, to_id) > (%(r1)s::int, %(f1)s::bigint, %(t1)s::bigint)
and (relation, from_id, to_id) <= (%(r2)s::int, %(f2)s::bigint, %(t2)s::bigint)"""
Link = tuple[int, int, int]
"""(relation, from id, to id) of one direction."""
Speaks = Callable[[int], bool]
"""Whether a source is to be believed about links of a relation."""


@dataclass(frozen=True, slots=True)
class State:
    """One entity as its home holds it."""

    id: int
    version: int
    archived: bool
    created_at: datetime
    updated_at: datetime
    values: dict[str, Any]


def take_over(
    connection: Connection, known: KnownType, states: Sequence[State], after: int, upto: int
) -> list[FactChange]:
    """Make the facts with after < id <= upto what their home says they are; what that changed."""
    rows = connection.rows(_BETWEEN, {"no": known.no, "after": after, "upto": upto})
    system = system_keys(known)
    facts = {(known.no, row[0]): Fact(row[1], row[2], NEVER, loads(row[3]), system=system) for row in rows}
    damaged = {row[0] for row in rows if facts[known.no, row[0]].checksum != row[4]}
    told = {one.id for one in states}
    steps = [step for one in states if (step := _step(known, facts, one, damaged))]
    changes = [advance(known, facts.setdefault((known.no, one.id), new_fact()), one) for one in steps]
    lost = [ident for _, ident in facts if ident not in told]
    for ident in lost:
        fact = facts[known.no, ident]
        moment = now()
        changes.append(FactChange(known, ident, fact.version + 1, ERASED, moment, moment, fact.live, None))
    store(connection, facts)
    _note(connection, known, steps)
    for statement in _LOSE if lost else ():
        connection.run(statement, {"no": known.no, "ids": lost})
    return changes


def _step(known: KnownType, facts: Mapping[Key, Fact], state: State, damaged: Collection[int]) -> Step | None:
    """The step from the fact as it is to the state at home, None when they are the same and its checksum is right."""
    values = {**state.values, **kept_by_the_system(known, state.id, state.created_at, state.updated_at)}
    fact = facts.get((known.no, state.id)) or new_fact()
    same = (fact.version, fact.archived, fact.values) == (state.version, state.archived, values)
    if same and state.id not in damaged:
        return None
    kind = COPIED_ARCHIVED if state.archived else COPIED
    return Step(state.id, state.version, kind, state.updated_at, state.updated_at, _difference(fact.values, values))


def _note(connection: Connection, known: KnownType, steps: Sequence[Step]) -> None:
    """Versions taken over whole: what led to them is not known here, and nothing comes after them yet."""
    rows = [
        {
            "type_no": known.no,
            "id": one.id,
            "version": one.version,
            "kind": one.kind,
            "at": naive(one.at),
            "effective_at": naive(one.effective_at),
            "changed": one.changed,
        }
        for one in steps
    ]
    if rows:
        ids = {"ids": [one.id for one in steps], "versions": [one.version for one in steps]}
        for statement in _TAKE_BACK:
            connection.run(statement, {"no": known.no, **ids})
        connection.run(VERSIONS, {"rows": dumps(rows).decode()}, prepare=True)


def _difference(old: Values, new: Values) -> dict[str, list[Any]]:
    keys = sorted({*old, *new})
    return {key: [old.get(key), new.get(key)] for key in keys if old.get(key) != new.get(key)}


def take_over_links(
    connection: Connection, links: Sequence[Link], first: tuple[int, ...], last: tuple[int, ...], speaks: Speaks
) -> None:
    """Make the links behind `first`, up to `last`, what their home says they are, as far as that is for it to say."""
    differing = differing_links(connection, links, first, last, speaks)
    write_links(connection, UNLINKED, differing - set(links))
    write_links(connection, LINKED, differing & set(links))


def differing_links(
    connection: Connection, links: Sequence[Link], first: tuple[int, ...], last: tuple[int, ...], speaks: Speaks
) -> set[Link]:
    """Links of that range that are here or at home, but not both."""
    params = dict(zip(("r1", "f1", "t1", "r2", "f2", "t2"), (*first, *last), strict=True))
    known = {(row[0], row[1], row[2]) for row in connection.rows(_LINKS_BETWEEN, params) if speaks(row[0])}
    return known ^ set(links)
