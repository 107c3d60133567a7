"""What a service says of a type whose entities are given out by themselves, and what rules look like."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from shared.eav.catalog import LiveType
from shared.kernel.db import Connection

OWNER = "owner_id"


@dataclass(frozen=True, slots=True)
class Sticky:
    """Who had the last entity with the same value of `by` gets this one too, if that was changed within `days`."""

    by: str
    days: int


@dataclass(frozen=True, slots=True)
class Rule:
    """Entities that fit the filter (None: all) go to a pool. skills: what it takes; skills_from: attributes whose
    values (several separated by semicolons) it takes besides."""

    name: str
    pool: str
    filter: Mapping[str, Any] | None = None
    skills: tuple[str, ...] = ()
    skills_from: tuple[str, ...] = ()
    sticky: Sticky | None = None


Derived = Callable[[Connection, LiveType], Sequence[Rule]]


@dataclass(frozen=True)
class Assigned:
    """New entities of a type are given out by rules. open: a filter that says which ones are still work for their
    owners; those count against capacities, and only those are given out. derived: rules that follow from what the
    service keeps itself, asked after those that people made."""

    open: Mapping[str, Any] = field(default_factory=dict)
    derived: Derived | None = None
