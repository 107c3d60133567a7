"""Pipelines of a custom type through the official SDK."""

from __future__ import annotations

import uuid
from typing import Any

import httpx
import hubspot.crm.objects as objects
import hubspot.crm.pipelines as pipelines
import pytest


@pytest.fixture
def project(http: httpx.Client) -> str:
    """A custom type without pipelines."""
    name = f"project{uuid.uuid4().hex[:8]}"
    made = http.post("/api/v1/types", json={"name": name, "label": "Project", "attributes": [{"label": "Title"}]})
    assert made.status_code == 201, made.text
    return name


def stage(label: str, order: int, **metadata: str) -> Any:
    return pipelines.PipelineStageInput(label=label, display_order=order, metadata=metadata)


def make(sdk: Any, project: str, label: str = "Delivery") -> Any:
    wanted = pipelines.PipelineInput(
        label=label, display_order=0, stages=[stage("Planned", 0), stage("Done", 1, isClosed="true")]
    )
    return sdk.crm.pipelines.pipelines_api.create(project, wanted)


def write(sdk: Any, project: str, **properties: str) -> Any:
    wanted = objects.SimplePublicObjectInputForCreate(properties=properties)
    return sdk.crm.objects.basic_api.create(project, wanted)


def test_the_life_of_a_pipeline(sdk: Any, project: str) -> None:
    api = sdk.crm.pipelines.pipelines_api
    assert api.get_all(project).results == []
    made = make(sdk, project)
    assert [(one.label, one.metadata["isClosed"]) for one in made.stages] == [("Planned", "false"), ("Done", "true")]
    assert (made.archived, made.stages[0].write_permissions) == (False, "CRM_PERMISSIONS_ENFORCEMENT")
    assert api.get_by_id(project, made.id).stages[0].id == made.stages[0].id
    assert api.update(project, made.id, pipelines.PipelinePatchInput(label="Way")).label == "Way"
    wanted = pipelines.PipelineInput(label="Other", display_order=2, stages=[stage("Done", 0), stage("Begun", 1)])
    replaced = api.replace(project, made.id, wanted)
    assert [one.label for one in replaced.stages] == ["Done", "Begun"]
    assert replaced.stages[0].id == made.stages[1].id
    assert api.archive(project, made.id) is None
    with pytest.raises(pipelines.ApiException) as gone:
        api.get_by_id(project, made.id)
    assert gone.value.status == 404
    assert api.update(project, made.id, pipelines.PipelinePatchInput(archived=False)).archived is False
    assert [one.id for one in api.get_all(project).results] == [made.id]


def test_the_life_of_a_stage(sdk: Any, project: str) -> None:
    made, api = make(sdk, project), sdk.crm.pipelines.pipeline_stages_api
    one = api.create(project, made.id, stage("Begun", 5, colour="green"))
    assert one.metadata == {"colour": "green", "isClosed": "false"}
    assert [each.label for each in api.get_all(project, made.id).results] == ["Planned", "Done", "Begun"]
    assert api.update(project, made.id, one.id, pipelines.PipelineStagePatchInput(display_order=0)).display_order == 0
    assert [each.label for each in api.get_all(project, made.id).results] == ["Begun", "Planned", "Done"]
    assert api.replace(project, made.id, one.id, stage("Started", 3)).metadata == {"isClosed": "false"}
    assert api.get_by_id(project, made.id, one.id).label == "Started"
    assert api.archive(project, made.id, one.id) is None
    with pytest.raises(pipelines.ApiException) as gone:
        api.get_by_id(project, made.id, one.id)
    assert gone.value.status == 404
    rows = sdk.crm.pipelines.pipeline_audits_api.get_audit(project, made.id).results
    assert [row.action for row in rows].count("DELETE") == 1
    assert rows[-1].action == "CREATE"
    rows = sdk.crm.pipelines.pipeline_stage_audits_api.get_audit(project, one.id).results
    assert [(row.identifier, row.action) for row in rows][-1] == (one.id, "CREATE")


def test_records_stand_in_stages(sdk: Any, project: str) -> None:
    made = make(sdk, project)
    second = make(sdk, project, "Second")
    planned, done = (one.id for one in made.stages)
    one = write(sdk, project, hs_pipeline_stage=planned)
    shown = sdk.crm.objects.basic_api.get_by_id(project, one.id, properties=["hs_pipeline", "hs_pipeline_stage"])
    assert (shown.properties["hs_pipeline"], shown.properties["hs_pipeline_stage"]) == (made.id, planned)
    moved = objects.SimplePublicObjectInput(properties={"hs_pipeline_stage": done})
    assert sdk.crm.objects.basic_api.update(project, one.id, moved).properties["hs_pipeline_stage"] == done
    for properties in (
        {"hs_pipeline_stage": "nothing"},
        {"hs_pipeline": "nothing"},
        {"hs_pipeline": second.id, "hs_pipeline_stage": planned},
        {"hs_pipeline_stage": second.stages[0].id},
    ):
        with pytest.raises(objects.ApiException) as refused:
            write(sdk, project, **properties)
        assert refused.value.status == 400, properties
    definition = sdk.crm.properties.core_api.get_by_name(project, "hs_pipeline_stage")
    assert [each.value for each in definition.options] == [each.id for each in (*made.stages, *second.stages)]
    api = sdk.crm.pipelines.pipelines_api
    with pytest.raises(pipelines.ApiException) as refused:
        api.archive(project, made.id, validate_references_before_delete=True)
    assert refused.value.status == 400
    api.archive(project, second.id, validate_references_before_delete=True)
    with pytest.raises(pipelines.ApiException) as refused:
        sdk.crm.pipelines.pipeline_stages_api.archive(project, made.id, done)
    assert refused.value.status == 400


def test_types_without_pipelines(sdk: Any) -> None:
    assert sdk.crm.pipelines.pipelines_api.get_all("contacts").results == []
    with pytest.raises(pipelines.ApiException) as refused:
        make(sdk, "contacts")
    assert refused.value.status == 400
