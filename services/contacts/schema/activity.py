"""The entity types of activities: what was done with a customer, and what is to be done. Data only."""

from __future__ import annotations

from services.contacts.schema.activity_choices import (
    CALL_DIRECTIONS,
    CALL_STATUSES,
    CHANNELS,
    EMAIL_DIRECTIONS,
    EMAIL_STATUSES,
    MEETING_OUTCOMES,
    TASK_PRIORITIES,
    TASK_STATUSES,
    TASK_TYPES,
)
from shared.service.ownership import OWNERSHIP
from shared.service.schema import (
    AttributeDef,
    GroupDef,
    TypeDef,
    attribute,
    choices,
    grouped,
    system_attributes,
)

_GROUP = "engagement"
_GROUPS = (GroupDef(_GROUP, "Activity", 0),)


def _body(wire_name: str, label: str = "Text") -> AttributeDef:
    return attribute("body", label, "long_text", wire_name=wire_name, field_type="html", searchable=True)


def _when(description: str) -> AttributeDef:
    return attribute("occurs_at", "When", "datetime", wire_name="hs_timestamp", required=True, description=description)


_SHARED = (
    *OWNERSHIP,
    attribute(
        "attachment_ids",
        "Attachments",
        wire_name="hs_attachment_ids",
        field_type="checkbox",
        external_options=True,
        description="Ids of attached files, separated by semicolons.",
    ),
)


def _activity(
    name: str, plural: str, label: str, plural_label: str, wire_id: str, display: str, when: str,
    attributes: tuple[AttributeDef, ...], description: str,
) -> TypeDef:  # fmt: skip
    own = (_when(when), *attributes, *_SHARED)
    return TypeDef(
        name=name,
        plural=plural,
        label=label,
        plural_label=plural_label,
        wire_id=wire_id,
        groups=_GROUPS,
        attributes=(*system_attributes(_GROUP, created="hs_createdate"), *grouped(_GROUP, own)),
        primary_display=display,
        secondary_display=("occurs_at",),
        searchable=tuple(one.name for one in own if one.searchable),
        description=description,
        builtin=True,
    )


NOTE = _activity(
    "note",
    "notes",
    "Note",
    "Notes",
    "0-46",
    "body",
    "When it was noted.",
    (_body("hs_note_body"),),
    "Something to be remembered about a customer.",
)

TASK = _activity(
    "task",
    "tasks",
    "Task",
    "Tasks",
    "0-27",
    "subject",
    "When it is due.",
    (
        attribute("subject", "Subject", wire_name="hs_task_subject", searchable=True),
        _body("hs_task_body"),
        attribute(
            "status",
            "Status",
            "enumeration",
            wire_name="hs_task_status",
            options=TASK_STATUSES,
            description="Not started when not said. All but completed are open.",
        ),
        attribute("priority", "Priority", "enumeration", wire_name="hs_task_priority", options=TASK_PRIORITIES),
        attribute(
            "type",
            "Task type",
            "enumeration",
            wire_name="hs_task_type",
            options=TASK_TYPES,
            description="A to-do when not said.",
        ),
        attribute(
            "queue",
            "Queue",
            "enumeration",
            wire_name="hs_queue_membership_ids",
            description="The task queue that it is in, worked through in the order of due dates.",
        ),
        attribute(
            "reminder_at",
            "Reminder",
            "datetime",
            wire_name="hs_task_reminders",
            description="When its owner wants to be reminded.",
        ),
        attribute(
            "completed_at",
            "Completed",
            "datetime",
            wire_name="hs_task_completion_date",
            description="When it was completed: noted with the status, empty while it is open.",
        ),
    ),
    "Something that somebody is to do, with a due date.",
)

CALL = _activity(
    "call",
    "calls",
    "Call",
    "Calls",
    "0-48",
    "title",
    "When it took place.",
    (
        attribute("title", "Title", wire_name="hs_call_title", searchable=True),
        _body("hs_call_body", "Notes"),
        attribute("duration", "Duration", "number", wire_name="hs_call_duration", description="In milliseconds."),
        attribute("direction", "Direction", "enumeration", wire_name="hs_call_direction", options=CALL_DIRECTIONS),
        attribute("status", "Status", "enumeration", wire_name="hs_call_status", options=CALL_STATUSES),
        attribute(
            "disposition", "Outcome", wire_name="hs_call_disposition", description="An id of the calling tool's own."
        ),
        attribute("from_number", "From number", "phone", wire_name="hs_call_from_number"),
        attribute("to_number", "To number", "phone", wire_name="hs_call_to_number"),
        attribute("recording_url", "Recording", "url", wire_name="hs_call_recording_url"),
        attribute("activity_type", "Call type", wire_name="hs_activity_type"),
    ),
    "A telephone call with a customer.",
)

EMAIL = _activity(
    "email",
    "emails",
    "E-mail",
    "E-mails",
    "0-49",
    "subject",
    "When it was sent or received.",
    (
        attribute("subject", "Subject", wire_name="hs_email_subject", searchable=True),
        attribute("text", "Text", "long_text", wire_name="hs_email_text", searchable=True),
        attribute("html", "Text (HTML)", "long_text", wire_name="hs_email_html", field_type="html"),
        attribute("direction", "Direction", "enumeration", wire_name="hs_email_direction", options=EMAIL_DIRECTIONS),
        attribute("status", "Status", "enumeration", wire_name="hs_email_status", options=EMAIL_STATUSES),
        attribute(
            "headers",
            "Headers",
            "long_text",
            wire_name="hs_email_headers",
            description="From, to and the like, as JSON.",
        ),
    ),
    "An e-mail to or from a customer.",
)

MEETING = _activity(
    "meeting",
    "meetings",
    "Meeting",
    "Meetings",
    "0-47",
    "title",
    "When it takes place.",
    (
        attribute("title", "Title", wire_name="hs_meeting_title", searchable=True),
        _body("hs_meeting_body", "Description"),
        attribute(
            "internal_notes", "Internal notes", "long_text", wire_name="hs_internal_meeting_notes", field_type="html"
        ),
        attribute("starts_at", "Starts", "datetime", wire_name="hs_meeting_start_time"),
        attribute("ends_at", "Ends", "datetime", wire_name="hs_meeting_end_time"),
        attribute("location", "Location", wire_name="hs_meeting_location"),
        attribute("external_url", "Address", "url", wire_name="hs_meeting_external_url"),
        attribute("outcome", "Outcome", "enumeration", wire_name="hs_meeting_outcome", options=MEETING_OUTCOMES),
        attribute("activity_type", "Meeting type", wire_name="hs_activity_type"),
    ),
    "A meeting with a customer, to come or past.",
)

COMMUNICATION = _activity(
    "communication",
    "communications",
    "Message",
    "Messages",
    "0-18",
    "body",
    "When it was sent or received.",
    (
        _body("hs_communication_body"),
        attribute("channel", "Channel", "enumeration", wire_name="hs_communication_channel_type", options=CHANNELS),
        attribute(
            "logged_from",
            "Logged from",
            "enumeration",
            wire_name="hs_communication_logged_from",
            options=choices(("CRM", "CRM")),
        ),
    ),
    "A message to or from a customer over some other channel.",
)

POSTAL_MAIL = _activity(
    "postal_mail",
    "postal_mail",
    "Postal mail",
    "Postal mail",
    "0-116",
    "body",
    "When it was sent or received.",
    (_body("hs_postal_mail_body"),),
    "A letter to or from a customer.",
)

ACTIVITIES = (NOTE, TASK, CALL, EMAIL, MEETING, COMMUNICATION, POSTAL_MAIL)
