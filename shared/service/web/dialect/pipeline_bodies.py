"""Pipelines as the wire dialect shows them, its bodies as drafts and changes. Pure; the doors are `pipelines.py`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shared.kernel.clock import iso
from shared.kernel.errors import ErrorList
from shared.service.pipelines.values import Audit, Pipeline, PipelineDraft, Stage, StageDraft
from shared.service.web.dialect import bodies
from shared.service.web.errors import PORTAL_ID

WRITABLE = "CRM_PERMISSIONS_ENFORCEMENT"


def pipeline_json(one: Pipeline) -> dict[str, Any]:
    """One pipeline with its live stages, ready for JSON."""
    return {**_shown(one), "stages": [stage_json(part) for part in one.live_stages]}


def stage_json(one: Stage) -> dict[str, Any]:
    """One stage, ready for JSON."""
    return {**_shown(one), "metadata": dict(one.metadata), "writePermissions": WRITABLE}


def _shown(one: Pipeline | Stage) -> dict[str, Any]:
    body: dict[str, Any] = {
        "id": one.id,
        "label": one.label,
        "displayOrder": one.display_order,
        "createdAt": iso(one.created_at),
        "updatedAt": iso(one.updated_at),
        "archived": one.archived_at is not None,
    }
    if one.archived_at is not None:
        body["archivedAt"] = iso(one.archived_at)
    return body


def audit_json(one: Audit) -> dict[str, Any]:
    """One audit row, ready for JSON."""
    what = "Stage" if one.stage is not None else "Pipeline"
    body: dict[str, Any] = {
        "portalId": PORTAL_ID,
        "identifier": one.stage or one.pipeline,
        "action": one.action,
        "timestamp": iso(one.at),
        "message": f'{what} "{one.after.get("label", "")}" by {one.actor}',
        "rawObject": dict(one.after),
    }
    if one.actor.isascii() and one.actor.isdigit():
        body["fromUserId"] = int(one.actor)
    return body


def pipeline_draft(body: Mapping[str, Any], errors: ErrorList) -> PipelineDraft:
    """A pipeline wanted; everything wrong with the form is noted."""
    stages = bodies.objects(body, "stages", errors)
    return PipelineDraft(
        bodies.text(body, "label", errors, required=True),
        tuple(stage_draft(one, errors, f"stages[{place}].") for place, one in enumerate(stages)),
        _order(body, errors),
        bodies.text(body, "pipelineId", errors) or bodies.text(body, "id", errors),
    )


def stage_draft(body: Mapping[str, Any], errors: ErrorList, where: str = "") -> StageDraft:
    """A stage wanted; everything wrong with the form is noted."""
    return StageDraft(
        bodies.text(body, "label", errors, where=where, required=True),
        _order(body, errors, where),
        bodies.mapping(body, "metadata", errors, where=where),
        bodies.text(body, "stageId", errors, where=where) or bodies.text(body, "id", errors, where=where),
    )


def changes(body: Mapping[str, Any], errors: ErrorList, *, metadata: bool) -> dict[str, Any]:
    """What a PATCH body changes of a pipeline, or of a stage (which has `metadata`)."""
    found: dict[str, Any] = {}
    if body.get("label") is not None:
        found["label"] = bodies.text(body, "label", errors, required=True)
    if body.get("displayOrder") is not None:
        found["display_order"] = _order(body, errors)
    if body.get("archived") is not None:
        found["archived"] = bodies.flag(body, "archived", errors, False)
    if metadata and body.get("metadata") is not None:
        found["metadata"] = bodies.mapping(body, "metadata", errors)
    return found


def _order(body: Mapping[str, Any], errors: ErrorList, where: str = "") -> int | None:
    return None if body.get("displayOrder") is None else bodies.number(body, "displayOrder", errors, 0, where=where)
