"""Pipelines and their stages, for any entity type: where an entity stands on a way that has an end.

`declare`: what a service's manifest says; `values`: pipelines as values; `changing`: how they change (pure);
`agreement`, `timing`, `steering`: what must hold and what follows when an entity is written (pure); `store`: rows;
`pipelines`: the corridor; `visits`: the log of who stood where from when to when. Pipelines and
stages are the options of two enumeration attributes, so that reads, filters and catalog events need nothing more.
"""

from __future__ import annotations

from shared.service.pipelines.declare import (
    PIPELINE_RULES,
    PLAIN_STAGES,
    PROBABILITY_STAGES,
    TICKET_STAGES,
    Pipelined,
    StageField,
    StageSchema,
    StageTimes,
    one_of,
)
from shared.service.pipelines.pipelines import Pipelines
from shared.service.pipelines.values import Pipeline, PipelineDraft, Stage, StageDraft

__all__ = [
    "PIPELINE_RULES",
    "PLAIN_STAGES",
    "PROBABILITY_STAGES",
    "TICKET_STAGES",
    "Pipeline",
    "PipelineDraft",
    "Pipelined",
    "Pipelines",
    "Stage",
    "StageDraft",
    "StageField",
    "StageSchema",
    "StageTimes",
    "one_of",
]
