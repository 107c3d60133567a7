"""What must hold of pipeline and stage when ONE entity is written. Pure: the catalog's options say everything.

The options of the stage attribute name their pipeline as `parent`; both kinds of options are the live pipelines and
stages and nothing else, so that a write guarded by the catalog's version can never use one that is gone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shared.eav.catalog import LiveType
from shared.eav.declare import AttributeDef, OptionDef
from shared.eav.validation import called
from shared.kernel.context import Context
from shared.kernel.errors import FieldError
from shared.service.pipelines.declare import CUSTOM, Pipelined

_MOST_NAMED = 10
CARRYING_ON = frozenset({"IMPORT", "MERGE_OBJECTS", "SYSTEM", "CALCULATED"})
"""Sources of writes that only carry on what was decided before: they are not asked for reasons."""
Values = Mapping[str, Any]


def declared_for(declarations: Mapping[str, Pipelined], live: LiveType) -> Pipelined | None:
    """How entities of this type stand in pipelines; None when they do not."""
    found = declarations.get(live.name)
    if found is None and not live.defn.builtin:
        return CUSTOM if governed(CUSTOM, live) is not None else None
    return found


def governed(declared: Pipelined, live: LiveType) -> tuple[AttributeDef, AttributeDef] | None:
    """The two attributes, None when the type has not got them. One that users made is not meant."""
    found = (live.attributes.get(declared.pipeline), live.attributes.get(declared.stage))
    if found[0] is None or found[1] is None or not (found[0].builtin and found[1].builtin):
        return None
    return found[0], found[1]


def filled(declared: Pipelined, live: LiveType, old: Values | None, new: Values) -> Values:
    """The write with the usual pipeline where the entity would be left without one, and with its first stage where
    those who name none begin there."""
    attributes = governed(declared, live)
    if attributes is None or not _concerned(declared, old, new):
        return new
    pipeline = _after(declared.pipeline, old, new)
    if pipeline is None:
        pipeline = usual_pipeline(declared, attributes[0])
        new = new if pipeline is None else {**new, declared.pipeline: pipeline}
    if old is None and declared.begins and new.get(declared.stage) is None:
        first = next((one.value for one in attributes[1].options if one.parent == pipeline), None)
        new = new if first is None else {**new, declared.stage: first}
    return new


def usual_pipeline(declared: Pipelined, attribute: AttributeDef) -> str | None:
    """The pipeline of those who name none: the declared one while it is there, else the first."""
    known = [one.value for one in attribute.options]
    return declared.usual if declared.usual in known else next(iter(known), None)


def disagreement(
    declared: Pipelined, live: LiveType, old: Values | None, new: Values, context: Context
) -> list[FieldError]:
    """An error when the entity would stand in a stage of another pipeline than its own."""
    attributes = governed(declared, live)
    if attributes is None or not _concerned(declared, old, new):
        return []
    pipeline, stage = _after(declared.pipeline, old, new), _after(declared.stage, old, new)
    if stage is None:
        return []
    home = next((one.parent for one in _every(attributes[1]) if one.value == stage), None)
    if home == pipeline:
        return _put_away(declared, attributes[0], new, pipeline, context)
    inside = [one for one in attributes[1].options if one.parent == pipeline]
    shown = ", ".join(f"{one.value} ({one.label})" for one in inside[:_MOST_NAMED]) or "none"
    if declared.stage in new:
        hint = f'write {called(attributes[0], context)} "{home}" as well, or one of its stages: {shown}'
    else:
        hint = f"write {called(attributes[1], context)} as well, one of its stages: {shown}"
    message = f'Stage "{stage}" is not in pipeline "{pipeline}": {hint}'
    name = declared.stage if declared.stage in new else declared.pipeline
    return [FieldError(name, "INVALID_OPTION", message, tuple(one.value for one in inside[:_MOST_NAMED]))]


def _put_away(
    declared: Pipelined, attribute: AttributeDef, new: Values, pipeline: Any, context: Context
) -> list[FieldError]:
    """An error when a stage of a pipeline that was put away is said, though one stood there before. What only carries
    on, and files, tell where it stands and are not refused."""
    if pipeline is None or context.source in CARRYING_ON or any(one.value == pipeline for one in attribute.options):
        return []
    name = declared.stage if declared.stage in new else declared.pipeline
    message = f'Pipeline "{pipeline}" was put away: write {called(attribute, context)} and a stage of another one'
    return [FieldError(name, "INVALID_OPTION", message)]


def homeless(declared: Pipelined, live: LiveType, values: Values, context: Context) -> list[FieldError]:
    """An error when what comes back from the archive would stand in a stage or pipeline that was put away meanwhile."""
    attributes = governed(declared, live)
    if attributes is None:
        return []
    for attribute, what in zip(attributes, ("pipeline", "stage"), strict=True):
        held = values.get(attribute.name)
        gone = next((one for one in attribute.retired if one.value == held), None)
        if gone is not None and all(one.value != held for one in attribute.options):
            inside = "" if what == "pipeline" else f' of pipeline "{values.get(declared.pipeline)}"'
            message = f'It stands in {what} "{held}" ({gone.label}){inside}, which was put away: take that back first'
            return [FieldError(called(attribute, context), "INVALID_OPTION", f"{message}, with archived false")]
    return []


def _every(attribute: AttributeDef) -> tuple[OptionDef, ...]:
    return (*attribute.options, *attribute.retired)


def _concerned(declared: Pipelined, old: Values | None, new: Values) -> bool:
    return old is None or declared.pipeline in new or declared.stage in new


def _after(name: str, old: Values | None, new: Values) -> Any:
    return new[name] if name in new else (old or {}).get(name)
