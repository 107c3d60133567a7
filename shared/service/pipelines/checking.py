"""What may be wrong with a wish for a pipeline or a stage. Pure: everything wrong is noted, callers raise it at once.

What is taken already (labels, ids) is raised by itself, since it is a conflict with what there is and no wrong wish.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from shared.kernel.errors import AlreadyExists, ErrorList, Invalid, NotFound
from shared.service.pipelines.declare import (
    NEXT_STAGES,
    REQUIRED,
    StageField,
    StageSchema,
    check_names,
    listed_in,
    read_fields,
)
from shared.service.pipelines.values import Pipeline, Stage, StageDraft

MOST_STAGES = 100
MOST_LABEL = 250
IN_USE = "STAGE_IN_USE"
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}\Z")


def _any(_name: str) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Desk:
    """What a change starts from: all pipelines of the type, put away ones too, and where new ids come from.

    knows: whether there is an attribute of that name. strict: what a stage or pipeline cannot say of itself is refused;
    else it is passed over, as clients of the wire dialect expect.
    """

    pipelines: tuple[Pipeline, ...]
    schema: StageSchema
    at: datetime
    new_id: Callable[[], str]
    rules: tuple[StageField, ...] = ()
    knows: Callable[[str], bool] = _any
    strict: bool = False

    def pipeline(self, ident: str, *, archived: bool = False) -> Pipeline:
        """One of them; raises NotFound. archived: one that was put away will do as well."""
        for one in self.pipelines:
            if one.id == ident and (archived or one.archived_at is None):
                return one
        raise NotFound("pipeline", [ident[:80]], f"There is no pipeline {ident[:80]}")

    def stage_metadata(
        self, given: Mapping[str, object], errors: ErrorList, where: str = "", old: Mapping[str, str] | None = None
    ) -> dict[str, str]:
        """The metadata of a stage as they are kept. old: those that stay where nothing is said of them."""
        if self.strict:
            self.schema.check_names(given, errors, f"{where}metadata.")
        return self.schema.complete(given, errors, f"{where}metadata.", old)

    def pipeline_metadata(
        self, given: Mapping[str, object], errors: ErrorList, old: Mapping[str, str] | None = None
    ) -> dict[str, str]:
        """The metadata of a pipeline as they are kept."""
        if self.strict:
            check_names([one.name for one in self.rules], given, errors)
        return read_fields(self.rules, {**(old or {}), **given}, errors)


def checked_stages(desk: Desk, drafts: Sequence[StageDraft], errors: ErrorList) -> list[StageDraft]:
    """The stages of a pipeline, read."""
    if len(drafts) > MOST_STAGES:
        errors.add("stages", "LIMIT_EXCEEDED", f"a pipeline has at most {MOST_STAGES} stages")
        return []
    found = [checked_stage(desk, one, f"stages[{place}].", errors) for place, one in enumerate(drafts)]
    for name, keys in (("label", [key_of(one.label) for one in found]), ("id", [one.id for one in found])):
        for place, key in enumerate(keys):
            if key and key in keys[:place]:
                where = f"stages[{place}].{name}"
                errors.add(where, "DUPLICATE_NAME", f"{where} occurs more than once in this pipeline")
    return found


def checked_stage(desk: Desk, draft: StageDraft, where: str, errors: ErrorList) -> StageDraft:
    """A stage, read."""
    check_label(draft.label, f"{where}label", errors)
    check_id(draft.id, f"{where}id", errors)
    return replace(draft, metadata=desk.stage_metadata(draft.metadata, errors, where))


def check_label(label: str, where: str, errors: ErrorList) -> None:
    """Note a label that is none."""
    if not label.strip() or len(label) > MOST_LABEL or "\x00" in label:
        errors.add(where, "INVALID_LABEL", f"{where} must have 1 to {MOST_LABEL} characters")


def check_id(ident: str, where: str, errors: ErrorList) -> None:
    """Note an id that is none; "" asks for one."""
    if ident and not _ID.match(ident):
        errors.add(where, "INVALID_NAME", f"{where} must be letters, digits, - and _, at most 64 of them")


def check_gates(desk: Desk, said: Iterable[tuple[str, Stage]], live: Iterable[Stage], errors: ErrorList) -> None:
    """Note what stages demand and there is not: moves to what is no live stage of their pipeline, attributes that the
    type has not got. said: what was told of stages now, and where; live: the pipeline's live stages after it."""
    known = {one.id for one in live}
    here = f"stages of this pipeline are {', '.join(sorted(known)[:20])}" if known else "this pipeline has no stages"
    for where, stage in said:
        for one in listed_in(stage.metadata, NEXT_STAGES):
            if one not in known:
                name = f"{where}metadata.{NEXT_STAGES}"
                errors.add(name, "INVALID_OPTION", f'{name} of "{stage.label}": no stage {one[:80]} here; {here}')
        for one in listed_in(stage.metadata, REQUIRED):
            if not desk.knows(one):
                name = f"{where}metadata.{REQUIRED}"
                errors.add(name, "INVALID_OPTION", f'{name} of "{stage.label}": no attribute {one[:80]}')


def require_unused_label(label: str, others: Iterable[Any], what: str) -> None:
    """Raise AlreadyExists where one of the others is called so."""
    for one in others:
        if key_of(one.label) == key_of(label):
            raise AlreadyExists(f'There is a {what} labelled "{label.strip()}" already: {one.id}')


def require_unused_ids(ids: Iterable[str], others: Iterable[Any], what: str) -> None:
    """Raise AlreadyExists where one of the others has one of these ids."""
    taken = {one.id for one in others}
    for ident in ids:
        if ident and ident in taken:
            raise AlreadyExists(f"There is a {what} with the id {ident} already")


def require_unused(in_use: Mapping[str, int], what: str, plural: str) -> None:
    """Raise Invalid when entities still stand in one of these stages (how many, by the stage's id)."""
    if in_use:
        shown = ", ".join(f"{count} in {stage}" for stage, count in list(in_use.items())[:10])
        message = (
            f"{what} is in use: {sum(in_use.values())} {plural} stand in it ({shown}). Move them to other stages "
            "first, or archive it with move_to at the native door"
        )
        raise Invalid.one("stages", IN_USE, message)


def key_of(label: str) -> str:
    """Labels are the same when they differ in spaces and case only."""
    return " ".join(label.split()).casefold()
