"""What a ticket tells of how its requester was served: attributes for its schema. Data only."""

from __future__ import annotations

from shared.service.schema import attribute

SATISFACTION = (
    attribute("csat_score", "Satisfaction", "number", description="What the customer said, from 1 (very bad) to 5."),
    attribute("csat_comment", "Satisfaction: comment", "long_text", description="What the customer added."),
    attribute("csat_at", "Satisfaction: answered", "datetime", description="When the customer answered."),
    attribute(
        "csat_asked_at",
        "Satisfaction: asked",
        "datetime",
        description="When the customer was last asked, once in each cycle.",
    ),
    attribute(
        "csat_agent",
        "Satisfaction: agent",
        "reference",
        reference="owner",
        external_options=True,
        description="Whose ticket it was when the customer was asked.",
    ),
)
