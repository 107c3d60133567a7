"""The entity type ticket entry: one thing that was said about a ticket, in public or among us. Data only."""

from __future__ import annotations

from services.service_desk.schema.choices import AUTHORS, DELIVERIES, VISIBILITIES
from shared.service.schema import GroupDef, TypeDef, attribute, grouped, owner_attribute, system_attributes

_GROUP = "ticketentry"

_ABOUT = (
    attribute(
        "ticket_id",
        "Ticket",
        "reference",
        reference="ticket",
        required=True,
        default=True,
        description="The ticket it is about. It stays where it was said, unless tickets are merged or split.",
    ),
    attribute(
        "visibility",
        "Visibility",
        "enumeration",
        options=VISIBILITIES,
        default=True,
        description="Whether the customer may read it. Clocks heed what is public only.",
    ),
    attribute(
        "author",
        "Author",
        "enumeration",
        options=AUTHORS,
        default=True,
        description="Which side wrote it.",
    ),
    attribute("author_email", "Author's address", "email"),
    attribute("author_name", "Author's name", description="What their e-mail calls them."),
    attribute("body", "Text", "long_text", field_type="html", searchable=True, default=True),
    attribute(
        "said_at", "When", "datetime", default=True, description="When it was said; when it was recorded if not given."
    ),
    attribute(
        "message_id",
        "Message id",
        unique=True,
        description="The id of the e-mail it came or went by; no e-mail makes two entries.",
    ),
    attribute(
        "attachment_ids",
        "Files",
        form_field=False,
        external_options=True,
        description="Ids of the files that go with it, uploaded before, separated by semicolons.",
    ),
    attribute(
        "attachments_left_out",
        "Files left out",
        "long_text",
        form_field=False,
        description="Files that its e-mail brought and that were too much: a line for each, with name, size and why.",
    ),
    attribute(
        "said_for",
        "Said because of",
        unique=True,
        form_field=False,
        description="What made the system say it; no two entries are said because of the same.",
    ),
    owner_attribute(),
)
_SENDING = (
    attribute(
        "delivery",
        "Delivery",
        "enumeration",
        options=DELIVERIES,
        default=True,
        description="What became of the e-mail by which it goes to who asked; none: it goes by no e-mail.",
    ),
)

TICKET_ENTRY = TypeDef(
    name="ticket_entry",
    plural="ticket_entries",
    label="Ticket entry",
    plural_label="Ticket entries",
    wire_id="0-901",
    groups=(GroupDef(_GROUP, "Ticket entry", 0),),
    attributes=(
        *system_attributes(_GROUP),
        *grouped(_GROUP, _ABOUT),
        *grouped(_GROUP, _SENDING, kept=True),
    ),
    primary_display="body",
    secondary_display=("author", "visibility"),
    required=("ticket_id",),
    searchable=("body",),
    description="One thing that was said about a ticket.",
    builtin=True,
)
