"""The native doors of assignment: pools of a type, and giving an entity to whose turn it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from flask import Response
from pydantic import BaseModel, Field

from shared.kernel.errors import ErrorList
from shared.service.assignment import Member
from shared.service.entities import View
from shared.service.web.native import models, present
from shared.service.web.native.models import Strict
from shared.service.web.operation import Operation, answer, no_content
from shared.service.web.request import context, json_object, known_keys

if TYPE_CHECKING:
    from shared.service.runtime import Runtime

POOLS = "/api/v1/types/{type}/pools"
POOL = POOLS + "/{pool}"
ASSIGN = "/api/v1/objects/{type}/{id}/assign"
_VIEW = View("json", ("owner_id",))


class MemberIn(Strict):
    """An owner and their weight: of weights 2 and 1, the first gets two of three. With 0 they get nothing."""

    owner: str
    weight: int = Field(1, ge=0, le=1000)


class PoolIn(Strict):
    """Who is in the pool."""

    members: list[MemberIn]


class MemberOut(MemberIn):
    """The same, with how many they got since the pool is as it is."""

    given: int


class PoolOut(BaseModel):
    """A pool."""

    name: str
    members: list[MemberOut]


class PoolList(BaseModel):
    """All pools of a type."""

    results: list[PoolOut]


class AssignIn(Strict):
    """From which pool the owner comes."""

    pool: str


def _shown(name: str, members: Sequence[Member]) -> dict[str, Any]:
    told = [{"owner": str(one.owner), "weight": one.weight, "given": one.given} for one in members]
    return {"name": name, "members": told}


def list_pools(service: Runtime, type: str) -> Response:
    """The pools of a type."""
    found = service.assignment.pools(context(), type)
    return answer({"results": [_shown(name, members) for name, members in found.items()]})


def put_pool(service: Runtime, type: str, pool: str) -> Response:
    """Make or change a pool."""
    body = json_object()
    known_keys(body, ("members",))
    errors = ErrorList()
    listed = body.get("members")
    if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
        errors.add("members", "INVALID_LIST", "members must be a list of objects with owner and weight")
        listed = []
    members = [_member(one, f"members[{place}]", errors) for place, one in enumerate(listed)]
    errors.raise_if_any()
    return answer(_shown(pool, service.assignment.put(context(), type, pool, members)))


def drop_pool(service: Runtime, type: str, pool: str) -> Response:
    """Do away with a pool."""
    service.assignment.drop(context(), type, pool)
    return no_content()


def assign(service: Runtime, type: str, id: str) -> Response:
    """Give an entity to whose turn it is."""
    body = json_object()
    known_keys(body, ("pool",))
    errors = ErrorList()
    pool = body.get("pool")
    if not isinstance(pool, str) or not pool:
        errors.add("pool", "REQUIRED_FIELD", "pool is required: the name of the pool whose turn it is")
    errors.raise_if_any()
    name = service.catalog.type(type).name
    found = service.assignment.assign(context(), name, present.entity_id(name, id), str(pool), _VIEW)
    return answer(present.entity_json(name, found))


def _member(raw: dict[str, Any], where: str, errors: ErrorList) -> Member:
    known_keys(raw, ("owner", "weight"), f"{where}.")
    owner, weight = str(raw.get("owner", "")), raw.get("weight", 1)
    if not (owner.isascii() and owner.isdigit() and len(owner) < 19):
        errors.add(f"{where}.owner", "INVALID_INTEGER", f"{where}.owner must be the id of an owner")
        owner = "0"
    if type(weight) is not int:
        errors.add(f"{where}.weight", "INVALID_INTEGER", f"{where}.weight must be a whole number")
        weight = 1
    return Member(int(owner), weight)


_TAG = "Assignment"
OPERATIONS = (
    Operation("GET", POOLS, "listPools", "List pools of owners", list_pools, response=PoolList, tag=_TAG),
    Operation("PUT", POOL, "putPool", "Make or change a pool of owners", put_pool, body=PoolIn, response=PoolOut,
              example={"members": [{"owner": "12", "weight": 2}, {"owner": "13"}]}, tag=_TAG,
              description="Turns begin anew when a pool is changed."),
    Operation("DELETE", POOL, "dropPool", "Remove a pool of owners", drop_pool, 204, tag=_TAG),
    Operation("POST", ASSIGN, "assignEntity", "Give an entity to whose turn it is", assign, body=AssignIn,
              response=models.EntityOut, example={"pool": "North"}, tag=_TAG,
              description="Of equal weights nobody is ever more than one ahead of another, whichever process answers."),
)  # fmt: skip
