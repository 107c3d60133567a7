"""Rows of calendars and policies: kinds of declarations in versions, each valid from an instant on.

Every function runs inside the caller's transaction. A change counts the revision up: whoever holds a book of an earlier
one loads it anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from services.service_desk.promises.instants import ms, naive
from shared.kernel.db import Connection
from shared.kernel.json import dumps, loads

CALENDAR, POLICY = "calendar", "policy"
_LOCK = 7113


@dataclass(frozen=True, slots=True)
class Declared:
    """One version of a calendar or policy, as it was written."""

    id: int
    name: str
    version: int
    valid_from: int
    body: Mapping[str, Any]
    created_by: str | None = None


def revision(connection: Connection) -> int:
    """How often calendars or policies have changed."""
    row = connection.row("select n from sla_revision", prepare=True)
    return int(row[0]) if row else 0


def clocked(connection: Connection) -> bool:
    """Whether there is, or was, any ticket."""
    return connection.row("select from sla_clock limit 1") is not None


def hold(connection: Connection) -> None:
    """Let changes of calendars and policies wait for one another until the transaction ends."""
    connection.row(f"select pg_advisory_xact_lock({_LOCK})")


def every(connection: Connection, kind: str) -> list[Declared]:
    """All versions, by id, oldest first."""
    rows = connection.rows(
        f"""select d.id, d.name, v.version, v.valid_from, v.body::text, v.created_by from sla_{kind} d
        join sla_{kind}_version v on v.{kind}_id = d.id order by d.id, v.version"""
    )
    return [Declared(row[0], row[1], row[2], ms(row[3]), loads(row[4]), row[5]) for row in rows]


def add(connection: Connection, kind: str, name: str, body: Mapping[str, Any], valid_from: int, actor: str) -> Declared:
    """Another version; the first one makes the calendar or policy. Counts the revision up."""
    row = connection.row(
        f"""with made as (insert into sla_{kind} (name) values (%(name)s) on conflict (name) do nothing returning id)
        select id from made union all select id from sla_{kind} where name = %(name)s""",
        {"name": name},
    )
    assert row is not None
    version = connection.row(
        f"""insert into sla_{kind}_version ({kind}_id, version, valid_from, body, created_by)
        select %(id)s, coalesce(max(version), 0) + 1, %(from)s, %(body)s::jsonb, %(actor)s
        from sla_{kind}_version where {kind}_id = %(id)s returning version""",
        {"id": row[0], "from": naive(valid_from), "body": dumps(body).decode(), "actor": actor},
    )
    assert version is not None
    connection.run("update sla_revision set n = n + 1")
    return Declared(row[0], name, version[0], valid_from, body, actor)
