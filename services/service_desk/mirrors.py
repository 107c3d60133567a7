"""What of other services' entities is at hand here: to link to them, to filter by them and to show them."""

from __future__ import annotations

from shared.service.mirrors.declare import Mirror

_OF_AN_ACTIVITY = ("occurs_at", "owner_id")
MIRRORS = (
    Mirror(
        "contacts",
        "contact",
        (
            "email", "first_name", "last_name", "phone", "job_title", "company", "city", "country", "language",
            "lifecycle_stage", "owner_id",
        ),
    ),
    Mirror(
        "contacts",
        "company",
        ("name", "domain", "industry", "type", "number_of_employees", "city", "country", "lifecycle_stage", "owner_id"),
    ),
    Mirror("contacts", "note", _OF_AN_ACTIVITY),
    Mirror("contacts", "task", ("subject", "status", "priority", *_OF_AN_ACTIVITY)),
    Mirror("contacts", "call", ("title", "status", *_OF_AN_ACTIVITY)),
    Mirror("contacts", "email", ("subject", "status", *_OF_AN_ACTIVITY)),
    Mirror("contacts", "meeting", ("title", "outcome", *_OF_AN_ACTIVITY)),
    Mirror("contacts", "communication", ("channel", *_OF_AN_ACTIVITY)),
    Mirror("contacts", "postal_mail", _OF_AN_ACTIVITY),
    Mirror("opportunities", "deal", ("name", "pipeline", "stage", "amount", "currency", "closes_at", "owner_id")),
)  # fmt: skip
