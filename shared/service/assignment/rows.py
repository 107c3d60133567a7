"""Rows of pools, agents and rules. A pool is a row with its members in it: who takes turns holds it until they commit.

Locks are taken in one order everywhere, so that nobody waits in a circle: entities by id, then pools by name, then
agents by owner.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from shared.kernel import json
from shared.kernel.db import Connection
from shared.service.assignment.choosing import Agent
from shared.service.assignment.declare import Rule, Sticky
from shared.service.assignment.shares import Member

_PUT = """
insert into assignment_pool(type_id, name, members)
select %(type)s, name, members from json_to_recordset(%(pools)s::json) as r(name text, members jsonb)
on conflict (type_id, name) do update set members = excluded.members
"""
_ALL = "select name, members from assignment_pool where type_id = %(type)s order by name"
_LOCK = """
select name, members from assignment_pool where type_id = %(type)s and name = any(%(names)s) order by name for update
"""
_DROP = "delete from assignment_pool where type_id = %(type)s and name = %(name)s"
_AGENT = "select owner_id, capacity, skills, away_from, away_until from assignment_agent where type_id = %(type)s"
_AGENTS = _AGENT + " order by owner_id"
_HELD = _AGENT + " and owner_id = any(%(owners)s::bigint[]) order by owner_id for update"
_PUT_AGENT = """
insert into assignment_agent(type_id, owner_id, capacity, skills, away_from, away_until)
values (%(type)s, %(owner)s, %(capacity)s, %(skills)s::text[], %(away_from)s, %(away_until)s)
on conflict (type_id, owner_id) do update set capacity = excluded.capacity, skills = excluded.skills,
    away_from = excluded.away_from, away_until = excluded.away_until
