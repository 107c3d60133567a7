"""What a deal was made of: said by the command that converts a lead, by nobody else."""

from __future__ import annotations

from shared.service.rules import PASS, Proposal, Verdict, complete

MADE_OF = "converted_from"
CONVERSION = "CONVERSION"
"""The source of what a conversion writes; its id is what the deal is made of. No door and no file can say so."""


def keep_origin(proposal: Proposal) -> Verdict:
    """A deal that a conversion makes says of what; it never changes."""
    context = proposal.context
    made = proposal.creating and context.source == CONVERSION
    return complete(**{MADE_OF: context.source_id}) if made else PASS
