"""The entity type ticket survey: that a customer was asked about one cycle of a ticket, and what they said. Data only.

Its values are the system's: nobody else writes them. Whose the ticket was and where it stood is as it was when the
customer was asked, in texts where users may add to the choices, so that it stays readable whatever becomes of those.
"""

from __future__ import annotations

from shared.service.schema import GroupDef, TypeDef, attribute, grouped, owner_attribute, system_attributes

_GROUP = "ticketsurvey"

_WHAT = (
    attribute(
        "ticket_id",
        "Ticket",
        "reference",
        reference="ticket",
        default=True,
        description="Which ticket was asked about; while it is merged into another one, that.",
    ),
    attribute("cycle", "Cycle", "number", default=True, description="1, and one more each time it was opened again."),
    attribute("asked_at", "Asked", "datetime", default=True, description="When the customer was asked."),
    attribute("answered_at", "Answered", "datetime", default=True, description="When the customer answered."),
    attribute("score", "Score", "number", default=True, description="What they said, from 1 (very bad) to 5."),
    attribute("comment", "Comment", "long_text", default=True, description="What they added."),
    attribute("requester_email", "Requester", "email", description="Who was asked: the ticket's requester then."),
)
_WHOSE = (
    owner_attribute(),
    attribute("team_id", "Team", "reference", reference="team", external_options=True, description="The owner's team."),
    attribute("queue_id", "Queue", "reference", reference="queue", external_options=True),
    attribute("priority", "Priority", description="The ticket's priority when the customer was asked."),
    attribute("pipeline", "Pipeline", description="The id of the pipeline in which the ticket stood then."),
)

TICKET_SURVEY = TypeDef(
    name="ticket_survey",
    plural="ticket_surveys",
    label="Ticket survey",
    plural_label="Ticket surveys",
    wire_id="0-904",
    groups=(GroupDef(_GROUP, "Ticket survey", 0),),
    attributes=(
        *system_attributes(_GROUP),
        *(one for several in (_WHAT, _WHOSE) for one in grouped(_GROUP, several, kept=True)),
    ),
    primary_display="score",
    secondary_display=("ticket_id", "answered_at"),
    # Whoever means to make one lacks a value that nobody but the system gives.
    required=("ticket_id",),
    description="How a ticket was served in one of its cycles, as its customer says; reports are made of these.",
    builtin=True,
)
