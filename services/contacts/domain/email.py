"""E-mail addresses as keys: one spelling per mailbox. Whether a text is an address at all is not asked here."""

from __future__ import annotations


def normalise_email(text: str) -> str:
    """Without surrounding space, in lower case. Sub-addresses (`+tag`) and dots stay: they can be other mailboxes."""
    return text.strip().lower()


def domain_of(address: str) -> str | None:
    """What stands behind the last `@`, None when nothing does."""
    _, at, domain = normalise_email(address).rpartition("@")
    return domain if at and domain else None
