"""How deals stand in pipelines, and the pipeline there is from the start. Data only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from services.opportunities.rules.stages import DEMAND_REASON, FORECAST_CATEGORY
from shared.service.pipelines import (
    PIPELINE_RULES,
    PROBABILITY_STAGES,
    Pipelined,
    PipelineDraft,
    StageDraft,
    StageField,
    StageTimes,
    one_of,
)

_STAGES = (
    ("appointmentscheduled", "Appointment scheduled", "0.2"),
    ("qualifiedtobuy", "Qualified to buy", "0.4"),
    ("presentationscheduled", "Presentation scheduled", "0.6"),
    ("decisionmakerboughtin", "Decision maker bought in", "0.8"),
    ("contractsent", "Contract sent", "0.9"),
    ("closedwon", "Closed won", "1.0"),
    ("closedlost", "Closed lost", "0.0"),
)
SALES = PipelineDraft(
    "Sales Pipeline",
    tuple(
        StageDraft(label, place, {"probability": probability}, ident)
        for place, (ident, label, probability) in enumerate(_STAGES)
    ),
    0,
    "default",
)
CATEGORIES = ("OMIT", "PIPELINE", "BEST_CASE", "COMMIT")
STAGES = replace(
    PROBABILITY_STAGES,
    fields=(
        *PROBABILITY_STAGES.fields,
        StageField(FORECAST_CATEGORY, one_of("OMIT", "PIPELINE", "BEST_CASE", "COMMIT")),
    ),
)
DEMANDS = (*PIPELINE_RULES, StageField(DEMAND_REASON, one_of("true", "false")))
TIMES = StageTimes(entered="stage_entered_at", rotting="rotting_at", group="dealstages")
PIPELINES: Mapping[str, Pipelined] = {
    "deal": Pipelined("pipeline", "stage", STAGES, (SALES,), DEMANDS, TIMES),
}
