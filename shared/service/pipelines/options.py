"""Pipelines as the catalog and the log tell them: options of two attributes, and details of events. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from shared.eav.catalog import LiveType
from shared.eav.declare import AttributeDef, OptionDef
from shared.kernel.clock import iso
from shared.service.pipelines.declare import Pipelined
from shared.service.pipelines.values import Pipeline, Stage

Options = tuple[OptionDef, ...]


def attributes_of(live: LiveType, declared: Pipelined) -> tuple[AttributeDef, AttributeDef]:
    """The attributes that the first pipeline of a custom type gives its entities."""
    group = next((one.name for one in live.defn.groups if not one.archived), "")

    def made(name: str, label: str, description: str) -> AttributeDef:
        return AttributeDef(
            name,
            label,
            "enumeration",
            wire_name=name,
            group=group,
            description=description,
            field_type="select",
            builtin=True,
            external_options=True,
        )

    return (
        made(declared.pipeline, "Pipeline", "The pipeline this stands in; its choices are the type's pipelines."),
        made(declared.stage, "Pipeline stage", "How far this has come; its choices are the stages of all pipelines."),
    )


def options_of(pipelines: Iterable[Pipeline]) -> tuple[Options, Options]:
    """The choices of the pipeline attribute and of the stage attribute, in the order in which they are shown."""
    live = [one for one in pipelines if one.archived_at is None]
    stages = [(one, stage) for one in live for stage in one.live_stages]
    return (
        tuple(OptionDef(one.id, one.label, place, detail=dict(one.metadata)) for place, one in enumerate(live)),
        tuple(
            OptionDef(stage.id, stage.label, place, parent=one.id, detail=dict(stage.metadata))
            for place, (one, stage) in enumerate(stages)
        ),
    )


def pipeline_detail(one: Pipeline) -> dict[str, Any]:
    """A pipeline as events and the audit tell it."""
    stages = [_detail(stage) | {"metadata": dict(stage.metadata)} for stage in one.stages]
    return {**_detail(one), **({"metadata": dict(one.metadata)} if one.metadata else {}), "stages": stages}


def _detail(one: Pipeline | Stage) -> dict[str, Any]:
    return {
        "id": one.id,
        "label": one.label,
        "display_order": one.display_order,
        "archived": one.archived_at is not None,
        "created_at": iso(one.created_at),
        "updated_at": iso(one.updated_at),
    }
