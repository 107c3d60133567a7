"""What a quote comes to: the sum of its line items, until somebody types an amount."""

from __future__ import annotations

from services.opportunities.rules.amounts import CALCULATED, TYPED, keep_one_source
from shared.service.rules import PASS, Proposal, RuleSet, Verdict, complete


def note_typed(proposal: Proposal) -> Verdict:
    """An amount that somebody writes where nobody said what it comes from is typed from then on."""
    said = proposal.after("amount_source") is not None or proposal.context.source == CALCULATED
    if said or proposal.new.get("amount") is None:
        return PASS
    return complete(amount_source=TYPED)


QUOTE = RuleSet(check=(note_typed, keep_one_source))
