"""Pipelines and stages in the wire dialect: `/crm/v3/pipelines/{type}`, for every entity type that has them.

Doors only: each parses, calls the corridor of pipelines once and presents.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Response

from shared.kernel.errors import ErrorList
from shared.service.web.dialect import names
from shared.service.web.dialect import pipeline_models as models
from shared.service.web.dialect.pipeline_bodies import (
    audit_json,
    changes,
    pipeline_draft,
    pipeline_json,
    stage_draft,
    stage_json,
)
from shared.service.web.operation import Operation, QueryParam, answer, no_content
from shared.service.web.request import bool_param, context, json_object

if TYPE_CHECKING:
    from shared.service.runtime import Runtime

_CHECKS = ("validateReferencesBeforeDelete", "validateDealStageUsagesBeforeDelete")


def _validate() -> bool:
    """Whether what is in use must stay. Both parameters are read, so that a wrong one is told."""
    asked = [bool_param(name) for name in _CHECKS]
    return any(asked)


def listing(service: Runtime, type: str) -> Response:
    """All live pipelines."""
    found = service.pipelines.every(context(), names.entity_type(type))
    return answer({"results": [pipeline_json(one) for one in found]})


def create(service: Runtime, type: str) -> Response:
    """One new pipeline with its stages."""
    errors = ErrorList()
    draft = pipeline_draft(json_object(), errors)
    errors.raise_if_any()
    return answer(pipeline_json(service.pipelines.create(context(), names.entity_type(type), draft)), 201)


def read(service: Runtime, type: str, id: str) -> Response:
    """One pipeline."""
    return answer(pipeline_json(service.pipelines.get(context(), names.entity_type(type), id)))


def update(service: Runtime, type: str, id: str) -> Response:
    """Another label or place; `archived` puts away or restores."""
    errors = ErrorList()
    wanted = changes(json_object(), errors, metadata=False)
    validate = _validate()
    errors.raise_if_any()
    kind = names.entity_type(type)
    return answer(pipeline_json(service.pipelines.change(context(), kind, id, wanted, validate=validate)))


def replace(service: Runtime, type: str, id: str) -> Response:
    """The whole pipeline anew; stages that are named again keep their ids."""
    errors = ErrorList()
    draft = pipeline_draft(json_object(), errors)
    validate = _validate()
    errors.raise_if_any()
    kind = names.entity_type(type)
    return answer(pipeline_json(service.pipelines.replace(context(), kind, id, draft, validate=validate)))


def archive(service: Runtime, type: str, id: str) -> Response:
    """Put a pipeline away."""
    service.pipelines.archive(context(), names.entity_type(type), id, validate=_validate())
    return no_content()


def audits(service: Runtime, type: str, id: str) -> Response:
    """What happened to a pipeline, newest first."""
    found = service.pipelines.audit(context(), names.entity_type(type), id)
    return answer({"results": [audit_json(one) for one in found]})


def list_stages(service: Runtime, type: str, id: str) -> Response:
    """The live stages of a pipeline."""
    found = service.pipelines.get(context(), names.entity_type(type), id)
    return answer({"results": [stage_json(one) for one in found.live_stages]})


def create_stage(service: Runtime, type: str, id: str) -> Response:
    """One new stage."""
    errors = ErrorList()
    draft = stage_draft(json_object(), errors)
    errors.raise_if_any()
    return answer(stage_json(service.pipelines.add_stage(context(), names.entity_type(type), id, draft)), 201)


def read_stage(service: Runtime, type: str, id: str, stage: str) -> Response:
    """One stage."""
    return answer(stage_json(service.pipelines.stage(context(), names.entity_type(type), id, stage)))


def update_stage(service: Runtime, type: str, id: str, stage: str) -> Response:
    """Another label, place or metadata; `archived` puts away or restores."""
    errors = ErrorList()
    wanted = changes(json_object(), errors, metadata=True)
    errors.raise_if_any()
    return answer(stage_json(service.pipelines.change_stage(context(), names.entity_type(type), id, stage, wanted)))


def replace_stage(service: Runtime, type: str, id: str, stage: str) -> Response:
    """The whole stage anew."""
    errors = ErrorList()
    draft = stage_draft(json_object(), errors)
    errors.raise_if_any()
    wanted: dict[str, Any] = {"label": draft.label, "display_order": draft.display_order, "metadata": draft.metadata}
    kind = names.entity_type(type)
    return answer(stage_json(service.pipelines.change_stage(context(), kind, id, stage, wanted, whole=True)))


def archive_stage(service: Runtime, type: str, id: str, stage: str) -> Response:
    """Put a stage away; refused while records are in it."""
    service.pipelines.archive_stage(context(), names.entity_type(type), id, stage)
    return no_content()


def stage_audits(service: Runtime, type: str, id: str, stage: str) -> Response:
    """What happened to a stage, newest first. The pipeline is not looked at: a client forgets to fill in its id."""
    found = service.pipelines.audit_of_stage(context(), names.entity_type(type), stage)
    return answer({"results": [audit_json(one) for one in found]})


_TAG = "Pipelines"
_BASE = "/crm/v3/pipelines/{type}"
_ONE = f"{_BASE}/{{id}}"
_STAGES = f"{_ONE}/stages"
_STAGE = f"{_STAGES}/{{stage}}"
_VALIDATED = tuple(
    QueryParam(name, "boolean", "Answer 400 when records still are in a stage that would go", False) for name in _CHECKS
)
_STAGE_EXAMPLE = {"label": "Offered", "displayOrder": 2, "metadata": {"probability": "0.6"}}
_EXAMPLE = {
    "label": "Renewals",
    "displayOrder": 1,
    "stages": [
        {"label": "Asked", "displayOrder": 0, "metadata": {"probability": "0.2"}},
        {"label": "Done", "displayOrder": 1, "metadata": {"probability": "1.0", "isClosed": "true"}},
    ],
}
_CHANGE = {"displayOrder": 3}
# Labels are unique, so what replaces has one of its own: examples can be carried out in any order.
_REPLACED = {**_EXAMPLE, "label": "Renewals and extensions"}
_REPLACED_STAGE = {**_STAGE_EXAMPLE, "label": "Promised"}
_READING: dict[str, Any] = {"tag": _TAG, "pipelined": True}


def _writing(body: Any, example: Any, **more: Any) -> dict[str, Any]:
    return {"body": body, "example": example, **_READING, **more}


OPERATIONS: tuple[Operation, ...] = (
    Operation("GET", _BASE, "listPipelines", "List pipelines", listing,
              response=models.PipelineList, **_READING),
    Operation("POST", _BASE, "createPipeline", "Make a pipeline", create, 201,
              response=models.Pipeline, **_writing(models.PipelineInput, _EXAMPLE)),
    Operation("GET", _ONE, "readPipeline", "Read a pipeline", read,
              response=models.Pipeline, **_READING),
    Operation("PATCH", _ONE, "updatePipeline", "Change or restore a pipeline", update,
              query=_VALIDATED, response=models.Pipeline, **_writing(models.PipelinePatch, _CHANGE)),
    Operation("PUT", _ONE, "replacePipeline", "Replace a pipeline and its stages", replace,
              query=_VALIDATED, response=models.Pipeline, **_writing(models.PipelineInput, _REPLACED)),
    Operation("DELETE", _ONE, "archivePipeline", "Archive a pipeline", archive, 204, query=_VALIDATED, **_READING),
    Operation("GET", f"{_ONE}/audit", "listPipelineChanges", "List the changes of a pipeline", audits,
              response=models.AuditList, **_READING),
    Operation("GET", _STAGES, "listStages", "List stages", list_stages,
              response=models.StageList, **_READING),
    Operation("POST", _STAGES, "createStage", "Make a stage", create_stage, 201,
              response=models.Stage, **_writing(models.StageInput, _STAGE_EXAMPLE)),
    Operation("GET", _STAGE, "readStage", "Read a stage", read_stage,
              response=models.Stage, **_READING),
    Operation("PATCH", _STAGE, "updateStage", "Change or restore a stage", update_stage,
              response=models.Stage, **_writing(models.StagePatch, _CHANGE)),
    Operation("PUT", _STAGE, "replaceStage", "Replace a stage", replace_stage,
              response=models.Stage, **_writing(models.StageInput, _REPLACED_STAGE)),
    Operation("DELETE", _STAGE, "archiveStage", "Archive a stage that no record is in", archive_stage, 204,
              **_READING),
    Operation("GET", f"{_STAGE}/audit", "listStageChanges", "List the changes of a stage", stage_audits,
              response=models.AuditList, **_READING),
)  # fmt: skip
