"""What must hold and what follows when ONE entity that stands in a pipeline is written. Pure.

Stage and pipeline agree (`agreement`), times are kept (`timing`), then the service's rules have their say; last the
rules that pipelines themselves carry: where one may go from a stage, and what a stage demands. How strictly those are
meant depends on the pipeline and on the door, see `refuses` and `weighed`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import lru_cache, partial
from typing import Any

from shared.eav.catalog import Keyed, LiveType, keyed
from shared.eav.validation import called
from shared.kernel.context import Context
from shared.kernel.errors import FieldError
from shared.service.pipelines import timing
from shared.service.pipelines.agreement import CARRYING_ON, disagreement, filled, governed
from shared.service.pipelines.declare import ENFORCE, NEXT_STAGES, REQUIRED, Pipelined, listed_in
from shared.service.rules import Detail, Proposal, Rules

Values = Mapping[str, Any]
Judged = tuple[Mapping[str, Any], Sequence[FieldError]]
IMPORT = "IMPORT"
_NOTHING: Detail = {}


def refuses(context: Context, pipeline: Detail) -> bool:
    """Whether breaking a rule of this pipeline refuses the write. By default only where people and programs meet
    the native door; the wire dialect knows no such rules, and a file tells of what has happened."""
    wanted = pipeline.get(ENFORCE, "native")
    if wanted != "native":
        return wanted == "all"
    return context.door != "dialect" and context.source not in CARRYING_ON


def weighed(context: Context, pipeline: Detail, errors: Sequence[FieldError]) -> Sequence[FieldError]:
    """What breaking rules of this pipeline comes to: refusals, warnings in an import, or nothing."""
    if not errors or refuses(context, pipeline):
        return errors
    warned = context.source == IMPORT and pipeline.get(ENFORCE) != "none"
    return (
        [replace(one, message=f"{one.message} (written all the same)", warning=True) for one in errors]
        if warned
        else ()
    )


def detail_of(live: LiveType, name: str, value: object) -> Detail:
    """What a choice means to its domain, retired ones too; nothing for any other value."""
    return _details(keyed(live), name).get(value, _NOTHING)


@lru_cache(maxsize=256)
def _details(key: Keyed, name: str) -> dict[object, Detail]:
    attribute = key.live.attributes.get(name)
    if attribute is None:
        return {}
    return {one.value: one.detail for one in (*attribute.retired, *attribute.options)}


def judged(rules: Rules, live: LiveType, old: Values | None, new: Values, context: Context, at: datetime) -> Judged:
    """The word of a service's rules."""
    return rules.apply(Proposal(live.name, old, new, context, at, partial(detail_of, live)))


def steered(
    declared: Pipelined,
    rules: Rules,
    live: LiveType,
    old: Values | None,
    new: Values,
    context: Context,
    at: datetime,
) -> Judged:
    """All values to write and all that is wrong with them."""
    values = filled(declared, live, old, new)
    limits = detail_of(live, declared.stage, values.get(declared.stage))
    times = timing.kept(declared, live, old, values, context.effective_at or at, limits)
    values, errors = judged(rules, live, old, {**values, **times} if times else values, context, at)
    broken = _cleared(declared, live, old, new, context) or _broken(declared, live, old, values, context)
    return values, (*errors, *disagreement(declared, live, old, values, context), *broken)


def _cleared(
    declared: Pipelined, live: LiveType, old: Values | None, new: Values, context: Context
) -> list[FieldError]:
    """An error when what stands in a stage would stand in none while its pipeline stays: visits would have a hole, and
    from no stage one goes to any. What only carries on (a merge taken back) is not asked; the lines of a file are."""
    attributes = governed(declared, live)
    if old is None or attributes is None or (context.source in CARRYING_ON and context.source != IMPORT):
        return []
    if old.get(declared.stage) is None or new.get(declared.stage, _NOTHING) is not None:
        return []
    pipeline = old.get(declared.pipeline)
    if pipeline is None or new.get(declared.pipeline, pipeline) != pipeline:
        return []
    name = called(attributes[1], context)
    message = f'Property "{name}" cannot be cleared: what is in a pipeline stays in one of its stages'
    return [FieldError(declared.stage, "REQUIRED_FIELD", message)]


def _broken(
    declared: Pipelined, live: LiveType, old: Values | None, values: Values, context: Context
) -> list[FieldError]:
    """The pipeline's own rules that a write breaks, where that refuses it."""
    before = None if old is None else old.get(declared.stage)
    stage = values.get(declared.stage, before)
    if governed(declared, live) is None:
        return []
    errors = [*_move(declared, live, before, stage), *_lacking(declared, live, old, values, before, context)]
    if not errors:
        return []
    pipeline = values.get(declared.pipeline, None if old is None else old.get(declared.pipeline))
    return list(weighed(context, detail_of(live, declared.pipeline, pipeline), errors))


def _move(declared: Pipelined, live: LiveType, before: Any, stage: Any) -> list[FieldError]:
    """An error when one does not go from the one stage to the other."""
    allowed = listed_in(detail_of(live, declared.stage, before), NEXT_STAGES)
    if before is None or before == stage or not allowed or stage in allowed:
        return []
    where = "none" if stage is None else f'"{stage}"'
    message = f'From stage "{before}" one goes to {", ".join(allowed)}, not to {where}'
    return [FieldError(declared.stage, "STAGE_NOT_ALLOWED", message, allowed)]


def _lacking(
    declared: Pipelined, live: LiveType, old: Values | None, values: Values, before: Any, context: Context
) -> list[FieldError]:
    """Errors for attributes without which nothing stands in the stage: on coming to it, and on being cleared."""
    errors = []
    stage = values.get(declared.stage, before)
    entering = before != stage
    for name in listed_in(detail_of(live, declared.stage, stage), REQUIRED):
        one = live.find(name)
        if one is None or not (entering or one.name in values):
            continue
        if _blank(values.get(one.name, None if old is None else old.get(one.name))):
            message = f'Property "{called(one, context)}" is required in stage "{stage}"'
            errors.append(FieldError(one.name, "REQUIRED_FIELD", message))
    return errors


def _blank(value: Any) -> bool:
    """Whether there is no value: text of nothing but spaces says nothing."""
    return value is None or (isinstance(value, str) and not value.strip())
