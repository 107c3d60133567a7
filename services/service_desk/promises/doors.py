"""HTTP: calendars and policies, the clocks of a ticket, what was done about them, and what a draft would have meant.

Reading needs the read scope of tickets; declaring needs the right to change their schema.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from flask import Response
from pydantic import BaseModel

from services.service_desk.promises import commands, store
from services.service_desk.promises.answering import clocks_of, done_about
from services.service_desk.promises.answers import Clocks, Previewed, ReachedList
from services.service_desk.promises.bodies import CalendarIn, PolicyIn, PreviewIn
from services.service_desk.promises.instants import asked, text
from services.service_desk.promises.keeping import TICKET
from services.service_desk.promises.previewing import previewed
from services.service_desk.promises.store import Declared
from services.service_desk.promises.sweeping import Desk
from shared.kernel.errors import Invalid, NotFound
from shared.service.permissions import Mode, require
from shared.service.web.native.present import entity_id
from shared.service.web.operation import Operation, QueryParam, answer
from shared.service.web.request import bool_param, context, int_param, json_object, text_param

if TYPE_CHECKING:
    from shared.service.runtime import Runtime

TAG = "Promises"
_CALENDAR: dict[str, Any] = {
    "name": "office",
    "time_zone": "Europe/Berlin",
    "hours": {"monday": [["09:00", "12:00"], ["13:00", "17:00"]]},
    "holidays": ["2026-12-25"],
    "exceptions": {"2026-12-24": [["09:00", "12:00"]]},
}
_POLICY: dict[str, Any] = {
    "name": "standard",
    "calendar": "office",
    "filter": None,
    "targets": {"resolution": {"by_priority": {"URGENT": 14400}, "otherwise": 144000}},
    "thresholds": [{"name": "soon", "target": "resolution", "moment": "before", "offset": 1800}],
}


class Version(BaseModel):
    """One version of a calendar or policy: what it says, and from when on. Active until the next one is."""

    name: str
    version: int
    valid_from: str
    created_by: str | None = None
    body: dict[str, Any]


class Versions(BaseModel):
    """All versions, by name, oldest first."""

    results: list[Version]


def desk_of(service: Runtime) -> Desk:
    """What the doors need."""
    assert isinstance(service.own, Desk)
    return service.own


def permit(service: Runtime, mode: Mode) -> None:
    """Reading needs the right to read tickets, declaring the right to change their schema. Raises Forbidden."""
    live = service.catalog.type(TICKET)
    require(context().actor, "schemas" if mode == "write" else "objects", live.defn, mode)


def permit_conditions(service: Runtime, trees: Iterable[object]) -> None:
    """Whoever asks through links needs the right to read what lies there. Raises Forbidden."""
    for tree in trees:
        with suppress(Invalid):  # what is wrong with a filter is told by who reads it
            desk_of(service).home.asking.permit(context(), TICKET, tree if isinstance(tree, Mapping) else None)


def version_of(one: Declared) -> dict[str, Any]:
    """A version as JSON."""
    return {
        "name": one.name,
        "version": one.version,
        "valid_from": text(one.valid_from),
        "created_by": one.created_by,
        "body": dict(one.body),
    }


def _listed(service: Runtime, kind: str) -> Response:
    permit(service, "read")
    with service.db.connect() as connection:
        found = store.every(connection, kind)
    return answer({"results": [version_of(one) for one in sorted(found, key=lambda one: (one.name, one.version))]})


def read_calendars(service: Runtime) -> Response:
    """All calendars."""
    return _listed(service, store.CALENDAR)


def read_policies(service: Runtime) -> Response:
    """All policies."""
    return _listed(service, store.POLICY)


def _declared(service: Runtime, kind: str) -> Response:
    permit(service, "write")
    body = json_object()
    permit_conditions(service, [body.get("filter")] if kind == store.POLICY else [])
    made = commands.declare(desk_of(service), kind, body, context(), service.foreign)
    return answer(version_of(made), 201)


def declare_calendar(service: Runtime) -> Response:
    """A calendar, or another version of one."""
    return _declared(service, store.CALENDAR)


def declare_policy(service: Runtime) -> Response:
    """A policy, or another version of one."""
    return _declared(service, store.POLICY)


def preview_promises(service: Runtime) -> Response:
    """What drafts would have meant."""
    permit(service, "read")
    body = json_object()
    drafts = body.get("policies")
    permit_conditions(
        service, [one.get("filter") for one in (drafts if isinstance(drafts, list) else ()) if isinstance(one, Mapping)]
    )
    return answer(previewed(desk_of(service), body))


def read_clocks(service: Runtime, id: str) -> Response:
    """The clocks of one ticket, as of this moment or another one since it was last changed."""
    permit(service, "read")
    shown = text_param("at")
    at = asked("at", shown, measured=True) if shown else None
    found = clocks_of(desk_of(service), entity_id(TICKET, id), at)
    if found is None:
        raise NotFound(TICKET, [id])
    return answer(found)


def read_actions(service: Runtime) -> Response:
    """What was reached and done, the latest first."""
    permit(service, "read")
    limit, before = int_param("limit", 100, 500, least=1), text_param("before")
    ticket = text_param("ticket")
    wanted = entity_id(TICKET, ticket) if ticket else None
    at = asked("before", before) if before else None
    return answer(done_about(desk_of(service), wanted, bool_param("late"), at, limit or 100))


def _operation(method: str, path: str, name: str, summary: str, handler: Any, **more: Any) -> Operation:
    return Operation(method, path, name, summary, handler, tag=TAG, **more)


def _example(of: Mapping[str, Any], body: type[BaseModel]) -> dict[str, Any]:
    return {"success": 201, "body": body, "example": dict(of), "response": Version}


OPERATIONS = (
    _operation(
        "GET", "/api/v1/sla/calendars", "readCalendars", "Read business hours", read_calendars, response=Versions
    ),
    _operation(
        "POST",
        "/api/v1/sla/calendars",
        "declareCalendar",
        "Declare business hours",
        declare_calendar,
        **_example(_CALENDAR, CalendarIn),
    ),
    _operation("GET", "/api/v1/sla/policies", "readPolicies", "Read promises", read_policies, response=Versions),
    _operation(
        "POST",
        "/api/v1/sla/policies",
        "declarePolicy",
        "Declare promises",
        declare_policy,
        **_example(_POLICY, PolicyIn),
    ),
    _operation(
        "POST",
        "/api/v1/sla/preview",
        "previewPromises",
        "See what other promises would have meant",
        preview_promises,
        read_only=True,
        body=PreviewIn,
        example={"policies": [_POLICY], "since": "2026-01-01T00:00:00Z"},
        response=Previewed,
    ),
    _operation(
        "GET",
        "/api/v1/sla/actions",
        "readActions",
        "Read what was done about promises",
        read_actions,
        query=(
            QueryParam("ticket", "string", "Of one ticket only"),
            QueryParam("late", "boolean", "Only what was noticed more than a minute late", False),
            QueryParam("before", "string", "Only what was reached before this instant"),
            QueryParam("limit", "integer", "How many", 100),
        ),
        response=ReachedList,
    ),
    _operation(
        "GET",
        "/api/v1/objects/tickets/{id}/sla",
        "readClocks",
        "Read a ticket's clocks",
        read_clocks,
        query=(QueryParam("at", "string", "As of this instant; now when absent"),),
        response=Clocks,
    ),
)
