"""The entity type ticket clock: what one clock of a ticket came to in one cycle, once it has ended. Data only.

Its values are the system's: nobody else writes them. Names of choices that users may add to (priorities, pipelines) are
texts here, so that what was so stays readable whatever becomes of the choice.
"""

from __future__ import annotations

from services.service_desk.schema.choices import TARGETS, VERDICTS
from shared.service.schema import GroupDef, TypeDef, attribute, grouped, owner_attribute, system_attributes

_GROUP = "ticketclock"

_WHICH = (
    attribute("ticket_id", "Ticket", "reference", reference="ticket", default=True, description="Whose clock it was."),
    attribute("target", "Promise", "enumeration", options=TARGETS, default=True, description="What it measured."),
    attribute("cycle", "Cycle", "number", default=True, description="1, and one more each time it was opened again."),
    attribute("round", "Round", "number", description="Which wait for an answer it was; 0 for the other promises."),
)
_WHEN = (
    attribute("started_at", "Began", "datetime", description="When the clock began to run."),
    attribute("ended_at", "Ended", "datetime", default=True, description="When it was answered, solved or closed."),
    attribute(
        "reopened_at",
        "Opened again",
        "datetime",
        description="When the ticket was opened again that this cycle had closed; resolutions only.",
    ),
)
_WHAT = (
    attribute(
        "outcome", "Outcome", "enumeration", options=VERDICTS, default=True, description="Whether the promise was kept."
    ),
    attribute(
        "business_time",
        "Business time",
        "number",
        default=True,
        description="Business milliseconds that counted; none where nothing was promised or nobody answered.",
    ),
    attribute(
        "calendar_time",
        "Calendar time",
        "number",
        default=True,
        description="Milliseconds from its beginning to its end; none where nobody answered.",
    ),
    attribute("paused_time", "Paused", "number", description="Business milliseconds during which it stood still."),
    attribute("promised_time", "Promised", "number", description="How many business milliseconds were promised."),
    attribute(
        "breached_at", "Breached", "datetime", description="When the promise ran out; none for one that was kept."
    ),
    attribute(
        "policy",
        "Policy",
        description="The name of the policy whose promise was kept or missed; of one missed, the one in force then.",
    ),
    attribute("policy_version", "Version of the policy", "number", description="Which of its versions that was."),
    attribute("calendar", "Calendar", description="The name of the calendar by which it was counted."),
    attribute(
        "calendar_version",
        "Version of the calendar",
        "number",
        description="Which of its versions was valid when the promise was kept or missed.",
    ),
)
_WHOSE = (
    owner_attribute(),
    attribute("team_id", "Team", "reference", reference="team", external_options=True, description="The owner's team."),
    attribute("queue_id", "Queue", "reference", reference="queue", external_options=True),
    attribute("priority", "Priority", description="The ticket's priority when the clock ended."),
    attribute("pipeline", "Pipeline", description="The id of the pipeline in which the ticket stood then."),
)

TICKET_CLOCK = TypeDef(
    name="ticket_clock",
    plural="ticket_clocks",
    label="Ticket clock",
    plural_label="Ticket clocks",
    wire_id="0-903",
    groups=(GroupDef(_GROUP, "Ticket clock", 0),),
    attributes=(
        *system_attributes(_GROUP),
        *(one for several in (_WHICH, _WHEN, _WHAT, _WHOSE) for one in grouped(_GROUP, several, kept=True)),
    ),
    primary_display="target",
    secondary_display=("outcome", "ended_at"),
    # Whoever means to make one lacks a value that nobody but the system gives.
    required=("ticket_id",),
    pool=(24, 24, 8, 16),
    description="What a clock of a ticket came to in one of its cycles; numbers of days gone by are made of these.",
    builtin=True,
)
