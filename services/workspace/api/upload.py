"""The upload door: a multipart form whose file goes to the database piece by piece while it arrives.

What the request asks for is checked before the file when it comes before it (or in the query), else after it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from flask import request

from services.workspace.api.multipart import Sink, read_form
from services.workspace.commands.targets import writable
from services.workspace.commands.uploads import close_upload, forget_upload, no_file, open_upload, stage_upload
from services.workspace.tables.jobs import ImportJob
from services.workspace.tables.parts import PartWriter
from shared.kernel.context import Context
from shared.kernel.errors import Forbidden, Invalid
from shared.service.web.body import parse_object

if TYPE_CHECKING:
    from shared.service.runtime import Runtime


@dataclass(frozen=True)
class Asked:
    """An upload's request as commands take it. original: in the words it came in, when those were others."""

    request: Mapping[str, Any]
    origin: str = "native"
    original: Mapping[str, Any] | None = None


Understand = Callable[[Mapping[str, str]], Asked | None]
"""From the fields so far to what is asked; None when that has not come yet. Raises Invalid."""


@dataclass
class _Upload:
    """One request. The import is opened when its file begins."""

    service: Runtime
    ctx: Context
    understand: Understand
    part: str
    job: ImportJob | None = None
    writer: PartWriter | None = None
    asked: Asked | None = None
    ignored: list[str] = field(default_factory=list)

    def open_file(self, name: str, file_name: str, fields: Mapping[str, str]) -> Sink:
        """A file begins. Raises Invalid for a second one."""
        if self.job is not None:
            raise Invalid.one(self.part, "TOO_MANY_FILES", "One file at a time: send each in an import of its own")
        self.asked = self.understand(fields)
        if self.asked is None:
            if writable(self.service, self.ctx.actor) == []:
                raise Forbidden(("crm.objects.contacts.write",))
            self.job = stage_upload(self.service, self.ctx, file_name)
        else:
            self.job = self._opened(self.asked, file_name)
        self.writer = PartWriter(self.service.db, self.job.id)
        return self.writer

    def finish(self, fields: Mapping[str, str]) -> ImportJob:
        """The body is complete."""
        if self.job is None or self.writer is None:
            raise no_file()
        if self.asked is None:
            self.asked = self.understand({**fields, "": ""})
            assert self.asked is not None
            self.job = self._opened(self.asked, self.job.file_name, staged=self.job)
        return close_upload(self.service, self.job, self.writer)

    def _opened(self, asked: Asked, file_name: str, staged: ImportJob | None = None) -> ImportJob:
        return open_upload(
            self.service,
            self.ctx,
            asked.request,
            file_name,
            origin=asked.origin,
            original=asked.original,
            staged=staged,
        )


def take_upload(service: Runtime, ctx: Context, understand: Understand, part: str) -> ImportJob:
    """Read the request's body and open an import of its file. Raises Invalid, Forbidden, NotFound, ProtocolError."""
    upload = _Upload(service, ctx, understand, part)
    try:
        return upload.finish(read_form(upload.open_file))
    except BaseException:
        if upload.job is not None:
            forget_upload(service, upload.job)
        raise


def native_request(fields: Mapping[str, str]) -> Asked | None:
    """The `request` field, else the query; the field "" says that no further fields come."""
    if "request" in fields:
        told = parse_object(fields["request"].encode())
        return Asked({**_from_query(), **told})
    if "" in fields or request.args.get("type"):
        return Asked(_from_query())
    return None


def _from_query() -> dict[str, Any]:
    names = ("type", "name", "sheet", "encoding", "delimiter")
    return {name: request.args[name] for name in names if request.args.get(name)}
