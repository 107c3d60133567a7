"""Task queues: lists of tasks with a name, that one person or several work through in order.

A queue is a choice of the attribute `queue` of tasks: what a stage is to a pipeline. So its name is told to whoever
copies the catalog, a task cannot be in a queue that is not there, and filters, imports and both doors know it. A queue
that is put away takes no more tasks; those that are done keep saying where they were.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from flask import Response
from pydantic import BaseModel

from services.contacts.domain.activities import OPEN_STATUSES
from shared.kernel.errors import AlreadyExists, Conflict, ErrorList, NotFound
from shared.service.assignment import Tally
from shared.service.definitions import AttributeDef, OptionDef
from shared.service.web.operation import Operation, answer, no_content
from shared.service.web.request import context, json_object, known_keys

if TYPE_CHECKING:
    from shared.service.runtime import Runtime

TASK, QUEUE = "task", "queue"
PATH = "/api/v1/tasks/queues"
MOST_QUEUES = 200
MOST_NAME = 100


class TaskQueueIn(BaseModel):
    """A queue by its name."""

    name: str


class TaskQueueOut(BaseModel):
    """A queue, and how many open tasks are in it."""

    id: str
    name: str
    open: int


class TaskQueues(BaseModel):
    """All queues, in the order in which they were made."""

    results: list[TaskQueueOut]


def list_queues(service: Runtime) -> Response:
    """All queues."""
    return answer({"results": _shown(service, _options(service))})


def add_queue(service: Runtime) -> Response:
    """One queue more."""
    name = _name()

    def more(attribute: AttributeDef) -> tuple[OptionDef, ...]:
        options = attribute.options
        if _named(options, name):
            raise AlreadyExists(f'there is a queue "{name}" already')
        errors = ErrorList()
        if len(options) >= MOST_QUEUES:
            errors.add("name", "LIMIT_EXCEEDED", f"there are at most {MOST_QUEUES} task queues")
        errors.raise_if_any()
        return (*options, OptionDef(value=_id(attribute, name), label=name, display_order=len(options)))

    return answer(_shown(service, _named(_changed(service, more), name))[0], 201)


def rename_queue(service: Runtime, queue: str) -> Response:
    """Another name for a queue; tasks stay in it."""
    name = _name()

    def renamed(attribute: AttributeDef) -> tuple[OptionDef, ...]:
        found = _found(attribute.options, queue)
        if any(one is not found for one in _named(attribute.options, name)):
            raise AlreadyExists(f'there is a queue "{name}" already')
        return tuple(replace(one, label=name) if one is found else one for one in attribute.options)

    return answer(_shown(service, _named(_changed(service, renamed), name))[0])


def drop_queue(service: Runtime, queue: str) -> Response:
    """Put a queue away that has no open tasks."""

    def fewer(attribute: AttributeDef) -> tuple[OptionDef, ...]:
        found = _found(attribute.options, queue)
        left = _open(service, [found]).get(found.id)
        if left:
            raise Conflict(f'{left} open tasks are in the queue "{found.label}": complete them, or move them elsewhere')
        return tuple(one for one in attribute.options if one is not found)

    _changed(service, fewer)
    return no_content()


def _options(service: Runtime) -> tuple[OptionDef, ...]:
    return service.definitions.attribute(context(), TASK, QUEUE).options


def _changed(service: Runtime, work: Callable[[AttributeDef], tuple[OptionDef, ...]]) -> tuple[OptionDef, ...]:
    """The queues as they are then."""
    return service.definitions.change_attribute(context(), TASK, QUEUE, lambda one: {"options": work(one)}).options


def _found(options: tuple[OptionDef, ...], queue: str) -> OptionDef:
    """A queue by id or name. Raises NotFound."""
    found = next((one for one in options if one.value == queue), None) or next(iter(_named(options, queue)), None)
    if found is None:
        raise NotFound("task queue", [queue])
    return found


def _named(options: tuple[OptionDef, ...], name: str) -> list[OptionDef]:
    return [one for one in options if one.label.casefold() == name.casefold()]


def _id(attribute: AttributeDef, name: str) -> str:
    """The name, unless a queue that was put away had it."""
    taken = {one.value for one in (*attribute.options, *attribute.retired)}
    further = (f"{name} {n}" for n in range(2, len(taken) + 3))
    return next(one for one in (name, *further) if one not in taken)


def _name() -> str:
    body = json_object()
    known_keys(body, ("name",))
    errors = ErrorList()
    name = body.get("name")
    text = " ".join(name.split()) if isinstance(name, str) else ""
    if not text or len(text) > MOST_NAME or ";" in text or "\0" in text:
        errors.add("name", "INVALID_STRING", f"name must be a text of 1 to {MOST_NAME} characters, without ;")
    errors.raise_if_any()
    return text


def _shown(service: Runtime, several: Sequence[OptionDef]) -> list[dict[str, Any]]:
    counted = _open(service, several)
    return [{"id": one.value, "name": one.label, "open": counted.get(one.id, 0)} for one in several]


def _open(service: Runtime, several: Iterable[OptionDef]) -> dict[int, int]:
    """How many open tasks are in queues, by the option's id. The same statements for one and for all."""
    wanted = {"attribute": "status", "operator": "IN", "values": list(OPEN_STATUSES)}
    return Tally(service.engine).by_reference(context(), TASK, wanted, QUEUE, [one.id for one in several])


_TAG = "Activities"
_EXAMPLE = {"name": "Renewals"}
OPERATIONS = (
    Operation("GET", PATH, "listTaskQueues", "List task queues", list_queues, response=TaskQueues, tag=_TAG,
              description="Each with the number of its open tasks. A task is in a queue by its attribute `queue`."),
    Operation("POST", PATH, "addTaskQueue", "Make a task queue", add_queue, 201, body=TaskQueueIn,
              response=TaskQueueOut, example=_EXAMPLE, tag=_TAG),
    Operation("PATCH", PATH + "/{queue}", "renameTaskQueue", "Rename a task queue", rename_queue, body=TaskQueueIn,
              response=TaskQueueOut, example=_EXAMPLE, tag=_TAG),
    Operation("DELETE", PATH + "/{queue}", "dropTaskQueue", "Put a task queue away", drop_queue, 204, tag=_TAG,
              description="Refused while open tasks are in it."),
)  # fmt: skip
