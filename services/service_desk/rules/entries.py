"""What must hold of what was said about a ticket: it stays what it was, since clocks ran or stopped by it."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from html import unescape
from unicodedata import category

from shared.service.effective import EARLIEST, TOO_EARLY
from shared.service.rules import PASS, Proposal, RuleSet, Verdict, complete, refuse

QUEUED = "QUEUED"
IMPORT = "IMPORT"
_OURS = ("AGENT", "SYSTEM")
_LONG_AGO = timedelta(hours=1)
_SOON = timedelta(minutes=1)
_TAG = re.compile(r"<[^<>]*>")
# What shows although it has no words.
_SHOWN = re.compile(r"<(?:img|video|audio|iframe|hr)\b", re.IGNORECASE)
_FIXED = ("ticket_id", "visibility", "author", "said_at", "attachment_ids", "attachments_left_out")


def begin_entry(proposal: Proposal) -> Verdict:
    """An entry is an agent's public reply of this moment unless it says otherwise; one that came later says when."""
    if not proposal.creating:
        return PASS
    usual = {"visibility": "PUBLIC", "author": "AGENT", "said_at": proposal.since}
    return complete(**{name: value for name, value in usual.items() if proposal.after(name) is None})


def be_said_by_now(proposal: Proposal) -> Verdict:
    """Clocks go by when it was said: not later than now, give or take clocks that differ, nor before there were any."""
    said = proposal.after("said_at")
    if not proposal.creating or not isinstance(said, datetime):
        return PASS
    if said > proposal.at + _SOON:
        return refuse("said_at", "INVALID_DATE", "said_at is when it was said: it does not lie in the future.")
    if said < EARLIEST:
        return refuse("said_at", TOO_EARLY, f"said_at lies in {EARLIEST.year} at the earliest.")
    return PASS


def say_something(proposal: Proposal) -> Verdict:
    """An entry has words, or files: clocks would stop by nothing. What an e-mail brought may have been empty; then it
    says that (`mail.receiving`)."""
    if not (proposal.creating or proposal.changes("body")) or proposal.after("attachment_ids"):
        return PASS
    if blank(proposal.after("body")):
        return refuse("body", "REQUIRED_FIELD", "body: say something, or name files in attachment_ids.")
    return PASS


def blank(body: object) -> bool:
    """Whether a text has nothing to see in it, be it HTML."""
    text = str(body or "")
    if _SHOWN.search(text):
        return False
    return all(category(one)[0] in "CZ" for one in unescape(_TAG.sub("", text)))


def stay_as_said(proposal: Proposal) -> Verdict:
    """Its text may be corrected, not who said it when, about what, to whom, with which files."""
    if proposal.creating:
        return PASS
    moved = [name for name in _FIXED if proposal.changes(name)]
    if not moved:
        return PASS
    return refuse(moved[0], "READ_ONLY_VALUE", f"{moved[0]} stays as it was when this was said: make another entry.")


def go_out(proposal: Proposal) -> Verdict:
    """What we say in public goes to who asked by e-mail, unless it went by one already, or was said long ago."""
    if not proposal.creating or proposal.context.source == IMPORT or proposal.context.effective_at is not None:
        return PASS
    if proposal.after("visibility") != "PUBLIC" or proposal.after("author") not in _OURS:
        return PASS
    said = proposal.after("said_at")
    if proposal.after("message_id") is not None or (isinstance(said, datetime) and said < proposal.at - _LONG_AGO):
        return PASS
    return complete(delivery=QUEUED)


TICKET_ENTRY = RuleSet(check=(begin_entry, say_something, be_said_by_now, stay_as_said, go_out))
