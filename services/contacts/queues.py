"""GET /api/v1/tasks/queue: a person's or a queue's open tasks in the order in which they are due, overdue ones first;
and which of them is next. Queues themselves are `named_queues`.

Built on the query door: the same filters, the same cursors, no question of its own.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from flask import Response
from pydantic import BaseModel

from services.contacts.domain.activities import OPEN_STATUSES
from shared.kernel.clock import now
from shared.kernel.errors import Invalid, NotFound
from shared.service.entities import Entity, Ref, View
from shared.service.web.native import present
from shared.service.web.native.models import EntityOut
from shared.service.web.native.query import read_query
from shared.service.web.native.single import MOST, PAGE
from shared.service.web.operation import Operation, QueryParam, answer
from shared.service.web.request import bool_param, context, int_param, list_param, text_param

if TYPE_CHECKING:
    from shared.service.runtime import Runtime

TASK = "task"
_SHOWN = ("subject", "occurs_at", "status", "priority", "type", "reminder_at", "owner_id", "queue")


class QueuedTask(EntityOut):
    """A task, and whether it was due before this moment."""

    overdue: bool


class TaskQueue(BaseModel):
    """A page of open tasks, the earliest due first."""

    results: list[QueuedTask]
    next_cursor: str | None = None


class NextTask(BaseModel):
    """The task to do next, if there is one."""

    task: QueuedTask | None = None


def read_task_queue(service: Runtime) -> Response:
    """A page of the open tasks of an owner, of a queue, or of both."""
    moment = now()
    limit, cursor = int_param("limit", PAGE, MOST, least=1), text_param("cursor") or None
    body = {"filter": {"and": _conditions()}, "sorts": ["occurs_at"], "limit": limit, "cursor": cursor}
    view = present.view(list_param("attributes") or _SHOWN)
    page = service.entities.query(context(), TASK, read_query(body), view)
    tasks = [_task(one, moment) for one in page.entities]
    # Overdue ones come first. Asking for them by this moment would make each page a question of its own.
    shown = [one for one in tasks if one["overdue"]] if bool_param("overdue") else tasks
    found: dict[str, Any] = {"results": shown}
    if page.next_cursor is not None and len(shown) == len(tasks):
        found["next_cursor"] = page.next_cursor
    return answer(found)


def read_next_task(service: Runtime) -> Response:
    """The first open task, or the one behind another; null when there is none."""
    moment, conditions = now(), _conditions()
    after = text_param("after")
    if after:
        conditions.append(_behind(service, after))
    body = {"filter": {"and": conditions}, "sorts": ["occurs_at"], "limit": 1}
    view = present.view(list_param("attributes") or _SHOWN)
    page = service.entities.query(context(), TASK, read_query(body), view)
    return answer({"task": next((_task(one, moment) for one in page.entities), None)})


def _conditions() -> list[dict[str, Any]]:
    """Whose tasks, or which queue's, are asked for. Raises Invalid."""
    asked = {"owner_id": text_param("owner"), "queue": text_param("queue")}
    if not any(asked.values()):
        message = "owner must be the id of whose tasks are asked for, or queue that of a task queue"
        raise Invalid.one("owner", "REQUIRED_FIELD", message)
    given = [{"attribute": name, "operator": "EQ", "value": one} for name, one in asked.items() if one]
    return [*given, {"attribute": "status", "operator": "IN", "values": list(OPEN_STATUSES)}]


def _behind(service: Runtime, after: str) -> dict[str, Any]:
    """What comes behind a task in the order of a queue, whatever has become of it. Raises NotFound."""
    ref = Ref(id=present.entity_id(TASK, after))
    (found,) = service.entities.read(context(), TASK, [ref], View("json", ("occurs_at",)))
    if found is None:
        raise NotFound(TASK, [after])
    due = {"attribute": "occurs_at", "value": found.values["occurs_at"]}
    later = {"attribute": "id", "operator": "GT", "value": str(found.id)}
    return {"or": [{**due, "operator": "GT"}, {"and": [{**due, "operator": "EQ"}, later]}]}


def _task(one: Entity, moment: datetime) -> dict[str, Any]:
    due = one.values.get("occurs_at")
    return {**present.entity_json(TASK, one), "overdue": due is not None and datetime.fromisoformat(due) < moment}


_WHOSE = (
    QueryParam("owner", "string", "Id of the owner whose tasks are asked for", example="1"),
    QueryParam("queue", "string", "Id of the task queue; with an owner, only their tasks in it"),
)
_ATTRIBUTES = QueryParam("attributes", "array", "What to show of each task; the usual ones when absent")
OPERATIONS = (
    Operation(
        "GET",
        "/api/v1/tasks/queue/next",
        "readNextTask",
        "Read the next open task of a person or a queue",
        read_next_task,
        query=(*_WHOSE, QueryParam("after", "string", "Id of the task before it"), _ATTRIBUTES),
        response=NextTask,
        tag="Activities",
    ),
    Operation(
        "GET",
        "/api/v1/tasks/queue",
        "readTaskQueue",
        "Read the open tasks of a person or a queue",
        read_task_queue,
        query=(
            *_WHOSE,
            QueryParam("overdue", "boolean", "Only those that were due before this moment", False),
            _ATTRIBUTES,
            QueryParam("limit", "integer", "Tasks on a page", PAGE),
            QueryParam("cursor", "string", "`next_cursor` of the page before"),
        ),
        response=TaskQueue,
        tag="Activities",
    ),
)
