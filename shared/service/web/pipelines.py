"""The native doors of pipelines: /api/v1/types/{type}/pipelines and their stages. Strict about keys.

One PUT says all there is to say about a pipeline; smaller changes have their own doors.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Response

from shared.kernel.clock import iso
from shared.kernel.errors import ErrorList
from shared.service.pipelines import Pipeline, PipelineDraft, Stage, StageDraft, following, moving
from shared.service.pipelines.values import Audit
from shared.service.web import pipeline_models as models
from shared.service.web.operation import Operation, QueryParam, answer, no_content
from shared.service.web.request import bool_param, context, json_object, known_keys, text_param
from shared.service.web.type_bodies import read_text
from shared.service.work.progress import Progress

if TYPE_CHECKING:
    from shared.service.runtime import Runtime

PATH = "/api/v1/types/{type}/pipelines"
ONE = PATH + "/{id}"
STAGES = ONE + "/stages"
STAGE = STAGES + "/{stage}"
_PIPELINE = ("id", "label", "position", "stages", "metadata")
_STAGE = ("id", "label", "position", "metadata")
_MOST = 2**31 - 1
_KINDS = {following.KIND: "follow", moving.KIND: "move"}


def pipeline_json(one: Pipeline) -> dict[str, Any]:
    """One pipeline with its live stages."""
    return {**_shown(one), "metadata": dict(one.metadata), "stages": [stage_json(part) for part in one.live_stages]}


def stage_json(one: Stage) -> dict[str, Any]:
    """One stage."""
    return {**_shown(one), "closed": one.closed, "metadata": dict(one.metadata)}


def _shown(one: Pipeline | Stage) -> dict[str, Any]:
    return {
        "id": one.id,
        "label": one.label,
        "position": one.display_order,
        "archived": one.archived_at is not None,
        "created_at": iso(one.created_at),
        "updated_at": iso(one.updated_at),
    }


def _audit_json(one: Audit) -> dict[str, Any]:
    return {
        "pipeline": one.pipeline,
        "stage": one.stage,
        "action": one.action,
        "at": iso(one.at),
        "actor": one.actor,
        "after": dict(one.after),
    }


def _work_json(one: Progress) -> dict[str, Any]:
    told, to = one.spec, one.spec.get("to")
    return {
        "kind": _KINDS[one.kind],
        "state": one.state,
        "reason": one.reason,
        "pipeline": told["pipeline"],
        "stages": list(told["stages"]),
        "move_to": None if to is None else to["stage"],
        "entities": one.total,
        "looked_at": one.looked_at,
        "changed": one.changed,
        "refused": one.refused,
        "begun_at": iso(one.begun),
        "updated_at": iso(one.last),
    }


def list_pipelines(service: Runtime, type: str) -> Response:
    """The pipelines of an entity type."""
    return answer({"results": [pipeline_json(one) for one in service.pipelines.every(context(), type)]})


def create_pipeline(service: Runtime, type: str) -> Response:
    """A new pipeline."""
    made = service.pipelines.create(context(), type, _pipeline_draft(json_object()))
    return answer(pipeline_json(made), 201, {"Location": f"/api/v1/types/{type}/pipelines/{made.id}"})


def read_pipeline(service: Runtime, type: str, id: str) -> Response:
    """One pipeline."""
    return answer(pipeline_json(service.pipelines.get(context(), type, id)))


def replace_pipeline(service: Runtime, type: str, id: str) -> Response:
    """The pipeline as described."""
    body = json_object()
    known_keys(body, _PIPELINE[1:])
    draft = _pipeline_draft(body)
    validate = bool_param("unused", True)
    return answer(pipeline_json(service.pipelines.replace(context(), type, id, draft, validate=validate)))


def change_pipeline(service: Runtime, type: str, id: str) -> Response:
    """Another label or position, or archived."""
    changes = _changes(json_object(), ("label", "position", "metadata", "archived"))
    validate = bool_param("unused", True)
    return answer(pipeline_json(service.pipelines.change(context(), type, id, changes, validate=validate)))


def archive_pipeline(service: Runtime, type: str, id: str) -> Response:
    """Put a pipeline away, or begin to: 202 where entities are moved first."""
    unused, move_to = bool_param("unused", True), text_param("move_to")
    if move_to:
        return _begun(service.pipelines.archive_moving(context(), type, id, None, move_to))
    service.pipelines.archive(context(), type, id, validate=unused)
    return no_content()


def list_work(service: Runtime, type: str, id: str) -> Response:
    """What is done with entities because stages changed or went away."""
    return answer({"results": [_work_json(one) for one in service.pipelines.work(context(), type, id)]})


def _begun(one: Progress) -> Response:
    return answer(_work_json(one), 202)


def list_changes(service: Runtime, type: str, id: str) -> Response:
    """What happened to a pipeline and its stages."""
    return answer({"results": [_audit_json(one) for one in service.pipelines.audit(context(), type, id)]})


def create_stage(service: Runtime, type: str, id: str) -> Response:
    """A new stage."""
    errors = ErrorList()
    draft = _stage_draft(json_object(), errors, "")
    errors.raise_if_any()
    return answer(stage_json(service.pipelines.add_stage(context(), type, id, draft)), 201)


def change_stage(service: Runtime, type: str, id: str, stage: str) -> Response:
    """Another label, position or metadata, or archived."""
    changes = _changes(json_object(), ("label", "position", "metadata", "archived"))
    return answer(stage_json(service.pipelines.change_stage(context(), type, id, stage, changes)))


def archive_stage(service: Runtime, type: str, id: str, stage: str) -> Response:
    """Put a stage away, or begin to: 202 where entities are moved first."""
    if move_to := text_param("move_to"):
        return _begun(service.pipelines.archive_moving(context(), type, id, stage, move_to))
    service.pipelines.archive_stage(context(), type, id, stage)
    return no_content()


def _pipeline_draft(body: dict[str, Any]) -> PipelineDraft:
    known_keys(body, _PIPELINE)
    errors = ErrorList()
    stages = body.get("stages", [])
    if not isinstance(stages, list) or not all(isinstance(one, dict) for one in stages):
        errors.add("stages", "INVALID_LIST", "stages must be a list of objects")
        stages = []
    draft = PipelineDraft(
        read_text(body, "label", errors),
        tuple(_stage_draft(one, errors, f"stages[{place}].") for place, one in enumerate(stages)),
        _position(body, errors, ""),
        read_text(body, "id", errors),
        _metadata(body, errors, ""),
    )
    errors.raise_if_any()
    return draft


def _stage_draft(body: dict[str, Any], errors: ErrorList, where: str) -> StageDraft:
    known_keys(body, _STAGE, where)
    return StageDraft(
        read_text(body, "label", errors, where),
        _position(body, errors, where),
        _metadata(body, errors, where),
        read_text(body, "id", errors, where),
    )


def _changes(body: dict[str, Any], keys: tuple[str, ...]) -> dict[str, Any]:
    known_keys(body, keys)
    errors = ErrorList()
    found: dict[str, Any] = {}
    if "label" in body:
        found["label"] = read_text(body, "label", errors)
    if "position" in body:
        found["display_order"] = _position(body, errors, "")
    if "metadata" in body:
        found["metadata"] = _metadata(body, errors, "")
    if "archived" in body:
        found["archived"] = body["archived"]
        if not isinstance(body["archived"], bool):
            errors.add("archived", "INVALID_BOOLEAN", "archived must be true or false")
    errors.raise_if_any()
    return found


def _position(body: dict[str, Any], errors: ErrorList, where: str) -> int | None:
    found = body.get("position")
    if found is not None and (type(found) is not int or not 0 <= found <= _MOST):
        errors.add(f"{where}position", "INVALID_INTEGER", f"{where}position must be a whole number from 0 to {_MOST}")
        return None
    return found


def _metadata(body: dict[str, Any], errors: ErrorList, where: str) -> dict[str, Any]:
    found = body.get("metadata", {})
    if not isinstance(found, dict):
        errors.add(f"{where}metadata", "INVALID_JSON", f"{where}metadata must be an object of texts")
        return {}
    return found


_TAG = "Pipelines"
_UNUSED = (
    QueryParam(
        "unused", "boolean", "Refuse when entities stand in a stage that would go; false leaves them there", True
    ),
)
_MOVE_TO = QueryParam("move_to", description="The stage to which who stands in it is moved first, as work that goes on")
_MOVING = (
    "Refused while entities stand in it, unless `move_to` says where they go: they are moved first, with visits, "
    "events and history, and 202 tells how far that is (see the work of the pipeline)."
)
_EXAMPLE = {
    "label": "Returns",
    "stages": [
        {"label": "Asked", "metadata": {"probability": "0.2"}},
        {"label": "Done", "metadata": {"probability": "1.0", "isClosed": "true"}},
    ],
}
_STAGE_EXAMPLE = {"label": "Weighed", "position": 2, "metadata": {"probability": "0.6"}}
_REPLACED = {**_EXAMPLE, "label": "Returns and repairs"}
_READING: dict[str, Any] = {"tag": _TAG, "pipelined": True}


def _writing(body: Any, example: Any) -> dict[str, Any]:
    return {"body": body, "example": example, **_READING}


OPERATIONS = (
    Operation("GET", PATH, "listTypePipelines", "List pipelines", list_pipelines,
              response=models.PipelineList, **_READING),
    Operation("POST", PATH, "createTypePipeline", "Make a pipeline", create_pipeline, 201,
              response=models.PipelineOut, **_writing(models.NewPipeline, _EXAMPLE),
              description="The first pipeline of a custom type gives its entities the attributes hs_pipeline and "
                          "hs_pipeline_stage, whose choices are the ids of live pipelines and stages."),
    Operation("GET", ONE, "readTypePipeline", "Read a pipeline", read_pipeline,
              response=models.PipelineOut, **_READING),
    Operation("PUT", ONE, "replaceTypePipeline", "Replace a pipeline and its stages", replace_pipeline,
              query=_UNUSED, response=models.PipelineOut, **_writing(models.DescribedPipeline, _REPLACED),
              description="Stages named again, by id or label, stay; the others are archived."),
    Operation("PATCH", ONE, "changeTypePipeline", "Change, archive or restore a pipeline", change_pipeline,
              query=_UNUSED, response=models.PipelineOut, **_writing(models.ChangePipeline, {"position": 3})),
    Operation("DELETE", ONE, "archiveTypePipeline", "Archive a pipeline", archive_pipeline, 202, statuses=(204,),
              query=(*_UNUSED, _MOVE_TO), response=models.WorkOut, description=_MOVING, **_READING),
    Operation("GET", ONE + "/work", "listTypePipelineWork", "How far entities have followed changed stages", list_work,
              response=models.WorkList, **_READING,
              description="Who stands in a stage that is said to mean something else, such as another probability, is "
                          "judged anew as work that goes on after the change."),
    Operation("GET", ONE + "/changes", "listTypePipelineChanges", "List the changes of a pipeline", list_changes,
              response=models.PipelineChanges, **_READING),
    Operation("POST", STAGES, "createTypeStage", "Make a stage", create_stage, 201,
              response=models.StageOut, **_writing(models.NewStage, _STAGE_EXAMPLE)),
    Operation("PATCH", STAGE, "changeTypeStage", "Change, archive or restore a stage", change_stage,
              response=models.StageOut, **_writing(models.ChangeStage, {"position": 3})),
    Operation("DELETE", STAGE, "archiveTypeStage", "Archive a stage", archive_stage, 202, statuses=(204,),
              query=(_MOVE_TO,), response=models.WorkOut, description=_MOVING, **_READING),
)  # fmt: skip
