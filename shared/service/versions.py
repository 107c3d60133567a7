"""Versions of an entity one after the other, with the values that each left behind: what `Home.steps` answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple


class Step(NamedTuple):
    """One version of an entity: what it changed, {attribute key: [old, new]}, and the values after it, by key."""

    version: int
    at: datetime
    source: str
    changed: Mapping[str, Sequence[Any]]
    values: Mapping[str, Any]

    @property
    def before(self) -> dict[str, Any]:
        """The values before it."""
        return back(self.values, self.changed)


def back(values: Mapping[str, Any], changed: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
    """Canonical values by attribute key as they were before a change of them."""
    found = {**values, **{key: old for key, (old, _) in changed.items()}}
    return {key: value for key, value in found.items() if value is not None}
