"""From changes of facts to changes of cells: minus what an entity contributed, plus what it does now. Pure, and summed
over a batch before anything is written."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal

from services.reporting.domain.exact import minus, plus
from services.reporting.metrics.compiling import Compiled, Contribution, Dims, Values
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
        before, after = change.old, change.new
        if before is not None and after is not None and not _differ(before, after, metric.keys):
            return
        self.move(None if before is None else metric.of(before), None if after is None else metric.of(after), change.at)

    def move(self, old: Contribution | None, new: Contribution | None, at: datetime) -> None:
        """What an entity contributed gives way to what it does."""
        if old == new:
            return
        day = at.date() if at.tzinfo is UTC else at.astimezone(UTC).date()
        if old is not None:
            self._count(old, day, -1)
        if new is not None:
            self._count(new, day, 1)

    def _count(self, one: Contribution, day: date, sign: int) -> None:
        place = (one.dims, day)
        sums = self.cells.get(place)
        if sums is None:
            sums = self.cells[place] = Sums()
        sums.n += sign
        if one.m:
            sums.m += sign
            sums.s = (plus if sign > 0 else minus)(sums.s, one.s)
        if one.value is not None:
            key = (one.dims, one.value)
            self.values[key] = self.values.get(key, 0) + sign

    @property
    def nothing(self) -> bool:
        """Whether no cell changes."""
        return all(one.nothing for one in self.cells.values()) and not any(self.values.values())


def _differ(before: Values, after: Values, keys: Iterable[str]) -> bool:
    return any(before.get(key) != after.get(key) for key in keys)


def deltas(metric: Compiled, changes: Iterable[FactChange]) -> Deltas:
    """Over a batch of changes, all of the metric's entity type."""
    found = Deltas()
    for one in changes:
        found.add(metric, one)
    return found
