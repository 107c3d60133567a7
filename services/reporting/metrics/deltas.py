"""From changes of facts to changes of cells: minus what an entity contributed, plus what it does now. Pure, and summed
over a batch before anything is written."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date
from decimal import Decimal

from services.reporting.metrics.compiling import Compiled, Contribution, Dims
from shared.service.replica.facts import FactChange

_ZERO = Decimal(0)


@dataclass(slots=True)
class Sums:
    """What is added to a cell: entities, entities with a value, the sum of values."""

    n: int = 0
    m: int = 0
    s: Decimal = _ZERO

    @property
    def nothing(self) -> bool:
        """Whether it came to nothing."""
        return not (self.n or self.m or self.s)


@dataclass(slots=True)
class Deltas:
    """Changes to one metric's cells by (group, day), and to its counted values by (group, value)."""

    cells: dict[tuple[Dims, date], Sums] = field(default_factory=dict)
    values: dict[tuple[Dims, str], int] = field(default_factory=dict)

    def add(self, metric: Compiled, change: FactChange) -> None:
        """Take one version of one entity into account."""
        old = None if change.old is None else metric.of(change.old)
        new = None if change.new is None else metric.of(change.new)
        if old == new:
            return
        day = change.at.astimezone(UTC).date()
        for contribution, sign in ((old, -1), (new, 1)):
            if contribution is not None:
                self._count(contribution, day, sign)

    def _count(self, one: Contribution, day: date, sign: int) -> None:
        sums = self.cells.setdefault((one.dims, day), Sums())
        sums.n += sign
        sums.m += sign * one.m
        sums.s += sign * one.s
        if one.value is not None:
            key = (one.dims, one.value)
            self.values[key] = self.values.get(key, 0) + sign

    @property
    def nothing(self) -> bool:
        """Whether no cell changes."""
        return all(one.nothing for one in self.cells.values()) and not any(self.values.values())


def deltas(metric: Compiled, changes: Iterable[FactChange]) -> Deltas:
    """Over a batch of changes, all of the metric's entity type."""
    found = Deltas()
    for one in changes:
        found.add(metric, one)
    return found
