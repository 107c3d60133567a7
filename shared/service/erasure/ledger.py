"""The ledger of erasures: which ids were erased and when, and keyed hashes of the unique values they had.

It holds no value. It keeps erased values from coming back (a write that brings one is refused while its block is on)
and erases again what a restored backup brings back. Exported and imported, it outlives the database.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.kernel.clock import iso
from shared.kernel.db import Connection
from shared.service.erasure.secret import Secret

PAGE = 500


@dataclass(frozen=True, slots=True)
class Hash:
    """One erased value. blocked: writing it is refused, where the installation refuses such writes at all."""

    secret: str
    hash: bytes
    blocked: bool = True


@dataclass(frozen=True, slots=True)
class Entry:
    """One erasure; entity_id None: only a value was to be kept out, nobody had it."""

    entity_type: str
    entity_id: int | None
    erased_at: datetime
    hashes: tuple[Hash, ...]
    id: int = 0

    def to_document(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "type": self.entity_type,
            "id": None if self.entity_id is None else str(self.entity_id),
            "erased_at": iso(self.erased_at),
            "values": [{"secret": one.secret, "hash": one.hash.hex(), "blocked": one.blocked} for one in self.hashes],
        }

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> Entry:
        """The entry of a document; raises KeyError, TypeError or ValueError on what is none."""
        ident = document["id"]
        at = datetime.fromisoformat(document["erased_at"]).replace(tzinfo=None)
        hashes = tuple(
            Hash(str(one["secret"]), bytes.fromhex(one["hash"]), bool(one["blocked"])) for one in document["values"]
        )
        return cls(str(document["type"]), None if ident is None else int(ident), at, hashes)


_PUT = """
insert into erasure (entity_type, entity_id, erased_at)
select * from unnest(%(types)s::text[], %(ids)s::bigint[], %(ats)s::timestamp[]) on conflict do nothing
"""
_PUT_VALUES = """
insert into erasure_value (erasure_id, secret, hash, blocked)
select e.id, g.secret, g.hash, g.blocked
from unnest(%(types)s::text[], %(ids)s::bigint[], %(s)s::text[], %(h)s::bytea[], %(b)s::bool[])
    g(entity_type, entity_id, secret, hash, blocked)
join erasure e on e.entity_type = g.entity_type and e.entity_id = g.entity_id on conflict do nothing
"""
_PUT_ALONE = """
with made as (insert into erasure (entity_type, erased_at) values (%(type)s, %(at)s) returning id)
insert into erasure_value (erasure_id, secret, hash, blocked)
select made.id, g.* from made, unnest(%(s)s::text[], %(h)s::bytea[], %(b)s::bool[]) g
"""
_KNOWN = "select erasure_id from erasure_value where hash = any(%(h)s::bytea[]) limit 1"
_ERASED = """
select e.entity_type, e.entity_id from unnest(%(types)s::text[], %(ids)s::bigint[]) g(entity_type, id)
join erasure e on e.entity_type = g.entity_type and e.entity_id = g.id
"""
_BLOCKED = "select distinct hash from erasure_value where hash = any(%(h)s::bytea[]) and blocked"
_ANY_BLOCKED = "select exists (select from erasure_value where blocked)"
_LIFT = "update erasure_value set blocked = false where hash = any(%(h)s::bytea[]) and blocked"
_LISTED = """
select e.entity_type, e.entity_id, e.erased_at, e.id, coalesce(
    (select json_agg(json_build_array(v.secret, encode(v.hash, 'hex'), v.blocked) order by v.hash)
     from erasure_value v where v.erasure_id = e.id), '[]')
from erasure e where e.id > %(after)s and (%(type)s::text is null or e.entity_type = %(type)s)
order by e.id limit %(limit)s
"""


def create_statements() -> list[str]:
    """DDL of the ledger."""
    return [
        """create table erasure (
            id bigint generated always as identity primary key, entity_type text not null, entity_id bigint,
            erased_at timestamp not null, unique (entity_type, entity_id))""",
        """create table erasure_value (
            erasure_id bigint not null references erasure on delete cascade, secret text not null,
            hash bytea not null, blocked boolean not null, primary key (hash, erasure_id))""",
        "create index on erasure_value (erasure_id)",
    ]


DROP = "drop table if exists erasure_value, erasure"


def put(connection: Connection, entries: Sequence[Entry]) -> int:
    """Note erasures; ones that are known stay as they are. How many were given.

    Two statements however many there are, except for values that nobody had.
    """
    about = [one for one in entries if one.entity_id is not None]
    if about:
        heads = {"types": [one.entity_type for one in about], "ids": [one.entity_id for one in about]}
        connection.run(_PUT, {**heads, "ats": [one.erased_at for one in about]})
        rows = [(one.entity_type, one.entity_id, *_row(found)) for one in about for found in one.hashes]
        columns = ("types", "ids", "s", "h", "b")
        connection.run(_PUT_VALUES, {name: [row[n] for row in rows] for n, name in enumerate(columns)})
    for entry in entries:
        hashes = [one.hash for one in entry.hashes]
        if entry.entity_id is None and connection.row(_KNOWN, {"h": hashes}) is None:
            values = {name: [_row(one)[n] for one in entry.hashes] for n, name in enumerate("shb")}
            connection.run(_PUT_ALONE, {"type": entry.entity_type, "at": entry.erased_at, **values})
    return len(entries)


def _row(one: Hash) -> tuple[str, bytes, bool]:
    return one.secret, one.hash, one.blocked


def listed(connection: Connection, after: int = 0, limit: int = PAGE, entity_type: str | None = None) -> list[Entry]:
    """A page of entries, in the order they came in."""
    rows = connection.rows(_LISTED, {"after": after, "limit": limit, "type": entity_type})
    return [
        Entry(kind, ident, at, tuple(Hash(s, bytes.fromhex(h), b) for s, h, b in hashes), number)
        for kind, ident, at, number, hashes in rows
    ]


def blocks(connection: Connection) -> bool:
    """Whether any value is kept out at all: where nobody was erased, no hash is made."""
    return connection.row(_ANY_BLOCKED, prepare=True) == (True,)


def blocked(
    connection: Connection, secrets: Sequence[Secret], values: Collection[tuple[str, str, str]]
) -> set[tuple[str, str, str]]:
    """Which of these (type, attribute, key) are blocked."""
    by_hash = {secret.hash(*value): value for secret in secrets for value in values}
    rows = connection.rows(_BLOCKED, {"h": list(by_hash)}, prepare=True)
    return {by_hash[bytes(found)] for (found,) in rows}


def erased(connection: Connection, ids: Collection[tuple[str, int]]) -> set[tuple[str, int]]:
    """Which of these (type, id) were erased."""
    if not ids:
        return set()
    params = {"types": [kind for kind, _ in ids], "ids": [ident for _, ident in ids]}
    return {(kind, ident) for kind, ident in connection.rows(_ERASED, params, prepare=True)}


def lift(connection: Connection, secrets: Sequence[Secret], value: tuple[str, str, str]) -> bool:
    """Let a value be written again; whether it was blocked."""
    return connection.run(_LIFT, {"h": [secret.hash(*value) for secret in secrets]}) > 0
