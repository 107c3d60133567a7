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
from services.service_desk.attachments.store import ENTRY, LEFT_OUT
from services.service_desk.domain.attachments import (
    MOST_BYTES,
    OPAQUE,
    Attachment,
    disposition,
    plain_name,
    plain_type,
    shown_type,
)
from shared.kernel.errors import ErrorList, NotFound
from shared.service.entities import Entity, Ref, View
from shared.service.permissions import require
from shared.service.web.native.present import entity_id
from shared.service.web.operation import Operation, answer
from shared.service.web.request import context, json_object, known_keys

if TYPE_CHECKING:
    from shared.service.runtime import Runtime

PATH = "/api/v1/service_desk/attachments"
OF_ENTRY = "/api/v1/objects/ticket_entries/{id}/attachments"
_SHOWN = View("json", (LEFT_OUT,))
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
    """The files of an entry. left_out: a line for each that its e-mail brought and that was too much, with name, size
    and why."""

    results: list[FileOut]
    left_out: list[str]


def upload(service: Runtime) -> Response:
    """Keep a file until an entry names it."""
    ctx = context()
    require(ctx.actor, "objects", service.catalog.type(ENTRY).defn, "write")
    body = json_object()
    known_keys(body, ("name", "content_type", "content_base64"))
    file = _file(body)
    with service.db.transaction() as connection:
        (ident,) = store.add(connection, [file], ctx.actor.id)
    made = store.Held(ident, None, file.name, file.content_type, len(file.content))
    return answer(made.as_json(), 201)


def read_files(service: Runtime, id: str) -> Response:
    """The files of an entry."""
    entry = _readable(service, entity_id(ENTRY, id))
    left = str(entry.values.get(LEFT_OUT) or "").splitlines()
    with service.db.connect() as connection:
        return answer({"results": [one.as_json() for one in store.held(connection, entry.id)], "left_out": left})


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


def _readable(service: Runtime, ident: int) -> Entity:
    (entry,) = service.entities.read(context(), ENTRY, [Ref(ident)], _SHOWN)
    if entry is None:
        raise NotFound(ENTRY, [str(ident)])
    return entry


def _file(body: dict[str, Any]) -> Attachment:
    """What is uploaded. Raises Invalid with everything wrong."""
    errors = ErrorList()
    name, kind = body.get("name"), body.get("content_type")
    if not isinstance(name, str) or not name.strip():
        errors.add("name", "REQUIRED_FIELD", "name must be a text, such as invoice.pdf")
    if not isinstance(kind, str | None):
        errors.add("content_type", "INVALID_TYPE", "content_type must be a text, such as application/pdf")
    content = _content(body.get("content_base64"), errors)
    errors.raise_if_any()
    return Attachment(plain_name(name), plain_type(kind), content)


def _content(encoded: object, errors: ErrorList) -> bytes:
    if not isinstance(encoded, str) or not encoded:
        errors.add("content_base64", "REQUIRED_FIELD", "content_base64 must be the bytes of a file")
        return b""
    try:
        content = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        errors.add("content_base64", "INVALID_TYPE", "content_base64 is not base64")
        return b""
    if not 0 < len(content) <= MOST_BYTES:
        errors.add("content_base64", "LIMIT_EXCEEDED", f"a file has 1 to {MOST_BYTES:,} bytes")
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
