"""When somebody is erased: the rows of files that they came from are blanked wherever the file is kept, and so are
rejected rows, which led to nobody, when one of their values stands in them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from services.workspace.domain.mentions import mentions
from services.workspace.domain.profile import ColumnSummary
from services.workspace.tables import chunks, jobs, reports
from shared.kernel.db import Connection
from shared.kernel.errors import NotFound
from shared.service.erasure.secret import Secret, key_of

Hashes = Sequence[Sequence[str]]
"""(id of a secret, attribute, hash as hexadecimal digits)."""


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


def forget_mentions(connection: Connection, secrets: Sequence[Secret], entity_type: str, hashes: Hashes) -> None:
    """Blank rejected rows of all imports in which one of these values stands, as a cell or as words of one.

    Goes through all rows that errors were told of: some microseconds for each text in them.
    """
    known = {one.id: one for one in secrets}
    wanted = {(known[ident], attribute, bytes.fromhex(hex)) for ident, attribute, hex in hashes if ident in known}

    def theirs(text: str) -> bool:
        key = key_of(text)
        return any(secret.hash(entity_type, attribute, key) == found for secret, attribute, found in wanted)

    for job in reports.jobs_with_errors(connection) if wanted else ():
        texts: dict[str, bool] = {}
        lines = []
        for line, cells in chunks.rejected(connection, job):
            found = mentions(cells)
            texts |= {text: theirs(text) for text in found - texts.keys()}
            if any(texts[text] for text in found):
                lines.append(line)
        if lines:
            jobs.find(connection, job, lock=True)
            for line in lines:
                chunks.blank_line(connection, job, line)
            _forget_values(connection, job)


def _forget_values(connection: Connection, job: int) -> None:
    """Samples and extremes in the profile may be anybody's: without going through the file again nobody can tell."""
    profile = jobs.profile(connection, job)
    if profile:
        columns = [ColumnSummary.from_document(one) for one in profile]
        plain = [replace(one, samples=(), values=None, least=None, greatest=None, notes=()) for one in columns]
        jobs.change(connection, job, profile=[one.document() for one in plain])
