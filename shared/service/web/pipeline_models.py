"""Bodies of the native pipeline doors as models, for the OpenAPI document only: nothing is parsed with them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from shared.service.web.native.models import Strict


class DescribedStage(Strict):
    """A stage as it should be; a known id or label means that stage."""

    id: str | None = None
    label: str
    position: int | None = Field(None, ge=0)
    metadata: dict[str, str] = Field(default_factory=dict)


class NewStage(DescribedStage):
    """A stage to make. An id is given unless one is wished for."""


class ChangeStage(Strict):
    """What to change of a stage; metadata not named stay."""

    label: str | None = None
    position: int | None = Field(None, ge=0)
    metadata: dict[str, str] | None = None
    archived: bool | None = None


class StageOut(BaseModel):
    """A stage. `closed` follows from its metadata."""

    id: str
    label: str
    position: int
    closed: bool
    metadata: dict[str, str]
    archived: bool
    created_at: datetime
    updated_at: datetime


class DescribedPipeline(Strict):
    """A pipeline as it should be."""

    label: str
    position: int | None = Field(None, ge=0)
    stages: list[DescribedStage] = Field(default_factory=list)
    metadata: dict[str, str] = Field(default_factory=dict)


class NewPipeline(DescribedPipeline):
    """A pipeline to make. An id is given unless one is wished for."""

    id: str | None = None


class ChangePipeline(Strict):
    """What to change of a pipeline; metadata not named stay."""

    label: str | None = None
    position: int | None = Field(None, ge=0)
    metadata: dict[str, str] | None = None
    archived: bool | None = None


class PipelineOut(BaseModel):
    """A pipeline with its live stages."""

    id: str
    label: str
    position: int
    metadata: dict[str, str]
    stages: list[StageOut]
    archived: bool
    created_at: datetime
    updated_at: datetime


class PipelineList(BaseModel):
    """All live pipelines, in the order in which they are shown."""

    results: list[PipelineOut]


class PipelineChange(BaseModel):
    """One change of a pipeline or of a stage of it, and how that was left."""

    pipeline: str
    stage: str | None
    action: str
    at: datetime
    actor: str
    after: dict[str, Any]


class PipelineChanges(BaseModel):
    """Changes, newest first."""

    results: list[PipelineChange]


class WorkOut(BaseModel):
    """What is done with entities because stages changed or went away. kind: `follow` when stages mean something else,
    `move` when entities leave them. state: running, done or failed, then reason says why. entities: how many are looked
    at, null while they are being found. refused: whom rules did not let go."""

    kind: str
    state: str
    reason: str
    pipeline: str
    stages: list[str]
    move_to: str | None
    entities: int | None
    looked_at: int
    changed: int
    refused: int
    begun_at: datetime
    updated_at: datetime


class WorkList(BaseModel):
    """Work on the entities of a pipeline, the latest first."""

    results: list[WorkOut]
