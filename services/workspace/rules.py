"""What must hold and what follows when an owner, a user or a team is written.

An owner is a person unless the write says queue; whole name and parts follow each other. A team is not its own parent.
"""

from __future__ import annotations

from collections.abc import Mapping

from services.workspace.domain.names import parts, whole
from shared.service.rules import PASS, Proposal, RuleSet, Verdict, complete, refuse


def default_kind(proposal: Proposal) -> Verdict:
    """An owner without a kind is a person."""
    return PASS if proposal.after("kind") else complete(kind="PERSON")


def keep_names_together(proposal: Proposal) -> Verdict:
    """A whole name written alone fills its parts; written parts make the whole name."""
    given = {"name", "first_name", "last_name"} & proposal.new.keys()
    if given == {"name"}:
        first, last = parts(str(proposal.new["name"] or ""))
        return complete(first_name=first, last_name=last)
    if given and "name" not in given:
        first, last = (str(proposal.after(one) or "") for one in ("first_name", "last_name"))
        return complete(name=whole(first, last))
    return PASS


def no_parent_loop(proposal: Proposal) -> Verdict:
    """Refuse a team as its own parent. Longer circles are not looked for: a rule sees one entity."""
    parent = proposal.new.get("parent_id")
    if parent is None or proposal.old is None or parent != proposal.old.get("id"):
        return PASS
    return refuse("parent_id", "INVALID_OPTION", "A team cannot be its own parent; name another team or none.")


OWNER = RuleSet(check=(default_kind, keep_names_together))
TEAM = RuleSet(check=(no_parent_loop,))
RULES: Mapping[str, RuleSet] = {"owner": OWNER, "team": TEAM}
