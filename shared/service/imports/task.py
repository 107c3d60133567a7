"""One chunk of an import as it is worked on: its specification made ready for the definitions in force."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pydantic import ValidationError

from shared.contracts import imports as contract
from shared.eav.catalog import LiveType
from shared.eav.declare import AttributeDef
from shared.eav.requests import Ref
from shared.kernel.clock import new_id
from shared.kernel.config import Settings
from shared.kernel.context import SYSTEM, Actor, Context
from shared.kernel.errors import NotFound
from shared.service.imports.conversion import Converter, Row
from shared.service.imports.keys import Keys
from shared.service.imports.payload import Line
from shared.service.imports.spec import BY_ID, ImportSpec
from shared.service.imports.telling import SOURCE, Telling
from shared.service.imports.wanted import wanted_attributes
from shared.service.mirrors.declare import subscription_name
from shared.service.replicas import puller
from shared.service.work.ledger import Claim, Job
from shared.service.work.running import JobProblem

if TYPE_CHECKING:
    from shared.service.runtime import Runtime

Fetch = Callable[[Settings, int, int], Sequence[Line]]
_DRY = (contract.DRY, contract.DRY_DEFERRED)


@dataclass(frozen=True)
class Task:
    """What the steps of a chunk share. planned: attributes that a dry run only imagines, by name."""

    runtime: Runtime
    claim: Claim
    spec: ImportSpec
    live: LiveType
    planned: Mapping[str, AttributeDef]
    context: Context
    convert: Converter
    keys: Keys
    telling: Telling
    link_types: tuple[LiveType, ...]

    @property
    def job(self) -> Job:
        """The job the chunk belongs to."""
        return self.claim.job

    @property
    def dry(self) -> bool:
        """Whether nothing may change."""
        return self.job.phase in _DRY

    def find(self, name: str) -> AttributeDef | None:
        """An attribute in force, or one that is only imagined."""
        return self.live.find(name) or self.planned.get(name)

    def inward(self, place: int) -> bool:
        """Whether a link column names entities of the very type that is imported."""
        return self.link_types[place].name == self.live.name

    @property
    def waits(self) -> bool:
        """Whether rows may have to wait for others of the file."""
        return any(self.inward(place) for place in range(len(self.link_types)))

    def catch_up(self, mirrored: LiveType) -> None:
        """Hear everything that the home of a mirrored type has told by now. Raises Unavailable while it is away."""
        runtime = self.runtime
        name = subscription_name(runtime.manifest.name, mirrored.defn.mirror_of)
        puller(runtime.db, runtime.settings, runtime.follows[name])()

    def key(self, row: Row) -> str | None:
        """What tells the row's entity apart within the file; None when nothing does."""
        if row.id is not None:
            return str(row.id)
        if self.spec.key is None or row.key is None or self.spec.mode == "create":
            return None
        return self.keys.text(self.spec.key.attribute, row.key)

    def ref(self, row: Row) -> Ref | None:
        """How the row finds its entity."""
        if row.id is not None:
            return Ref(id=row.id)
        key = self.spec.key
        if key is None or row.key is None or self.spec.mode == "create" or key.attribute in self.planned:
            return None
        return Ref(attribute=key.attribute, value=row.key)


def task_of(runtime: Runtime, claim: Claim) -> Task:
    """Make a chunk ready. Raises JobProblem for a specification that cannot be obeyed, NotFound for unknown types."""
    spec = spec_of(claim.job)
    # Looked at anew for every chunk: where another process has put values since is where link targets are looked for.
    runtime.catalog.refresh()
    live = runtime.catalog.type(spec.type)
    planned = {} if claim.job.phase not in _DRY else _planned(live, claim.job)

    def find(name: str) -> AttributeDef | None:
        return live.find(name) or planned.get(name)

    convert = Converter(spec, find)
    if convert.errors:
        raise JobProblem("; ".join(error.message for error in convert.errors))
    names = {name: one.name for one in (*live.attributes.values(), *planned.values()) for name in (one.wire, one.name)}
    names |= {one.attribute: found.name for one in spec.columns if (found := find(one.attribute)) is not None}
    return Task(
        runtime=runtime,
        claim=claim,
        spec=spec,
        live=live,
        planned=planned,
        context=context_of(claim.job),
        convert=convert,
        keys=Keys(runtime.engine.judge, live, find),
        telling=Telling(spec, names),
        link_types=tuple(_linked(runtime, live, spec)),
    )


def spec_of(job: Job) -> ImportSpec:
    """The job's specification; raises JobProblem."""
    try:
        return ImportSpec.model_validate(job.spec.get("spec"))
    except ValidationError as error:
        raise JobProblem(f"the specification cannot be read: {error.error_count()} errors") from error


def context_of(job: Job) -> Context:
    """What the job's writes are stamped with: who submitted it, and the job. Rights were asked at the door."""
    actor = Actor(job.actor or SYSTEM.id, "", frozenset({"*"}))
    return Context(actor, SOURCE, str(job.number), job.correlation or new_id())


def _planned(live: LiveType, job: Job) -> dict[str, AttributeDef]:
    """What would be made before a real run: with made-up ids, since options are told apart by theirs."""
    missing = [one for one in wanted_attributes(job) if live.find(one.name) is None]
    return {
        one.name: replace(
            one,
            id=-n,
            options=tuple(replace(option, id=place) for place, option in enumerate(one.options, 1)),
        )
        for n, one in enumerate(missing, 1)
    }


def _linked(runtime: Runtime, live: LiveType, spec: ImportSpec) -> list[LiveType]:
    """The types that links lead to. Raises JobProblem for what can never be linked."""
    found = []
    for link in spec.links:
        try:
            target = runtime.catalog.linkable(link.type)
        except NotFound as error:
            raise JobProblem(f"links to {link.type}: nothing is known of that entity type in this service") from error
        if target.mirror and link.missing == "create":
            raise JobProblem(f"{target.defn.plural} live in another service: missing ones are not created here")
        target.attribute(link.attribute) if link.attribute != BY_ID else None
        between = runtime.engine.relations.between(live.name, target.name)
        if link.relation is not None and link.relation not in {one.id for one in between}:
            raise JobProblem(f"{link.relation} is no association type from {live.name} to {target.name}")
        found.append(target)
    return found
