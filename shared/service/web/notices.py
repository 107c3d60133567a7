"""Doors of what owners are told (`shared.service.notices`), for services that tell them anything.

A token is nobody's in particular: whose notices are meant is said with every request. Reading them takes the right to
read the entity type that they are about; to mark what was read takes the right to write it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from flask import Response
from pydantic import BaseModel

from shared.kernel.clock import iso
from shared.kernel.errors import ErrorList, Invalid, NotFound
from shared.service import notices
from shared.service.assignment.checking import check_owners
from shared.service.notices import Notice
from shared.service.permissions import Mode, require
from shared.service.web.native import present
from shared.service.web.operation import Operation, QueryParam, answer
from shared.service.web.request import BIGGEST_ID, bool_param, context, int_param, json_object, known_keys

if TYPE_CHECKING:
    from shared.service.runtime import Runtime

PAGE, MOST = 50, 200
OWNER_TYPE = "owner"
_DIGITS = 19
Shown = Callable[[Notice], dict[str, Any]]


class NoticeOut(BaseModel):
    """Something that an owner is told about an entity; `kind` says what."""

    id: str
    at: datetime
    kind: str
    entity: dict[str, str]
    detail: dict[str, Any]
    read_at: datetime | None


class Notices(BaseModel):
    """The latest first, and how many were not read."""

    results: list[NoticeOut]
    unread: int
    next_before: str | None = None


class ReadIn(BaseModel):
    """Which ones were read: up to one, or these."""

    upto: str | None = None
    ids: list[str] | None = None


class ReadOut(BaseModel):
    """How many were not read before, and how many still are not."""

    read: int
    unread: int


def shown(one: Notice) -> dict[str, Any]:
    """A line as JSON."""
    return {
        "id": str(one.id),
        "at": iso(one.at),
        "kind": one.kind,
        "entity": {"type": one.entity_type, "id": str(one.entity)},
        "detail": dict(one.detail),
        "read_at": None if one.read_at is None else iso(one.read_at),
    }


def owner_id(text: str) -> int:
    """The owner of a path. Raises Invalid."""
    if not (text.isascii() and text.isdigit() and len(text) < _DIGITS):
        raise Invalid.one("owner", "INVALID_INTEGER", "owner must be the id of an owner")
    return int(text)


def known_owner(service: Runtime, type_name: str, text: str) -> int:
    """The owner of a path, as far as it is known here who there is. Raises Invalid, NotFound."""
    whose = owner_id(text)
    try:
        check_owners(service.foreign, service.catalog.type(type_name), [whose])
    except Invalid:
        raise NotFound(OWNER_TYPE, [text]) from None
    return whose


_QUERY = (
    QueryParam("unread", "boolean", "Only what was not read", False),
    QueryParam("before", "string", "Only earlier ones than this"),
    QueryParam("limit", "integer", "How many", PAGE),
)


@dataclass(frozen=True, slots=True)
class _Doors:
    """Both handlers. type_name: what the notices are about; present: one of them as JSON."""

    type_name: str
    present: Shown

    def read(self, service: Runtime, owner: str) -> Response:
        """What somebody was told, the latest first."""
        _permit(service, self.type_name, "read")
        whose, limit = known_owner(service, self.type_name, owner), int_param("limit", PAGE, MOST, least=1) or PAGE
        before = int_param("before", BIGGEST_ID) or BIGGEST_ID
        with service.db.connect() as connection:
            found = notices.listed(connection, whose, before, limit + 1, unread=bool_param("unread"))
            count = notices.unread(connection, whose)
        body: dict[str, Any] = {"results": [self.present(one) for one in found[:limit]], "unread": count}
        if len(found) > limit:
            body["next_before"] = str(found[limit - 1].id)
        return answer(body)

    def mark(self, service: Runtime, owner: str) -> Response:
        """Some of it was read."""
        _permit(service, self.type_name, "write")
        whose, (last, chosen) = known_owner(service, self.type_name, owner), _which()
        with service.db.transaction() as connection:
            done = notices.read(connection, whose, last, chosen)
            return answer({"read": done, "unread": notices.unread(connection, whose)})


def operations(
    path: str,
    type_name: str,
    tag: str,
    *,
    names: tuple[str, str] = ("readNotices", "markNoticesRead"),
    present_one: Shown = shown,
    **more: Any,
) -> tuple[Operation, ...]:
    """Reading notices and marking them as read, below a path that has an {owner}. type_name: what they are about."""
    doors, kept = _Doors(type_name, present_one), {"response": Notices, **more}
    return (
        Operation("GET", path, names[0], "Read what somebody was told", doors.read, query=_QUERY, tag=tag, **kept),
        Operation("POST", path + "/read", names[1], "Mark notices as read", doors.mark, body=ReadIn, response=ReadOut,
                  example={"upto": "1"}, tag=tag),
    )  # fmt: skip


def _which() -> tuple[int, list[int] | None]:
    """Which ones a body names: up to an id, or these ids."""
    body = json_object()
    known_keys(body, ("upto", "ids"))
    errors = ErrorList()
    upto, ids = body.get("upto"), body.get("ids")
    if (upto is None) == (ids is None) or not isinstance(ids, list | None):
        errors.add("upto", "REQUIRED_FIELD", "name the last one that was read in upto, or all of them in ids")
    errors.raise_if_any()
    chosen = None if ids is None else [present.entity_id("notification", one) for one in ids]
    return BIGGEST_ID if upto is None else present.entity_id("notification", upto), chosen


def _permit(service: Runtime, type_name: str, mode: Mode) -> None:
    require(context().actor, "objects", service.catalog.type(type_name).defn, mode)
