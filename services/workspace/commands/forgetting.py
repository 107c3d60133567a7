"""When somebody is erased: the rows of files that they came from are blanked wherever the file is kept, and so is what
leads to nobody when one of their values stands in it: rejected rows, rows that were only tried or wait, and cells of
files about others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from services.workspace.domain.mentions import Mentions
from services.workspace.domain.profile import ColumnSummary
from services.workspace.tables import chunks, jobs, mappings, reports
from services.workspace.tables.jobs import ImportJob
from shared.contracts.imports import ERASED_VALUE, RowError
from shared.kernel.db import Connection
from shared.kernel.errors import NotFound
from shared.service.erasure.secret import Secret, key_of
from shared.service.imports.ordering import tell_otherwise


@dataclass(frozen=True, slots=True)
class Gone:
    """Unique values of a type that nobody may have any more. values: (id of a secret, attribute, hash as hexadecimal
    digits); forms: beside each the signs that stand in it, None for one that may well be something else elsewhere."""

    entity_type: str
    values: Sequence[Sequence[str]]
    forms: Sequence[str | None] = ()


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
        chunks.blank_lines(connection, number, dict.fromkeys(found))
        reports.forget_samples(connection, number, found)
        _forget_values(connection, number)


def forget_foreseen(connection: Connection, service: str, entity_type: str, entity: int) -> None:
    """Blank the rows that dry runs found this entity by, as far as they showed it: no row of theirs became anything."""
    forget_rows(connection, service, reports.samples_of(connection, service, entity_type, entity))


def forget_refused(connection: Connection, job: ImportJob, errors: Sequence[RowError]) -> None:
    """Values that are kept out do not stay with the file that brought them: a row about somebody who was erased is
    blanked, of others the cell that names them. What was wrong stays."""
    lines: dict[int, frozenset[int] | None] = {}
    for one in errors:
        if one.code == ERASED_VALUE:
            beside = None if one.attribute or one.column not in job.header else {job.header.index(one.column)}
            known = lines.get(one.line, frozenset())
            lines[one.line] = None if beside is None or known is None else known | beside
    if lines:
        chunks.blank_lines(connection, job.id, lines)
        reports.forget_samples(connection, job.id, list(lines))
        _forget_values(connection, job.id)


def forget_mentions(connection: Connection, secrets: Sequence[Secret], gone: Sequence[Gone]) -> None:
    """Take values out of all that is kept of imports of whatever type, whether they ran, were tried or wait: rows of
    the very type and rejected ones are blanked, of others the cells that hold one; profiles and wishes with them.

    Goes through all rows that are kept, once however many values: some microseconds for each text of their form.
    """
    known = _Known(secrets, gone)
    if not known:
        return
    everywhere, rejected = known.everywhere(), known.anywhere()
    for job, entity_type in jobs.having_rows(connection):
        _forget_in(connection, job, entity_type in known.types, everywhere, rejected)
    for job, since, documents in jobs.wishes(connection):
        left = {name: everywhere.without(one) for name, one in documents.items()}
        changed = {name: one for name, one in left.items() if one is not documents[name]}
        if changed:
            jobs.change(connection, job, **changed)
        if "spec" in changed:
            tell_otherwise(connection, job, changed["spec"], since)
    for ident, mapping in mappings.every(connection):
        if (kept := everywhere.without(mapping)) is not mapping:
            mappings.change(connection, ident, kept)


def _forget_in(connection: Connection, job: int, theirs: bool, everywhere: Mentions, anywhere: Mentions) -> None:
    """theirs: a row that has a value is about one of them, and goes as a whole."""

    def judge(cells: list[str], rejected: bool) -> list[str] | None:
        held = anywhere if rejected else everywhere
        found = [bool(cell) and held.within(cell) for cell in cells]
        if not any(found):
            return None
        whole = theirs or rejected
        return ["" if whole or one else cell for cell, one in zip(cells, found, strict=True)]

    lines = chunks.rewrite(connection, job, judge)
    profile = jobs.profile(connection, job)
    if lines or everywhere.without(profile) is not profile:
        jobs.find(connection, job, lock=True)
        reports.forget_samples(connection, job, lines)
        _forget_values(connection, job, everywhere)


class _Known:
    """Hashes of values that are gone."""

    def __init__(self, secrets: Sequence[Secret], gone: Sequence[Gone]) -> None:
        by_id = {one.id: one for one in secrets}
        self._hashes: dict[tuple[Secret, str, str], set[bytes]] = {}
        self._forms: set[str] = set()
        self.types = frozenset(one.entity_type for one in gone)
        for one in gone:
            for place, (ident, attribute, hex) in enumerate(one.values):
                if ident in by_id:
                    about = (by_id[ident], one.entity_type, attribute)
                    self._hashes.setdefault(about, set()).add(bytes.fromhex(hex))
                    form = one.forms[place] if place < len(one.forms) else None
                    self._forms |= set() if form is None else {form}

    def __bool__(self) -> bool:
        return bool(self._hashes)

    def everywhere(self) -> Mentions:
        """Looks for values that can hardly be anything else."""
        return Mentions(self._theirs, self._forms)

    def anywhere(self) -> Mentions:
        """Looks for all of them: in rows that led to nobody."""
        return Mentions(self._theirs, ("",))

    def _theirs(self, text: str) -> bool:
        key = key_of(text)
        return any(
            secret.hash(entity_type, attribute, key) in found
            for (secret, entity_type, attribute), found in self._hashes.items()
        )


def _forget_values(connection: Connection, job: int, theirs: Mentions | None = None) -> None:
    """Samples and extremes in the profile may be anybody's: without going through the file again nobody can tell."""
    profile = jobs.profile(connection, job)
    if profile:
        columns = [ColumnSummary.from_document(one) for one in profile]
        plain = [replace(one, samples=(), values=None, least=None, greatest=None, notes=()) for one in columns]
        documents = [one.document() for one in plain]
        jobs.change(connection, job, profile=documents if theirs is None else theirs.without(documents))
