"""The native doors of assignment: pools, agents and rules of a type, and giving an entity to whom it is due."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from flask import Response

from shared.kernel.clock import iso
from shared.kernel.errors import ErrorList
from shared.service.assignment import Agent, Member, Rule, Sticky
from shared.service.assignment.assignment import MOST_LISTED
from shared.service.assignment.giving import Given
from shared.service.assignment.ledger import Line, Waiting
from shared.service.assignment.rows import aware, rule_json
from shared.service.entities import View
from shared.service.web import assignment_models as shapes
from shared.service.web.native import present
from shared.service.web.operation import Operation, QueryParam, answer, no_content
from shared.service.web.request import context, int_param, json_object, known_keys

if TYPE_CHECKING:
    from shared.service.runtime import Runtime

TYPE = "/api/v1/types/{type}"
POOLS, AGENTS, RULES = TYPE + "/pools", TYPE + "/agents", TYPE + "/assignment-rules"
UNASSIGNED = TYPE + "/unassigned"
ENTITY = "/api/v1/objects/{type}/{id}"
_VIEW = View("json", ("owner_id",))
_PAGE = 100


def list_pools(service: Runtime, type: str) -> Response:
    """The pools of a type."""
    found = service.assignment.pools(context(), type)
    return answer({"results": [_pool(name, members) for name, members in found.items()]})


def put_pool(service: Runtime, type: str, pool: str) -> Response:
    """Make or change a pool."""
    body = json_object()
    known_keys(body, ("members",))
    errors = ErrorList()
    members = [_member(one, f"members[{at}]", errors) for at, one in enumerate(_objects(body, "members", errors))]
    errors.raise_if_any()
    return answer(_pool(pool, service.assignment.put(context(), type, pool, members)))


def drop_pool(service: Runtime, type: str, pool: str) -> Response:
    """Do away with a pool."""
    service.assignment.drop(context(), type, pool)
    return no_content()


def list_agents(service: Runtime, type: str) -> Response:
    """What owners can take."""
    return answer({"results": [_agent(one) for one in service.assignment.agents(context(), type)]})


def put_agent(service: Runtime, type: str, owner: str) -> Response:
    """Say what an owner can take."""
    body = json_object()
    known_keys(body, ("capacity", "skills", "away_from", "away_until"))
    errors = ErrorList()
    capacity = body.get("capacity")
    if capacity is not None and not _whole(capacity):
        errors.add("capacity", "INVALID_INTEGER", "capacity must be a whole number, or null")
        capacity = None
    skills = frozenset(_texts(body, "skills", "skills", errors))
    errors.raise_if_any()
    away = (present.instant(body, "away_from"), present.instant(body, "away_until"))
    agent = Agent(present.entity_id("owner", owner), capacity, skills, *away)
    service.assignment.put_agent(context(), type, agent)
    return answer(_agent(agent))


def drop_agent(service: Runtime, type: str, owner: str) -> Response:
    """Say nothing of an owner any more."""
    service.assignment.drop_agent(context(), type, present.entity_id("owner", owner))
    return no_content()


def list_rules(service: Runtime, type: str) -> Response:
    """The rules of a type."""
    return answer({"results": [rule_json(one) for one in service.assignment.rules(context(), type)]})


def put_rules(service: Runtime, type: str) -> Response:
    """Other rules."""
    body = json_object()
    known_keys(body, ("rules",))
    errors = ErrorList()
    rules = [_rule(one, f"rules[{at}]", errors) for at, one in enumerate(_objects(body, "rules", errors))]
    errors.raise_if_any()
    service.assignment.put_rules(context(), type, rules)
    return list_rules(service, type)


def list_unassigned(service: Runtime, type: str) -> Response:
    """What waits for somebody."""
    limit, after = int_param("limit", _PAGE, MOST_LISTED, least=1) or _PAGE, int_param("after", 0) or 0
    found = service.assignment.waiting(context(), type, after, limit + 1)
    body: dict[str, Any] = {"results": [_waiting(one) for one in found[:limit]]}
    if len(found) > limit:
        body["next_after"] = str(found[limit - 1].entity)
    return answer(body)


def assign(service: Runtime, type: str, id: str) -> Response:
    """Give an entity to whom it is due."""
    body = json_object()
    known_keys(body, ("pool",))
    errors = ErrorList()
    pool = body.get("pool")
    if pool is not None and (not isinstance(pool, str) or not pool):
        errors.add("pool", "INVALID_NAME", "pool must be the name of a pool; without one, rules choose")
    errors.raise_if_any()
    name = service.catalog.type(type).name
    entity, given = service.assignment.assign(context(), name, present.entity_id(name, id), pool, _VIEW)
    told = {**present.entity_json(name, entity), "assignment": _given(given)}
    headers = {"X-Change-Id": present.change_id(service, name, entity)} if given.owner is not None else None
    return answer(told, 202 if given.owner is None else 200, headers)


def read_story(service: Runtime, type: str, id: str) -> Response:
    """Who got an entity, and why."""
    name = service.catalog.type(type).name
    limit = int_param("limit", _PAGE, MOST_LISTED, least=1) or _PAGE
    lines, waiting = service.assignment.story(context(), name, present.entity_id(name, id), limit)
    shown = None if waiting is None else _waiting(waiting)
    return answer({"results": [_line(one) for one in lines], "waiting": shown})


def _whole(value: object) -> bool:
    return type(value) is int


def _pool(name: str, members: Sequence[Member]) -> dict[str, Any]:
    told = [{"owner": str(one.owner), "weight": one.weight, "given": one.given} for one in members]
    return {"name": name, "members": told}


def _agent(one: Agent) -> dict[str, Any]:
    away = (None if at is None else iso(at) for at in (one.away_from, one.away_until))
    names = ("owner", "capacity", "skills", "away_from", "away_until")
    return dict(zip(names, (str(one.owner), one.capacity, sorted(one.skills), *away), strict=True))


def _waiting(one: Waiting) -> dict[str, Any]:
    since, tried = (None if at is None else iso(at) for at in (aware(one.since), aware(one.tried_at)))
    return {
        "id": str(one.entity),
        "pool": one.pool or one.told.get("pool"),
        "reason": one.reason,
        "since": since,
        "tried_at": tried,
        "told": one.told,
    }


def _given(one: Given) -> dict[str, Any]:
    rule = None if one.rule is None else one.rule.name
    return _explained(one.owner, one.before, rule, one.pool, one.reason, one.told)


def _line(one: Line) -> dict[str, Any]:
    at = aware(one.at)
    told = _explained(one.owner, one.before, one.rule, one.pool, one.reason, one.told)
    return {**told, "at": None if at is None else iso(at), "actor": one.actor}


def _explained(
    owner: int | None, before: int | None, rule: str | None, pool: str | None, reason: str, told: Mapping[str, Any]
) -> dict[str, Any]:
    ids = {name: None if one is None else str(one) for name, one in (("owner", owner), ("before", before))}
    return {**ids, "rule": rule, "pool": pool, "reason": str(reason), "told": told}


def _objects(body: Mapping[str, Any], key: str, errors: ErrorList) -> list[dict[str, Any]]:
    listed = body.get(key)
    if isinstance(listed, list) and all(isinstance(one, dict) for one in listed):
        return listed
    errors.add(key, "INVALID_LIST", f"{key} must be a list of objects")
    return []


def _texts(body: Mapping[str, Any], key: str, where: str, errors: ErrorList) -> tuple[str, ...]:
    listed = body.get(key) or []
    if isinstance(listed, list) and all(isinstance(one, str) for one in listed):
        return tuple(listed)
    errors.add(where, "INVALID_LIST", f"{where} must be a list of names")
    return ()


def _member(raw: dict[str, Any], where: str, errors: ErrorList) -> Member:
    known_keys(raw, ("owner", "weight"), f"{where}.")
    owner, weight = str(raw.get("owner", "")), raw.get("weight", 1)
    if not (owner.isascii() and owner.isdigit() and len(owner) < 19):
        errors.add(f"{where}.owner", "INVALID_INTEGER", f"{where}.owner must be the id of an owner")
        owner = "0"
    if not _whole(weight):
        errors.add(f"{where}.weight", "INVALID_INTEGER", f"{where}.weight must be a whole number")
        weight = 1
    return Member(int(owner), weight)


def _rule(raw: dict[str, Any], where: str, errors: ErrorList) -> Rule:
    known_keys(raw, ("name", "pool", "filter", "skills", "skills_from", "sticky"), f"{where}.")
    for key in ("name", "pool"):
        if not isinstance(raw.get(key), str):
            errors.add(f"{where}.{key}", "REQUIRED_FIELD", f"{where}.{key} must be a name")
    wanted, sticky = raw.get("filter"), raw.get("sticky")
    for key, one in (("filter", wanted), ("sticky", sticky)):
        if one is not None and not isinstance(one, dict):
            errors.add(f"{where}.{key}", "INVALID_JSON", f"{where}.{key} must be an object")
    texts = [_texts(raw, key, f"{where}.{key}", errors) for key in ("skills", "skills_from")]
    kept = None
    if isinstance(sticky, dict):
        known_keys(sticky, ("by", "days"), f"{where}.sticky.")
        days = sticky.get("days", 30)
        kept = Sticky(str(sticky.get("by", "")), days if _whole(days) else 0)
    filtered = wanted if isinstance(wanted, dict) else None
    return Rule(str(raw.get("name", "")), str(raw.get("pool", "")), filtered, texts[0], texts[1], kept)


_TAG = "Assignment"
_RULES = {
    "rules": [
        {
            "name": "everything",
            "pool": "North",
            "filter": {"attribute": "id", "operator": "GT", "value": "0"},
            "skills": [],
        }
    ]
}
_LIMIT = QueryParam("limit", "integer", "How many", _PAGE)
OPERATIONS = (
    Operation("GET", POOLS, "listPools", "List pools of owners", list_pools, response=shapes.PoolList, tag=_TAG),
    Operation("PUT", POOLS + "/{pool}", "putPool", "Make or change a pool of owners", put_pool, body=shapes.PoolIn,
              response=shapes.PoolOut, example={"members": [{"owner": "12", "weight": 2}, {"owner": "13"}]}, tag=_TAG,
              description="Turns begin anew when a pool is changed."),
    Operation("DELETE", POOLS + "/{pool}", "dropPool", "Remove a pool of owners", drop_pool, 204, tag=_TAG),
    Operation("GET", AGENTS, "listAgents", "List what owners can take", list_agents, response=shapes.AgentList,
              tag=_TAG),
    Operation("PUT", AGENTS + "/{owner}", "putAgent", "Say what an owner can take", put_agent, body=shapes.AgentIn,
              response=shapes.AgentOut, example={"capacity": 20, "skills": ["german"]}, tag=_TAG,
              description="Capacities count open ones, whoever gave them; who assigns by hand is not held to them."),
    Operation("DELETE", AGENTS + "/{owner}", "dropAgent", "Say nothing of an owner any more", drop_agent, 204,
              tag=_TAG),
    Operation("GET", RULES, "listAssignmentRules", "List rules of assignment", list_rules, response=shapes.RuleList,
              tag=_TAG, description="Those that people made come first; those that follow from queues are asked last."),
    Operation("PUT", RULES, "putAssignmentRules", "Change rules of assignment", put_rules, body=shapes.RulesIn,
              response=shapes.RuleList, example=_RULES, tag=_TAG,
              description="The whole list; the first rule that fits counts. New entities of types that are given out "
              "by themselves (deals, tickets) are given out by them."),
    Operation("GET", UNASSIGNED, "listUnassigned", "List what waits for an owner", list_unassigned,
              query=(QueryParam("after", "string", "Where the page before ended"), _LIMIT),
              response=shapes.WaitingList, tag=_TAG,
              description="With the reason. They are tried again when work is done, and every quarter of a minute."),
    Operation("POST", ENTITY + "/assign", "assignEntity", "Give an entity to whom it is due", assign,
              body=shapes.AssignIn, response=shapes.Assigned, example={"pool": "North"}, tag=_TAG, statuses=(202,),
              description="Of equal weights nobody is ever more than one ahead of another, whichever process answers. "
              "202: nobody can take it now; it waits, and is tried again."),
    Operation("GET", ENTITY + "/assignments", "readAssignments", "Read who got an entity, and why", read_story,
              query=(_LIMIT,), response=shapes.Story, tag=_TAG),
)  # fmt: skip
