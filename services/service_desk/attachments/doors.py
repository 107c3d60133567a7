"""HTTP: files that go with entries. Uploading needs the right to write entries, reading that to read them.

A file is uploaded first; the entry that is made then names it in `attachment_ids`, and goes out with it. Whoever may
read the entry may read its files; of those that no entry has, nobody is told anything.
"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any

from flask import Response
from pydantic import BaseModel, Field

from services.service_desk.attachments import store
from services.service_desk.attachments.store import ENTRY
from services.service_desk.domain.attachments import (
    MOST_BYTES,
    OPAQUE,
    Attachment,
    disposition,
    plain_name,
    plain_type,
    shown_type,
)
from shared.kernel.errors import Invalid, NotFound
from shared.service.entities import Ref, View
from shared.service.permissions import require
from shared.service.web.native.present import entity_id
from shared.service.web.operation import Operation, answer
from shared.service.web.request import context, json_object, known_keys

if TYPE_CHECKING:
    from shared.service.runtime import Runtime

PATH = "/api/v1/service_desk/attachments"
OF_ENTRY = "/api/v1/objects/ticket_entries/{id}/attachments"
_NOTHING = View("json", ())
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cache-Control": "private, no-store",
}


class FileIn(BaseModel):
    """A file to send with an entry."""

    name: str
    content_type: str = OPAQUE
    content_base64: str = Field(description=f"At most {MOST_BYTES:,} bytes")


class FileOut(BaseModel):
    """What is known of a file; its name and type are made harmless."""

    id: str
    name: str
    content_type: str
    size: int


class Files(BaseModel):
    """The files of an entry."""

    results: list[FileOut]


def upload(service: Runtime) -> Response:
    """Keep a file until an entry names it."""
    ctx = context()
    require(ctx.actor, "objects", service.catalog.type(ENTRY).defn, "write")
    body = json_object()
    known_keys(body, ("name", "content_type", "content_base64"))
    file = Attachment(plain_name(body.get("name")), plain_type(body.get("content_type")), _content(body))
    with service.db.transaction() as connection:
        (ident,) = store.add(connection, [file], ctx.actor.id)
    made = store.Held(ident, None, file.name, file.content_type, len(file.content))
    return answer(made.as_json(), 201)


def read_files(service: Runtime, id: str) -> Response:
    """The files of an entry."""
    entry = _readable(service, entity_id(ENTRY, id))
    with service.db.connect() as connection:
        return answer({"results": [one.as_json() for one in store.held(connection, entry)]})


def download(service: Runtime, id: str) -> Response:
    """One file, to be kept and not to be opened."""
    require(context().actor, "objects", service.catalog.type(ENTRY).defn, "read")
    with service.db.connect() as connection:
        found = store.find(connection, entity_id("attachment", id))
    if found is None or found.entry is None:
        raise NotFound("attachment", [id[:80]])
    _readable(service, found.entry)
    with service.db.connect() as connection:
        content = store.content(connection, found.id)
    headers = {**_HEADERS, "Content-Disposition": disposition(found.name)}
    return Response(content, 200, headers, content_type=shown_type(found.content_type))


def _readable(service: Runtime, ident: int) -> int:
    (entry,) = service.entities.read(context(), ENTRY, [Ref(ident)], _NOTHING)
    if entry is None:
        raise NotFound(ENTRY, [str(ident)])
    return entry.id


def _content(body: dict[str, Any]) -> bytes:
    try:
        content = base64.b64decode(str(body.get("content_base64") or ""), validate=True)
    except (binascii.Error, ValueError):
        raise Invalid.one("content_base64", "INVALID_TYPE", "content_base64 is not base64") from None
    if not content:
        raise Invalid.one("content_base64", "REQUIRED_FIELD", "content_base64 must be the bytes of a file")
    if len(content) > MOST_BYTES:
        raise Invalid.one("content_base64", "LIMIT_EXCEEDED", f"a file has at most {MOST_BYTES:,} bytes")
    return content


OPERATIONS = (
    Operation(
        "POST", PATH, "uploadAttachment", "Upload a file to send with an entry", upload, success=201, body=FileIn,
        response=FileOut, tag="Attachments",
        example={"name": "invoice.txt", "content_type": "text/plain", "content_base64": "SW52b2ljZQ=="},
        description="The entry that is made then names it in attachment_ids; what nobody names is gone after a day.",
    ),
    Operation(
        "GET", OF_ENTRY, "readAttachments", "List the files of an entry", read_files, response=Files,
        tag="Attachments",
    ),
    Operation(
        "GET", f"{PATH}/{{id}}", "readAttachment", "Read a file", download, produces=(OPAQUE,), tag="Attachments",
    ),
)  # fmt: skip
