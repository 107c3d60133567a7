"""The entity type ticket: a request or problem that somebody works on until it is closed. Data only."""

from __future__ import annotations

from services.service_desk.schema.choices import CATEGORIES, CLOCK_STATES, PRIORITIES, RESOLUTIONS, SOURCES, STATUSES
from services.service_desk.schema.satisfaction import SATISFACTION
from shared.service.ownership import OWNERSHIP
from shared.service.schema import (
    AttributeDef,
    GroupDef,
    TypeDef,
    attribute,
    grouped,
    merged_ids_attribute,
    system_attributes,
)

_TICKET = "ticketinformation"
_WAY = "ticketstages"
_CLOCKS = "ticketclocks"

_IDENTITY = (
    attribute("subject", "Subject", searchable=True, default=True),
    attribute("content", "Description", "long_text", searchable=True, default=True),
    attribute(
        "pipeline",
        "Pipeline",
        "enumeration",
        wire_name="hs_pipeline",
        default=True,
        external_options=True,
        description="The pipeline this stands in; its choices are the pipelines of tickets.",
    ),
    attribute(
        "stage",
        "Stage",
        "enumeration",
        wire_name="hs_pipeline_stage",
        default=True,
        external_options=True,
        description="How far this has come; its choices are the stages of all pipelines.",
    ),
    attribute(
        "category",
        "Category",
        "multi_enumeration",
        wire_name="hs_ticket_category",
        default=True,
        options=CATEGORIES,
        description="What it is about.",
    ),
    attribute(
        "priority",
        "Priority",
        "enumeration",
        wire_name="hs_ticket_priority",
        default=True,
        options=PRIORITIES,
        description="How urgent it is; promises may differ by it.",
    ),
    attribute("source", "Source", "enumeration", wire_name="source_type", options=SOURCES),
    attribute("resolution", "Resolution", "enumeration", wire_name="hs_resolution", options=RESOLUTIONS),
    *OWNERSHIP,
    attribute(
        "queue_id",
        "Queue",
        "reference",
        reference="queue",
        external_options=True,
        description="The queue it waits in, by its id.",
    ),
    attribute(
        "thread_id",
        "Message id",
        unique=True,
        form_field=False,
        description="The id of the e-mail that opened it; no e-mail opens two tickets.",
    ),
    attribute("requester_email", "Requester", "email", searchable=True, description="Who asked."),
    attribute("requester_name", "Requester's name", description="Who asked, as their e-mail says."),
    attribute(
        "followers",
        "Followers",
        field_type="checkbox",
        external_options=True,
        description="Ids of the owners who are kept informed, separated by semicolons.",
    ),
    attribute(
        "parent_id",
        "Parent ticket",
        "reference",
        reference="ticket",
        description="The ticket that this one is a part of, or follows.",
    ),
)

_FOLLOWING = (
    attribute(
        "status",
        "Status",
        "enumeration",
        wire_name="ticket_status",
        options=STATUSES,
        description="What its stage means, whatever the stage is called.",
    ),
    attribute(
        "opened_at",
        "Opened",
        "datetime",
        wire_name="ticket_opened_at",
        description="When the ticket began; a date from before it was recorded counts.",
    ),
    attribute("closed_at", "Closed", "datetime", wire_name="closed_date", description="When it was last closed."),
    attribute(
        "time_to_close",
        "Time to close",
        "number",
        description="From its first opening to its last closing, in milliseconds of calendar time.",
    ),
    attribute("reopened_count", "Times reopened", "number", description="How often it was opened again."),
    attribute(
        "stage_entered_at",
        "Entered its stage",
        "datetime",
        wire_name="hs_v2_date_entered_current_stage",
        description="When the ticket came to the stage it stands in.",
    ),
    attribute(
        "rotting_at",
        "Rots at",
        "datetime",
        wire_name="ticket_rotting_at",
        description="When the ticket will have been in its stage for longer than the stage allows.",
    ),
    merged_ids_attribute("tickets"),
    attribute(
        "split_from_id",
        "Split from",
        "reference",
        reference="ticket",
        description="The ticket that what was said about this one was said about before.",
    ),
    attribute(
        "split_ids",
        "Split ids",
        field_type="checkbox",
        external_options=True,
        description="Ids of the tickets that were split off this one, separated by semicolons.",
    ),
)

_SAID = (
    attribute(
        "first_reply_at",
        "First reply",
        "datetime",
        wire_name="first_agent_reply_date",
        description="When an agent first replied in public.",
    ),
    attribute(
        "last_reply_at",
        "Last reply",
        "datetime",
        wire_name="last_reply_date",
        description="When an agent or the customer last wrote in public.",
    ),
    attribute(
        "time_to_first_reply",
        "Time to first reply",
        "number",
        wire_name="time_to_first_agent_reply",
        description="From its beginning to the first reply of an agent, in milliseconds of calendar time.",
    ),
    attribute(
        "reply_count",
        "Replies",
        "number",
        wire_name="hs_num_times_contacted",
        description="How often an agent replied in public.",
    ),
)


def _clock(target: str, label: str) -> tuple[AttributeDef, ...]:
    return (
        attribute(
            f"{target}_status",
            f"{label}: clock",
            "enumeration",
            options=CLOCK_STATES,
            description="How the promise stands in the present cycle.",
        ),
        attribute(
            f"{target}_due_at",
            f"{label}: due",
            "datetime",
            description="When the promise ends, while it runs.",
        ),
        attribute(
            f"{target}_time",
            f"{label}: time taken",
            "number",
            description="Business milliseconds that counted, once the clock has ended.",
        ),
    )


_PROMISED = (
    attribute("cycle", "Cycle", "number", description="1, and one more each time it is opened again."),
    *_clock("first_response", "First response"),
    *_clock("next_response", "Next response"),
    *_clock("resolution", "Resolution"),
)

TICKET = TypeDef(
    name="ticket",
    plural="tickets",
    label="Ticket",
    plural_label="Tickets",
    wire_id="0-5",
    groups=(
        GroupDef(_TICKET, "Ticket information", 0),
        GroupDef(_WAY, "Stages", 1),
        GroupDef(_CLOCKS, "Clocks", 2),
    ),
    attributes=(
        *system_attributes(_TICKET),
        *grouped(_TICKET, _IDENTITY),
        *grouped(_WAY, _FOLLOWING, kept=True),
        *grouped(_TICKET, _SAID, kept=True),
        *grouped(_TICKET, SATISFACTION, kept=True),
        *grouped(_CLOCKS, _PROMISED, kept=True),
    ),
    primary_display="subject",
    secondary_display=("stage", "priority"),
    searchable=("subject", "content", "requester_email"),
    description="A request or problem that somebody works on until it is closed.",
    builtin=True,
    # Times in stages are attributes of each stage: two instants and two numbers.
    pool=(24, 32, 64, 64),
)
