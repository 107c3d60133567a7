"""HTTP doors of saved filters, under /reporting/v1/filters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Response
from pydantic import BaseModel

from services.reporting import filters
from services.reporting.answering import Answers
from services.reporting.api import FRESH, PRIVATE
from shared.service.web.operation import Operation, QueryParam, answer, no_content
from shared.service.web.request import context, json_object, text_param

if TYPE_CHECKING:
    from shared.service.runtime import Runtime

PATH = "/reporting/v1/filters"
_PRIVATE = {"Cache-Control": PRIVATE}


class FilterBody(BaseModel):
    """A filter to save."""

    name: str
    label: str = ""
    description: str = ""
    entity_type: str
    filter: dict[str, Any]


class FilterChange(BaseModel):
    """What of a saved filter becomes something else."""

    label: str = ""
    description: str = ""
    filter: dict[str, Any] = {}


class FilterDocument(BaseModel):
    """A saved filter; count is null while it is counted for the first time."""

    name: str
    label: str
    entity_type: str
    filter: dict[str, Any] | None
    count: int | None
    state: str


class FilterList(BaseModel):
    """Saved filters, with the moment up to which nothing is missing in their numbers."""

    results: list[FilterDocument]
    as_of: str | None
    lag_ms: int | None
    incomplete: dict[str, Any] | None = None


def _own(service: Runtime) -> Answers:
    assert isinstance(service.own, Answers)
    return service.own


def listing(service: Runtime) -> Response:
    """All filters that the caller may see."""
    body = filters.listing(_own(service), context(), text_param("type"), text_param("fresh", "any"))
    return answer(body, 200, _PRIVATE)


def save(service: Runtime) -> Response:
    """A new filter."""
    made = filters.save(_own(service), context(), json_object())
    return answer(made, 201, {"Location": f"{PATH}/{made['name']}"})


def read(service: Runtime, name: str) -> Response:
    """One filter."""
    return answer(filters.read(_own(service), context(), name, text_param("fresh", "any")), 200, _PRIVATE)


def change(service: Runtime, name: str) -> Response:
    """Other conditions or another label."""
    return answer(filters.change(_own(service), context(), name, json_object()))


def remove(service: Runtime, name: str) -> Response:
    """Let a filter go."""
    filters.remove(_own(service), context(), name)
    _own(service).recent.settle()
    return no_content()


_EXAMPLE = {
    "name": "customers_in_berlin",
    "label": "Customers in Berlin",
    "entity_type": "contact",
    "filter": {
        "and": [
            {"attribute": "lifecycle_stage", "operator": "EQ", "value": "customer"},
            {"attribute": "city", "operator": "EQ", "value": "Berlin"},
        ]
    },
}
OPERATIONS: tuple[Operation, ...] = (
    Operation("GET", PATH, "listFilters", "List saved filters with their numbers", listing,
              query=(QueryParam("type", "string", "Only those over this entity type"), FRESH), response=FilterList,
              tag="Reports", description="All numbers are of one moment, and exact."),
    Operation("POST", PATH, "saveFilter", "Save a filter", save, 201, body=FilterBody, response=FilterDocument,
              example=_EXAMPLE, tag="Reports", description="It is counted at once, and kept by every change from then "
              "on."),
    Operation("GET", f"{PATH}/{{name}}", "readFilter", "Read a saved filter", read, query=(FRESH,),
              response=FilterDocument, tag="Reports"),
    Operation("PATCH", f"{PATH}/{{name}}", "changeFilter", "Change a saved filter", change, body=FilterChange,
              response=FilterDocument, example={"label": "Customers, Berlin"}, tag="Reports"),
    Operation("DELETE", f"{PATH}/{{name}}", "removeFilter", "Remove a saved filter", remove, 204, tag="Reports"),
)  # fmt: skip
