"""Pipelines, stages and what is known of their past, as plain frozen values. No behaviour, no storage."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class StageDraft:
    """A stage somebody wants. `id` "" lets one be given; `display_order` None puts it last."""

    label: str
    display_order: int | None = None
    metadata: Mapping[str, str] = field(default_factory=dict, hash=False)
    id: str = ""


@dataclass(frozen=True, slots=True)
class PipelineDraft:
    """A pipeline somebody wants, or one that a service declares."""

    label: str
    stages: tuple[StageDraft, ...] = ()
    display_order: int | None = None
    id: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage. `metadata` is text by text, checked by the type's stage schema, what follows from it included."""

    id: str
    label: str
    display_order: int
    metadata: Mapping[str, str] = field(hash=False)
    created_at: datetime
    updated_at: datetime
    archived_at: datetime | None = None

    @property
    def closed(self) -> bool:
        """Whether an entity in this stage has reached the end of its way."""
        return self.metadata.get("isClosed") == "true"


@dataclass(frozen=True, slots=True)
class Pipeline:
    """One pipeline with all its stages, those put away included. `metadata`: what it demands of its entities."""

    id: str
    label: str
    display_order: int
    stages: tuple[Stage, ...]
    created_at: datetime
    updated_at: datetime
    archived_at: datetime | None = None
    metadata: Mapping[str, str] = field(default_factory=dict, hash=False)

    @property
    def live_stages(self) -> tuple[Stage, ...]:
        """The stages one can choose, in the order in which they are shown."""
        return in_order(one for one in self.stages if one.archived_at is None)


@dataclass(frozen=True, slots=True)
class Audit:
    """One change of a pipeline or stage; `after` is how it was left."""

    pipeline: str
    stage: str | None
    action: str
    at: datetime
    actor: str
    after: Mapping[str, Any] = field(hash=False)


def in_order(items: Any) -> tuple[Any, ...]:
    """Pipelines or stages as they are shown: by display order, then by label."""
    return tuple(sorted(items, key=lambda one: (one.display_order, one.label, one.id)))
