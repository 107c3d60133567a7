"""Imports in the wire dialect, as far as words go: requests become mappings, imports and errors become answers.

Pure; the doors themselves are in the service that keeps imports. One entity type per file: columns of a second one may
name entities to associate with, by id or by their alternate id, and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from shared.kernel.clock import iso
from shared.kernel.errors import ErrorList

ALTERNATE_IDS = {"0-1": "email", "0-2": "domain", "contact": "email", "company": "domain"}
"""By which attribute rows find their entity when nothing is said."""
_OPERATIONS = {"CREATE": "create", "UPDATE": "update", "UPSERT": "upsert"}
_DATES = {"MONTH_DAY_YEAR": "MDY", "DAY_MONTH_YEAR": "DMY", "YEAR_MONTH_DAY": "YMD"}
_ID, _ALTERNATE = "HUBSPOT_OBJECT_ID", "HUBSPOT_ALTERNATE_ID"
_SINCE, _LABEL = "EVENT_TIMESTAMP", "FLEXIBLE_ASSOCIATION_LABEL"
_STATES = {
    "uploading": "STARTED", "reading": "STARTED", "ready": "STARTED", "checking": "STARTED", "running": "PROCESSING",
    "paused": "DEFERRED", "canceling": "PROCESSING", "done": "DONE", "canceled": "CANCELED", "failed": "FAILED",
    "undoing": "PROCESSING", "undone": "REVERTED",
}  # fmt: skip
_TOLD_TYPES = {"0-1": "CONTACT", "0-2": "COMPANY", "0-3": "DEAL", "0-5": "TICKET"}
_ERROR_TYPES = frozenset(
    "INCORRECT_NUMBER_OF_COLUMNS INVALID_OBJECT_ID PROPERTY_DEFINITION_NOT_FOUND COULD_NOT_FIND_OWNER "
    "COULD_NOT_PARSE_NUMBER COULD_NOT_PARSE_DATE COULD_NOT_PARSE_ROW INVALID_ENUMERATION_OPTION INVALID_EMAIL "
    "AMBIGUOUS_ENUMERATION_OPTION DUPLICATE_UNIQUE_PROPERTY_VALUE ASSOCIATION_LIMIT_EXCEEDED LIMIT_EXCEEDED "
    "ASSOCIATION_RECORD_NOT_FOUND UNKNOWN_ASSOCIATION_RECORD_ID FAILED_TO_CREATE_ASSOCIATION INVALID_DOMAIN "
    "DUPLICATE_ALTERNATE_ID INVALID_ALTERNATE_ID MULTIPLE_OWNERS_FOUND".split()
)
_RENAMED_ERRORS = {
    "VALUE_TOO_LONG": "COLUMN_TOO_LARGE",
    "AMBIGUOUS": "DUPLICATE_ALTERNATE_ID",
    "REQUIRED_FIELD": "MISSING_REQUIRED_PROPERTY",
    "OBJECT_NOT_FOUND": "INVALID_RECORD_ID",
}


@dataclass(frozen=True, slots=True)
class DialectRequest:
    """An importRequest understood. request: the same in the words of the native door."""

    request: dict[str, Any]
    original: Mapping[str, Any]


@dataclass
class _Columns:
    """What the column mappings of a file come to."""

    main: str
    dates: str | None
    errors: ErrorList
    columns: list[dict[str, Any]] = field(default_factory=list)
    links: list[dict[str, Any]] = field(default_factory=list)
    key: dict[str, Any] | None = None
    id_column: str | int | None = None
    effective_at: dict[str, Any] | None = None

    def take(self, place: int, one: Mapping[str, Any], column: str | int) -> None:
        """One column mapping."""
        kind = one.get("columnType") or one.get("idColumnType") or ""
        own, other = type_name(one), str(one.get("toColumnObjectTypeId") or "")
        name = one.get("propertyName")
        if kind == _LABEL:
            self.errors.add(
                f"columnMappings[{place}]", "UNSUPPORTED", "association labels in columns are not supported"
            )
        elif other and other != self.main:
            self._link(column, other, ALTERNATE_IDS.get(other) if kind == _ALTERNATE else "id", one)
        elif own and own != self.main:
            self._foreign(place, column, own, kind, name, one)
        elif kind == _ID:
            self.id_column = column
        elif kind == _SINCE:
            self.effective_at = {"column": column, "date_format": self.dates}
        elif name:
            told = {"column": column, "attribute": str(name)}
            if kind == _ALTERNATE or (self.key is None and ALTERNATE_IDS.get(self.main) == name):
                self.key = told
            self.columns.append({**told, "date_format": self.dates} if self.dates else told)

    def _foreign(
        self, place: int, column: str | int, own: str, kind: str, name: object, one: Mapping[str, Any]
    ) -> None:
        alternate = ALTERNATE_IDS.get(own)
        if kind == _ID:
            self._link(column, own, "id", one)
        elif kind == _ALTERNATE or (name and name == alternate):
            self._link(column, own, str(name or alternate or "id"), one, missing="create")
        elif name:
            text = "one object type per file: columns of others can only name records to associate with"
            self.errors.add(f"columnMappings[{place}]", "UNSUPPORTED", text)

    def _link(
        self, column: str | int, other: str, name: str | None, one: Mapping[str, Any], missing: str = "reject"
    ) -> None:
        told = one.get("foreignKeyType") or {}
        relation = told.get("associationTypeId") if isinstance(told, Mapping) else None
        link = {"column": column, "type": other, "attribute": name or "id", "missing": missing}
        self.links.append({**link, "relation": relation} if isinstance(relation, int) else link)


def understood(raw: Mapping[str, Any]) -> DialectRequest:
    """An importRequest as a native request with a mapping, to be run when read. Raises Invalid with all mistakes."""
    errors = ErrorList()
    file, page = _file(raw, errors)
    mappings = [one for one in page.get("columnMappings") or () if isinstance(one, Mapping)]
    if not mappings:
        errors.add("columnMappings", "REQUIRED_FIELD", "files[0].fileImportPage.columnMappings is required")
    errors.raise_if_any()
    has_header = page.get("hasHeader", True) is not False
    main = next((found for one in mappings if (found := type_name(one))), "")
    if not main:
        errors.add("columnObjectTypeId", "REQUIRED_FIELD", "a column mapping must say its columnObjectTypeId")
    dates = _DATES.get(str(raw.get("dateFormat") or ""))
    columns = _Columns(main, dates, errors)
    for place, one in enumerate(mappings):
        name = one.get("columnName")
        columns.take(place, one, str(name) if has_header and name is not None else place)
    mode = _mode(raw, main, columns, errors)
    errors.raise_if_any()
    mapping: dict[str, Any] = {"mode": mode, "columns": columns.columns, "links": columns.links}
    if columns.id_column is not None:
        mapping["id_column"] = columns.id_column
    elif mode != "create":
        mapping["key"] = columns.key
    if columns.effective_at:
        mapping["effective_at"] = columns.effective_at
    request = {"type": main, "name": str(raw.get("name") or file.get("fileName") or ""), "has_header": has_header,
               "mapping": mapping, "run": "run"}  # fmt: skip
    return DialectRequest(request, raw)


def type_name(one: Mapping[str, Any]) -> str:
    """The object type of a column mapping: an id, or the name that older clients write."""
    return str(one.get("columnObjectTypeId") or str(one.get("columnObjectType") or "").lower())


def _file(raw: Mapping[str, Any], errors: ErrorList) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    files = raw.get("files")
    if not isinstance(files, list) or not files or not isinstance(files[0], Mapping):
        errors.add("files", "REQUIRED_FIELD", "importRequest.files must describe the file")
        return {}, {}
    if len(files) > 1:
        errors.add("files", "UNSUPPORTED", "one file per import: send each in an import of its own")
    page = files[0].get("fileImportPage")
    return files[0], page if isinstance(page, Mapping) else {}


def _mode(raw: Mapping[str, Any], main: str, columns: _Columns, errors: ErrorList) -> str:
    given = raw.get("importOperations")
    told = str(given.get(main) or "") if isinstance(given, Mapping) else ""
    if told and told not in _OPERATIONS:
        errors.add("importOperations", "INVALID_OPTION", "an operation is CREATE, UPDATE or UPSERT")
    if columns.id_column is not None:
        return "update"
    if columns.key is None and told in ("UPDATE", "UPSERT"):
        errors.add("columnMappings", "INVALID_ALTERNATE_ID", f"{told} needs a column of the type {_ALTERNATE} or {_ID}")
    return _OPERATIONS.get(told, "upsert" if columns.key else "create")


def shown(
    number: int,
    state: str,
    name: str,
    request: Mapping[str, Any] | None,
    counters: Mapping[str, int],
    types: Sequence[str],
    times: tuple[datetime, datetime],
) -> dict[str, Any]:
    """An import."""
    return {
        "id": str(number),
        "state": _STATES.get(state, "PROCESSING"),
        "importName": name,
        "importRequestJson": request or {},
        "importSource": "API",
        "metadata": {"counters": dict(counters), "fileIds": [str(number)], "objectLists": []},
        "mappedObjectTypeIds": list(types),
        "optOutImport": False,
        "createdAt": iso(times[0]),
        "updatedAt": iso(times[1]),
    }


def counters(rows: int, created: int, updated: int, unchanged: int, errors: int) -> dict[str, int]:
    """What clients look for among the counters of an import."""
    return {
        "TOTAL_ROWS": rows,
        "CREATED_OBJECTS": created,
        "UPDATED_OBJECTS": updated,
        "UNCHANGED_OBJECTS": unchanged,
        "PROPERTY_VALUES_EMITTED": created + updated,
        "ERRORS": errors,
    }


@dataclass(frozen=True, slots=True)
class RowProblem:
    """An error of a row as it is to be shown. cells: the row, or None to leave it out; message None: not asked for."""

    id: str
    code: str
    line: int
    column: int | None
    message: str | None
    value: str | None
    cells: Sequence[str] | None


def row_error(number: int, type_id: str, at: datetime, problem: RowProblem) -> dict[str, Any]:
    """An error of a row."""
    body: dict[str, Any] = {
        "id": problem.id,
        "errorType": error_type(problem.code),
        "createdAt": int(at.timestamp() * 1000),
        "objectTypeId": type_id,
        "sourceData": {
            "fileId": number,
            "lineNumber": problem.line,
            "rowData": list(problem.cells or ()),
            "containsEncryptedProperties": False,
        },
    }
    told = {
        "objectType": _TOLD_TYPES.get(type_id),
        "errorMessage": problem.message,
        "invalidValue": problem.value,
        "knownColumnNumber": problem.column,
    }
    return body | {name: value for name, value in told.items() if value is not None}


def error_type(code: str) -> str:
    """One of the types that clients know."""
    return code if code in _ERROR_TYPES else _RENAMED_ERRORS.get(code, "FAILED_VALIDATION")
