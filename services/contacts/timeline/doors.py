"""GET /api/v1/timeline/{type}/{id}: one customer's history, newest first, page by page."""

from __future__ import annotations

import base64
import binascii
from datetime import datetime
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from flask import Response
from pydantic import BaseModel

from services.contacts.domain.activities import TYPES as ACTIVITIES
from services.contacts.timeline.answering import Timelines
from services.contacts.timeline.entries import KINDS, SUBJECTS
from services.contacts.timeline.reading import Place, Wanted
from shared.kernel.clock import read_instant
from shared.kernel.errors import ErrorList, Invalid
from shared.service.known_types import type_of
from shared.service.web.native.present import entity_id
from shared.service.web.operation import Operation, QueryParam, answer
from shared.service.web.request import context, int_param, list_param, text_param

if TYPE_CHECKING:
    from shared.service.runtime import Runtime

PAGE, MOST = 50, 200
ACTIVITY = "activity"
"""Stands for all kinds of activities."""


class Change(BaseModel):
    """What happened to one attribute, by its present name."""

    attribute: str
    label: str = ""
    old: Any = None
    new: Any = None
    old_label: str | None = None
    new_label: str | None = None


class About(BaseModel):
    """The entity that a line is about, and what is shown of it."""

    type: str
    id: str
    values: dict[str, Any] | None = None


class TimelineLine(BaseModel):
    """One line: the instant that it counts from and the one it was recorded at, what happened, to what, by whom."""

    at: str
    recorded_at: str
    kind: str
    service: str
    entity: About | None = None
    actor: str | None = None
    source: str | None = None
    source_id: str | None = None
    changes: list[Change] = []
    data: dict[str, Any] = {}


class LeftOut(BaseModel):
    """Lines that are there and not shown: about which type, and the scope it would need."""

    type: str
    scope: str


class TimelinePage(BaseModel):
    """A page, newest first; `next_cursor` is absent on the last one."""

    results: list[TimelineLine]
    next_cursor: str | None = None
    left_out: list[LeftOut] = []


def read_timeline(service: Runtime, type: str, id: str) -> Response:
    """A page of one entity's timeline."""
    defn = type_of(service.catalog, type)
    if defn.name not in SUBJECTS:
        raise Invalid.one("type", "NOT_AVAILABLE", f"{type} has no timeline; these have: {', '.join(SUBJECTS)}")
    wanted = _wanted()
    assert isinstance(service.own, Timelines)
    found = service.own.read(context(), defn.name, entity_id(defn.name, id), wanted)
    body: dict[str, Any] = {"results": found.results}
    if found.next_place is not None:
        body["next_cursor"] = _cursor(found.next_place)
    if found.left_out:
        body["left_out"] = [{"type": name, "scope": scope} for name, scope in sorted(found.left_out.items())]
    return answer(body)


def _wanted() -> Wanted:
    errors = ErrorList()
    kinds: set[str] = set()
    for name in list_param("kinds"):
        if name == ACTIVITY:
            kinds.update(ACTIVITIES)
        elif name in KINDS:
            kinds.add(name)
        else:
            close = get_close_matches(name, (*KINDS, ACTIVITY), 3, 0.5) or (*KINDS, ACTIVITY)
            errors.add("kinds", "INVALID_OPTION", f'"{name[:50]}" is no kind of line: {", ".join(close)}')
    since, until = (_instant(name, errors) for name in ("since", "until"))
    limit = int_param("limit", PAGE, MOST, least=1)
    cursor = text_param("cursor")
    errors.raise_if_any()
    actor = text_param("actor") or None
    return Wanted(frozenset(kinds), since, until, actor, _place(cursor) if cursor else None, limit or PAGE)


def _instant(name: str, errors: ErrorList) -> datetime | None:
    text = text_param(name)
    if not text:
        return None
    try:
        return read_instant(text).replace(tzinfo=None)
    except ValueError:
        errors.add(name, "INVALID_DATE", f"{name} must be an instant or a date, such as 2026-03-02T09:30:00Z")
        return None


def _cursor(place: Place) -> str:
    return base64.urlsafe_b64encode(f"{place[0].isoformat()} {place[1]}".encode()).decode().rstrip("=")


def _place(cursor: str) -> Place:
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        at, _, key = text.partition(" ")
        if "\0" in key:
            raise ValueError(key)
        return datetime.fromisoformat(at).replace(tzinfo=None), key
    except (ValueError, binascii.Error, UnicodeError) as error:
        message = "cursor must be the next_cursor of the page before"
        raise Invalid.one("cursor", "INVALID_CURSOR", message) from error


OPERATIONS = (
    Operation(
        "GET",
        "/api/v1/timeline/{type}/{id}",
        "readTimeline",
        "Read a timeline",
        read_timeline,
        query=(
            QueryParam("kinds", "array", f"Only these: {', '.join(KINDS)}; {ACTIVITY} for all activities"),
            QueryParam("since", "string", "Nothing that counts from before this instant"),
            QueryParam("until", "string", "Only what counts from before this instant"),
            QueryParam("actor", "string", "Only what this actor did: the id of a token, or system"),
            QueryParam("limit", "integer", f"Lines on a page, {MOST} at most", PAGE),
            QueryParam("cursor", "string", "`next_cursor` of the page before"),
        ),
        response=TimelinePage,
        tag="Timeline",
        types=SUBJECTS,
        description=(
            "Everything that happened with a contact, company, deal or ticket in one stream, newest first: activities, "
            "changes of attributes, moves of lifecycle and stage, what was said about tickets and what the customer "
            "thought of that, links, merges. Lines about types that the token may not read are left out, and "
            "`left_out` says so; internal notes need the right to read tickets too."
        ),
    ),
)
