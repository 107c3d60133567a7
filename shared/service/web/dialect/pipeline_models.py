"""Shapes of the wire dialect's bodies of pipelines, for the OpenAPI document. Never run on a request."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from shared.service.web.dialect.models import Shape


class StageInput(Shape):
    label: str
    displayOrder: int
    metadata: dict[str, str] = Field(default_factory=dict)


class StagePatch(Shape):
    label: str | None = None
    displayOrder: int | None = None
    metadata: dict[str, str] | None = None
    archived: bool | None = None


class Stage(Shape):
    id: str
    label: str
    displayOrder: int
    metadata: dict[str, str]
    writePermissions: Literal["CRM_PERMISSIONS_ENFORCEMENT", "READ_ONLY", "INTERNAL_ONLY"]
    createdAt: str
    updatedAt: str
    archived: bool
    archivedAt: str | None = None


class PipelineInput(Shape):
    label: str
    displayOrder: int
    stages: list[StageInput]


class PipelinePatch(Shape):
    label: str | None = None
    displayOrder: int | None = None
    archived: bool | None = None


class Pipeline(Shape):
    id: str
    label: str
    displayOrder: int
    stages: list[Stage]
    createdAt: str
    updatedAt: str
    archived: bool
    archivedAt: str | None = None


class PipelineList(Shape):
    results: list[Pipeline]


class StageList(Shape):
    results: list[Stage]


class AuditRow(Shape):
    portalId: int
    identifier: str
    action: str
    timestamp: str
    message: str
    rawObject: dict[str, Any]
    fromUserId: int | None = None


class AuditList(Shape):
    results: list[AuditRow]
