"""How tickets stand in pipelines, and the pipeline there is from the start. Data only."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from services.service_desk.rules.status import CLOSED, REOPEN_DAYS, STATUS
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

STATE, ENDED = "ticketState", "CLOSED"
_STAGES = (
    ("1", "New", "OPEN", "new"),
    ("2", "Waiting on contact", "OPEN", "waiting_on_customer"),
    ("3", "Waiting on us", "OPEN", "waiting_on_us"),
    ("4", "Closed", "CLOSED", "closed"),
)
SUPPORT = PipelineDraft(
    "Support Pipeline",
    tuple(
        StageDraft(label, place, {STATE: state, STATUS: status}, ident)
        for place, (ident, label, state, status) in enumerate(_STAGES)
    ),
    0,
    "0",
)


def agreed(metadata: Mapping[str, str], said: Collection[str]) -> Mapping[str, str]:
    """A stage in which the way ends has the status closed, and no other one has: what was not said follows."""
    state, status = metadata.get(STATE), metadata.get(STATUS)
    if status is None or state is None or (status == CLOSED) == (state == ENDED):
        return metadata
    if STATUS in said:
        if STATE in said:
            raise ValueError(STATUS, f"{status} contradicts {STATE} {state}: {CLOSED} goes with {ENDED}, and only that")
        return {**metadata, STATE: ENDED if status == CLOSED else "OPEN"}
    followed = {**metadata, STATUS: CLOSED}
    return followed if state == ENDED else {name: one for name, one in metadata.items() if name != STATUS}


STAGES = replace(
    TICKET_STAGES,
    fields=(*TICKET_STAGES.fields, StageField(STATUS, one_of(*(one.value for one in STATUSES)))),
    agreed=agreed,
)
TIMES = StageTimes(entered="stage_entered_at", rotting="rotting_at", group="ticketstages")
PIPELINES: Mapping[str, Pipelined] = {
    "ticket": Pipelined(
        "pipeline", "stage", STAGES, (SUPPORT,), (*PIPELINE_RULES, StageField(REOPEN_DAYS, days)), TIMES, begins=True
    ),
}
