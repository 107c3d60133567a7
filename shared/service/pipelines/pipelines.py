"""The corridor of pipelines: asked and changed at run time, for any entity type that has them.

Asks permission, changes rows, the options of both attributes and the audit in one transaction, publishes what changed
and leaves the catalog of this process fresh. What a change means is `changing`; what a write of an entity must heed is
`agreement`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from shared.eav.catalog import LiveType, StaleCatalog
from shared.eav.engine import Engine
from shared.kernel.clock import now
from shared.kernel.context import Context
from shared.kernel.db import Connection
from shared.kernel.errors import Invalid, NotFound, Unavailable
from shared.kernel.json import dumps
from shared.service.definition_changes import ATTEMPTS, DefinitionChanges
from shared.service.permissions import Mode, allowed, require
from shared.service.pipelines import changing, following, moving, store
from shared.service.pipelines.agreement import declared_for, governed
from shared.service.pipelines.carrying import Change, Work, desk_of
from shared.service.pipelines.changing import stage_of
from shared.service.pipelines.checking import Desk
from shared.service.pipelines.declare import CUSTOM, Pipelined
from shared.service.pipelines.moving import Leaving
from shared.service.pipelines.values import Audit, Pipeline, PipelineDraft, Stage, StageDraft
from shared.service.work import progress
from shared.service.work.progress import Progress

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
        self._change(ctx, type, partial(_away, ident, None), validate=validate)

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
        self._change(ctx, type, partial(_away, ident, stage), validate=True)

    def put_away(
        self, ctx: Context, type: str, ident: str, stage: str | None, also: Callable[[Connection], None]
    ) -> None:
        """Put a stage (None: the pipeline) away once nobody stands in it, with what else is to be done in the same
        transaction: for the work that moves them (`moving`)."""
        self._change(ctx, type, partial(_away, ident, stage), validate=True, also=also)

    # Moving who stands in what is put away

    def archive_moving(self, ctx: Context, type: str, ident: str, stage: str | None, move_to: str) -> Progress:
        """Begin to move all entities of a stage (None: of the whole pipeline) to another stage, and to put it away
        after that; how far it is. Raises NotFound, Invalid for a stage one cannot move to, Forbidden, Conflict."""
        live = self._live(ctx, type, "write")
        require(ctx.actor, "objects", live.defn, "write")
        attributes = governed(self._declared(live), live)
        if attributes is None:
            raise NotFound("pipeline", [ident[:80]], f"There is no pipeline {ident[:80]}")
        with self._engine.database.transaction() as connection:
            desk = desk_of(live, self._declared(live), store.load(connection, live.id), ctx, lambda: "")
            _away(ident, stage, desk)  # what is wrong with that is told now
            going = desk.pipeline(ident).live_stages
            stages = tuple(one.id for one in going if stage in (None, one.id))
            home, there = _goal(desk, stages, move_to)
            options = {one.value: one.id for one in attributes[0 if stage is None else 1].options}
            leaving = Leaving(options[stage or ident], ident, stage, stages, home.id, there.id)
            moving.order(connection, live.name, leaving, ctx)
            found = progress.of(connection, moving.KIND, leaving.number)
        assert found is not None
        return found

    def work(self, ctx: Context, type: str, ident: str) -> list[Progress]:
        """What is done, and was, with entities because stages of a pipeline changed or went away; the latest first."""
        live = self._live(ctx, type, "read")
        found = self._desk(live).pipeline(ident, archived=True)
        spec = dumps({"pipeline": found.id}).decode()
        with self._engine.database.connect() as connection:
            return progress.about(connection, [following.KIND, moving.KIND], live.name, spec)

    def declare(self) -> None:
        """Make the declared pipelines of types that never had one. Idempotent; call it when a service starts."""
        for name, declared in self._declarations.items():
            for draft in declared.defaults:
                self._change(Context(source="SYSTEM"), name, partial(_once, draft))

    def declared(self, type: str) -> Pipelined:
        """How entities of a type stand in pipelines."""
        return self._declared(self._engine.catalog.type(type))

    def _change(
        self,
        ctx: Context,
        type: str,
        work: Work,
        *,
        validate: bool = False,
        also: Callable[[Connection], None] | None = None,
    ) -> Pipeline:
        def step(change: Change, connection: Connection) -> Pipeline:
            after = change.carry_out(work, connection)
            if also is not None:
                also(connection)
            return after

        for _ in range(ATTEMPTS):
            live = self._live(ctx, type, "write")
            declared = self._declared(live)
            try:
                return self._changed(partial(step, Change(live, declared, ctx, validate)))
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


def _away(ident: str, stage: str | None, desk: Desk) -> Pipeline:
    """A pipeline put away, or one of its stages. Raises NotFound for what is gone already."""
    live = desk.pipeline(ident)
    if stage is None:
        return changing.changed(desk, ident, {"archived": True})
    stage_of(live, stage)
    return changing.stage_changed(desk, ident, stage, {"archived": True})[0]


def _goal(desk: Desk, stages: tuple[str, ...], move_to: str) -> tuple[Pipeline, Stage]:
    """The stage to go to, and its pipeline."""
    live = [(one, stage) for one in desk.pipelines if one.archived_at is None for stage in one.live_stages]
    fit = {stage.id: (one, stage) for one, stage in live if stage.id not in stages}
    if move_to not in fit:
        shown = ", ".join(list(fit)[:20]) or "none"
        message = f'One cannot move to stage "{move_to[:80]}": there are {shown}'
        raise Invalid.one("move_to", "INVALID_OPTION", message)
    return fit[move_to]
