"""Saying what an import's columns are: checked against the file and the target as it is now."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from services.workspace.commands.mappings import Prepared, perhaps_new, prepare, with_decimals
from services.workspace.commands.rights import require_prepared
from services.workspace.commands.steering import visible
from services.workspace.commands.targets import find_target, patiently
from services.workspace.tables import jobs
from services.workspace.tables.jobs import READY, ImportJob
from shared.kernel.context import Actor, Context
from shared.kernel.errors import Conflict

if TYPE_CHECKING:
    from shared.service.runtime import Runtime


def set_mapping(service: Runtime, ctx: Context, ident: int, mapping: Mapping[str, Any]) -> ImportJob:
    """Map the columns. Raises Invalid with everything wrong, Forbidden with every scope that the mapping needs besides,
    Conflict when it is too early or too late."""
    job = visible(service, ctx.actor, ident)
    if job.state != READY:
        raise Conflict(f"The import is {job.state}: columns are mapped while it is ready")
    prepared = patiently(lambda: _prepared(service, ctx.actor, job, mapping), perhaps_new)
    with service.db.transaction() as connection:
        if jobs.find(connection, ident, lock=True).state != READY:
            raise Conflict("The import has begun meanwhile: columns are mapped while it is ready")
        _store(connection, job, prepared)
        return jobs.find(connection, ident)


def _prepared(service: Runtime, actor: Actor, job: ImportJob, mapping: Mapping[str, Any]) -> Prepared:
    target = find_target(service, job.entity_type)
    with service.db.connect() as connection:
        profile = jobs.profile(connection, job.id)
    prepared = prepare(service, target, job.header, with_decimals(mapping, profile or ()))
    require_prepared(service, actor, target, prepared.spec.model_dump(mode="json"), prepared.attributes)
    return prepared


def _store(connection: Any, job: ImportJob, prepared: Prepared) -> None:
    spec = prepared.spec.model_dump(mode="json")
    jobs.change(connection, job.id, spec=spec, attributes=list(prepared.attributes), wanted=prepared.mapping)
