"""How pipelines change: from the pipelines of a type and a wish to one pipeline as it is afterwards. Pure.

Everything wrong with a wish is told at once. Whether a stage is in use is not known here: ask before removing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from shared.kernel.errors import AlreadyExists, ErrorList, Invalid, NotFound
from shared.service.pipelines.declare import NEXT_STAGES, REQUIRED, StageField, StageSchema, read_fields
from shared.service.pipelines.values import Pipeline, PipelineDraft, Stage, StageDraft

MOST_PIPELINES = 100
MOST_STAGES = 100
MOST_LABEL = 250
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}\Z")
Changes = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Desk:
    """What a change starts from: all pipelines of the type, put away ones too, and where new ids come from."""

    pipelines: tuple[Pipeline, ...]
    schema: StageSchema
    at: datetime
    new_id: Callable[[], str]
    rules: tuple[StageField, ...] = ()

    def pipeline(self, ident: str, *, archived: bool = False) -> Pipeline:
        """One of them; raises NotFound. archived: one that was put away will do as well."""
        for one in self.pipelines:
            if one.id == ident and (archived or one.archived_at is None):
                return one
        raise NotFound("pipeline", [ident[:80]], f"There is no pipeline {ident[:80]}")


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
    _check_label(draft.label, "label", errors)
    _check_id(draft.id, "id", errors)
    drafts = _checked_stages(desk, draft.stages, errors)
    metadata = read_fields(desk.rules, draft.metadata, errors)
    errors.raise_if_any()
    _unused_label(draft.label, live, "pipeline")
    _unused_ids([draft.id], desk.pipelines, "pipeline")
    _unused_ids([one.id for one in drafts], _all_stages(desk), "stage")
    stages = tuple(_new_stage(desk, one, place) for place, one in enumerate(drafts))
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
        _check_label(changes["label"], "label", errors)
    if "metadata" in changes:
        changes = {**changes, "metadata": read_fields(desk.rules, {**before.metadata, **changes["metadata"]}, errors)}
    errors.raise_if_any()
    after = _with(before, changes, desk.at)
    if after.archived_at is None:
        _unused_label(after.label, _others(desk, ident), "pipeline")
    return after if after == before else replace(after, updated_at=desk.at)


def replaced(desk: Desk, ident: str, draft: PipelineDraft) -> Pipeline:
    """The pipeline as described, its stages too: known ones (by id, else by label) stay, the others are put away."""
    before = desk.pipeline(ident)
    errors = ErrorList()
    _check_label(draft.label, "label", errors)
    drafts = _checked_stages(desk, draft.stages, errors)
    metadata = read_fields(desk.rules, draft.metadata, errors)
    errors.raise_if_any()
    _unused_label(
        draft.label, [one for one in desk.pipelines if one.archived_at is None and one.id != ident], "pipeline"
    )
    stages = _matched(desk, before, drafts)
    order = before.display_order if draft.display_order is None else draft.display_order
    after = replace(before, label=draft.label.strip(), display_order=order, stages=stages, metadata=metadata)
    return after if after == before else replace(after, updated_at=desk.at)


def _matched(desk: Desk, before: Pipeline, drafts: Sequence[StageDraft]) -> tuple[Stage, ...]:
    """The stages of a pipeline that is described anew, those that it does not name put away."""
    by_id = {one.id: one for one in before.stages}
    by_label = {_key(one.label): one for one in before.live_stages}
    fresh: list[str] = []
    kept: dict[str, Stage] = {}
    stages: list[Stage] = []
    for place, one in enumerate(drafts):
        known = by_id.get(one.id) if one.id else by_label.get(_key(one.label))
        if known is None or known.id in kept:
            fresh.append(one.id)
            stages.append(_new_stage(desk, one, place))
            continue
        order = place if one.display_order is None else one.display_order
        told = replace(known, label=one.label.strip(), display_order=order, metadata=one.metadata, archived_at=None)
        kept[known.id] = told if told == known else replace(told, updated_at=desk.at)
        stages.append(kept[known.id])
    _unused_ids(fresh, _all_stages(desk), "stage")
    gone = [_away(one, desk.at) for one in before.stages if one.id not in kept]
    return (*stages, *gone)


def stage_added(desk: Desk, ident: str, draft: StageDraft) -> tuple[Pipeline, Stage]:
    """The pipeline with one more stage, and that stage."""
    before = desk.pipeline(ident)
    errors = ErrorList()
    if len(before.live_stages) >= MOST_STAGES:
        errors.add("label", "LIMIT_EXCEEDED", f"a pipeline has at most {MOST_STAGES} stages")
    checked = _checked_stage(desk, draft, "", errors)
    errors.raise_if_any()
    _unused_label(checked.label, before.live_stages, "stage")
    _unused_ids([checked.id], _all_stages(desk), "stage")
    new = _new_stage(desk, checked, _order(None, before.live_stages))
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
        _check_label(changes["label"], "label", errors)
    if "metadata" in changes:
        told = {**({} if whole else old.metadata), **changes["metadata"]}
        changes = {**changes, "metadata": desk.schema.complete(told, errors)}
    errors.raise_if_any()
    new = _with(old, changes, desk.at)
    if new.archived_at is None:
        _unused_label(new.label, [one for one in before.live_stages if one.id != stage], "stage")
    if new == old:
        return before, old
    new = replace(new, updated_at=desk.at)
    stages = tuple(new if one.id == stage else one for one in before.stages)
    return replace(before, stages=stages, updated_at=desk.at), new


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


def _checked_stages(desk: Desk, drafts: Sequence[StageDraft], errors: ErrorList) -> list[StageDraft]:
    if len(drafts) > MOST_STAGES:
        errors.add("stages", "LIMIT_EXCEEDED", f"a pipeline has at most {MOST_STAGES} stages")
        return []
    found = [_checked_stage(desk, one, f"stages[{place}].", errors) for place, one in enumerate(drafts)]
    for name, keys in (("label", [_key(one.label) for one in found]), ("id", [one.id for one in found])):
        for place, key in enumerate(keys):
            if key and key in keys[:place]:
                where = f"stages[{place}].{name}"
                errors.add(where, "DUPLICATE_NAME", f"{where} occurs more than once in this pipeline")
    return found


def _checked_stage(desk: Desk, draft: StageDraft, where: str, errors: ErrorList) -> StageDraft:
    _check_label(draft.label, f"{where}label", errors)
    _check_id(draft.id, f"{where}id", errors)
    return replace(draft, metadata=desk.schema.complete(draft.metadata, errors, f"{where}metadata."))


def _check_label(label: str, where: str, errors: ErrorList) -> None:
    if not label.strip() or len(label) > MOST_LABEL or "\x00" in label:
        errors.add(where, "INVALID_LABEL", f"{where} must have 1 to {MOST_LABEL} characters")


def _check_id(ident: str, where: str, errors: ErrorList) -> None:
    if ident and not _ID.match(ident):
        errors.add(where, "INVALID_NAME", f"{where} must be letters, digits, - and _, at most 64 of them")


def _unused_label(label: str, others: Iterable[Any], what: str) -> None:
    for one in others:
        if _key(one.label) == _key(label):
            raise AlreadyExists(f'There is a {what} labelled "{label.strip()}" already: {one.id}')


def _unused_ids(ids: Iterable[str], others: Iterable[Any], what: str) -> None:
    taken = {one.id for one in others}
    for ident in ids:
        if ident and ident in taken:
            raise AlreadyExists(f"There is a {what} with the id {ident} already")


def _others(desk: Desk, ident: str) -> list[Pipeline]:
    return [one for one in desk.pipelines if one.archived_at is None and one.id != ident]


def _all_stages(desk: Desk) -> list[Stage]:
    return [stage for one in desk.pipelines for stage in one.stages]


def _key(label: str) -> str:
    return " ".join(label.split()).casefold()


def require_unused(in_use: Sequence[str], what: str) -> None:
    """Raise Invalid when entities still stand in one of these stages (named by id)."""
    if in_use:
        shown = ", ".join(in_use[:10])
        message = f"{what} is in use: entities stand in {shown}. Move them to other stages first"
        raise Invalid.one("stages", "STAGE_IN_USE", message)


def require_known(after: Pipeline, stages: Iterable[Stage], knows: Callable[[str], bool]) -> None:
    """Raise Invalid when a stage's rules name stages or attributes that there are not."""
    errors = ErrorList()
    known = {one.id for one in (*stages, *after.stages)}
    for stage in after.live_stages:
        for name, there, what in ((NEXT_STAGES, known.__contains__, "stage"), (REQUIRED, knows, "attribute")):
            for one in filter(None, stage.metadata.get(name, "").split(",")):
                if not there(one):
                    errors.add(f"metadata.{name}", "INVALID_OPTION", f'{name} of "{stage.label}": no {what} {one[:80]}')
    errors.raise_if_any()
