"""The corridor of pipelines: asked and changed at run time, for any entity type that has them.

Asks permission, changes rows, the options of both attributes and the audit in one transaction, publishes what changed
and leaves the catalog of this process fresh. What a change means is `changing`; what a write of an entity must heed is
`agreement`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from shared.contracts.event import CATALOG_ATTRIBUTE, CATALOG_PIPELINE
from shared.eav import definitions as rows
from shared.eav.catalog import VERSION_SQL, LiveType, StaleCatalog
from shared.eav.declare import AttributeDef
from shared.eav.engine import Engine
from shared.kernel.clock import now
from shared.kernel.context import Context
from shared.kernel.db import Connection
from shared.kernel.errors import AlreadyExists, Invalid, NotFound, Unavailable
from shared.service.definition_changes import ATTEMPTS, DefinitionChanges, attribute_detail
from shared.service.permissions import Mode, allowed, require
from shared.service.pipelines import changing, store, timing
from shared.service.pipelines.agreement import declared_for, governed
from shared.service.pipelines.changing import Desk, stage_of
from shared.service.pipelines.declare import CUSTOM, Pipelined
from shared.service.pipelines.options import attributes_of, options_of, pipeline_detail
from shared.service.pipelines.values import Audit, Pipeline, PipelineDraft, Stage, StageDraft, in_order
from shared.service.publishing import publish_definition

Work = Callable[[Desk], Pipeline]
Changes = Mapping[str, Any]


class Pipelines:
    """Pipelines of one service's entity types. `declarations`: by internal name of the type."""

    def __init__(
        self, engine: Engine, declarations: Mapping[str, Pipelined], ensure_partitions: Callable[[], None]
    ) -> None:
        self._engine = engine
        self._declarations = declarations
        self._changed = DefinitionChanges(engine, ensure_partitions).run

    def _live(self, ctx: Context, type: str, mode: Mode) -> LiveType:
        self._engine.catalog.refresh()
        live = self._engine.catalog.type(type)
        if mode == "write" or not allowed(ctx.actor, "objects", live.defn, "read"):
            require(ctx.actor, "schemas", live.defn, mode)
        return live

    # Reading

    def every(self, ctx: Context, type: str) -> list[Pipeline]:
        """The live pipelines of a type, in the order in which they are shown."""
        return [one for one in self._all(self._live(ctx, type, "read")) if one.archived_at is None]

    def get(self, ctx: Context, type: str, ident: str) -> Pipeline:
        """One live pipeline; raises NotFound."""
        return self._desk(self._live(ctx, type, "read")).pipeline(ident)

    def stage(self, ctx: Context, type: str, ident: str, stage: str) -> Stage:
        """One live stage of a live pipeline; raises NotFound."""
        return stage_of(self.get(ctx, type, ident), stage)

    def audit(self, ctx: Context, type: str, ident: str) -> list[Audit]:
        """What happened to a pipeline and its stages, newest first; also of one that was put away."""
        live = self._live(ctx, type, "read")
        pipeline = self._desk(live).pipeline(ident, archived=True)
        with self._engine.database.connect() as connection:
            return store.audits(connection, live.id, pipeline.id, None)

    def audit_of_stage(self, ctx: Context, type: str, stage: str) -> list[Audit]:
        """The same of one stage, whichever pipeline it is in: the id of a stage is unique within the type."""
        live = self._live(ctx, type, "read")
        for one in self._all(live):
            if any(part.id == stage for part in one.stages):
                with self._engine.database.connect() as connection:
                    return store.audits(connection, live.id, one.id, stage)
        raise NotFound("stage", [stage[:80]], f"There is no stage {stage[:80]}")

    def _all(self, live: LiveType) -> tuple[Pipeline, ...]:
        with self._engine.database.connect() as connection:
            return store.load(connection, live.id)

    def _desk(self, live: LiveType) -> Desk:
        return Desk(self._all(live), CUSTOM.stages, now(), lambda: "")

    # Changing

    def create(self, ctx: Context, type: str, draft: PipelineDraft) -> Pipeline:
        """A new pipeline. The first one of a type made at run time gives its entities the two attributes."""
        return self._change(ctx, type, partial(changing.added, draft=draft))

    def change(self, ctx: Context, type: str, ident: str, changes: Changes, *, validate: bool = False) -> Pipeline:
        """Another label, place, or `archived`. validate: refuse to put away what is in use."""
        return self._change(ctx, type, partial(changing.changed, ident=ident, changes=changes), validate=validate)

    def replace(self, ctx: Context, type: str, ident: str, draft: PipelineDraft, *, validate: bool = False) -> Pipeline:
        """The pipeline as described, its stages too. validate: refuse to leave out stages that are in use."""
        return self._change(ctx, type, partial(changing.replaced, ident=ident, draft=draft), validate=validate)

    def archive(self, ctx: Context, type: str, ident: str, *, validate: bool = False) -> None:
        """Put a pipeline away with its stages. validate: refuse while entities stand in them."""

        def work(desk: Desk) -> Pipeline:
            desk.pipeline(ident)
            return changing.changed(desk, ident, {"archived": True})

        self._change(ctx, type, work, validate=validate)

    def add_stage(self, ctx: Context, type: str, ident: str, draft: StageDraft) -> Stage:
        """A new stage at the end, or at its display order."""
        found: list[Stage] = []

        def work(desk: Desk) -> Pipeline:
            after, stage = changing.stage_added(desk, ident, draft)
            found[:] = [stage]
            return after

        self._change(ctx, type, work)
        return found[0]

    def change_stage(
        self, ctx: Context, type: str, ident: str, stage: str, changes: Changes, *, whole: bool = False
    ) -> Stage:
        """Another label, place, metadata, or `archived`, which is refused while entities stand in the stage.

        whole: metadata that the changes do not name are gone.
        """

        def work(desk: Desk) -> Pipeline:
            return changing.stage_changed(desk, ident, stage, changes, whole=whole)[0]

        after = self._change(ctx, type, work, validate=bool(changes.get("archived")))
        return stage_of(after, stage, archived=True)

    def archive_stage(self, ctx: Context, type: str, ident: str, stage: str) -> None:
        """Put a stage away; refused while entities stand in it."""

        def work(desk: Desk) -> Pipeline:
            stage_of(desk.pipeline(ident), stage)
            return changing.stage_changed(desk, ident, stage, {"archived": True})[0]

        self._change(ctx, type, work, validate=True)

    def declare(self) -> None:
        """Make the declared pipelines of types that never had one. Idempotent; call it when a service starts."""
        for name, declared in self._declarations.items():
            for draft in declared.defaults:
                self._change(Context(source="SYSTEM"), name, partial(_once, draft))

    def _change(self, ctx: Context, type: str, work: Work, *, validate: bool = False) -> Pipeline:
        for _ in range(ATTEMPTS):
            live = self._live(ctx, type, "write")
            declared = self._declared(live)
            change = _Change(live, declared, ctx, validate)
            try:
                return self._changed(partial(change.carry_out, work))
            except StaleCatalog:
                continue
        raise Unavailable("the catalog keeps changing: try again")

    def _declared(self, live: LiveType) -> Pipelined:
        found = declared_for(self._declarations, live)
        if found is not None:
            return found
        if live.defn.builtin:
            message = f"{live.plural} have no pipelines: they are for types that declare them and for custom types"
            raise Invalid.one("objectType", "NOT_AVAILABLE", message)
        return CUSTOM


