"""Attributes an import makes before its first row, with their slots and indexes.

The definitions come with the job's order. Idempotent, and safe from several workers: one makes them, the others wait.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from shared.eav.declare import AttributeDef, OptionDef
from shared.eav.slots import provision, take
from shared.eav.types import KINDS, kind_of
from shared.kernel.context import SYSTEM, Actor, Context
from shared.kernel.errors import AlreadyExists, Unavailable
from shared.service.imports.telling import SOURCE
from shared.service.schema import FIELD_TYPES, SPARE_POOL
from shared.service.work.ledger import Job
from shared.service.work.running import JobProblem

if TYPE_CHECKING:
    from shared.service.runtime import Runtime

_LOCK = 7201
_ATTEMPTS = 3


def wanted_attributes(job: Job) -> list[AttributeDef]:
    """The definitions of the order: {name, label, type, options, unique}. Raises JobProblem."""
    return [_definition(one) for one in job.spec.get("attributes") or ()]


def _definition(one: Mapping[str, Any]) -> AttributeDef:
    kind = one.get("type") or "string"
    name, label = one.get("name") or "", one.get("label") or ""
    if kind not in KINDS:
        raise JobProblem(f"attribute {name or label}: there is no type {kind}")
    return AttributeDef(
        name,
        label or name,
        kind,
        options=tuple(_option(option, place) for place, option in enumerate(one.get("options") or ())),
        unique=bool(one.get("unique")),
        searchable=bool(one.get("searchable")),
        group=one.get("group") or "",
        description=one.get("description") or "",
        field_type=FIELD_TYPES.get(kind, ""),
    )


def _option(option: object, place: int) -> OptionDef:
    if isinstance(option, Mapping):
        value = str(option.get("value") or option.get("label") or "")
        return OptionDef(value, str(option.get("label") or value), place)
    return OptionDef(str(option), str(option), place)


def make_attributes(runtime: Runtime, job: Job) -> None:
    """Make what is missing. Raises Invalid for definitions that cannot be made, Unavailable while others are at it."""
    wanted = wanted_attributes(job)
    if not wanted or not _missing(runtime, job, wanted):
        return
    # Who comes second comes again later and finds everything made. It must not wait here: the indexes would wait for
    # its snapshot, and it for them. For the same reason the statement has no parameters.
    with runtime.db.transaction() as keeper:
        if keeper.row(f"select pg_try_advisory_xact_lock({_LOCK})") != (True,):
            raise Unavailable("attributes are being made")
        for _ in range(_ATTEMPTS):
            runtime.catalog.refresh()
            missing = _missing(runtime, job, wanted)
            if not missing:
                break
            try:
                runtime.definitions.add_attributes(_context(job), job.entity_type, missing)
            except AlreadyExists:
                continue
        _give_slots(runtime, job, wanted)


def _missing(runtime: Runtime, job: Job, wanted: Sequence[AttributeDef]) -> list[AttributeDef]:
    live = runtime.catalog.type(job.entity_type)
    return [one for one in wanted if live.find(one.name or one.label) is None]


def _give_slots(runtime: Runtime, job: Job, wanted: Sequence[AttributeDef]) -> None:
    """Slots now, while nothing is in them: an index on a column without values costs next to nothing."""
    live = runtime.catalog.type(job.entity_type)
    made = [found for one in wanted if (found := live.find(one.name or one.label)) is not None]
    homeless = [one for one in made if one.column is None and kind_of(one).family is not None]
    if homeless:
        take(runtime.db, live, homeless)
        provision(runtime.db, SPARE_POOL if runtime.manifest.custom_types else None)
        runtime.catalog.refresh()


def _context(job: Job) -> Context:
    return Context(Actor(job.actor or SYSTEM.id, "", frozenset({"*"})), SOURCE, str(job.number))
