"""A mapping proposed for an import: what was used for such a file last, else what its profile suggests.

The profile comes from reading the file, the attributes from the target's definitions as they are now, so that a
proposal is made anew whenever it is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rapidfuzz import fuzz

from services.workspace.commands.errors_file import ERROR_COLUMNS
from services.workspace.commands.targets import ImportTarget, every_target, find_target
from services.workspace.domain.linking import LinkedType, exported_links
from services.workspace.domain.mapping import Target, spelling
from services.workspace.domain.profile import ColumnSummary
from services.workspace.domain.proposal import Proposal, propose
from services.workspace.domain.remembering import recalled
from services.workspace.tables import jobs, mappings
from services.workspace.tables.jobs import ImportJob
from shared.kernel.db import Connection
from shared.kernel.errors import Conflict
from shared.service.imports.spec import BY_ID
from shared.service.schema import AttributeDef

if TYPE_CHECKING:
    from shared.service.runtime import Runtime

_CHOICES = frozenset({"enumeration", "multi_enumeration"})


def profile_of(service: Runtime, job: ImportJob) -> dict[str, Any]:
    """Columns, a proposed mapping and why, and what is to be decided. Raises Conflict before the file was read."""
    with service.db.connect() as connection:
        found = jobs.profile(connection, job.id)
    if found is None:
        raise Conflict(f"The file has not been read yet: the import is {job.state}")
    columns = [ColumnSummary.from_document(one) for one in found]
    header = {one.header: one.index for one in columns}
    target = find_target(service, job.entity_type)
    links = exported_links(columns, map(_as_linked, every_target(service)))
    proposal = _proposed([one for one in columns if one.index not in links], target)
    with service.db.connect() as connection:
        known = _remembered(connection, job, target)
    questions = list(proposal.questions) if known is None else []
    proposed = {**as_mapping(proposal), "links": [_link(one, links) for one in columns if one.index in links]}
    return {
        "columns": [_shown(one) for one in columns],
        "rows": job.rows,
        "refused": job.refused,
        "notes": list((job.found or {}).get("notes", ())),
        "remembered": known is not None,
        "proposal": proposed if known is None else recalled(known, proposed),
        "explained": sorted([*_explained(proposal), *_led(columns, links)], key=lambda one: header[one["column"]]),
        "questions": questions,
    }


def header_of(job: ImportJob) -> tuple[str, ...]:
    """The columns by which a file's kind is recognised: an error file is of the kind of the file it came from."""
    return tuple(name for name in job.header if name not in ERROR_COLUMNS)


def as_mapping(proposal: Proposal) -> dict[str, Any]:
    """A proposal as a mapping that can be used as it is."""
    columns: list[dict[str, Any]] = []
    for summary in proposal.columns:
        match, new = proposal.matches.get(summary.index), proposal.new.get(summary.index)
        name = match.target.name if match else new.name if new else None
        if name is not None:
            columns.append({"column": summary.header, "attribute": name, **_form(summary)})
    header = {one.index: one.header for one in proposal.columns}
    key = proposal.key
    by_id = proposal.id_column is not None
    return {
        "mode": "update" if by_id else "upsert" if key else "create",
        "key": {"column": header[key.column], "attribute": key.attribute} if key else None,
        "id_column": header[proposal.id_column] if proposal.id_column is not None else None,
        "columns": columns,
        "set": {},
        "links": [],
        "blanks": list(proposal.blanks),
        "blank": "keep",
        "effective_at": None,
        "create_attributes": [one.document() for one in proposal.new.values()],
    }


def _form(summary: ColumnSummary) -> dict[str, Any]:
    form: dict[str, Any] = {}
    if summary.date_format and summary.date_format != "ISO":
        form["date_format"] = summary.date_format
    if summary.decimal and summary.kind == "number":
        form["decimal"] = summary.decimal
    if summary.perhaps and summary.kind not in ("string", "long_text", "enumeration", "multi_enumeration"):
        form["values"] = dict.fromkeys(summary.perhaps, "")
    return form


def _proposed(columns: Sequence[ColumnSummary], target: ImportTarget) -> Proposal:
    wanted = [one for one in columns if one.header not in ERROR_COLUMNS]
    return propose(wanted, [_as_target(one) for one in target.attributes], _likeness)


def _likeness(one: str, other: str) -> float:
    return fuzz.ratio(one, other) / 100


def _as_target(attribute: AttributeDef) -> Target:
    choices = None
    if attribute.kind in _CHOICES and attribute.options:
        pairs = ((text, one.value) for one in attribute.options for text in (one.label, one.value))
        choices = {spelling(text): value for text, value in pairs}
    return Target(
        name=attribute.name,
        label=attribute.label,
        wire_name=attribute.wire,
        kind=attribute.kind,
        unique=attribute.unique,
        writable=not attribute.read_only,
        choices=choices,
    )


def _explained(proposal: Proposal) -> list[dict[str, Any]]:
    """Every column: where it goes and why."""
    told = []
    for summary in proposal.columns:
        match, new = proposal.matches.get(summary.index), proposal.new.get(summary.index)
        if match is not None:
            name, why, sure = match.target.name, match.why, round(match.confidence, 2)
        elif new is not None:
            name, why, sure = new.name, f"a new attribute ({new.kind})", 0.0
        else:
            name, why, sure = None, "nothing is in it" if not summary.filled else "it finds the entity", 0.0
        told.append({"column": summary.header, "attribute": name, "why": why, "confidence": sure})
    return told


def _as_linked(target: ImportTarget) -> LinkedType:
    return LinkedType(target.name, frozenset(target.defn.names), target.defn.plural_label)


def _link(summary: ColumnSummary, links: Mapping[int, str]) -> dict[str, Any]:
    return {"column": summary.header, "type": links[summary.index], "attribute": BY_ID}


def _led(columns: Sequence[ColumnSummary], links: Mapping[int, str]) -> list[dict[str, Any]]:
    return [
        {"column": one.header, "attribute": None, "why": f"ids of {links[one.index]}: links", "confidence": 1.0}
        for one in columns
        if one.index in links
    ]


def _remembered(connection: Connection, job: ImportJob, target: ImportTarget) -> Mapping[str, Any] | None:
    """The mapping of the last file with these columns, as far as its attributes still exist."""
    known = mappings.remembered(connection, target.name, header_of(job))
    if known is None:
        return None
    here = {name.casefold(): name for name in job.header}
    made = {one.get("name") for one in known.get("create_attributes", ())}

    def usable(one: Mapping[str, Any]) -> bool:
        return target.find(one["attribute"]) is not None or one["attribute"] in made

    def renamed(one: Mapping[str, Any]) -> dict[str, Any]:
        return {**one, "column": here.get(one["column"].casefold(), one["column"])}

    columns = [renamed(one) for one in known["columns"] if usable(one)]
    key, since, ident = known.get("key"), known.get("effective_at"), known.get("id_column")
    missing = [one for one in known.get("create_attributes", ()) if target.find(one["name"]) is None]
    return {
        "columns": columns,
        "key": renamed(key) if key and usable(key) else None,
        "id_column": None if ident is None else here.get(ident.casefold(), ident),
        "effective_at": renamed(since) if since else None,
        "create_attributes": missing,
        "links": [renamed(one) for one in known.get("links", ())],
    }


def _shown(summary: ColumnSummary) -> dict[str, Any]:
    document = summary.document()
    document["type"] = document.pop("kind")
    document["min"], document["max"] = document.pop("least"), document.pop("greatest")
    del document["open"]
    return document
