"""Pipelines and their stages, for any entity type: where an entity stands on a way that has an end.

`declare`: what a service's manifest says; `values`: pipelines as values; `changing`: how they change (pure);
`agreement`: what must hold when an entity is written (pure); `store`: rows; `pipelines`: the corridor. Pipelines and
stages are the options of two enumeration attributes, so that reads, filters and catalog events need nothing more.
"""

from __future__ import annotations

from shared.service.pipelines.declare import (
    PLAIN_STAGES,
    PROBABILITY_STAGES,
    TICKET_STAGES,
    Pipelined,
    StageField,
    StageSchema,
)
from shared.service.pipelines.pipelines import Pipelines
from shared.service.pipelines.values import Pipeline, PipelineDraft, Stage, StageDraft

__all__ = [
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
]
