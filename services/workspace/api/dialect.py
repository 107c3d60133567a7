"""Doors of imports for compatible clients. What their words mean is `shared.service.web.dialect.imports`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC
from typing import TYPE_CHECKING, Any

from flask import Response
from pydantic import BaseModel

from services.workspace.api.imports import number, place_of
from services.workspace.api.upload import Asked, take_upload
from services.workspace.commands import steering
from services.workspace.commands.errors_file import value_of, with_cells
from services.workspace.commands.steering import visible
from services.workspace.commands.targets import every_target, writable
from services.workspace.tables import jobs, reports
from services.workspace.tables.jobs import FAILED, RUN, ImportJob
from shared.contracts.imports import RowError
from shared.kernel.clock import iso, now
from shared.kernel.errors import Invalid
from shared.service.web.body import parse_object
from shared.service.web.dialect import imports as words
from shared.service.web.dialect.paging import page_link
from shared.service.web.operation import Operation, QueryParam, answer
from shared.service.web.request import bool_param, context, int_param, text_param

if TYPE_CHECKING:
    from shared.service.runtime import Runtime

PAGE, MOST = 10, 100
IMPORT_FAILED = "IMPORT_FAILED"
_WHOLE: reports.Place = (0, "", 0)
"""Where the failure of the whole import stands: before every line."""


class ImportForm(BaseModel):
    """A multipart form: `importRequest` as JSON text, and the file as `files`."""

    importRequest: str
    files: bytes


def understand(fields: Mapping[str, str]) -> Asked | None:
    """The importRequest, once it has come."""
    text = fields.get("importRequest", fields.get("import_request"))
    if text is not None:
        found = words.understood(parse_object(text.encode()))
        return Asked(found.request, "dialect", found.original)
    if "" in fields:
        raise Invalid.one("importRequest", "REQUIRED_FIELD", "importRequest is required")
    return None


def create(service: Runtime) -> Response:
    """A file with what is to become of it; it runs by itself."""
    return answer(_shown(service, [take_upload(service, context(), understand, "files")])[0])


def list_(service: Runtime) -> Response:
    """Imports by id."""
    limit = int_param("limit", PAGE, MOST, least=1) or PAGE
    after, before = int_param("after", None), int_param("before", None)
    rising = None if before is not None and after is None else after or 0
    types = writable(service, context().actor)
    with service.db.connect() as connection:
        found = jobs.listed(connection, after=rising, before=before, types=types, limit=limit + 1)
    page = found[:limit]
    body: dict[str, Any] = {"results": _shown(service, page if rising is not None else page[::-1])}
    if len(found) > limit and rising is not None:
        body["paging"] = page_link(service, page[-1].id)
    return answer(body)


def read(service: Runtime, import_id: str) -> Response:
    """One import."""
    return answer(_shown(service, [visible(service, context().actor, number(import_id))])[0])


def cancel(service: Runtime, import_id: str) -> Response:
    """End it where it stands."""
    started = now()
    steering.cancel(service, context(), number(import_id))
    return answer({"status": "COMPLETE", "startedAt": iso(started), "completedAt": iso(now())})


def errors(service: Runtime, import_id: str) -> Response:
    """What was wrong with rows; before them, why the import failed as a whole."""
    job = visible(service, context().actor, number(import_id))
    limit = int_param("limit", PAGE, MOST, least=1) or PAGE
    type_id = _type_ids(service).get(job.entity_type, "")
    with service.db.connect() as connection:
        after = place_of(text_param("after"))
        found = [*_failure(job, after), *reports.errors(connection, job.id, RUN, after, limit + 1)][: limit + 1]
        rows = with_cells(connection, job, [error for _, error in found[:limit]])
    at = job.updated_at.replace(tzinfo=UTC)
    results = [
        words.row_error(job.id, type_id, at, _problem(job, "{}.{}.{}".format(*place), error, cells))
        for (place, _), (error, cells) in zip(found, rows, strict=False)
    ]
    body: dict[str, Any] = {"results": results}
    if len(found) > limit:
        body["paging"] = page_link(service, "{}.{}.{}".format(*found[limit - 1][0]))
    return answer(body)


def _failure(job: ImportJob, after: reports.Place) -> list[tuple[reports.Place, RowError]]:
    """These clients know of no reason but errors: that of the whole import stands before all rows."""
    if job.state != FAILED or not job.error or after >= _WHOLE:
        return []
    return [(_WHOLE, RowError(_WHOLE[0], IMPORT_FAILED, job.error))]


def _problem(job: ImportJob, ident: str, error: RowError, cells: list[str] | None) -> words.RowProblem:
    return words.RowProblem(
        id=ident,
        code=error.code,
        line=error.line,
        column=job.header.index(error.column) + 1 if error.column in job.header else None,
        # Why all failed is all that there is to say of it, and holds no cell.
        message=error.message if error.code == IMPORT_FAILED or bool_param("includeErrorMessage") else None,
        value=value_of(job, error, cells),
        cells=cells if bool_param("includeRowData") else None,
    )


def _type_ids(service: Runtime) -> dict[str, str]:
    return {one.name: one.defn.wire_id for one in every_target(service)}


def _shown(service: Runtime, found: list[ImportJob]) -> list[dict[str, Any]]:
    ids = _type_ids(service) if found else {}
    return [_present(job, ids.get(job.entity_type, "")) for job in found]


def _present(job: ImportJob, type_id: str) -> dict[str, Any]:
    run = job.phases.get(RUN)
    counts = (run.created, run.updated, run.unchanged, run.rejected) if run else (0, 0, 0, 0)
    return words.shown(
        job.id,
        job.state,
        job.name,
        job.request,
        words.counters(job.rows, *counts),
        [type_id],
        (job.created_at, job.updated_at),
    )


_TAG = "Imports (dialect)"
_BASE = "/crm/v3/imports"
_AFTER = QueryParam("after", "string", "`paging.next.after` of the page before")
_LIMIT = QueryParam("limit", "integer", f"Page size, at most {MOST}", PAGE)

OPERATIONS: tuple[Operation, ...] = (
    Operation("POST", _BASE, "startImport", "Import a file", create, body=ImportForm, upload=True, tag=_TAG),
    Operation("GET", _BASE, "listImportsDialect", "List imports", list_,
              query=(_AFTER, QueryParam("before", "string", "Imports before this id"), _LIMIT), tag=_TAG),
    Operation("GET", f"{_BASE}/{{import_id}}", "readImportDialect", "Read an import", read, tag=_TAG),
    Operation("POST", f"{_BASE}/{{import_id}}/cancel", "cancelImportDialect", "Cancel an import", cancel, tag=_TAG),
    Operation("GET", f"{_BASE}/{{import_id}}/errors", "listImportErrorsDialect", "List errors of rows", errors,
              query=(_AFTER, _LIMIT, QueryParam("includeErrorMessage", "boolean", "Say what was wrong", False),
                     QueryParam("includeRowData", "boolean", "Show the row's cells", False)), tag=_TAG),
)  # fmt: skip
