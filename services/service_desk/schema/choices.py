"""Choices of tickets and of what is said about them. Data only."""

from __future__ import annotations

from shared.service.schema import choices

CATEGORIES = choices(
    ("PRODUCT_ISSUE", "Product issue"),
    ("BILLING_ISSUE", "Billing issue"),
    ("FEATURE_REQUEST", "Feature request"),
    ("GENERAL_INQUIRY", "General inquiry"),
)
PRIORITIES = choices(("LOW", "Low"), ("MEDIUM", "Medium"), ("HIGH", "High"), ("URGENT", "Urgent"))
SOURCES = choices(("CHAT", "Chat"), ("EMAIL", "E-mail"), ("FORM", "Form"), ("PHONE", "Phone"))
RESOLUTIONS = choices(
    ("ISSUE_FIXED", "Issue fixed"),
    ("REMINDER_SENT", "Reminder sent"),
    ("DUPLICATE", "Duplicate"),
    ("WONT_FIX", "Won't fix"),
)
STATUSES = choices(
    ("new", "New"),
    ("open", "Open"),
    ("waiting_on_customer", "Waiting on customer"),
    ("waiting_on_us", "Waiting on us"),
    ("closed", "Closed"),
)
CLOCK_STATES = choices(
    ("running", "Running"),
    ("paused", "Paused"),
    ("unpromised", "Nothing promised"),
    ("met", "Met"),
    ("breached", "Breached"),
    ("dropped", "Ended without a verdict"),
)
VERDICTS = choices(("met", "Met"), ("breached", "Breached"), ("dropped", "Ended without a verdict"))
TARGETS = choices(
    ("first_response", "First response"), ("next_response", "Next response"), ("resolution", "Resolution")
)
AUTHORS = choices(("AGENT", "Agent"), ("CUSTOMER", "Customer"), ("SYSTEM", "System"))
AUDIENCES = choices(("PUBLIC", "Customers"), ("INTERNAL", "Ourselves"))
ARTICLE_STATUSES = choices(("DRAFT", "Draft"), ("PUBLISHED", "Published"), ("RETIRED", "Retired"))
VISIBILITIES = choices(("PUBLIC", "Public reply"), ("INTERNAL", "Internal note"))
DELIVERIES = choices(
    ("QUEUED", "On its way"),
    ("SENT", "Sent"),
    ("FAILED", "Could not be sent"),
    ("HELD", "Held back: too many automatic messages, or a machine at the other end"),
    ("OFF", "Not sent: mail is off"),
    ("UNADDRESSED", "Not sent: nobody to send it to"),
    ("WITHDRAWN", "Not sent: archived before it went"),
)
