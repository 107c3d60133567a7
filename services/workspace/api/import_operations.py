"""The native doors of imports, declared."""

from __future__ import annotations

from services.workspace.api import import_models as models
from services.workspace.api import imports, mappings
from shared.service.web.operation import Operation, QueryParam

_BASE = "/api/v1/imports"
_ONE = f"{_BASE}/{{id}}"
_TAG = "Imports"
_LIMIT = QueryParam("limit", "integer", "Page size", imports.PAGE)
_AFTER = QueryParam("after", "string", "`next_after` of the page before")
_WRITE = "Needs the right to write the target's entities."

_MAPPING = {
    "key": {"column": "E-mail", "attribute": "email"},
    "columns": [{"column": "E-mail", "attribute": "email"},
                {"column": "Born", "attribute": "born", "date_format": "DMY"}],
    "blanks": ["Select"],
    "create_attributes": [{"name": "born", "label": "Born", "type": "date"}],
}  # fmt: skip


def _steering(verb: str, name: str, summary: str, description: str) -> Operation:
    handler = getattr(imports, verb.replace("-", "_"))
    return Operation("POST", f"{_ONE}/{verb}", name, summary, handler, response=models.ImportBody, tag=_TAG,
                     description=f"{description} {_WRITE} Idempotent.")  # fmt: skip


OPERATIONS: tuple[Operation, ...] = (
    Operation("POST", _BASE, "createImport", "Upload a file", imports.create, 201, upload=True,
              query=(QueryParam("type", "string", "The entity type that the rows become", example="contacts"),),
              response=models.ImportBody, tag=_TAG,
              description="multipart/form-data: `file`, and `request` as JSON: {type, name, sheet, encoding, "
              "delimiter, has_header, mapping, run: dry or run}. CSV, XLSX and NDJSON are told apart. " + _WRITE),
    Operation("GET", _BASE, "listImports", "List imports, the newest first", imports.list_,
              query=(_LIMIT, QueryParam("after", "integer", "Imports behind this id, rising"),
                     QueryParam("before", "integer", "Imports before this id, falling")),
              response=models.ImportPage, tag=_TAG),
    Operation("GET", f"{_BASE}/mappings", "listMappings", "List saved mappings", mappings.list_,
              query=(QueryParam("limit", "integer", "Page size", mappings.PAGE), _AFTER),
              response=models.SavedMappingPage, tag=_TAG),
    Operation("POST", f"{_BASE}/mappings", "saveMapping", "Save a mapping under a name", mappings.save, 201,
              body=models.SavedMapping, response=models.SavedMapping, tag=_TAG,
              example={"name": "fair", "type": "contacts", "mapping": _MAPPING}),
    Operation("GET", f"{_BASE}/mappings/{{name}}", "readMapping", "Read a saved mapping", mappings.read,
              query=(QueryParam("type", "string", "Its entity type", required=True),),
              response=models.SavedMapping, tag=_TAG),
    Operation("DELETE", f"{_BASE}/mappings/{{name}}", "deleteMapping", "Forget a saved mapping", mappings.drop, 204,
              query=(QueryParam("type", "string", "Its entity type", required=True),), tag=_TAG),
    Operation("GET", _ONE, "readImport", "Read an import", imports.read, response=models.ImportBody, tag=_TAG),
    Operation("GET", f"{_ONE}/profile", "readImportProfile", "What the file holds, and a proposed mapping",
              imports.profile, response=models.ProfileBody, tag=_TAG),
    Operation("PUT", f"{_ONE}/mapping", "mapImport", "Say which column goes where", imports.put_mapping,
              body=models.MappingBody, response=models.ImportBody, example=_MAPPING, tag=_TAG, description=_WRITE),
    _steering("dry-run", "dryRunImport", "Foresee what a run would do", "Changes nothing."),
    _steering("start", "runImport", "Run", "Begins to write."),
    _steering("pause", "pauseImport", "Pause", "Chunks under way are finished."),
    _steering("resume", "resumeImport", "Go on", "After a pause, or again after a failure."),
    _steering("cancel", "cancelImport", "Cancel", "What was written stays."),
    _steering("undo", "undoImport", "Take back what a run did", "Except what somebody changed since, see `kept`."),
    Operation("GET", f"{_ONE}/errors", "listImportErrors", "What was wrong with rows", imports.errors,
              query=(QueryParam("phase", "string", "dry or run; the last one if left out"),
                     QueryParam("format", "string", "csv: the rows themselves, to be mended and imported again"),
                     _LIMIT, _AFTER),
              response=models.ImportErrorPage, tag=_TAG),
    Operation("GET", f"{_ONE}/samples", "listImportSamples", "What a dry run foresees for some rows", imports.samples,
              response=models.SampleList, tag=_TAG),
    Operation("GET", f"{_ONE}/kept", "listImportKept", "What an undo left alone", imports.kept,
              query=(QueryParam("limit", "integer", "Page size", imports.MOST), _AFTER),
              response=models.KeptPage, tag=_TAG),
    Operation("GET", f"{_ONE}/events", "followImport", "Progress as server-sent events", imports.events, tag=_TAG,
              description="`event: import` with the import as data at every change; ends when it rests."),
    Operation("GET", f"{_ONE}/chunks/{{n}}", "readImportChunk", "Rows for the service that imports them",
              imports.chunk, tag=_TAG, hidden=True, description="Needs `crm.imports.chunks`."),
)  # fmt: skip
