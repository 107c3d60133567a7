"""What every entity type has whose entities belong to somebody, and what follows when that changes.

A service takes `OWNERSHIP` into its schema and `stamp_owner` into its rules. Who gets what is `assignment`.
"""

from __future__ import annotations

from shared.service.rules import PASS, Proposal, Verdict, complete
from shared.service.schema import attribute, owner_attribute

OWNERSHIP = (
    owner_attribute(),
    attribute(
        "owner_assigned_at",
        "Owner assigned",
        "datetime",
        wire_name="hubspot_owner_assigneddate",
        description="When the present owner was set.",
    ),
    attribute(
        "team_id",
        "Team",
        "reference",
        wire_name="hubspot_team_id",
        reference="team",
        external_options=True,
        description="The team of the owner.",
    ),
)


def stamp_owner(proposal: Proposal) -> Verdict:
    """Note when the owner was set, unless the same write says so itself; clearing the owner clears it."""
    if not proposal.changes("owner_id") or "owner_assigned_at" in proposal.new:
        return PASS
    return complete(owner_assigned_at=None if proposal.after("owner_id") is None else proposal.since)
