"""What must hold of a ticket's followers: ids of owners, each once. Pure."""

from __future__ import annotations

from shared.service.rules import PASS, Proposal, Verdict, complete, refuse

_DIGITS = 18
MOST = 100


def parted(text: object) -> list[int]:
    """The owners in a list of followers; what is no id is left out."""
    parts = (part.strip() for part in str(text or "").split(";"))
    return list(dict.fromkeys(int(part) for part in parts if _is_id(part)))


def name_owners(proposal: Proposal) -> Verdict:
    """Followers are stored as ids, each once, in the order in which they came."""
    text = proposal.new.get("followers")
    if text is None:
        return PASS
    parts = [part.strip() for part in str(text).split(";") if part.strip()]
    if not all(_is_id(part) for part in parts):
        return refuse("followers", "INVALID_OPTION", "followers must be ids of owners, separated by semicolons")
    owners = parted(text)
    if len(owners) > MOST:
        return refuse("followers", "LIMIT_EXCEEDED", f"a ticket has at most {MOST} followers")
    return complete(followers=";".join(map(str, owners)) or None)


def _is_id(part: str) -> bool:
    return part.isascii() and part.isdigit() and len(part) <= _DIGITS
