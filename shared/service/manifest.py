"""A service as a value: what exists, what must hold, which doors it adds, whom it hears. The kit makes it run.

Nothing is created by making a manifest: no connections, no app, no tasks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shared.bus.consumer import Subscription
from shared.eav.declare import TypeDef
from shared.eav.merging.rules import Gathering
from shared.kernel.config import Settings
from shared.kernel.db import Database
from shared.service.assignment.declare import Assigned
from shared.service.copying import NOTHING_COPIED, Copies
from shared.service.counting import Counted
from shared.service.erasure.belonging import Belongings, Claims, Forget, Parts
from shared.service.heeding import Heeding
from shared.service.matching.rules import Matching
from shared.service.mirrors.declare import Mirror
from shared.service.pipelines.declare import Pipelined
from shared.service.placing import Trees
from shared.service.prompting import Prompt
from shared.service.replicas import WORKSPACE
from shared.service.rules import Rules
from shared.service.steps import LiveType, Steps
from shared.service.web.operation import Operation
from shared.service.work.running import Kind

if TYPE_CHECKING:
    from shared.service.runtime import Runtime


def no_steps(_type_of: Callable[[str], LiveType]) -> Steps:
    """Nothing is done besides."""
    return Steps()


@dataclass(frozen=True)
class Manifest:
    """One service. `custom_types`: entity types made at run time live here. `hears`: feeds it follows besides tokens;
    `follows`: the same, for what needs settings.

    mirrors: what it knows of other services' entities, to link to them, filter by them and show them.
    matching: by name of the entity type, the rules by which entities are possible duplicates.
    gatherings: by name of the entity type, which attributes unite what merged entities have; everything else is won.
    pipelines: by name of the entity type, which attributes hold pipeline and stage, and what there is from the start.
    assigned: by name of the entity type, what is given out by itself, and what of it is still work for its owners.
    refers: what its attributes refer to besides entities: whose ids the service itself tells `foreign.put_known`.
    counts: numbers of linked entities that are kept as values.
    trees: by name of the entity type, the attribute by which entities are parts of others of it: files are held to it.
    copies: by name of the entity type, what new ones take from another entity of the service that they refer to.
    operations are the service's own, on top of the doors that the kit gives to every entity type. work: kinds of slow
    work that only this service has, by name. upkeep: what it adds to every round of maintenance, by what is counted.
    prompt: what is done within seconds of falling due, by name.
    metrics: by name of the entity type, what reporting should count of it from the start.
    belongings: what goes with an erased entity, of a mirrored type too. parts: what an entity consists of, which goes
    with it in any case. claims: values by which ours name mirrored ones. forgets: takes erased entities (type, ids)
    out of what the service itself keeps of them, in the transaction of the erasure.
    own: makes what its doors need besides, once per process (`Runtime.own`). steps: makes what is done besides with
    whatever is written, in the transaction of the write; it is handed a way to live types. heeding: is told of links
    and linked values that have changed.
    """

    name: str
    types: tuple[TypeDef, ...]
    rules: Mapping[str, Rules] = field(default_factory=dict)
    pipelines: Mapping[str, Pipelined] = field(default_factory=dict)
    mirrors: tuple[Mirror, ...] = ()
    matching: Matching = field(default_factory=dict)
    gatherings: Mapping[str, Gathering] = field(default_factory=dict)
    assigned: Mapping[str, Assigned] = field(default_factory=dict)
    refers: frozenset[str] = frozenset()
    counts: tuple[Counted, ...] = ()
    trees: Trees = field(default_factory=dict)
    copies: Copies = field(default_factory=lambda: NOTHING_COPIED)
    operations: tuple[Operation, ...] = ()
    hears: tuple[Subscription, ...] = ()
    follows: Callable[[Settings], tuple[Subscription, ...]] | None = None
    work: Mapping[str, Kind] = field(default_factory=dict)
    upkeep: Mapping[str, Callable[[Database], int]] = field(default_factory=dict)
    prompt: Mapping[str, Prompt] = field(default_factory=dict)
    metrics: Mapping[str, tuple[Mapping[str, Any], ...]] = field(default_factory=dict)
    belongings: Belongings = field(default_factory=dict)
    parts: Parts = field(default_factory=dict)
    claims: Claims = field(default_factory=dict)
    forgets: Forget | None = None
    own: Callable[[Runtime], Any] | None = None
    steps: Callable[[Callable[[str], LiveType]], Steps] = no_steps
    heeding: Heeding | None = None
    custom_types: bool = False
    migrations: Path | None = None

    @property
    def owns_tokens(self) -> bool:
        """Whether this is the service where tokens are made; all others keep a replica."""
        return self.name == WORKSPACE
