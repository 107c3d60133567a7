"""How deals stand in pipelines, and the pipeline there is from the start. Data only."""

from __future__ import annotations

from collections.abc import Mapping

from shared.service.pipelines import PROBABILITY_STAGES, Pipelined, PipelineDraft, StageDraft

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
PIPELINES: Mapping[str, Pipelined] = {"deal": Pipelined("pipeline", "stage", PROBABILITY_STAGES, (SALES,))}
