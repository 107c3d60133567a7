"""Those who stand in a stage follow what it is said to mean: durable work, begun by the change of the pipeline itself.

What a stage says of itself (how probable it makes a deal, whether the way ends there, after how many days one rots in
it) is kept with those who stand in it, as values that filter and sort. When it says something else, each of them is
judged anew by the rules of its type, as if it came to the stage it is in; whatever that changes is a version with
history and event, as of the instant of the change. Nobody moves: visits stay as they are. Who comes to the stage
meanwhile is judged by what is in force. Doing it twice changes nothing.

Not for what stages demand of those who come to them (`nextStages`, `requiredAttributes`), which counts from the next
write on; nor for archived entities, which keep what they had.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from shared.eav.catalog import LiveType
from shared.eav.declare import AttributeDef
from shared.kernel.clock import iso
from shared.kernel.context import SYSTEM, Context
from shared.kernel.db import Connection
from shared.service.pipelines import standing, timing
from shared.service.pipelines.declare import GATES
from shared.service.pipelines.standing import Here
from shared.service.pipelines.steering import detail_of
from shared.service.pipelines.values import Pipeline, Stage
from shared.service.work import ledger
from shared.service.work.ledger import Chunk, Claim, Counts, Job

if TYPE_CHECKING:
    from shared.service.runtime import Runtime

KIND = "follow_stages"
CALCULATED = "CALCULATED"
_RUN = "run"
_DEMANDED = frozenset(one.name for one in GATES)


def order(
    connection: Connection,
    live: LiveType,
    attribute: AttributeDef,
    former: Pipeline,
    after: Pipeline,
    context: Context,
) -> None:
    """Begin, where stages of a pipeline mean something else than before. attribute: the one of pipelines. There is one
    job of a pipeline: what comes while it is under way begins it again, with what is left to do."""
    changed = {one.id: iso(one.updated_at) for one in meaning_other(former, after)}
    number = next((one.id for one in (*attribute.options, *attribute.retired) if one.value == after.id), None)
    if not changed or number is None:
        return
    job = ledger.find(connection, KIND, number, lock=True)
    left = {} if job is None or job.state == ledger.DONE else job.spec["stages"]
    spec = {"pipeline": after.id, "stages": {**left, **changed}}
    told = Context(SYSTEM, CALCULATED, correlation=context.correlation)
    ledger.start(connection, KIND, number, entity_type=live.name, phase=_RUN, context=told, spec=spec)


def meaning_other(former: Pipeline, after: Pipeline) -> list[Stage]:
    """The live stages that mean something else to those who stand in them."""
    before = {one.id: _meaning(one) for one in former.stages}
    live = after.live_stages if after.archived_at is None else ()
    return [one for one in live if one.id in before and before[one.id] != _meaning(one)]


def _meaning(stage: Stage) -> dict[str, str]:
    return {name: text for name, text in stage.metadata.items() if name not in _DEMANDED}


class FollowStages:
    """Work of the kind: the first chunk finds who stands in those stages, the others judge some of them each."""

    def run(self, runtime: Runtime, claim: Claim) -> None:
        """Do a chunk."""
        home = standing.home_of(runtime)
        declared = runtime.pipelines.declared(claim.job.entity_type)
        if "ids" not in claim.spec:
            chunks = list(standing.chunks_of(home, claim.job.entity_type, declared, claim.job.spec["stages"]))
            with home.database.transaction() as connection:
                _found(connection, claim, chunks)
            return
        since = claim.job.spec["stages"][claim.spec["stage"]]
        context = Context(
            SYSTEM, CALCULATED, correlation=claim.job.correlation or "", effective_at=datetime.fromisoformat(since)
        )

        def values(here: Here) -> Mapping[str, Any]:
            limits = detail_of(here.live, declared.stage, here.stage)
            return {declared.stage: here.stage, **timing.rots_anew(declared, limits, here.since)}

        def follow(connection: Connection) -> None:
            counts, _ = standing.write(connection, runtime, claim, declared, values, context)
            standing.done(connection, claim, counts)

        home.at_once(follow)

    def failed(self, connection: Connection, job: Job) -> None:
        """Nobody waits to be told: who asks sees it."""


def _found(connection: Connection, claim: Claim, chunks: list[Chunk]) -> None:
    ledger.add_chunks(connection, claim.job.id, claim.job.phase, chunks)
    standing.done(connection, claim, Counts())
