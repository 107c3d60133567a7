"""What an import tells of itself: progress events, and row errors whose words hold no cell."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from shared.bus import outbox
from shared.contracts import imports as contract
from shared.contracts.event import Event
from shared.contracts.imports import ChunkDone, PhaseFinished, RowError, RowSample
from shared.kernel.clock import now
from shared.kernel.db import Connection
from shared.kernel.errors import FieldError
from shared.service.imports.spec import BY_ID, ImportSpec
from shared.service.work.ledger import Job

SOURCE = "IMPORT"

# The engine's words quote what was refused; events are kept and sent, so they say the same without.
_TRANSLATED: Mapping[str, tuple[str, str]] = {
    "INVALID_OPTION": ("INVALID_ENUMERATION_OPTION", "not one of the options"),
    "INVALID_INTEGER": ("COULD_NOT_PARSE_NUMBER", "not a number"),
    "INVALID_DATE": ("COULD_NOT_PARSE_DATE", "not a date, or a date with a time of day"),
    "INVALID_LONG": ("COULD_NOT_PARSE_DATE", "not a date with a time of day"),
    "INVALID_EMAIL": ("INVALID_EMAIL", "not an e-mail address"),
    "INVALID_STRING": ("INVALID_STRING", "text that cannot be stored"),
    "VALUE_TOO_LONG": ("VALUE_TOO_LONG", "the text is too long"),
    "PROPERTY_DOESNT_EXIST": ("PROPERTY_DEFINITION_NOT_FOUND", "there is no such attribute"),
}
_RENAMED = {"CONFLICT": "DUPLICATE_UNIQUE_PROPERTY_VALUE"}
# What the mode made of a value that one entity has. Without the value, which may be personal.
_UNFOUND = "nothing has this {}, and the mode is update"
_EXISTS = "something has this {} already, and the mode is create"
_SHORTEST_QUOTED = 3


def tell_chunk(connection: Connection, job: Job, report: ChunkDone) -> None:
    """Append the progress event of a chunk, in the transaction of its effect."""
    _append(connection, job, contract.CHUNK, report.to_document())


def tell_finished(connection: Connection, job: Job, phase: str, state: str, reason: str = "") -> None:
    """Append the event that ends a phase."""
    _append(connection, job, contract.FINISHED, PhaseFinished(phase, state, reason).to_document())


def _append(connection: Connection, job: Job, kind: str, detail: dict[str, Any]) -> None:
    event = Event(
        kind=kind,
        entity_type=job.entity_type,
        at=now(),
        entity_id=job.number,
        actor=job.actor,
        source=SOURCE,
        source_id=str(job.number),
        correlation=job.correlation,
        detail=detail,
    )
    outbox.append(connection, [event])


class Telling:
    """Row errors of one import. `names`: attribute name as an error may have it -> internal name."""

    def __init__(self, spec: ImportSpec, names: Mapping[str, str]) -> None:
        self._names = names
        self._headers = {names.get(one.attribute, one.attribute): one.header for one in spec.columns}
        if spec.key is not None and spec.key.column < len(spec.header):
            self._headers.setdefault(names.get(spec.key.attribute, spec.key.attribute), spec.header[spec.key.column])
        if spec.effective_at is not None and spec.effective_at.column < len(spec.header):
            self._headers.setdefault("effective_at", spec.header[spec.effective_at.column])
        self._columns = frozenset(spec.header)
        self._mode = spec.mode
        self._finder, self._found_by = _finder(spec, names)

    def errors(self, line: int, values: Mapping[str, object], errors: Iterable[FieldError]) -> list[RowError]:
        """A row's errors, each once. `values`: the row's raw ones by the names errors use."""
        told: dict[tuple[str, str], RowError] = {}
        for error in errors:
            code, message = _TRANSLATED.get(error.code, (_RENAMED.get(error.code, error.code), error.message))
            attribute = self._names.get(error.name, "")
            header = self._headers.get(attribute, error.name if error.name in self._columns else "")
            if by_mode := self._by_mode(error, attribute):
                message = by_mode
            elif _quoted(message, values.values()):
                message = "the value was refused"
            told.setdefault((error.name, code), RowError(line, code, message, header, attribute))
        return list(told.values())

    def _by_mode(self, error: FieldError, attribute: str) -> str:
        if self._mode == "update" and error.code == "OBJECT_NOT_FOUND" and (attribute or error.name) == self._finder:
            return _UNFOUND.format(self._found_by)
        if self._mode == "create" and error.code == "CONFLICT" and attribute in self._headers:
            return _EXISTS.format(self._headers[attribute] or attribute)
        return ""


def why_not(error: FieldError, value: str) -> FieldError:
    """Why something was refused that is no row of the file, without the value."""
    message = _TRANSLATED.get(error.code, ("", error.message))[1]
    return FieldError(error.name, error.code, "the value was refused" if _quoted(message, [value]) else message)


def _finder(spec: ImportSpec, names: Mapping[str, str]) -> tuple[str, str]:
    """The name under which errors speak of what finds a row's entity, and what its column is called."""
    if spec.key is not None:
        name, column = names.get(spec.key.attribute, spec.key.attribute), spec.key.column
    elif spec.id_column is not None:
        name, column = BY_ID, spec.id_column
    else:
        return "", ""
    return name, spec.header[column] if column < len(spec.header) else name


def _quoted(message: str, values: Iterable[object]) -> bool:
    folded = message.casefold()
    return any(isinstance(one, str) and len(one) >= _SHORTEST_QUOTED and one.casefold() in folded for one in values)


def chunk_done(
    phase: str, n: int, outcomes: Sequence[str], errors: Iterable[RowError] = (), samples: Iterable[RowSample] = ()
) -> ChunkDone:
    """The report of rows that came to these outcomes."""
    return ChunkDone(
        phase,
        n,
        rows=len(outcomes),
        created=outcomes.count("created"),
        updated=outcomes.count("updated"),
        unchanged=outcomes.count("unchanged"),
        rejected=outcomes.count("rejected"),
        errors=tuple(errors),
        samples=tuple(samples),
    )
