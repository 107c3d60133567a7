"""Owners in the wire dialect: `/crm/v3/owners`, read-only. They are entities of the workspace service.

Writing owners is the native door's business.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from flask import Response

from shared.eav.entity import Entity, View
from shared.kernel.context import SYSTEM
from shared.kernel.errors import Invalid, NotFound
from shared.service.entities import Ref
from shared.service.web.dialect import definition_models as models
from shared.service.web.dialect import names
from shared.service.web.dialect.paging import page_link
from shared.service.web.operation import Operation, QueryParam, answer
from shared.service.web.request import bool_param, context, int_param, text_param

if TYPE_CHECKING:
    from shared.service.runtime import Runtime

OWNER, TEAM = "owner", "team"
PER_PAGE, MOST_PER_PAGE = 100, 500
_VIEW = View("text", ("email", "firstname", "lastname", "type", "userid", "team_id"))
_TEAM_VIEW = View("text", ("name",))


def owner(entity: Entity, teams: dict[str, str]) -> dict[str, Any]:
    """One owner, ready for JSON."""
    values = entity.values
    body: dict[str, Any] = {
        "id": str(entity.id),
        "email": values.get("email"),
        "firstName": values.get("firstname") or "",
        "lastName": values.get("lastname") or "",
        "type": values.get("type") or "PERSON",
        "createdAt": entity.created_at,
        "updatedAt": entity.updated_at,
        "archived": entity.archived_at is not None,
    }
    if values.get("userid") is not None:
        body["userIdIncludingInactive"] = int(values["userid"])
        if entity.archived_at is None:
            body["userId"] = int(values["userid"])
    team = values.get("team_id")
    if team in teams:
        body["teams"] = [{"id": team, "name": teams[team], "primary": True}]
    return body


def _present(service: Runtime, found: list[Entity]) -> list[dict[str, Any]]:
    """Owners with the names of their teams, which whoever may read owners may know."""
    ids = sorted({int(one.values["team_id"]) for one in found if one.values.get("team_id")})
    teams: dict[str, str] = {}
    if ids:
        ctx = replace(context(), actor=SYSTEM)
        for team in service.entities.read(ctx, TEAM, [Ref(id=one) for one in ids], _TEAM_VIEW):
            if team is not None:
                teams[str(team.id)] = team.values.get("name") or ""
    return [owner(one, teams) for one in found]


def listing(service: Runtime) -> Response:
    """One page of owners, or the one with an e-mail address."""
    limit = int_param("limit", PER_PAGE, MOST_PER_PAGE, least=1)
    after = int_param("after", None)
    email, archived = text_param("email"), bool_param("archived")
    if email:
        one = service.entities.read(context(), OWNER, [Ref(attribute="email", value=email)], _VIEW, archived=archived)
        return answer({"results": _present(service, [entity for entity in one if entity is not None])})
    found, following = service.entities.list(
        context(), OWNER, _VIEW, limit=limit or PER_PAGE, after=after, archived=archived
    )
    body: dict[str, Any] = {"results": _present(service, found)}
    if following is not None:
        body["paging"] = page_link(service, following)
    return answer(body)


def read(service: Runtime, id: str) -> Response:
    """One owner by its id, or by the id of its user."""
    by = text_param("idProperty", "id") or "id"
    if by not in ("id", "userId"):
        raise Invalid.one("idProperty", "INVALID_OPTION", "idProperty must be id or userId", ("id", "userId"))
    number = names.entity_id(id)
    if number is None:
        raise NotFound(OWNER, [id])
    ref = Ref(id=number) if by == "id" else Ref(attribute="userid", value=str(number))
    found = service.entities.read(context(), OWNER, [ref], _VIEW, archived=bool_param("archived"))
    if found[0] is None:
        raise NotFound(OWNER, [id])
    return answer(_present(service, [found[0]])[0])


_ARCHIVED = QueryParam("archived", "boolean", "Only archived owners", False)

OPERATIONS: tuple[Operation, ...] = (
    Operation("GET", "/crm/v3/owners", "listOwners", "List owners", listing,
              query=(QueryParam("email", description="Only the owner with this address"),
                     QueryParam("limit", "integer", f"Page size, at most {MOST_PER_PAGE}", PER_PAGE),
                     QueryParam("after", "integer", "`paging.next.after` of the page before"), _ARCHIVED),
              response=models.OwnerPage, tag="Owners"),
    Operation("GET", "/crm/v3/owners/{id}", "readOwner", "Read an owner", read,
              query=(QueryParam("idProperty", description="What {id} is: id or userId", default="id"), _ARCHIVED),
              response=models.Owner, tag="Owners"),
)  # fmt: skip
