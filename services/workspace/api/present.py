"""Imports as the native doors show them."""

from __future__ import annotations

from typing import Any

from services.workspace.tables.jobs import DRY, RUN, UNDO, ImportJob, Phase
from shared.kernel.clock import iso, now

_RUNNING = "running"


def present(job: ImportJob) -> dict[str, Any]:
    """One import."""
    return {
        "id": str(job.id),
        "name": job.name,
        "type": job.entity_type,
        "service": job.service,
        "state": job.state,
        "origin": job.origin,
        "file": _file(job),
        "mapping": job.wanted if job.spec is not None else None,
        "phase": job.phase or None,
        **{name: _counts(job.phases.get(name)) for name in (DRY, RUN, UNDO)},
        "error": job.error,
        "created_at": iso(job.created_at),
        "updated_at": iso(job.updated_at),
    }


def _file(job: ImportJob) -> dict[str, Any]:
    found = job.found or {}
    return {
        "name": job.file_name,
        "size": job.file_size,
        "format": found.get("format"),
        **{name: found.get(name, "") for name in ("encoding", "delimiter", "sheet")},
        "sheets": list(found.get("sheets", ())),
        "columns": len(job.header),
        "rows": job.rows,
        "notes": list(found.get("notes", ())),
    }


def _counts(phase: Phase | None) -> dict[str, Any] | None:
    if phase is None:
        return None
    names = ("state", "rows", "done", "created", "updated", "unchanged", "rejected", "errors")
    ended = phase.finished_at or now().replace(tzinfo=None)
    seconds = max((ended - phase.started_at).total_seconds(), 0.001)
    speed = phase.done / seconds
    left = max(phase.rows - phase.done, 0)
    going = phase.state == _RUNNING and speed > 0
    return {
        **{name: getattr(phase, name) for name in names},
        "rows_per_second": round(speed, 1),
        "eta_seconds": round(left / speed, 1) if going else None,
        "started_at": iso(phase.started_at),
        "finished_at": iso(phase.finished_at) if phase.finished_at else None,
        "reason": phase.reason,
    }
