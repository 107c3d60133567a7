"""What must hold and what follows when an owner, a user or a team is written.

An owner is a person unless the write says queue. A team is not its own parent.
"""

from __future__ import annotations

from collections.abc import Mapping

from shared.service.rules import PASS, Proposal, RuleSet, Verdict, complete, refuse


def default_kind(proposal: Proposal) -> Verdict:
    """An owner without a kind is a person."""
    return PASS if proposal.after("kind") else complete(kind="PERSON")


def no_parent_loop(proposal: Proposal) -> Verdict:
    """Refuse a team as its own parent. Longer circles are not looked for: a rule sees one entity."""
    parent = proposal.new.get("parent_id")
    if parent is None or proposal.old is None or parent != proposal.old.get("id"):
        return PASS
    return refuse("parent_id", "INVALID_OPTION", "A team cannot be its own parent; name another team or none.")


OWNER = RuleSet(check=(default_kind,))
TEAM = RuleSet(check=(no_parent_loop,))
RULES: Mapping[str, RuleSet] = {"owner": OWNER, "team": TEAM}
