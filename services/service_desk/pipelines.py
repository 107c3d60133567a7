"""How tickets stand in pipelines, and the pipeline there is from the start. Data only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from services.service_desk.rules.status import REOPEN_DAYS, STATUS
from services.service_desk.schema.choices import STATUSES
from shared.service.pipelines import (
    PIPELINE_RULES,
    TICKET_STAGES,
    Pipelined,
    PipelineDraft,
    StageDraft,
    StageField,
    StageTimes,
    one_of,
)
from shared.service.pipelines.declare import days

_STAGES = (
    ("1", "New", "OPEN", "new"),
    ("2", "Waiting on contact", "OPEN", "waiting_on_customer"),
    ("3", "Waiting on us", "OPEN", "waiting_on_us"),
    ("4", "Closed", "CLOSED", "closed"),
)
SUPPORT = PipelineDraft(
    "Support Pipeline",
    tuple(
        StageDraft(label, place, {"ticketState": state, STATUS: status}, ident)
        for place, (ident, label, state, status) in enumerate(_STAGES)
    ),
    0,
    "0",
)
STAGES = replace(
    TICKET_STAGES, fields=(*TICKET_STAGES.fields, StageField(STATUS, one_of(*(one.value for one in STATUSES))))
)
TIMES = StageTimes(entered="stage_entered_at", rotting="rotting_at", group="ticketstages")
PIPELINES: Mapping[str, Pipelined] = {
    "ticket": Pipelined(
        "pipeline", "stage", STAGES, (SUPPORT,), (*PIPELINE_RULES, StageField(REOPEN_DAYS, days)), TIMES
    ),
}
