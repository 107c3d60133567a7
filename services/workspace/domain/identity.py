"""How people of the workspace are told apart: by one spelling of their e-mail address."""

from __future__ import annotations


def email_key(text: str) -> str:
    """Without surrounding space, in lower case: two spellings of one mailbox are one person."""
    return text.strip().lower()
