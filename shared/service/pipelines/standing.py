"""Work on those who stand in a stage: found by a job's first chunk, and written by the others, some of them each.

Who has left the stage since is left alone: they are locked, looked at again, and written in one transaction. Not for
what is written, see `following` and `moving`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from shared.eav.keeping import Refusals
from shared.kernel.context import Context
from shared.kernel.db import Connection
from shared.service.home import Home, LiveType
from shared.service.pipelines.declare import Pipelined
from shared.service.work import ledger
from shared.service.work.ledger import Chunk, Claim, Counts

if TYPE_CHECKING:
    from shared.service.runtime import Runtime

IDS_A_CHUNK = 500


@dataclass(frozen=True, slots=True)
class Here:
    """What is known of an entity that stands where it was found. since: when it came there."""

    live: LiveType
    stage: str
    since: datetime | None


Values = Callable[[Here], Mapping[str, Any]]


def home_of(runtime: Runtime) -> Home:
    """The entities, written with everything that goes with a write: rules, history, visits, events."""
    return Home(runtime.engine, runtime.engine.publish, runtime.engine.judge)


def chunks_of(home: Home, type_name: str, declared: Pipelined, stages: Iterable[str]) -> Iterator[Chunk]:
    """One after the other all who stand in these stages, as chunks; stages that nobody can stand in are passed over."""
    attribute = home.fresh(type_name).attributes[declared.stage]
    known = {one.value for one in (*attribute.options, *attribute.retired)}
    n = 0
    for stage in stages:
        if stage not in known:
            continue
        wanted = {"attribute": declared.stage, "operator": "EQ", "value": stage}
        ids = sorted(home.fitting(type_name, wanted))
        for start in range(0, len(ids), IDS_A_CHUNK):
            n += 1
            yield Chunk(n, spec={"stage": stage, "ids": ids[start : start + IDS_A_CHUNK]})


def write(
    connection: Connection, runtime: Runtime, claim: Claim, declared: Pipelined, values: Values, context: Context
) -> tuple[Counts, Refusals]:
    """Give those of a chunk who still stand in its stage what `values` says; what that came to, and what rules had
    against it. A constant number of statements."""
    type_name, ids, stage = claim.job.entity_type, claim.spec["ids"], claim.spec["stage"]
    # Locking them makes sure that the stage means what the catalog at hand says.
    home = home_of(runtime)
    held = home.states(connection, type_name, ids, lock=True)
    live = home.type(type_name)
    key, times = live.attributes[declared.stage].key, declared.times
    entered = None if times is None else live.attributes[times.entered].key
    wanted: dict[int, Mapping[str, Any]] = {}
    for ident, state in held.items():
        if state.values.get(key) == stage:
            since = None if entered is None else state.values.get(entered)
            wanted[ident] = values(Here(live, stage, None if since is None else datetime.fromisoformat(since)))
    refused: Refusals = {}
    changed = home.keeper.keep(connection, type_name, wanted, context, refused)
    unchanged = len(ids) - changed - len(refused)
    return Counts(rows=len(ids), updated=changed, unchanged=unchanged, rejected=len(refused)), refused


def done(connection: Connection, claim: Claim, counts: Counts) -> None:
    """The end of a chunk's transaction; with the last chunk the job ends."""
    if ledger.complete(connection, claim, counts):
        ledger.end(connection, claim.job.id, ledger.DONE)
