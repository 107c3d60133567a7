"""HTTP: following a ticket, the tickets of somebody, and what they are told.

A token is nobody's in particular: whose tickets and notifications are meant is said with every request. It takes the
right to read tickets; to follow one, or to mark what was read, that to write them.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from flask import Response
from pydantic import BaseModel

from services.service_desk.promises.keeping import TICKET
from services.service_desk.queues import followers, telling
from services.service_desk.queues.routing import OPEN
from services.service_desk.rules.following import MOST, parted
from shared.kernel.errors import Invalid, NotFound
from shared.service.assignment.checking import check_owners
from shared.service.entities import Ref, View
from shared.service.home import Home
from shared.service.notices import Notice
from shared.service.permissions import Mode, require
from shared.service.web import notices as doors
from shared.service.web.native import present
from shared.service.web.native.models import EntityList
from shared.service.web.native.query import read_query
from shared.service.web.operation import Operation, QueryParam, answer
from shared.service.web.request import bool_param, context, int_param, json_object, known_keys, list_param, text_param

if TYPE_CHECKING:
    from shared.service.runtime import Runtime

TICKETS = "/api/v1/objects/tickets/{id}/followers"
MINE = "/api/v1/service_desk/agents/{owner}/tickets"
NEWS = "/api/v1/service_desk/agents/{owner}/notifications"
_PAGE, _MOST = 50, 200
_FOLLOWED = 1000
_SHOWN = ("subject", "priority", "status", "owner_id", "queue_id", "followers")


class FollowIn(BaseModel):
    """Who follows."""

    owner: str


class Followers(BaseModel):
    """Everybody who follows a ticket, the first one first."""

    followers: list[str]


class Notification(BaseModel):
    """Something that happened to a ticket. kind: `entry` (something was said), `status`, `assigned`, `promise`,
    `notice` (a trigger has something to say)."""

    id: str
    at: datetime
    kind: str
    ticket: str
    entry: str | None
    detail: dict[str, Any]
    read_at: datetime | None


class Notifications(BaseModel):
    """The latest first, and how many were not read."""

    results: list[Notification]
    unread: int
    next_before: str | None = None


def read_followers(service: Runtime, id: str) -> Response:
    """Who follows a ticket."""
    _permit(service, "read")
    (found,) = service.entities.read(context(), TICKET, [Ref(_ticket(id))], View("json", (followers.FOLLOWERS,)))
    if found is None:
        raise NotFound(TICKET, [id])
    return _listed(parted(found.values.get(followers.FOLLOWERS)))


def follow(service: Runtime, id: str) -> Response:
    """One more follower; fine when they follow already."""
    _permit(service, "write")
    body = json_object()
    known_keys(body, ("owner",))
    owner = doors.owner_id(str(body.get("owner", "")))
    check_owners(service.foreign, service.catalog.type(TICKET), [owner])

    def more(before: list[int]) -> list[int]:
        if owner not in before and len(before) >= MOST:
            raise Invalid.one("owner", "LIMIT_EXCEEDED", f"a ticket has at most {MOST} followers")
        return before if owner in before else [*before, owner]

    return _listed(followers.change(_home(service), _ticket(id), more, context()))


def unfollow(service: Runtime, id: str, owner: str) -> Response:
    """One follower less; fine when they do not follow."""
    _permit(service, "write")
    gone = doors.owner_id(owner)
    fewer = followers.change(_home(service), _ticket(id), lambda them: [one for one in them if one != gone], context())
    return _listed(fewer)


def tickets_of(service: Runtime, owner: str) -> Response:
    """What somebody has and follows."""
    _permit(service, "read")
    mine, limit = doors.known_owner(service, TICKET, owner), int_param("limit", _PAGE, _MOST, least=1) or _PAGE
    wanted: list[dict[str, Any]] = [{"attribute": "owner_id", "operator": "EQ", "value": str(mine)}]
    if not bool_param("owned"):
        with service.db.connect() as connection:
            followed = followers.followed(connection, mine, _FOLLOWED)
        if followed:
            wanted.append({"attribute": "id", "operator": "IN", "values": list(map(str, followed))})
    filters = [{"or": wanted}] if bool_param("closed") else [{"or": wanted}, OPEN]
    asked = read_query(
        {"filter": {"and": filters}, "sorts": ["-id"], "limit": limit, "cursor": text_param("cursor") or None}
    )
    page = service.entities.query(context(), TICKET, asked, present.view(list_param("attributes") or _SHOWN))
    body: dict[str, Any] = {"results": [present.entity_json(TICKET, one) for one in page.entities]}
    if page.next_cursor is not None:
        body["next_cursor"] = page.next_cursor
    return answer(body)


def _permit(service: Runtime, mode: Mode) -> None:
    require(context().actor, "objects", service.catalog.type(TICKET).defn, mode)


def _home(service: Runtime) -> Home:
    return Home(service.engine, service.engine.publish, service.engine.judge)


def _ticket(text: str) -> int:
    return present.entity_id(TICKET, text)


def _listed(owners: list[int]) -> Response:
    return answer({"followers": [str(one) for one in owners]})


def _line(one: Notice) -> dict[str, Any]:
    detail = {name: value for name, value in one.detail.items() if name != telling.ENTRY_ID}
    told = doors.shown(one)
    del told["entity"]
    return {**told, "ticket": str(one.entity), "entry": one.detail.get(telling.ENTRY_ID), "detail": detail}


def _operation(method: str, path: str, name: str, summary: str, handler: Any, **more: Any) -> Operation:
    return Operation(method, path, name, summary, handler, tag="Followers", **more)


OPERATIONS = (
    _operation("GET", TICKETS, "readFollowers", "Read who follows a ticket", read_followers, response=Followers),
    _operation("POST", TICKETS, "followTicket", "Follow a ticket", follow, body=FollowIn, response=Followers,
               example={"owner": "12"}),
    _operation("DELETE", TICKETS + "/{owner}", "unfollowTicket", "Follow a ticket no more", unfollow,
               response=Followers),
    _operation("GET", MINE, "readOwnTickets", "List the tickets that somebody has or follows", tickets_of,
               query=(QueryParam("owned", "boolean", "Only those that are theirs", False),
                      QueryParam("closed", "boolean", "Closed ones too", False),
                      QueryParam("attributes", "array", "What is shown, linked values (company.name) among it"),
                      QueryParam("cursor", "string", "The next_cursor of the page before"),
                      QueryParam("limit", "integer", "How many", _PAGE)),
               response=EntityList, description="The newest first; of what they follow, the latest 1,000."),
    *doors.operations(
        NEWS,
        TICKET,
        "Followers",
        names=("readNotifications", "markRead"),
        present_one=_line,
        response=Notifications,
        description="Owners and followers of a ticket are told of what is said about it, of its status and of promises "
        "that come to a threshold; owners that it is theirs. Whoever did it is not told.",
    ),
)  # fmt: skip
