"""Rows of canned replies, macros and triggers: kinds of declarations with a name, in versions.

Every function runs inside the caller's transaction. A change counts the revision up, so that whoever holds something
made of them knows when to make it anew. Withdrawing one keeps its versions; its name may be declared again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from shared.kernel.clock import now
from shared.kernel.db import Connection
from shared.kernel.json import dumps, loads

REPLY, MACRO, TRIGGER = "reply", "macro", "trigger"
_LOCK = 7114
_ROW = """
select r.id, r.name, v.version, v.body::text, v.declared_at, v.created_by, r.filled_to, r.gone from desk_rule r
join desk_rule_version v on v.rule_id = r.id
"""
_CURRENT = f"{_ROW} and v.version = r.version where r.kind = %(kind)s and not r.gone"
_ADD = """
insert into desk_rule (kind, name, version) values (%(kind)s, %(name)s, 1)
on conflict (kind, name) do update set version = desk_rule.version + 1, gone = false
returning id, version
"""
_VERSION = """
insert into desk_rule_version (rule_id, version, body, declared_at, created_by)
values (%(id)s, %(version)s, %(body)s::jsonb, %(at)s, %(actor)s)
"""


@dataclass(frozen=True, slots=True)
class Declared:
    """One version of a declaration, as it was written. at: since when it counts. filled_to: up to which ticket those
    that were there before were looked at, None when that is done."""

    id: int
    name: str
    version: int
    body: Mapping[str, Any]
    at: datetime
    by: str | None = None
    filled_to: int | None = None
    gone: bool = False


def revision(connection: Connection) -> int:
    """How often anything declared has changed."""
    row = connection.row("select n from desk_rule_revision", prepare=True)
    return int(row[0]) if row else 0


def hold(connection: Connection) -> None:
    """Let changes of declarations wait for one another until the transaction ends."""
    connection.row(f"select pg_advisory_xact_lock({_LOCK})")


def current(connection: Connection, kind: str) -> dict[str, Declared]:
    """Those in force, by name."""
    rows = connection.rows(f"{_CURRENT} order by r.name", {"kind": kind})
    return {row[1]: _declared(row) for row in rows}


def one(connection: Connection, kind: str, name: str) -> Declared | None:
    """The one of a name, or of an id in digits."""
    found = current(connection, kind)
    by_id = {str(each.id): each for each in found.values()}
    return found.get(name) or by_id.get(name)


def every(connection: Connection, kind: str) -> list[Declared]:
    """All versions of a kind, by id, oldest first; those withdrawn too."""
    rows = connection.rows(f"{_ROW} where r.kind = %(kind)s order by r.id, v.version", {"kind": kind})
    return [_declared(row) for row in rows]


def add(connection: Connection, kind: str, name: str, body: Mapping[str, Any], actor: str) -> Declared:
    """Another version; the first one makes it."""
    row = connection.row(_ADD, {"kind": kind, "name": name})
    assert row is not None
    at = now()
    params = {"id": row[0], "version": row[1], "body": dumps(body).decode(), "at": _naive(at), "actor": actor}
    connection.run(_VERSION, params)
    _changed(connection)
    return Declared(row[0], name, row[1], body, at, actor)


def withdraw(connection: Connection, ident: int) -> None:
    """Have one no longer in force."""
    connection.run("update desk_rule set gone = true where id = %(id)s", {"id": ident})
    _changed(connection)


def fill(connection: Connection, ident: int, upto: int | None) -> None:
    """Up to which ticket those there before were looked at."""
    connection.run("update desk_rule set filled_to = %(upto)s where id = %(id)s", {"id": ident, "upto": upto})


def _changed(connection: Connection) -> None:
    connection.run("update desk_rule_revision set n = n + 1")


def _declared(row: tuple[Any, ...]) -> Declared:
    ident, name, version, body, at, actor, filled, gone = row
    return Declared(ident, name, version, loads(body), at.replace(tzinfo=UTC), actor, filled, gone)


def _naive(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None)
