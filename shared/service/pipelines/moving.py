"""Putting a stage or a pipeline away that is in use: durable work that moves who stands in it, then archives it.

Moves are like any other: judged by the rules of their type, with visits, history and events. They carry on what was
decided by whoever archives, so that only pipelines with `enforce` `all` ask for what else a move must bring. Who comes
to the stage meanwhile is moved in another round; it is put away in a moment in which nobody stands in it. Where rules
refuse some, the job fails and says whom, and the stage stays: mend them and ask again.

Not for archived entities: they stay where they were.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from shared.eav.keeping import Refusals
from shared.kernel.context import SYSTEM, Actor, Context
from shared.kernel.db import Connection
from shared.kernel.errors import Conflict, Invalid, NotFound
from shared.kernel.json import dumps
from shared.service.home import Home
from shared.service.pipelines import standing
from shared.service.pipelines.checking import IN_USE
from shared.service.pipelines.declare import Pipelined
from shared.service.pipelines.standing import Here
from shared.service.work import ledger
from shared.service.work.ledger import Chunk, Claim, Counts, Job
from shared.service.work.running import JobProblem

if TYPE_CHECKING:
    from shared.service.runtime import Runtime

KIND = "move_stages"
SOURCE = "SYSTEM"
MOST_ROUNDS = 50
_TOLD = 10
_NOTE = "update work_chunk set spec = spec || %(told)s::jsonb where (job_id, phase, n) = (%(job)s, %(phase)s, %(n)s)"
_REFUSED = """
select one->>'id', one->>'message' from work_chunk c, jsonb_array_elements(c.spec->'refused') one
where c.job_id = %(job)s order by c.phase, c.n limit 3
"""
_LEAVING = """
select 1 from work_job where kind = %(kind)s and entity_type = %(type)s and state in ('running', 'paused')
and spec->'stages' ? %(stage)s limit 1
"""


@dataclass(frozen=True, slots=True)
class Leaving:
    """What is to be put away, and where those go who stand in it. stage: None: the pipeline with all its stages.
    number: of the job, the id of the option that goes away."""

    number: int
    pipeline: str
    stage: str | None
    stages: tuple[str, ...]
    to_pipeline: str
    to_stage: str


def order(connection: Connection, entity_type: str, leaving: Leaving, context: Context) -> None:
    """Begin; asked again, it begins again. Raises Conflict where the stage to go to is being left itself."""
    asked = {"kind": KIND, "type": entity_type, "stage": leaving.to_stage}
    if connection.row(_LEAVING, asked) is not None:
        raise Conflict(f"Stage {leaving.to_stage} is being put away itself: name another one")
    spec = {
        "pipeline": leaving.pipeline,
        "stage": leaving.stage,
        "stages": list(leaving.stages),
        "to": {"pipeline": leaving.to_pipeline, "stage": leaving.to_stage},
    }
    ledger.start(connection, KIND, leaving.number, entity_type=entity_type, phase="1", context=context, spec=spec)


class MoveStages:
    """Work of the kind, in rounds: a chunk that finds who is there, chunks that move them, one that puts away."""

    def run(self, runtime: Runtime, claim: Claim) -> None:
        """Do a chunk."""
        home = standing.home_of(runtime)
        declared = runtime.pipelines.declared(claim.job.entity_type)
        if "ids" in claim.spec:
            home.at_once(lambda connection: _move(connection, runtime, claim, declared))
        elif "last" in claim.spec:
            _put_away(runtime, claim)
        else:
            _find(home, claim, declared)

    def failed(self, connection: Connection, job: Job) -> None:
        """Nobody waits to be told: who asks sees it."""


def _context(job: Job) -> Context:
    """What the moves are stamped with. Rights were asked at the door."""
    return Context(Actor(job.actor or SYSTEM.id, "", frozenset({"*"})), SOURCE, correlation=job.correlation or "")


def _find(home: Home, claim: Claim, declared: Pipelined) -> None:
    job = claim.job
    chunks = list(standing.chunks_of(home, job.entity_type, declared, job.spec["stages"]))
    last = Chunk(len(chunks) + 1, after=len(chunks), spec={"last": True})
    with home.database.transaction() as connection:
        ledger.add_chunks(connection, job.id, job.phase, [*chunks, last])
        standing.done(connection, claim, Counts())


def _move(connection: Connection, runtime: Runtime, claim: Claim, declared: Pipelined) -> None:
    to = claim.job.spec["to"]

    def values(here: Here) -> Mapping[str, Any]:
        if not any(one.value == to["stage"] for one in here.live.attributes[declared.stage].options):
            raise JobProblem(f"stage {to['stage']} was put away meanwhile")
        return {declared.pipeline: to["pipeline"], declared.stage: to["stage"]}

    counts, refused = standing.write(connection, runtime, claim, declared, values, _context(claim.job))
    if refused:
        told = {"refused": _told(refused)}
        connection.run(_NOTE, {**claim.place, "told": dumps(told).decode()})
    standing.done(connection, claim, counts)


def _told(refused: Refusals) -> list[dict[str, str]]:
    found = [(ident, errors[0].message) for ident, errors in refused.items()]
    return [{"id": str(ident), "message": message} for ident, message in found[:_TOLD]]


def _put_away(runtime: Runtime, claim: Claim) -> None:
    job = claim.job

    def also(connection: Connection) -> None:
        standing.done(connection, claim, Counts())

    try:
        runtime.pipelines.put_away(_context(job), job.entity_type, job.spec["pipeline"], job.spec["stage"], also)
    except NotFound:  # somebody else did
        with runtime.db.transaction() as connection:
            also(connection)
    except Invalid as error:
        if error.errors[0].code != IN_USE:
            raise
        _require_willing(runtime, job)
        _again(runtime, claim)


def _require_willing(runtime: Runtime, job: Job) -> None:
    """Raise JobProblem when rules refused to let somebody go."""
    with runtime.db.connect() as connection:
        told = connection.rows(_REFUSED, {"job": job.id})
    if told:
        shown = "; ".join(f"{ident}: {message}" for ident, message in told)
        raise JobProblem(f"not all may go to stage {job.spec['to']['stage']}: {shown}")


def _again(runtime: Runtime, claim: Claim) -> None:
    """Another round, for those who came meanwhile."""
    if int(claim.job.phase) >= MOST_ROUNDS:
        raise JobProblem("somebody keeps coming to the stage: stop whoever writes it and ask again")
    with runtime.db.transaction() as connection:
        ledger.complete(connection, claim, Counts())
        ledger.enter(connection, claim.job.id, str(int(claim.job.phase) + 1), [Chunk(0)])
