"""Many metrics of one type over the same changes: what several of them look at is looked at once. Pure.

A change is told to those metrics only that look at a value that differs, found by the set of keys, of which a page has
few different ones; each filter is tried once, however many metrics have it. What comes of it is what `Deltas.add` would
make of every change and every metric, one by one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from services.reporting.metrics.compiling import Compiled, Values
from services.reporting.metrics.deltas import Deltas
from shared.service.replica.facts import FactChange


@dataclass(frozen=True, slots=True)
class Kept:
    """A metric while it is kept. reached: while it is filled, the last entity that its cells count."""

    compiled: Compiled
    reached: int | None
    deltas: Deltas


class Sharing:
    """Deltas of metrics that are all over one type."""

    def __init__(self, kept: Iterable[Kept]) -> None:
        self._kept = tuple(kept)
        self._concerned: dict[frozenset[str], tuple[Kept, ...]] = {}

    def add(self, change: FactChange) -> None:
        """Take one version of one entity into account."""
        before, after = change.old, change.new
        tried: dict[bytes, tuple[bool, bool]] = {}
        for one in self._kept if before is None or after is None else self._looking(before, after):
            if one.reached is not None and change.id > one.reached:
                continue
            compiled = one.compiled
            passed = tried.get(compiled.filtered)
            if passed is None:
                test = compiled.test
                passed = (before is not None and test(before), after is not None and test(after))
                tried[compiled.filtered] = passed
            old = compiled.adds(before) if before is not None and passed[0] else None
            new = compiled.adds(after) if after is not None and passed[1] else None
            one.deltas.move(old, new, change.at)

    def _looking(self, before: Values, after: Values) -> tuple[Kept, ...]:
        """Metrics that look at what is not the same before and after."""
        keys = {key for key, value in after.items() if before.get(key) != value}
        keys.update(key for key in before.keys() - after.keys() if before[key] is not None)
        shape = frozenset(keys)
        found = self._concerned.get(shape)
        if found is None:
            found = tuple(one for one in self._kept if not shape.isdisjoint(one.compiled.keys))
            self._concerned[shape] = found
        return found
