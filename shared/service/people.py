"""Owners as workspace tells of them: name, e-mail and main team, kept by every service as a replica of workspace's log.

For what follows from whose something is: the team of a deal's owner, whom a notice goes to. Ids alone, of owners and
teams, are `foreign`'s, which refuses made-up ones. An archived owner is still known: what was theirs says so.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shared.contracts.event import ARCHIVED, CATALOG_ATTRIBUTE, CATALOG_TYPE, ENTITY_KINDS, ERASED, RESTORED, Event
from shared.kernel.db import Connection

OWNER = "owner"
_KEPT = ("email", "name", "team_id")
_KEYS = "select key, name from known_owner_attribute"
_PUT_KEYS = """insert into known_owner_attribute (key, name) select * from unnest(%(keys)s::text[], %(names)s::text[])
on conflict (key) do update set name = excluded.name"""
_READ = "select id, version, archived, email, name, team_id from known_owner where id = any(%(ids)s::bigint[])"
_PUT = """insert into known_owner as o (id, version, archived, email, name, team_id)
select * from unnest(%(ids)s::bigint[], %(versions)s::bigint[], %(archived)s::bool[], %(emails)s::text[],
    %(names)s::text[], %(teams)s::bigint[])
on conflict (id) do update set version = excluded.version, archived = excluded.archived, email = excluded.email,
    name = excluded.name, team_id = excluded.team_id
where o.version < excluded.version"""


@dataclass(frozen=True, slots=True)
class Owner:
    """One owner. team: the main one, None without."""

    id: int
    version: int = 0
    archived: bool = False
    email: str = ""
    name: str = ""
    team: int | None = None


def create_statements() -> list[str]:
    """DDL of the replica."""
    return [
        """create table known_owner (
            id bigint primary key, version bigint not null, archived bool not null, email text not null,
            name text not null, team_id bigint)""",
        # By which key events tell of an attribute.
        "create table known_owner_attribute (key text primary key, name text not null)",
    ]


DROP = "drop table if exists known_owner, known_owner_attribute"


def owners(connection: Connection, ids: Collection[int]) -> dict[int, Owner]:
    """What is known of these; unknown ones are left out. One statement, none without ids."""
    if not ids:
        return {}
    rows = connection.rows(_READ, {"ids": sorted(ids)}, prepare=True)
    return {row[0]: Owner(*row) for row in rows}


def apply_owner_events(connection: Connection, events: Sequence[Event]) -> None:
    """Take in what events tell of owners; in order, any number of times."""
    told = [one for one in events if one.entity_type == OWNER]
    _note_keys(connection, told)
    changes = [one for one in told if one.kind in ENTITY_KINDS and one.entity_id is not None]
    if not changes:
        return
    names = dict(connection.rows(_KEYS, {}))
    known = owners(connection, {one.entity_id or 0 for one in changes})
    for event in changes:
        ident = event.entity_id or 0
        before = known.get(ident, Owner(ident))
        if before.version < event.version:
            known[ident] = _after(before, event, names)
    put_owners(connection, known.values())


def put_owners(connection: Connection, several: Iterable[Owner]) -> None:
    """Make the replica say this of owners, unless it knows a later version."""
    listed = list(several)
    if listed:
        columns = {
            "ids": [one.id for one in listed],
            "versions": [one.version for one in listed],
            "archived": [one.archived for one in listed],
            "emails": [one.email for one in listed],
            "names": [one.name for one in listed],
            "teams": [one.team for one in listed],
        }
        connection.run(_PUT, columns, prepare=True)


def owner_of(ident: int, version: int, values: Mapping[str, Any], *, archived: bool) -> Owner:
    """An owner of values by internal name."""
    team = values.get("team_id")
    return Owner(
        ident,
        version,
        archived,
        str(values.get("email") or ""),
        str(values.get("name") or ""),
        None if team is None else int(team),
    )


def _after(before: Owner, event: Event, names: Mapping[str, str]) -> Owner:
    if event.kind == ERASED:
        return Owner(before.id, event.version, True)
    values: dict[str, Any] = {"email": before.email, "name": before.name, "team_id": before.team}
    values |= {names[key]: new for key, (_, new) in event.changed.items() if names.get(key) in _KEPT}
    archived = {ARCHIVED: True, RESTORED: False}.get(event.kind, before.archived)
    return owner_of(before.id, event.version, values, archived=archived)


def _note_keys(connection: Connection, told: Iterable[Event]) -> None:
    attributes: list[Mapping[str, Any]] = []
    for one in told:
        if one.kind == CATALOG_TYPE:
            attributes += one.detail.get("attributes", ())
        elif one.kind == CATALOG_ATTRIBUTE:
            attributes.append(one.detail)
    found = {str(one["id"]): str(one["name"]) for one in attributes if one.get("name") in _KEPT and "id" in one}
    if found:
        connection.run(_PUT_KEYS, {"keys": list(found), "names": list(found.values())})
