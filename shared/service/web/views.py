"""The native doors of saved views: making them, and looking through them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Response
from pydantic import BaseModel, Field

from shared.kernel.errors import ErrorList
from shared.service.views import SavedView
from shared.service.web.native import models, present
from shared.service.web.native.query import TOTALS, read_query
from shared.service.web.operation import Operation, QueryParam, answer, no_content
from shared.service.web.request import bool_param, context, int_param, json_object, known_keys, text_param

if TYPE_CHECKING:
    from shared.service.runtime import Runtime

VIEWS = "/api/v1/types/{type}/views"
VIEW = VIEWS + "/{view}"
KEYS = ("description", "filter", "text", "sorts", "attributes", "shared")
_MOST = 200


class ViewIn(BaseModel):
    """A question about entities. `@me` in the filter is whoever looks; attributes: the columns; shared: whether others
    see it."""

    description: str = ""
    filter: dict[str, Any] | None = None
    text: str = ""
    sorts: list[Any] = Field(default_factory=list)
    attributes: list[str] | None = None
    shared: bool = False


class ViewOut(ViewIn):
    """A saved view. personal: it has to be said who looks; actor: who made it; count: how many fit, where asked for."""

    name: str
    personal: bool
    actor: str
    count: int | None = None


class ViewList(BaseModel):
    """Shared views and one's own."""

    results: list[ViewOut]


def list_views(service: Runtime, type: str) -> Response:
    """The views of a type."""
    return answer({"results": [_shown(one) for one in service.views.listed(context(), type)]})


def read_view(service: Runtime, type: str, view: str) -> Response:
    """One view, counted where that is asked for."""
    found = service.views.find(context(), type, view)
    body = _shown(found)
    if bool_param("count"):
        asked = read_query({**found.query(text_param("me")), "limit": 1, "total": "exact", "attributes": []})
        name = service.catalog.type(type).name
        body["count"] = service.entities.query(context(), name, asked, present.view(())).total
    return answer(body)


def put_view(service: Runtime, type: str, view: str) -> Response:
    """Make or change a view."""
    body = json_object()
    known_keys(body, KEYS)
    errors = ErrorList()
    shared, description = body.get("shared", False), body.get("description", "")
    if not isinstance(shared, bool):
        errors.add("shared", "INVALID_BOOLEAN", "shared must be true or false")
    if not isinstance(description, str) or len(description) > 2000:
        errors.add("description", "INVALID_TEXT", "description must be a string of at most 2000 characters")
    columns = present.names(body, "attributes")
    errors.raise_if_any()
    asked = {key: value for key, value in body.items() if key not in ("shared", "attributes") and value}
    read_query({key: value for key, value in asked.items() if key != "description"})
    kept = asked if columns is None else {**asked, "attributes": list(columns)}
    return answer(_shown(service.views.put(context(), type, SavedView(view, kept, shared))))


def drop_view(service: Runtime, type: str, view: str) -> Response:
    """Do away with a view."""
    service.views.drop(context(), type, view)
    return no_content()


def look_through(service: Runtime, type: str, view: str) -> Response:
    """A page of what a view shows."""
    ctx, name = context(), service.catalog.type(type).name
    found = service.views.find(ctx, name, view)
    limit = int_param("limit", 50, _MOST, least=1)
    total = text_param("total", "none")
    asked = {**found.query(text_param("me")), "limit": limit, "cursor": text_param("cursor") or None, "total": total}
    query = read_query(asked)
    page = service.entities.query(ctx, name, query, present.view(present.names(asked, "attributes")))
    body: dict[str, Any] = {"results": [present.entity_json(name, one) for one in page.entities]}
    if page.next_cursor is not None:
        body["next_cursor"] = page.next_cursor
    if page.total is not None and total != "none":
        body["total"] = page.total
    return answer(body)


def _shown(one: SavedView) -> dict[str, Any]:
    names: dict[str, Any] = {"description": "", "filter": None, "text": "", "sorts": [], "attributes": None}
    body = {name: one.body.get(name, usual) for name, usual in names.items()}
    return {"name": one.name, **body, "shared": one.shared, "personal": one.personal, "actor": one.actor}


_ME = QueryParam("me", "string", "Who looks, for views that ask for @me: the id of an owner")
_EXAMPLE = {"filter": {"attribute": "id", "operator": "GT", "value": "0"}, "sorts": ["-id"], "shared": True}
_TAG = "Views"
OPERATIONS = (
    Operation("GET", VIEWS, "listViews", "List saved views", list_views, response=ViewList, tag=_TAG),
    Operation("PUT", VIEW, "putView", "Save or change a view", put_view, body=ViewIn, response=ViewOut,
              example=_EXAMPLE, tag=_TAG, description="Whoever may read the type may keep views; those of others that "
              "are shared are changed by who may change the type."),
    Operation("GET", VIEW, "readView", "Read a saved view", read_view, response=ViewOut, tag=_TAG,
              query=(QueryParam("count", "boolean", "Count what fits", False), _ME)),
    Operation("DELETE", VIEW, "dropView", "Remove a saved view", drop_view, 204, tag=_TAG),
    Operation("GET", VIEW + "/entities", "lookThroughView", "List what a view shows", look_through,
              query=(QueryParam("limit", "integer", "How many", 50), _ME,
                     QueryParam("cursor", "string", "The next_cursor of the page before"),
                     QueryParam("total", "string", f"One of {', '.join(TOTALS)}", "none")),
              response=models.QueryPage, tag=_TAG),
)  # fmt: skip
