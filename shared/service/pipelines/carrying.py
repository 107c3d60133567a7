"""One change of a type's pipelines under way: rows, options, audit, events and what follows, in one transaction.

Not for asking permission nor for trying again, which the corridor (`pipelines`) does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from shared.contracts.event import CATALOG_ATTRIBUTE, CATALOG_PIPELINE
from shared.eav import definitions as rows
from shared.eav.catalog import VERSION_SQL, LiveType, StaleCatalog
from shared.eav.declare import AttributeDef
from shared.kernel.clock import now
from shared.kernel.context import Context
from shared.kernel.db import Connection
from shared.kernel.errors import AlreadyExists, NotFound
from shared.service.definition_changes import attribute_detail
from shared.service.pipelines import following, store, timing
from shared.service.pipelines.agreement import governed
from shared.service.pipelines.checking import Desk, require_unused
from shared.service.pipelines.declare import CUSTOM, Pipelined
from shared.service.pipelines.options import attributes_of, options_of, pipeline_detail
from shared.service.pipelines.values import Audit, Pipeline, Stage, in_order
from shared.service.publishing import publish_definition

Work = Callable[[Desk], Pipeline]
NATIVE = "native"


def desk_of(
    live: LiveType, declared: Pipelined, pipelines: tuple[Pipeline, ...], ctx: Context, new_id: Callable[[], str]
) -> Desk:
    """What a change starts from."""

    def knows(name: str) -> bool:
        return live.find(name) is not None

    return Desk(pipelines, declared.stages, now(), new_id, declared.rules, knows, ctx.door == NATIVE)


class Change:
    """One change under way: holds what all its steps need."""

    def __init__(self, live: LiveType, declared: Pipelined, ctx: Context, validate: bool) -> None:
        self._live = live
        self._declared = declared
        self._ctx = ctx
        self._validate = validate

    def carry_out(self, work: Work, connection: Connection) -> Pipeline:
        """Everything in the transaction of `connection`. Raises StaleCatalog when definitions moved on."""
        live = self._live
        if self._validate:
            rows.exclusively(connection, live)  # nobody enters a stage while it is looked at and put away
        elif connection.row(f"{VERSION_SQL} for update", {"id": live.id}) != (live.version,):
            raise StaleCatalog(live.name)
        before = store.load(connection, live.id)
        after = work(desk_of(live, self._declared, before, self._ctx, lambda: store.new_number(connection)))
        former = next((one for one in before if one.id == after.id), None)
        if former == after:
            self._time(connection, after)
            return after
        attributes = self._attributes(connection)
        if self._validate and former is not None:
            self._require_unused(connection, attributes[1], former, after)
        store.save(connection, live.id, after)
        self._time(connection, after)
        self._note(connection, former, after)
        every = in_order([*(one for one in before if one.id != after.id), after])
        self._tell(connection, attributes, every, after)
        if former is not None and self._declared is not CUSTOM:  # nothing follows from stages of custom types
            following.order(connection, live, attributes[0], former, after, self._ctx)
        return after

    def _attributes(self, connection: Connection) -> tuple[AttributeDef, AttributeDef]:
        """Those of pipeline and stage, made now where a custom type gets its first pipeline."""
        known = governed(self._declared, self._live)
        if known is not None:
            return known
        if self._live.defn.builtin:
            raise NotFound("property", [self._declared.pipeline, self._declared.stage])
        wanted = attributes_of(self._live, self._declared)
        taken = [one.name for one in wanted if one.name in self._live.every]
        if taken:
            raise AlreadyExists(f"A property named {taken[0]} exists, but is not that of pipelines: rename it first")
        made = rows.put_attributes(connection, self._live, wanted)
        return made[0], made[1]

    def _time(self, connection: Connection, after: Pipeline) -> None:
        """Give stages that have none the attributes that tell times in them."""
        wanted = timing.attributes_for(self._live, self._declared, after) if after.archived_at is None else []
        for one in rows.put_attributes(connection, self._live, wanted):
            publish_definition(connection, CATALOG_ATTRIBUTE, self._live.name, attribute_detail(one), self._ctx)

    def _require_unused(
        self, connection: Connection, attribute: AttributeDef, former: Pipeline, after: Pipeline
    ) -> None:
        left = {one.id for one in after.live_stages} if after.archived_at is None else set()
        gone = {one.id for one in former.live_stages} - left
        options = {one.id: one.value for one in (*attribute.options, *attribute.retired) if one.value in gone}
        used = store.stages_in_use(connection, self._live, attribute, options)
        what = f'Stage "{next(iter(gone))}"' if len(gone) == 1 else f'Pipeline "{after.label}"'
        require_unused(used, what, self._live.plural)

    def _note(self, connection: Connection, former: Pipeline | None, after: Pipeline) -> None:
        store.note(connection, self._live.id, list(self._audits(former, after)))

    def _audits(self, former: Pipeline | None, after: Pipeline) -> Iterator[Audit]:
        actor, at = self._ctx.actor.id, after.updated_at
        told = pipeline_detail(after)
        yield Audit(after.id, None, _action(former, after), at, actor, told)
        stages = {one.id: one for one in former.stages} if former is not None else {}
        by_id = {one["id"]: one for one in told["stages"]}
        for stage in after.stages:
            if stages.get(stage.id) != stage:
                action = _action(stages.get(stage.id), stage)
                yield Audit(after.id, stage.id, action, at, actor, by_id[stage.id])

    def _tell(
        self,
        connection: Connection,
        attributes: tuple[AttributeDef, AttributeDef],
        every: tuple[Pipeline, ...],
        after: Pipeline,
    ) -> None:
        """The catalog's options, and the events that carry them."""
        live, ctx = self._live, self._ctx
        for attribute, options in zip(attributes, options_of(every), strict=True):
            rows.change_attribute(connection, live, attribute, {"options": options})
            told = attribute_detail(replace(attribute, options=options))
            publish_definition(connection, CATALOG_ATTRIBUTE, live.name, told, ctx)
        publish_definition(connection, CATALOG_PIPELINE, live.name, pipeline_detail(after), ctx)


def _action(former: Pipeline | Stage | None, after: Pipeline | Stage) -> str:
    if former is None:
        return "CREATE"
    if (former.archived_at is None) != (after.archived_at is None):
        return "DELETE" if after.archived_at is not None else "RESTORE"
    return "UPDATE"
