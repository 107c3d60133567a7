"""HTTP: queues, how much waits in them, and taking the next ticket."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Response
from pydantic import BaseModel

from services.service_desk.promises.keeping import TICKET
from services.service_desk.queues import commands
from services.service_desk.queues.counting import SOON_MINUTES, counts
from services.service_desk.queues.routing import OPEN
from services.service_desk.queues.store import Queue
from shared.kernel.errors import Invalid
from shared.service.assignment import Tally, Urgency
from shared.service.web.native import present
from shared.service.web.native.models import EntityOut
from shared.service.web.operation import Operation, QueryParam, answer, no_content
from shared.service.web.request import context, int_param, json_object, known_keys

if TYPE_CHECKING:
    from shared.service.runtime import Runtime

PATH = "/api/v1/service_desk/queues"
# What is urgent comes first; of the same urgency, what is promised for earlier.
URGENCY = Urgency(
    "priority",
    ("URGENT", "HIGH", "MEDIUM", "LOW"),
    ("first_response_due_at", "next_response_due_at", "resolution_due_at"),
)
_SHOWN = ("subject", "priority", "status", "owner_id", "queue_id", "requester_email")


class QueueChange(BaseModel):
    """Where tickets wait. filter: which ones; null: those that name the queue in queue_id. pool: who works on it.
    automatic: new tickets go to whose turn it is; sticky_days: or to who had the requester's last one within as many
    days; skills: what it takes. position: in which order queues are shown, and asked for new tickets."""

    name: str = ""
    description: str = ""
    position: int = 0
    filter: dict[str, Any] | None = None
    pool: str | None = None
    automatic: bool = False
    sticky_days: int | None = None
    skills: list[str] = []


class QueueIn(QueueChange):
    """A new queue, under a name of its own."""

    name: str


class QueueOut(QueueIn):
    """A queue, and how much waits in it: open tickets, those that are nobody's, those soon late."""

    id: str
    open: int | None = None
    unassigned: int | None = None
    breaching_soon: int | None = None


class QueueList(BaseModel):
    """All queues in order."""

    results: list[QueueOut]


class NextIn(BaseModel):
    """The owner who asks for work."""

    owner: str


class NextOut(BaseModel):
    """The ticket that is theirs now; null when nothing is to be had."""

    ticket: EntityOut | None


def list_queues(service: Runtime) -> Response:
    """All queues, counted."""
    ctx = context()
    queues = commands.listed(service, ctx)
    counted = counts(Tally(service.engine), ctx, queues, _minutes())
    return answer({"results": [{**_shown(one), **counted[one.id]} for one in queues]})


def read_queue(service: Runtime, id: str) -> Response:
    """One queue, counted."""
    ctx = context()
    queue = commands.found(service, ctx, present.entity_id("queue", id))
    return answer({**_shown(queue), **counts(Tally(service.engine), ctx, [queue], _minutes())[queue.id]})


def declare_queue(service: Runtime) -> Response:
    """A new queue."""
    queue = commands.declare(service, context(), json_object())
    return answer(_shown(queue), 201, {"Location": f"{PATH}/{queue.id}"})


def change_queue(service: Runtime, id: str) -> Response:
    """Some of it anew."""
    return answer(_shown(commands.change(service, context(), present.entity_id("queue", id), json_object())))


def withdraw_queue(service: Runtime, id: str) -> Response:
    """A queue no more."""
    commands.withdraw(service, context(), present.entity_id("queue", id))
    return no_content()


def take_next(service: Runtime, id: str) -> Response:
    """The most urgent ticket that is nobody's goes to who asks."""
    ctx, body = context(), json_object()
    known_keys(body, ("owner",))
    queue = commands.found(service, ctx, present.entity_id("queue", id))
    raw = str(body.get("owner", ""))
    if not (raw.isascii() and raw.isdigit() and len(raw) < 19):
        raise Invalid.one("owner", "REQUIRED_FIELD", "owner must be the id of the owner who asks")
    _member(service, queue, int(raw))
    view = present.view(_SHOWN)
    found = service.assignment.take(ctx, TICKET, int(raw), {"and": [queue.tickets, OPEN]}, URGENCY, view)
    if found is None:
        return answer({"ticket": None})
    headers = {"X-Change-Id": present.change_id(service, TICKET, found)}
    return answer({"ticket": present.entity_json(TICKET, found)}, 200, headers)


def _member(service: Runtime, queue: Queue, owner: int) -> None:
    """Who works on a queue with a pool is in it; with a weight of 0 as well, who only takes."""
    members = service.assignment.members(TICKET, queue.pool) if queue.pool is not None else None
    if members is not None and owner not in {one.owner for one in members}:
        raise Invalid.one("owner", "INVALID_OPTION", f"{owner} is not in pool {queue.pool}, which works on this queue")


def _minutes() -> int:
    return int_param("soon_minutes", SOON_MINUTES, 525_600, least=1) or SOON_MINUTES


def _shown(one: Queue) -> dict[str, Any]:
    names = ("name", "description", "position", "filter", "pool", "automatic", "sticky_days")
    return {"id": str(one.id), **{name: getattr(one, name) for name in names}, "skills": list(one.skills)}


def _operation(method: str, path: str, name: str, summary: str, handler: Any, **more: Any) -> Operation:
    return Operation(method, PATH + path, name, summary, handler, tag="Queues", **more)


_SOON = (QueryParam("soon_minutes", "integer", "What is soon late, in minutes from now", SOON_MINUTES),)
_BACKLOG = (
    "By indexes, as of this moment, in one statement for all. Queues that are a filter may overlap, and a ticket "
    "leaves them whenever it is written: their backlog is read here, live. The metric ticket_backlog tells that of "
    "queues that tickets name, by queue_id, over time. Numbers are null where a filter asks for an attribute that is "
    "no more."
)
OPERATIONS = (
    _operation("GET", "", "listQueues", "List queues with what waits in them", list_queues, query=_SOON,
               response=QueueList, description=_BACKLOG),
    _operation("POST", "", "declareQueue", "Make a queue", declare_queue, success=201, body=QueueIn, response=QueueOut,
               example={"name": "Billing", "filter": {"attribute": "priority", "operator": "EQ", "value": "HIGH"}}),
    _operation("GET", "/{id}", "readQueue", "Read a queue", read_queue, query=_SOON, response=QueueOut),
    _operation("PATCH", "/{id}", "changeQueue", "Change a queue", change_queue, body=QueueChange, response=QueueOut,
               example={"position": 2}),
    _operation("DELETE", "/{id}", "withdrawQueue", "Remove a queue", withdraw_queue, success=204),
    _operation("POST", "/{id}/next", "takeNext", "Take the next ticket of a queue", take_next, body=NextIn,
               response=NextOut, example={"owner": "12"},
               description="The most urgent open ticket that is nobody's: by priority, then by what is promised "
               "earliest. Two who ask at once get two tickets. 409: who asks has as many open ones as they can take."),
)  # fmt: skip
