"""Option lists of activities: states, directions, outcomes. Data only."""

from __future__ import annotations

from shared.service.schema import choices

TASK_STATUSES = choices(
    ("NOT_STARTED", "Not started"),
    ("IN_PROGRESS", "In progress"),
    ("WAITING", "Waiting"),
    ("DEFERRED", "Deferred"),
    ("COMPLETED", "Completed"),
)

TASK_PRIORITIES = choices(("NONE", "None"), ("LOW", "Low"), ("MEDIUM", "Medium"), ("HIGH", "High"))

TASK_TYPES = choices(("TODO", "To-do"), ("CALL", "Call"), ("EMAIL", "E-mail"))

CALL_DIRECTIONS = choices(("INBOUND", "Inbound"), ("OUTBOUND", "Outbound"))

CALL_STATUSES = choices(
    ("QUEUED", "Queued"),
    ("CONNECTING", "Connecting"),
    ("CALLING_CRM_USER", "Calling the user"),
    ("RINGING", "Ringing"),
    ("IN_PROGRESS", "In progress"),
    ("COMPLETED", "Completed"),
    ("NO_ANSWER", "No answer"),
    ("BUSY", "Busy"),
    ("MISSED", "Missed"),
    ("CANCELED", "Canceled"),
    ("FAILED", "Failed"),
)

EMAIL_DIRECTIONS = choices(
    ("EMAIL", "Sent"), ("INCOMING_EMAIL", "Received"), ("FORWARDED_EMAIL", "Forwarded to the system")
)

EMAIL_STATUSES = choices(
    ("SCHEDULED", "Scheduled"), ("SENDING", "Sending"), ("SENT", "Sent"), ("BOUNCED", "Bounced"), ("FAILED", "Failed")
)

MEETING_OUTCOMES = choices(
    ("SCHEDULED", "Scheduled"),
    ("COMPLETED", "Completed"),
    ("RESCHEDULED", "Rescheduled"),
    ("NO_SHOW", "No show"),
    ("CANCELED", "Canceled"),
)

CHANNELS = choices(("SMS", "Text message"), ("WHATS_APP", "WhatsApp"), ("LINKEDIN_MESSAGE", "LinkedIn message"))
