"""What must hold of articles: drafts for ourselves unless they say otherwise, and when they were published."""

from __future__ import annotations

from shared.service.rules import PASS, Proposal, RuleSet, Verdict, complete

_PUBLISHED = "PUBLISHED"


def begin_article(proposal: Proposal) -> Verdict:
    """A new article is a draft that nobody but us may read."""
    if not proposal.creating:
        return PASS
    usual = {"audience": "INTERNAL", "status": "DRAFT"}
    return complete(**{name: value for name, value in usual.items() if proposal.after(name) is None})


def stamp_publication(proposal: Proposal) -> Verdict:
    """Note when it was published; what is not has no such moment."""
    if not (proposal.creating or proposal.changes("status")):
        return PASS
    return complete(published_at=proposal.since if proposal.after("status") == _PUBLISHED else None)


ARTICLE = RuleSet(check=(begin_article, stamp_publication))