"""
_DROP_AGENT = "delete from assignment_agent where type_id = %(type)s and owner_id = %(owner)s"
_RULES = "select rules from assignment_rules where type_id = %(type)s"
_PUT_RULES = """
insert into assignment_rules(type_id, rules) values (%(type)s, %(rules)s::jsonb)
on conflict (type_id) do update set rules = excluded.rules
"""
_GONE = "select id from foreign_entity where entity_type = 'owner' and archived and id = any(%(owners)s::bigint[])"

_POOL = """create table assignment_pool(type_id int not null references eav_type on delete cascade, name text not null,
    members jsonb not null, primary key (type_id, name))"""
_TABLES = (
    """create table assignment_agent(type_id int not null references eav_type on delete cascade,
        owner_id bigint not null, capacity int, skills text[] not null default '{}', away_from timestamp,
        away_until timestamp, primary key (type_id, owner_id))""",
    """create table assignment_rules(type_id int primary key references eav_type on delete cascade,
        rules jsonb not null)""",
    """create table assignment_waiting(type_id int not null references eav_type on delete cascade,
        entity_id bigint not null, pool text, since timestamp not null default timezone('utc', clock_timestamp()),
        tried_at timestamp, reason text, told jsonb not null default '{}', primary key (type_id, entity_id))""",
    "create index assignment_waiting_turn on assignment_waiting(type_id, tried_at nulls first, since, entity_id)",
    """create table assignment_ledger(id bigint generated always as identity primary key,
        type_id int not null references eav_type on delete cascade, entity_id bigint not null,
        at timestamp not null default timezone('utc', clock_timestamp()), owner_id bigint not null, before_id bigint,
        rule text, pool text, reason text not null, actor text not null, told jsonb not null default '{}')""",
    "create index assignment_ledger_entity on assignment_ledger(type_id, entity_id, id)",
)
DROP = "drop table if exists assignment_pool"
DROP_REST = "drop table if exists assignment_ledger, assignment_waiting, assignment_rules, assignment_agent"


def create_statements() -> list[str]:
    """DDL of pools."""
    return [_POOL]


def further_statements() -> list[str]:
    """DDL of agents, rules, who waits, and the ledger."""
    return list(_TABLES)


def put(connection: Connection, type_id: int, pools: Mapping[str, Sequence[Member]]) -> None:
    """Store pools as they are now."""
    told = [
        {"name": name, "members": [[str(one.owner), one.weight, one.given, one.passed] for one in members]}
        for name, members in pools.items()
    ]
    if told:
        connection.run(_PUT, {"type": type_id, "pools": json.dumps(told).decode()})


def every(connection: Connection, type_id: int) -> dict[str, list[Member]]:
    """All pools of a type."""
    return {name: _members(members) for name, members in connection.rows(_ALL, {"type": type_id})}


def held(connection: Connection, type_id: int, names: Collection[str]) -> dict[str, list[Member]]:
    """These pools, held until the transaction ends; those that there are not are left out."""
    rows = connection.rows(_LOCK, {"type": type_id, "names": sorted(names)})
    return {name: _members(members) for name, members in rows}


def drop(connection: Connection, type_id: int, name: str) -> bool:
    """Do away with a pool; whether there was one."""
    return bool(connection.run(_DROP, {"type": type_id, "name": name}))


def agents(connection: Connection, type_id: int) -> list[Agent]:
    """All agents of a type."""
    return [_agent(row) for row in connection.rows(_AGENTS, {"type": type_id})]


def held_agents(connection: Connection, type_id: int, owners: Collection[int]) -> dict[int, Agent]:
    """Those of these owners about whom something is said, held until the transaction ends."""
    rows = connection.rows(_HELD, {"type": type_id, "owners": sorted(owners)})
    return {row[0]: _agent(row) for row in rows}


def put_agent(connection: Connection, type_id: int, agent: Agent) -> None:
    """Say what an owner can take."""
    params = {
        "type": type_id,
        "owner": agent.owner,
        "capacity": agent.capacity,
        "skills": sorted(agent.skills),
        "away_from": naive(agent.away_from),
        "away_until": naive(agent.away_until),
    }
    connection.run(_PUT_AGENT, params)


def drop_agent(connection: Connection, type_id: int, owner: int) -> bool:
    """Say nothing of an owner any more; whether something was said."""
    return bool(connection.run(_DROP_AGENT, {"type": type_id, "owner": owner}))


def gone(connection: Connection, owners: Collection[int]) -> frozenset[int]:
    """Those of some owners who are known to be archived."""
    return frozenset(row[0] for row in connection.rows(_GONE, {"owners": sorted(owners)}))


def rules(connection: Connection, type_id: int) -> list[Rule]:
    """The rules of a type, in order."""
    row = connection.row(_RULES, {"type": type_id})
    return [] if row is None else [read_rule(one) for one in row[0]]


def put_rules(connection: Connection, type_id: int, listed: Sequence[Rule]) -> None:
    """Other rules."""
    told = json.dumps([rule_json(one) for one in listed]).decode()
    connection.run(_PUT_RULES, {"type": type_id, "rules": told})


def read_rule(told: Mapping[str, Any]) -> Rule:
    """A rule as it is stored."""
    sticky = told.get("sticky")
    return Rule(
        told["name"],
        told["pool"],
        told.get("filter"),
        tuple(told.get("skills") or ()),
        tuple(told.get("skills_from") or ()),
        Sticky(sticky["by"], sticky["days"]) if sticky else None,
    )


def rule_json(rule: Rule) -> dict[str, Any]:
    """The same, to be stored and shown."""
    sticky = None if rule.sticky is None else {"by": rule.sticky.by, "days": rule.sticky.days}
    return {
        "name": rule.name,
        "pool": rule.pool,
        "filter": rule.filter,
        "skills": list(rule.skills),
        "skills_from": list(rule.skills_from),
        "sticky": sticky,
    }


def naive(moment: datetime | None) -> datetime | None:
    """An instant as the database keeps it."""
    return None if moment is None else moment.astimezone(UTC).replace(tzinfo=None)


def aware(moment: datetime | None) -> datetime | None:
    """An instant of the database."""
    return None if moment is None else moment.replace(tzinfo=UTC)


def _agent(row: Sequence[Any]) -> Agent:
    owner, capacity, skills, away_from, away_until = row
    return Agent(owner, capacity, frozenset(skills), aware(away_from), aware(away_until))


def _members(stored: Sequence[Sequence[Any]]) -> list[Member]:
    """Members as stored; earlier ones do not tell how many passed them by."""
    return [Member(int(owner), int(weight), int(given), *map(int, rest)) for owner, weight, given, *rest in stored]
