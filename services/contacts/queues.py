"""GET /api/v1/tasks/queue: a person's open tasks in the order in which they are due, overdue ones first.

Built on the query door: the same filters, the same cursors, no question of its own.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from flask import Response
from pydantic import BaseModel

from services.contacts.domain.activities import OPEN_STATUSES
from shared.kernel.clock import now
from shared.kernel.errors import Invalid
from shared.service.entities import Entity
from shared.service.web.native import present
from shared.service.web.native.models import EntityOut
from shared.service.web.native.query import read_query
from shared.service.web.native.single import MOST, PAGE
from shared.service.web.operation import Operation, QueryParam, answer
from shared.service.web.request import bool_param, context, int_param, list_param, text_param

if TYPE_CHECKING:
    from shared.service.runtime import Runtime

TASK = "task"
_SHOWN = ("subject", "occurs_at", "status", "priority", "type", "reminder_at", "owner_id")


class QueuedTask(EntityOut):
    """A task, and whether it was due before this moment."""

    overdue: bool


class TaskQueue(BaseModel):
    """A page of open tasks, the earliest due first."""

    results: list[QueuedTask]
    next_cursor: str | None = None


def read_task_queue(service: Runtime) -> Response:
    """A page of an owner's open tasks."""
    owner = text_param("owner")
    if not owner:
        raise Invalid.one("owner", "REQUIRED_FIELD", "owner must be the id of whose tasks are asked for")
    moment = now()
    conditions = [
        {"attribute": "owner_id", "operator": "EQ", "value": owner},
        {"attribute": "status", "operator": "IN", "values": list(OPEN_STATUSES)},
    ]
    limit, cursor = int_param("limit", PAGE, MOST, least=1), text_param("cursor") or None
    body = {"filter": {"and": conditions}, "sorts": ["occurs_at"], "limit": limit, "cursor": cursor}
    view = present.view(list_param("attributes") or _SHOWN)
    page = service.entities.query(context(), TASK, read_query(body), view)
    tasks = [_task(one, moment) for one in page.entities]
    # Overdue ones come first. Asking for them by this moment would make each page a question of its own.
    shown = [one for one in tasks if one["overdue"]] if bool_param("overdue") else tasks
    found: dict[str, Any] = {"results": shown}
    if page.next_cursor is not None and len(shown) == len(tasks):
        found["next_cursor"] = page.next_cursor
    return answer(found)


def _task(one: Entity, moment: datetime) -> dict[str, Any]:
    due = one.values.get("occurs_at")
    return {**present.entity_json(TASK, one), "overdue": due is not None and datetime.fromisoformat(due) < moment}


OPERATIONS = (
    Operation(
        "GET",
        "/api/v1/tasks/queue",
        "readTaskQueue",
        "Read a person's task queue",
        read_task_queue,
        query=(
            QueryParam("owner", "string", "Id of the owner whose tasks are asked for", required=True, example="1"),
            QueryParam("overdue", "boolean", "Only those that were due before this moment", False),
            QueryParam("attributes", "array", "What to show of each task; the usual ones when absent"),
            QueryParam("limit", "integer", "Tasks on a page", PAGE),
            QueryParam("cursor", "string", "`next_cursor` of the page before"),
        ),
        response=TaskQueue,
        tag="Activities",
    ),
)