def _once(draft: PipelineDraft, desk: Desk) -> Pipeline:
    known = next((one for one in desk.pipelines if one.id == draft.id), None)
    return known if known is not None else changing.added(desk, draft)


class _Change:
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
        desk = Desk(before, self._declared.stages, now(), lambda: store.new_number(connection), self._declared.rules)
        after = work(desk)
        former = next((one for one in before if one.id == after.id), None)
        if former == after:
            self._time(connection, after)
            return after
        every_stage = [stage for one in before for stage in one.stages]
        changing.require_known(after, every_stage, lambda name: live.find(name) is not None)
        attributes = self._attributes(connection)
        if self._validate and former is not None:
            self._require_unused(connection, attributes[1], former, after)
        store.save(connection, live.id, after)
        self._time(connection, after)
        self._note(connection, former, after)
        every = in_order([*(one for one in before if one.id != after.id), after])
        self._tell(connection, attributes, every, after)
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
        changing.require_unused(used, f'Pipeline "{after.label}"')

    def _note(self, connection: Connection, former: Pipeline | None, after: Pipeline) -> None:
        actor, at = self._ctx.actor.id, after.updated_at
        told = pipeline_detail(after)
        store.note(connection, self._live.id, Audit(after.id, None, _action(former, after), at, actor, told))
        stages = {one.id: one for one in former.stages} if former is not None else {}
        by_id = {one["id"]: one for one in told["stages"]}
        for stage in after.stages:
            if former is not None and stages.get(stage.id) != stage:
                action = _action(stages.get(stage.id), stage)
                store.note(connection, self._live.id, Audit(after.id, stage.id, action, at, actor, by_id[stage.id]))

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
