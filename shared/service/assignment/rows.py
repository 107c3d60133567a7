"""Rows of pools. A pool is a row with its members in it: whoever takes turns holds it until their transaction ends."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from shared.kernel import json
from shared.kernel.db import Connection
from shared.service.assignment.shares import Member, turns

_PUT = """
insert into assignment_pool(type_id, name, members) values (%(type)s, %(name)s, %(members)s::jsonb)
on conflict (type_id, name) do update set members = excluded.members
"""
_GET = "select members from assignment_pool where type_id = %(type)s and name = %(name)s"
_ALL = "select name, members from assignment_pool where type_id = %(type)s order by name"
_DROP = "delete from assignment_pool where type_id = %(type)s and name = %(name)s"


def create_statements() -> list[str]:
    """DDL."""
    return [
        """create table assignment_pool(type_id int not null references eav_type on delete cascade, name text not null,
            members jsonb not null, primary key (type_id, name))"""
    ]


DROP = "drop table if exists assignment_pool"


def put(connection: Connection, type_id: int, name: str, members: Sequence[Member]) -> None:
    """Make a pool, or another of it: everybody begins anew, so that who joins is not made up to."""
    _store(connection, type_id, name, members)


def every(connection: Connection, type_id: int) -> dict[str, list[Member]]:
    """All pools of a type."""
    return {name: _members(members) for name, members in connection.rows(_ALL, {"type": type_id})}


def drop(connection: Connection, type_id: int, name: str) -> bool:
    """Do away with a pool; whether there was one."""
    return bool(connection.run(_DROP, {"type": type_id, "name": name}))


def take(connection: Connection, type_id: int, name: str, count: int) -> list[int] | None:
    """The owners of the next ones; None when there is no such pool. One process after the other."""
    row = connection.row(f"{_GET} for update", {"type": type_id, "name": name})
    if row is None:
        return None
    chosen, after = turns(_members(row[0]), count)
    _store(connection, type_id, name, after)
    return chosen


def give_back(connection: Connection, type_id: int, name: str, owners: Iterable[int]) -> None:
    """What these owners were to get came to nothing."""
    row = connection.row(f"{_GET} for update", {"type": type_id, "name": name})
    if row is None:
        return
    members = _members(row[0])
    for owner in owners:
        members = [
            Member(one.owner, one.weight, max(one.given - 1, 0)) if one.owner == owner else one for one in members
        ]
    _store(connection, type_id, name, members)


def _store(connection: Connection, type_id: int, name: str, members: Sequence[Member]) -> None:
    told = [[str(one.owner), one.weight, one.given] for one in members]
    connection.run(_PUT, {"type": type_id, "name": name, "members": json.dumps(told).decode()})


def _members(stored: Sequence[Sequence[object]]) -> list[Member]:
    return [Member(int(str(owner)), int(str(weight)), int(str(given))) for owner, weight, given in stored]
