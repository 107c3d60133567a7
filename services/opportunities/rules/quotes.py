"""What a quote comes to: the sum of its line items, until somebody types an amount."""

from __future__ import annotations

from services.opportunities.rules.amounts import CALCULATED, TYPED, keep_one_source
from services.opportunities.rules.stages import MERGED
from shared.service.rules import PASS, Proposal, RuleSet, Verdict, complete


def note_typed(proposal: Proposal) -> Verdict:
    """An amount that somebody writes where nobody said what it comes from is typed from then on. One that a merge
    brings is not: where it was typed, that came with it."""
    said = proposal.after("amount_source") is not None or proposal.context.source in (CALCULATED, MERGED)
    if said or proposal.new.get("amount") is None:
        return PASS
    return complete(amount_source=TYPED)


QUOTE = RuleSet(check=(note_typed, keep_one_source))
