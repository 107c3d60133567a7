"""A person's whole name and its parts."""

from __future__ import annotations


def whole(first: str | None, last: str | None) -> str | None:
    """The name people call somebody by; None when nothing is known of it."""
    return " ".join(part.strip() for part in (first, last) if part and part.strip()) or None


def parts(name: str) -> tuple[str | None, str | None]:
    """First and last name: the last word is the last name, a single word the first. A guess, as all such rules are."""
    words = name.split()
    return " ".join(words[:-1] if len(words) > 1 else words) or None, words[-1] if len(words) > 1 else None
