"""When an entity that came from a file is erased: its rows are blanked wherever the file is kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from services.workspace.domain.profile import ColumnSummary
from services.workspace.tables import chunks, jobs, reports
from shared.kernel.db import Connection
from shared.kernel.errors import NotFound


def forget_rows(connection: Connection, service: str, lines: Sequence[Sequence[int]]) -> None:
    """Blank rows, each an (import, line), of imports into a service. What was seen of their columns goes as well."""
    places: dict[int, list[int]] = {}
    for number, line in lines:
        places.setdefault(int(number), []).append(int(line))
    for number, found in sorted(places.items()):
        try:
            job = jobs.find(connection, number, lock=True)
        except NotFound:
            continue
        if job.service != service:
            continue
        for line in sorted(found):
            chunks.blank_line(connection, number, line)
        reports.forget_samples(connection, number, found)
        _forget_values(connection, number)


def _forget_values(connection: Connection, job: int) -> None:
    """Samples and extremes in the profile may be anybody's: without going through the file again nobody can tell."""
    profile = jobs.profile(connection, job)
    if profile:
        columns = [ColumnSummary.from_document(one) for one in profile]
        plain = [replace(one, samples=(), values=None, least=None, greatest=None, notes=()) for one in columns]
        jobs.change(connection, job, profile=[one.document() for one in plain])
