"""One invented entity's life as a value: what it was created with, and what changed since."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Step:
    """Something that changed later."""

    at: datetime
    values: dict[str, str]


@dataclass(frozen=True, slots=True)
class Story:
    """One entity's life: its values when it was created, and what changed since.

    key: the value of `key_attribute` that nobody else has. owner: the place of its owner among `owners()`, if any.
    contact: the key of the contact it is with.
    """

    key_attribute: str
    created: datetime
    values: dict[str, str]
    steps: tuple[Step, ...] = ()
    owner: int | None = None
    contact: str = ""

    @property
    def key(self) -> str:
        """What tells this one from all others."""
        return self.values[self.key_attribute]

    def final(self) -> dict[str, str]:
        """The values as they are today."""
        values = dict(self.values)
        for step in self.steps:
            values.update(step.values)
        return values
