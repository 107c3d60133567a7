"""What of other services' entities is at hand here: to link to them, to filter by them and to show them."""

from __future__ import annotations

from shared.service.mirrors.declare import Mirror

MIRRORS = (
    Mirror(
        "opportunities",
        "deal",
        (
            "name", "pipeline", "stage", "amount", "currency", "amount_in_home_currency", "closes_at", "closed_at",
            "is_closed", "is_won", "type", "owner_id",
        ),
    ),
    Mirror("opportunities", "quote", ("title", "status", "amount", "currency", "expires_at", "owner_id")),
    Mirror(
        "service_desk",
        "ticket",
        ("subject", "pipeline", "stage", "status", "priority", "opened_at", "closed_at", "owner_id"),
    ),
)  # fmt: skip
