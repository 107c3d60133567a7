"""Taking a file in: an import is opened before its first byte, and handed to a worker after its last."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from services.workspace.commands.mappings import KEYS, check_form, perhaps_new
from services.workspace.commands.rights import require_asked
from services.workspace.commands.steering import begin_reading
from services.workspace.commands.targets import ImportTarget, find_target, patiently, require_write
from services.workspace.tables import jobs, parts
from services.workspace.tables.jobs import DRY, RUN, ImportJob
from services.workspace.tables.parts import PartWriter
from shared.kernel.context import Context
from shared.kernel.db import Connection
from shared.kernel.errors import ErrorList, Invalid
from shared.service.web.request import known_keys

if TYPE_CHECKING:
    from shared.service.runtime import Runtime

REQUEST_KEYS = ("type", "name", "sheet", "encoding", "delimiter", "has_header", "mapping", "run")
_OPTIONS = ("sheet", "encoding", "delimiter")
_LONGEST = 200
_BEGINS = {"": "", "dry": DRY, "run": RUN}


def check_request(request: Mapping[str, Any]) -> None:
    """The form of a request, before anything is stored. Raises Invalid with all that is wrong."""
    known_keys(request, REQUEST_KEYS)
    errors = ErrorList()
    if not isinstance(request.get("type"), str) or not request["type"]:
        errors.add("type", "REQUIRED_FIELD", "type is required: the entity type that the rows become")
    for name in ("name", *_OPTIONS):
        if not isinstance(request.get(name) or "", str) or len(request.get(name) or "") > _LONGEST:
            errors.add(name, "INVALID_TEXT", f"{name} must be a text of at most {_LONGEST} characters")
    if not isinstance(request.get("has_header", True), bool):
        errors.add("has_header", "INVALID_BOOLEAN", "has_header must be true or false")
    mapping = request.get("mapping")
    if mapping is not None and not isinstance(mapping, Mapping):
        errors.add("mapping", "INVALID_MAPPING", "mapping must be an object")
    if (request.get("run") or "") not in _BEGINS:
        errors.add("run", "INVALID_RUN", "run must be dry or run")
    elif request.get("run") and mapping is None:
        errors.add("run", "INVALID_RUN", "run needs a mapping: say which column goes where, or wait for the profile")
    errors.raise_if_any()
    if mapping is not None:
        known_keys(mapping, KEYS, "mapping.")


def open_upload(
    service: Runtime,
    ctx: Context,
    request: Mapping[str, Any],
    file_name: str,
    *,
    origin: str = "native",
    original: Mapping[str, Any] | None = None,
    staged: ImportJob | None = None,
) -> ImportJob:
    """A new import that waits for its file. Raises Invalid, NotFound for an unknown type, Forbidden with every scope
    that its mapping needs.

    file_name: only shown, never used as a path. original: the request in the words of the dialect. staged: an import
    that was opened before anybody knew what for.
    """
    check_request(request)
    target = find_target(service, request["type"])
    require_write(ctx.actor, target)
    wanted = _only_new(target, request.get("mapping"))
    if wanted is not None:
        _check_native(service, target, wanted, origin)
        require_asked(service, ctx.actor, target, wanted)
    options = {name: request[name] for name in (*_OPTIONS, "has_header") if request.get(name) not in (None, "")}
    shown = _plain_name(file_name)
    columns: dict[str, Any] = {
        "name": request.get("name") or shown,
        "entity_type": target.name,
        "service": target.service,
        "origin": origin,
        "options": options,
        "request": original,
        "wanted": wanted,
        "begins": _BEGINS[request.get("run") or ""],
    }
    with service.db.transaction() as connection:
        if staged is None:
            return jobs.find(connection, _created(connection, ctx, shown, **columns))
        jobs.change(connection, staged.id, **columns)
        return jobs.find(connection, staged.id)


def _check_native(service: Runtime, target: ImportTarget, wanted: Mapping[str, Any], origin: str) -> None:
    """What is wrong with a mapping whatever its file; other doors tell it in words of their own. Raises Invalid."""
    if origin == "native":
        patiently(lambda: check_form(service, target, wanted), perhaps_new)


def _only_new(target: ImportTarget, mapping: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """A mapping without definitions of attributes that are there: it makes none that its sender was not asked about,
    should they be gone once the file was read. Definitions without form stay for `prepare` to tell of."""
    listed = (mapping or {}).get("create_attributes")
    if mapping is None or not isinstance(listed, list):
        return mapping
    kept = [one for one in listed if not isinstance(one, Mapping) or target.find(str(one.get("name") or "")) is None]
    return {**mapping, "create_attributes": kept}


def stage_upload(service: Runtime, ctx: Context, file_name: str) -> ImportJob:
    """An import of a file whose request comes behind it."""
    shown = _plain_name(file_name)
    nothing: dict[str, Any] = dict.fromkeys(("request", "wanted"))
    unknown = {"name": shown, "entity_type": "", "service": "", "origin": "native", "options": {}, "begins": ""}
    with service.db.transaction() as connection:
        return jobs.find(connection, _created(connection, ctx, shown, **unknown, **nothing))


def _created(connection: Connection, ctx: Context, file_name: str, **columns: Any) -> int:
    told = {"actor": ctx.actor.id, "correlation": ctx.correlation, "file_name": file_name}
    return jobs.create(connection, **columns, **told)


def close_upload(service: Runtime, job: ImportJob, writer: PartWriter) -> ImportJob:
    """The file is complete. Raises Invalid when there was none."""
    size = writer.finish()
    with service.db.transaction() as connection:
        jobs.change(connection, job.id, file_size=size)
        begin_reading(connection, jobs.find(connection, job.id, lock=True))
        return jobs.find(connection, job.id)


def forget_upload(service: Runtime, job: ImportJob) -> None:
    """The upload broke off or was refused: nothing of it stays."""
    with service.db.transaction() as connection:
        parts.drop_parts(connection, job.id)
        connection.run("delete from import_job where id = %(job)s and state = 'uploading'", {"job": job.id})


def no_file() -> Invalid:
    """The error of an upload without a file."""
    return Invalid.one("file", "REQUIRED_FIELD", "a file is required: send it as the multipart part file")


def _plain_name(file_name: str) -> str:
    """The last part of what a client calls its file, for people to read."""
    last = file_name.replace("\\", "/").rpartition("/")[2]
    return "".join(letter for letter in last if letter.isprintable())[:_LONGEST] or "file"
