"""Counting the statements of a request: those it needs, without what is asked from time to time only."""

from __future__ import annotations

from collections.abc import Iterable

_NOW_AND_THEN = ("service_token", "eav_version order by")
"""Who asks, which a process knows for a moment; what types there are, looked up when somebody has changed one."""


def own(statements: Iterable[str]) -> list[str]:
    """What `Database.counted` found, but for the looks of caches: whether these are due depends on the clock alone."""
    return [one for one in statements if not any(word in one for word in _NOW_AND_THEN)]
