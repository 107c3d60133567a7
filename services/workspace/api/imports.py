"""Native doors of imports: upload, profile, mapping, steering, errors, progress. They parse, call one thing, show."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from flask import Response, request

from services.workspace.api.present import present
from services.workspace.api.progress import progress
from services.workspace.api.upload import native_request, take_upload
from services.workspace.commands import steering
from services.workspace.commands.errors_file import error_csv, value_of, with_cells
from services.workspace.commands.proposals import profile_of
from services.workspace.commands.steering import visible
from services.workspace.commands.submitting import set_mapping
from services.workspace.commands.targets import writable
from services.workspace.tables import chunks, jobs, reports
from services.workspace.tables.jobs import DRY, RUN, ImportJob
from shared.kernel.context import Context
from shared.kernel.errors import Invalid, NotFound
from shared.service.permissions import require_scope
from shared.service.web.operation import answer
from shared.service.web.request import BIGGEST_ID, context, int_param, json_object, text_param

if TYPE_CHECKING:
    from shared.service.runtime import Runtime

PAGE, MOST = 20, 100
CHUNKS_READ = "crm.imports.chunks"
_PHASES = (DRY, RUN)
_FORMATS = ("", "json", "csv")


def number(text: str) -> int:
    """An import's id from a path. Raises NotFound for what cannot be one."""
    if not (text.isascii() and text.isdigit() and int(text[:20]) <= BIGGEST_ID):
        raise NotFound("import", [text[:40]])
    return int(text)


def create(service: Runtime) -> Response:
    """A file comes in."""
    return answer(present(take_upload(service, context(), native_request, "file")), 201)


def list_(service: Runtime) -> Response:
    """Imports that the actor may see."""
    limit = int_param("limit", PAGE, MOST, least=1) or PAGE
    after, before = int_param("after", None), int_param("before", None)
    types = writable(service, context().actor)
    with service.db.connect() as connection:
        found = jobs.listed(connection, after=after, before=before, types=types, limit=limit + 1)
    body: dict[str, Any] = {"results": [present(one) for one in found[:limit]]}
    if len(found) > limit:
        body["next_after" if after is not None else "next_before"] = str(found[limit - 1].id)
    return answer(body)


def read(service: Runtime, id: str) -> Response:
    """One import."""
    return answer(present(visible(service, context().actor, number(id))))


def profile(service: Runtime, id: str) -> Response:
    """What the file holds, and a mapping for it."""
    return answer(profile_of(service, visible(service, context().actor, number(id))))


def put_mapping(service: Runtime, id: str) -> Response:
    """Say which column goes where."""
    return answer(present(set_mapping(service, context(), number(id), json_object())))


def steered(command: Callable[[Runtime, Context, int], ImportJob]) -> Callable[..., Response]:
    """The door of one command."""

    def handle(service: Runtime, id: str) -> Response:
        json_object()  # nothing is asked for in it, and what cannot be read was not meant so
        return answer(present(command(service, context(), number(id))))

    return handle


dry_run, start, pause = steered(steering.dry_run), steered(steering.start), steered(steering.pause)
resume, cancel, undo = steered(steering.resume), steered(steering.cancel), steered(steering.undo)


def errors(service: Runtime, id: str) -> Response:
    """What was wrong with rows, as a page or as a file that can be mended and imported again."""
    job = visible(service, context().actor, number(id))
    phase = text_param("phase") or (RUN if RUN in job.phases else DRY)
    if phase not in _PHASES:
        raise Invalid.one("phase", "INVALID_PHASE", "phase must be dry or run")
    if text_param("format") not in _FORMATS:
        raise Invalid.one("format", "INVALID_OPTION", "format must be json or csv")
    if text_param("format") == "csv":
        headers = {"Content-Disposition": f'attachment; filename="import-{job.id}-errors.csv"'}
        return Response(error_csv(service, job, phase), 200, headers, content_type="text/csv; charset=utf-8")
    limit = int_param("limit", PAGE, MOST, least=1) or PAGE
    with service.db.connect() as connection:
        found = reports.errors(connection, job.id, phase, place_of(text_param("after")), limit + 1)
        rows = with_cells(connection, job, [error for _, error in found[:limit]])
    names = ("line", "column", "attribute", "code", "message")
    results = [
        {**{name: getattr(error, name) for name in names}, "value": value_of(job, error, cells)}
        for error, cells in rows
    ]
    body: dict[str, Any] = {"results": results}
    if len(found) > limit:
        body["next_after"] = "{}.{}.{}".format(*found[limit - 1][0])
    return answer(body)


def place_of(text: str) -> reports.Place:
    """Where the next page of errors begins. Raises Invalid."""
    line, _, rest = text.partition(".")
    phase, _, place = rest.partition(".")
    if not text:
        return reports.FIRST
    if not (line.isdecimal() and place.isdecimal() and len(line) < 10 and len(place) < 10):
        raise Invalid.one("after", "INVALID_CURSOR", "after must be `next_after` of the page before")
    return int(line), phase, int(place)


def samples(service: Runtime, id: str) -> Response:
    """What a dry run foresees for some rows."""
    job = visible(service, context().actor, number(id))
    with service.db.connect() as connection:
        return answer({"results": reports.samples(connection, job.id)})


def kept(service: Runtime, id: str) -> Response:
    """What an undo left alone."""
    job = visible(service, context().actor, number(id))
    limit = int_param("limit", MOST, 1000, least=1) or MOST
    ident, _, name = text_param("after").partition(".")
    if ident and not (ident.isdecimal() and len(ident) < 19):
        raise Invalid.one("after", "INVALID_CURSOR", "after must be `next_after` of the page before")
    with service.db.connect() as connection:
        found = reports.kept(connection, job.id, (int(ident or 0), name), limit + 1)
    body: dict[str, Any] = {"results": [{"id": str(one), "attribute": name} for one, name in found[:limit]]}
    if len(found) > limit:
        body["next_after"] = "{}.{}".format(*found[limit - 1])
    return answer(body)


def events(service: Runtime, id: str) -> Response:
    """Progress as it happens."""
    return progress(service, visible(service, context().actor, number(id)).id)


def chunk(service: Runtime, id: str, n: str) -> Response:
    """A chunk's rows, for the service that imports them: lines of JSON, [line, [cells]]."""
    require_scope(context().actor, CHUNKS_READ)
    if not (n.isascii() and n.isdigit() and len(n) < 10):
        raise NotFound("chunk", [n[:40]])
    found = chunks.payload(service.db, number(id), int(n))
    if found is None:
        raise NotFound("chunk", [n])
    headers = {"Content-Encoding": "gzip"}
    if "gzip" not in request.headers.get("Accept-Encoding", ""):
        found, headers = chunks.plain(found), {}
    return Response(found, 200, headers, content_type="application/x-ndjson")
