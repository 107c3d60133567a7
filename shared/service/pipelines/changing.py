"""How pipelines change: from the pipelines of a type and a wish to one pipeline as it is afterwards. Pure.

Everything wrong with a wish is told at once. Whether a stage is in use is not known here: ask before removing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from shared.kernel.errors import ErrorList, NotFound
from shared.service.pipelines.checking import (
    IN_USE,
    MOST_STAGES,
    Desk,
    check_gates,
    check_id,
    check_label,
    checked_stage,
    checked_stages,
    key_of,
    require_unused_ids,
    require_unused_label,
)
from shared.service.pipelines.declare import NEXT_STAGES, listed_in
from shared.service.pipelines.values import Pipeline, PipelineDraft, Stage, StageDraft

MOST_PIPELINES = 100
Changes = Mapping[str, Any]


def stage_of(pipeline: Pipeline, ident: str, *, archived: bool = False) -> Stage:
    """One of its stages; raises NotFound. archived: one that was put away will do as well."""
    for one in pipeline.stages:
        if one.id == ident and (archived or one.archived_at is None):
            return one
    raise NotFound("stage", [ident[:80]], f"There is no stage {ident[:80]} in pipeline {pipeline.id}")


def added(desk: Desk, draft: PipelineDraft) -> Pipeline:
    """A new pipeline with its stages."""
    errors = ErrorList()
    live = [one for one in desk.pipelines if one.archived_at is None]
    if len(live) >= MOST_PIPELINES:
        errors.add("label", "LIMIT_EXCEEDED", f"an entity type has at most {MOST_PIPELINES} pipelines")
    check_label(draft.label, "label", errors)
    check_id(draft.id, "id", errors)
    drafts = checked_stages(desk, draft.stages, errors)
    metadata = desk.pipeline_metadata(draft.metadata, errors)
    stages = tuple(_new_stage(desk, one, place) for place, one in enumerate(drafts))
    check_gates(desk, _placed(stages), stages, errors)
    errors.raise_if_any()
    require_unused_label(draft.label, live, "pipeline")
    require_unused_ids([draft.id], desk.pipelines, "pipeline")
    require_unused_ids([one.id for one in drafts], _all_stages(desk), "stage")
    order = _order(draft.display_order, live)
    ident = draft.id or desk.new_id()
    return Pipeline(ident, draft.label.strip(), order, stages, desk.at, desk.at, metadata=metadata)


def changed(desk: Desk, ident: str, changes: Changes) -> Pipeline:
    """Another label or place; `archived` puts it away or takes it back."""
    before = desk.pipeline(ident, archived=True)
    if before.archived_at is not None and changes.get("archived") is not False:
        raise NotFound("pipeline", [ident], f"Pipeline {ident} was put away: restore it with archived false")
    errors = ErrorList()
    if "label" in changes:
        check_label(changes["label"], "label", errors)
    if "metadata" in changes:
        changes = {**changes, "metadata": desk.pipeline_metadata(changes["metadata"], errors, before.metadata)}
    errors.raise_if_any()
    after = _with(before, changes, desk.at)
    if after.archived_at is None:
        require_unused_label(after.label, _others(desk, ident), "pipeline")
    return after if after == before else replace(after, updated_at=desk.at)


def replaced(desk: Desk, ident: str, draft: PipelineDraft) -> Pipeline:
    """The pipeline as described, its stages too: known ones (by id, else by label) stay, the others are put away."""
    before = desk.pipeline(ident)
    errors = ErrorList()
    check_label(draft.label, "label", errors)
    drafts = checked_stages(desk, draft.stages, errors)
    metadata = desk.pipeline_metadata(draft.metadata, errors)
    stages, fresh = _matched(desk, before, drafts)
    check_gates(desk, _placed(stages[: len(drafts)]), stages[: len(drafts)], errors)
    errors.raise_if_any()
    require_unused_label(draft.label, _others(desk, ident), "pipeline")
    require_unused_ids(fresh, _all_stages(desk), "stage")
    order = before.display_order if draft.display_order is None else draft.display_order
    after = replace(before, label=draft.label.strip(), display_order=order, stages=stages, metadata=metadata)
    return after if after == before else replace(after, updated_at=desk.at)


def _placed(stages: Iterable[Stage]) -> list[tuple[str, Stage]]:
    return [(f"stages[{place}].", one) for place, one in enumerate(stages)]


def _matched(desk: Desk, before: Pipeline, drafts: Sequence[StageDraft]) -> tuple[tuple[Stage, ...], list[str]]:
    """The stages of a pipeline that is described anew, behind them those that it does not name put away; and the ids
    that are wished for new ones."""
    by_id = {one.id: one for one in before.stages}
    by_label = {key_of(one.label): one for one in before.live_stages}
    fresh: list[str] = []
    kept: dict[str, Stage] = {}
    stages: list[Stage] = []
    for place, one in enumerate(drafts):
        known = by_id.get(one.id) if one.id else by_label.get(key_of(one.label))
        if known is None or known.id in kept:
            fresh.append(one.id)
            stages.append(_new_stage(desk, one, place))
            continue
        order = place if one.display_order is None else one.display_order
        told = replace(known, label=one.label.strip(), display_order=order, metadata=one.metadata, archived_at=None)
        kept[known.id] = told if told == known else replace(told, updated_at=desk.at)
        stages.append(kept[known.id])
    gone = [_away(one, desk.at) for one in before.stages if one.id not in kept]
    return (*stages, *gone), fresh


def stage_added(desk: Desk, ident: str, draft: StageDraft) -> tuple[Pipeline, Stage]:
    """The pipeline with one more stage, and that stage."""
    before = desk.pipeline(ident)
    errors = ErrorList()
    if len(before.live_stages) >= MOST_STAGES:
        errors.add("label", "LIMIT_EXCEEDED", f"a pipeline has at most {MOST_STAGES} stages")
    checked = checked_stage(desk, draft, "", errors)
    new = _new_stage(desk, checked, _order(None, before.live_stages))
    check_gates(desk, [("", new)], [*before.live_stages, new], errors)
    errors.raise_if_any()
    require_unused_label(checked.label, before.live_stages, "stage")
    require_unused_ids([checked.id], _all_stages(desk), "stage")
    return replace(before, stages=(*before.stages, new), updated_at=desk.at), new


def stage_changed(
    desk: Desk, ident: str, stage: str, changes: Changes, *, whole: bool = False
) -> tuple[Pipeline, Stage]:
    """The pipeline with a changed stage: label, place, metadata, archived. whole: metadata not given are gone."""
    before = desk.pipeline(ident)
    old = stage_of(before, stage, archived=True)
    if old.archived_at is not None and changes.get("archived") is not False:
        raise NotFound("stage", [stage], f"Stage {stage} was put away: restore it with archived false")
    errors = ErrorList()
    if "label" in changes:
        check_label(changes["label"], "label", errors)
    if "metadata" in changes:
        told = desk.stage_metadata(changes["metadata"], errors, old=None if whole else old.metadata)
        changes = {**changes, "metadata": told}
    new = _with(old, changes, desk.at)
    others = [one for one in before.stages if one.id != stage]
    if "metadata" in changes:
        check_gates(desk, [("", new)], [new, *(one for one in others if one.archived_at is None)], errors)
    if new.archived_at is not None and old.archived_at is None:
        others = [_without(one, stage, desk.at, errors) for one in others]
    errors.raise_if_any()
    if new.archived_at is None:
        require_unused_label(new.label, [one for one in others if one.archived_at is None], "stage")
    if new == old:
        return before, old
    new = replace(new, updated_at=desk.at)
    by_id = {one.id: one for one in (new, *others)}
    return replace(before, stages=tuple(by_id[one.id] for one in before.stages), updated_at=desk.at), new


def _without(one: Stage, gone: str, at: datetime, errors: ErrorList) -> Stage:
    """A stage that lets nobody go on to one that is put away; an error where it would let go on to none, or to any."""
    names = listed_in(one.metadata, NEXT_STAGES)
    if one.archived_at is not None or gone not in names:
        return one
    left = [name for name in names if name != gone]
    if not left:
        message = f'From "{one.label}" one goes to this stage only: give its {NEXT_STAGES} another one first'
        errors.add(f"metadata.{NEXT_STAGES}", IN_USE, message)
    return replace(one, metadata={**one.metadata, NEXT_STAGES: ",".join(left)}, updated_at=at)


def _with(before: Any, changes: Changes, at: datetime) -> Any:
    """A pipeline or stage with the changes that both know."""
    after = before
    if "label" in changes:
        after = replace(after, label=changes["label"].strip())
    if changes.get("display_order") is not None:
        after = replace(after, display_order=changes["display_order"])
    if "metadata" in changes:
        after = replace(after, metadata=changes["metadata"])
    if "archived" in changes:
        after = _away(after, at) if changes["archived"] else replace(after, archived_at=None)
    return after


def _away(one: Any, at: datetime) -> Any:
    return one if one.archived_at is not None else replace(one, archived_at=at, updated_at=at)


def _new_stage(desk: Desk, draft: StageDraft, place: int) -> Stage:
    order = place if draft.display_order is None else draft.display_order
    return Stage(draft.id or desk.new_id(), draft.label.strip(), order, draft.metadata, desk.at, desk.at)


def _order(wanted: int | None, others: Sequence[Any]) -> int:
    return max((one.display_order for one in others), default=-1) + 1 if wanted is None else wanted


def _others(desk: Desk, ident: str) -> list[Pipeline]:
    return [one for one in desk.pipelines if one.archived_at is None and one.id != ident]


def _all_stages(desk: Desk) -> list[Stage]:
    return [stage for one in desk.pipelines for stage in one.stages]
