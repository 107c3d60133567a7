"""What an import's two halves tell each other: details of the events `import.job`, `import.chunk`, `import.finished`.

The service that took the file (workspace) orders and steers, the service that owns the entities reports. In all of
them the envelope's `entity_type` is the target type and `entity_id` the job. `from_document` of a `to_document` is the
same value; unknown fields are accepted, fields are only ever added (samples of each are kept with the tests). Nothing
here holds a cell's text except the samples of a dry run.

`rows = created + updated + unchanged + rejected` in every ChunkDone. Rows of a chunk that wait for others (links to
rows of the same file that are not there yet) are in none of the chunk's numbers: they come with phase `deferred`, so
that the sum over `run` and `deferred` (or `dry` and `dry-deferred`) is the number of rows of the file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from shared.contracts.event import Event

JOB = "import.job"
CHUNK = "import.chunk"
FINISHED = "import.finished"
IMPORT = "import"
"""The first word of all three kinds: what a subscription asks for."""

RUNNING, PAUSED, CANCELED, UNDO = "running", "paused", "canceled", "undo"
DRY, RUN, DEFERRED, DRY_DEFERRED, UNDOING = "dry", "run", "deferred", "dry-deferred", "undo"
DONE, FAILED = "done", "failed"
ERASED_VALUE = "ERASED_VALUE"
"""The code of a row error: somebody who was erased had this value, which is kept out."""


@dataclass(frozen=True, slots=True)
class JobOrder:
    """`import.job`: what is wanted of a job from now on.

    state: running (also: resume), paused, canceled, undo. phase: dry or run, which `chunks` and `final` belong to.
    service: who is meant; others pass it by. spec: the ImportSpec as JSON, with the first order of a phase (a later one
    replaces it). chunks: newly cut (number, number of the chunk that must be done before, or None). final: no more will
    come in this phase. attributes: definitions to make first ({name, label, type, options, unique}).
    """

    service: str
    state: str
    phase: str = RUN
    spec: Mapping[str, Any] | None = None
    chunks: tuple[tuple[int, int | None], ...] = ()
    final: bool = False
    attributes: tuple[Mapping[str, Any], ...] = ()

    def to_document(self) -> dict[str, Any]:
        """The event's detail."""
        document: dict[str, Any] = {"service": self.service, "state": self.state, "phase": self.phase}
        if self.spec is not None:
            document["spec"] = dict(self.spec)
        if self.attributes:
            document["attributes"] = [dict(one) for one in self.attributes]
        return {**document, "chunks": [list(one) for one in self.chunks], "final": self.final}

    @classmethod
    def from_document(cls, detail: Mapping[str, Any]) -> JobOrder:
        """Raises KeyError or ValueError on what is no order."""
        return cls(
            service=detail["service"],
            state=detail["state"],
            phase=detail.get("phase", RUN),
            spec=detail.get("spec"),
            chunks=tuple((int(n), None if after is None else int(after)) for n, after in detail.get("chunks", ())),
            final=bool(detail.get("final", False)),
            attributes=tuple(detail.get("attributes", ())),
        )


@dataclass(frozen=True, slots=True)
class RowError:
    """One thing wrong with one row. column: its header ("" when about no single one); message: without the value."""

    line: int
    code: str
    message: str
    column: str = ""
    attribute: str = ""


@dataclass(frozen=True, slots=True)
class RowSample:
    """What a dry run foresees for one row; changed: attribute name -> (old, new) as canonical JSON."""

    line: int
    outcome: str
    id: int | None = None
    changed: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class KeptValue:
    """What an undo left alone, because somebody changed it since. attribute "": the entity itself."""

    id: int
    attribute: str = ""


@dataclass(frozen=True, slots=True)
class ChunkDone:
    """`import.chunk`: one chunk of a phase was decided, in the transaction that tells so.

    Chunks of phases deferred, dry-deferred and undo are numbered by the target service, from 0.
    """

    phase: str
    chunk: int
    rows: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: int = 0
    errors: tuple[RowError, ...] = ()
    samples: tuple[RowSample, ...] = ()
    kept: tuple[KeptValue, ...] = ()

    def to_document(self) -> dict[str, Any]:
        """The event's detail."""
        names = ("phase", "chunk", "rows", "created", "updated", "unchanged", "rejected")
        document: dict[str, Any] = {name: getattr(self, name) for name in names}
        for name in ("errors", "samples", "kept"):
            if listed := getattr(self, name):
                document[name] = [asdict(one) for one in listed]
        return document

    @classmethod
    def from_document(cls, detail: Mapping[str, Any]) -> ChunkDone:
        """Raises KeyError or ValueError on what is no report."""
        counts = {name: int(detail.get(name, 0)) for name in ("rows", "created", "updated", "unchanged", "rejected")}
        return cls(
            phase=detail["phase"],
            chunk=int(detail["chunk"]),
            **counts,
            errors=tuple(_row_error(one) for one in detail.get("errors", ())),
            samples=tuple(_row_sample(one) for one in detail.get("samples", ())),
            kept=tuple(KeptValue(int(one["id"]), one.get("attribute", "")) for one in detail.get("kept", ())),
        )


@dataclass(frozen=True, slots=True)
class PhaseFinished:
    """`import.finished`: a phase (dry, run, undo) has ended. state: done, failed, canceled; reason: for a reader."""

    phase: str
    state: str
    reason: str = ""

    def to_document(self) -> dict[str, Any]:
        """The event's detail."""
        return asdict(self)

    @classmethod
    def from_document(cls, detail: Mapping[str, Any]) -> PhaseFinished:
        """Raises KeyError on what is no such report."""
        return cls(detail["phase"], detail["state"], detail.get("reason", ""))


Detail = JobOrder | ChunkDone | PhaseFinished

_READERS: Mapping[str, Callable[[Mapping[str, Any]], Detail]] = {
    JOB: JobOrder.from_document,
    CHUNK: ChunkDone.from_document,
    FINISHED: PhaseFinished.from_document,
}


def detail_of(event: Event) -> Detail | None:
    """The typed detail of an event; None for kinds that are not about imports."""
    reader = _READERS.get(event.kind)
    return None if reader is None else reader(event.detail)


def _row_error(one: Mapping[str, Any]) -> RowError:
    return RowError(int(one["line"]), one["code"], one["message"], one.get("column", ""), one.get("attribute", ""))


def _row_sample(one: Mapping[str, Any]) -> RowSample:
    changed = {name: (pair[0], pair[1]) for name, pair in one.get("changed", {}).items()}
    ident = one.get("id")
    return RowSample(int(one["line"]), one["outcome"], None if ident is None else int(ident), changed)
