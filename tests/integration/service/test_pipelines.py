"""Pipelines of custom types and of declared ones: what a write must heed, what is refused, what is told."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from shared.bus.feed import Feed
from shared.service.manifest import Manifest
from shared.service.pipelines import PROBABILITY_STAGES, Pipelined, PipelineDraft, StageDraft
from shared.service.schema import TypeDef, attribute, system_attributes
from tests.integration.service.conftest import ADMIN, System, application

SALES = PipelineDraft(
    "Sales",
    (
        StageDraft("Appointment", 0, {"probability": "0.2"}, "appointmentscheduled"),
        StageDraft("Closed won", 1, {"probability": "1"}, "closedwon"),
    ),
    0,
    "default",
)
DEAL = TypeDef(
    "deal",
    "deals",
    "Deal",
    "Deals",
    wire_id="0-3",
    attributes=(
        *system_attributes(""),
        attribute("name", "Name", wire_name="dealname"),
        attribute("pipeline", "Pipeline", "enumeration", external_options=True),
        attribute("stage", "Stage", "enumeration", wire_name="dealstage", external_options=True),
    ),
    builtin=True,
)
DECLARED = Manifest(
    "contacts", (DEAL,), pipelines={"deal": Pipelined("pipeline", "stage", PROBABILITY_STAGES, (SALES,))}
)
DEALS = "/crm/v3/objects/deals"


@pytest.fixture(scope="module")
def deals(new_database: Callable[[], str], redis_url: str) -> Iterator[Any]:
    """A client of a service that declares deals."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        app = application(DECLARED, new_database(), redis_url, monkeypatch)
    client = app.test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {ADMIN}"
    yield client
    app.extensions["crm"].db.dispose()


@pytest.fixture
def web(system: System) -> Any:
    """A client of workspace."""
    return system.client("workspace")


@pytest.fixture
def project(web: Any) -> str:
    """The name of a custom type with a pipeline of two stages, `p` with `a` and `b`."""
    name = f"project{uuid.uuid4().hex[:8]}"
    made = web.post("/api/v1/types", json={"name": name, "label": name, "attributes": [{"label": "Title"}]})
    assert made.status_code == 201, made.text
    stages = [{"id": "a", "label": "A"}, {"id": "b", "label": "B", "metadata": {"isClosed": "true", "colour": "red"}}]
    made = web.post(f"/api/v1/types/{name}/pipelines", json={"id": "p", "label": "First", "stages": stages})
    assert made.status_code == 201, made.text
    assert [(one["id"], one["closed"]) for one in made.json["stages"]] == [("a", False), ("b", True)]
    return name


def _write(web: Any, path: str, status: int = 201, **properties: Any) -> Any:
    made = web.post(path, json={"properties": properties})
    assert made.status_code == status, made.text
    return made.json


def _codes(answer: Any) -> list[tuple[str, str]]:
    return [(one["context"]["propertyName"][0], one["code"]) for one in answer["errors"]]


def test_a_declared_pipeline_is_there_and_fills_in(deals: Any) -> None:
    (found,) = deals.get("/crm/v3/pipelines/deals").json["results"]
    assert (found["id"], found["label"]) == ("default", "Sales")
    assert [one["metadata"] for one in found["stages"]] == [
        {"probability": "0.2", "isClosed": "false"},
        {"probability": "1.0", "isClosed": "true"},
    ]
    made = _write(deals, DEALS, dealname="x")
    shown = deals.get(f"{DEALS}/{made['id']}?properties=pipeline,dealstage").json["properties"]
    assert (shown["pipeline"], shown["dealstage"]) == ("default", None)
    made = _write(deals, DEALS, dealstage="closedwon")
    assert deals.get(f"{DEALS}/{made['id']}?properties=pipeline").json["properties"]["pipeline"] == "default"
    definition = deals.get("/crm/v3/properties/deals/dealstage").json
    assert [one["value"] for one in definition["options"]] == ["appointmentscheduled", "closedwon"]


def test_stage_and_pipeline_agree(deals: Any) -> None:
    stages = [{"label": "Begun", "displayOrder": 0, "metadata": {"probability": 0.5}}]
    made = deals.post("/crm/v3/pipelines/deals", json={"label": "Other", "displayOrder": 5, "stages": stages})
    assert made.status_code == 201, made.text
    other, stage = made.json["id"], made.json["stages"][0]["id"]
    refused = _write(deals, DEALS, 400, dealstage=stage)
    assert _codes(refused) == [("dealstage", "INVALID_OPTION")]
    assert other in refused["message"]
    assert _codes(_write(deals, DEALS, 400, dealstage="closedwon", pipeline=other)) == [("dealstage", "INVALID_OPTION")]
    one = _write(deals, DEALS, dealstage=stage, pipeline=other)["id"]
    moved = deals.patch(f"{DEALS}/{one}", json={"properties": {"pipeline": "default"}})
    assert (moved.status_code, _codes(moved.json)) == (400, [("pipeline", "INVALID_OPTION")])
    moved = deals.patch(f"{DEALS}/{one}", json={"properties": {"dealstage": "closedwon"}})
    assert (moved.status_code, _codes(moved.json)) == (400, [("dealstage", "INVALID_OPTION")])
    whole = {"pipeline": "default", "dealstage": "closedwon"}
    assert deals.patch(f"{DEALS}/{one}", json={"properties": whole}).status_code == 200
    assert deals.patch(f"{DEALS}/{one}", json={"properties": {"dealname": "y"}}).status_code == 200
    assert _codes(_write(deals, DEALS, 400, dealstage="nothing")) == [("dealstage", "INVALID_OPTION")]


def test_what_a_stage_says_of_itself_is_checked(deals: Any) -> None:
    bad = [
        {"label": "A"},
        {"label": "B", "metadata": {"probability": "2"}},
        {"label": "a", "metadata": {"probability": 1}},
    ]
    refused = deals.post("/crm/v3/pipelines/deals", json={"label": "", "stages": bad})
    assert refused.status_code == 400
    refused = deals.post("/crm/v3/pipelines/deals", json={"label": "Bad", "stages": bad})
    assert {one["in"] for one in refused.json["errors"]} == {
        "stages[0].metadata.probability",
        "stages[1].metadata.probability",
        "stages[2].label",
    }
    assert deals.post("/crm/v3/pipelines/deals", json={"label": " sales ", "stages": []}).status_code == 409


def test_declaring_again_changes_nothing(deals: Any) -> None:
    runtime = deals.application.extensions["crm"]
    before = deals.get("/crm/v3/pipelines/deals").json
    version = runtime.catalog.type("deal").version
    runtime.pipelines.declare()
    runtime.catalog.refresh()
    assert deals.get("/crm/v3/pipelines/deals").json == before
    assert runtime.catalog.type("deal").version == version


def test_types_without_pipelines(web: Any, system: System) -> None:
    contacts = system.client("contacts")
    assert contacts.get("/crm/v3/pipelines/contacts").json == {"results": []}
    refused = contacts.post("/crm/v3/pipelines/contacts", json={"label": "x", "stages": []})
    assert (refused.status_code, refused.json["errors"][0]["code"]) == (400, "NOT_AVAILABLE")
    assert contacts.get("/crm/v3/pipelines/nothing").status_code == 404


def test_a_custom_type_gets_them_by_making_one(web: Any, project: str) -> None:
    path = f"/crm/v3/objects/{project}"
    made = _write(web, path, hs_pipeline_stage="b", title="x")
    shown = web.get(f"{path}/{made['id']}?properties=hs_pipeline,hs_pipeline_stage").json["properties"]
    assert (shown["hs_pipeline"], shown["hs_pipeline_stage"]) == ("p", "b")
    body = {"filterGroups": [{"filters": [{"propertyName": "hs_pipeline_stage", "operator": "IN", "values": ["b"]}]}]}
    assert web.post(f"{path}/search", json=body).json["total"] == 1
    refused = web.patch(f"/crm/v3/properties/{project}/hs_pipeline", json={"options": []})
    assert (refused.status_code, refused.json["errors"][0]["code"]) == (400, "READ_ONLY_OPTIONS")
    assert web.delete(f"/crm/v3/properties/{project}/hs_pipeline").status_code == 400
    document = web.get("/workspace/openapi.json").json
    assert document["components"]["schemas"][f"{project}.values"]["properties"]["hs_pipeline_stage"]["enum"][:2] == [
        "a",
        "b",
    ]


def test_an_attribute_of_that_name_that_users_made(web: Any) -> None:
    name = f"project{uuid.uuid4().hex[:8]}"
    web.post("/api/v1/types", json={"name": name, "label": name, "attributes": [{"name": "hs_pipeline"}]})
    refused = web.post(f"/api/v1/types/{name}/pipelines", json={"label": "x", "stages": [{"label": "a"}]})
    assert (refused.status_code, refused.json["category"]) == (409, "OBJECT_ALREADY_EXISTS")


def test_what_is_in_use_stays_when_asked(web: Any, project: str) -> None:
    path, pipelines = f"/crm/v3/objects/{project}", f"/crm/v3/pipelines/{project}"
    one = _write(web, path, hs_pipeline_stage="b")["id"]
    refused = web.delete(f"{pipelines}/p/stages/b")
    assert (refused.status_code, refused.json["errors"][0]["code"]) == (400, "STAGE_IN_USE")
    assert web.delete(f"{pipelines}/p/stages/a").status_code == 204
    assert web.get(f"{pipelines}/p/stages/a").status_code == 404
    assert [row["id"] for row in web.get(f"{pipelines}/p/stages").json["results"]] == ["b"]
    assert _codes(_write(web, path, 400, hs_pipeline_stage="a")) == [("hs_pipeline_stage", "INVALID_OPTION")]
    for check in ("validateReferencesBeforeDelete", "validateDealStageUsagesBeforeDelete"):
        assert web.delete(f"{pipelines}/p?{check}=True").status_code == 400
        assert web.patch(f"{pipelines}/p?{check}=true", json={"archived": True}).status_code == 400
        assert web.put(f"{pipelines}/p?{check}=true", json={"label": "P", "stages": []}).status_code == 400
    assert web.delete(f"{pipelines}/p").status_code == 204
    assert web.get(f"{pipelines}/p").status_code == 404
    shown = web.get(f"{path}/{one}?properties=hs_pipeline_stage").json["properties"]
    assert shown["hs_pipeline_stage"] == "b"
    assert web.patch(f"{path}/{one}", json={"properties": {"title": "y"}}).status_code == 200
    assert web.patch(f"{pipelines}/p", json={"label": "x"}).status_code == 404
    assert web.patch(f"{pipelines}/p", json={"archived": False}).status_code == 200
    assert [row["id"] for row in web.get(f"{pipelines}/p").json["stages"]] == ["b"]
    assert web.patch(f"{pipelines}/p/stages/a", json={"archived": False}).status_code == 200
    _write(web, path, hs_pipeline_stage="a")


def test_changing_reordering_replacing(web: Any, project: str) -> None:
    pipelines = f"/crm/v3/pipelines/{project}"
    assert web.patch(f"{pipelines}/p/stages/a", json={"displayOrder": 9, "metadata": {"note": 5}}).json["metadata"] == {
        "isClosed": "false",
        "note": "5",
    }
    assert [row["id"] for row in web.get(f"{pipelines}/p").json["stages"]] == ["b", "a"]
    options = web.get(f"/crm/v3/properties/{project}/hs_pipeline_stage").json["options"]
    assert [(one["value"], one["displayOrder"]) for one in options] == [("b", 0), ("a", 1)]
    assert web.patch(f"{pipelines}/p/stages/a", json={"label": "b"}).status_code == 409
    assert web.put(f"{pipelines}/p/stages/a", json={"label": "Z", "metadata": {}}).json["metadata"] == {
        "isClosed": "false"
    }
    body = {"label": "New name", "displayOrder": 3, "stages": [{"label": "Fresh"}, {"label": "z "}]}
    after = web.put(f"{pipelines}/p", json=body)
    assert after.status_code == 200, after.text
    assert (after.json["label"], [one["label"] for one in after.json["stages"]]) == ("New name", ["Fresh", "z"])
    assert after.json["stages"][1]["id"] == "a"
    assert after.json["stages"][0]["id"].isdigit()
    second = web.post(pipelines, json={"label": "Second", "stages": []}).json
    assert [one["id"] for one in web.get(pipelines).json["results"]] == ["p", second["id"]]
    assert web.patch(f"{pipelines}/p", json={"displayOrder": 99}).status_code == 200
    assert [one["id"] for one in web.get(pipelines).json["results"]] == [second["id"], "p"]


def test_every_change_is_audited_and_told(web: Any, project: str, system: System) -> None:
    pipelines = f"/crm/v3/pipelines/{project}"
    web.patch(f"{pipelines}/p", json={"label": "Renamed"})
    web.patch(f"{pipelines}/p", json={"label": "Renamed"})
    web.delete(f"{pipelines}/p/stages/a")
    rows = web.get(f"{pipelines}/p/audit").json["results"]
    assert [(row["identifier"], row["action"]) for row in rows] == [
        ("a", "DELETE"), ("p", "UPDATE"), ("p", "UPDATE"), ("b", "CREATE"), ("a", "CREATE"), ("p", "CREATE"),
    ]  # fmt: skip
    assert rows[2]["rawObject"]["label"] == "Renamed"
    assert [row["action"] for row in web.get(f"{pipelines}/p/stages/a/audit").json["results"]] == ["DELETE", "CREATE"]
    events = _events(system, project)
    assert [one.kind for one in events if one.kind == "catalog.pipeline"] == ["catalog.pipeline"] * 3
    assert [one["id"] for one in events[-1].detail["stages"] if not one["archived"]] == ["b"]
    stage = [one for one in events if one.kind == "catalog.attribute" and one.detail["name"] == "hs_pipeline_stage"]
    assert [one["value"] for one in stage[-1].detail["options"]] == ["b"]


def _events(system: System, entity_type: str) -> list[Any]:
    found, after = [], None
    while True:
        page = Feed(system.runtime("workspace").db).read(after, types=(entity_type,)).page()
        found += page.events
        after = str(page.next)
        if page.up_to_date:
            return found


def test_pipelines_go_with_their_type(web: Any, project: str) -> None:
    assert web.delete(f"/crm/v3/schemas/{project}").status_code == 204
    assert web.delete(f"/crm/v3/schemas/{project}?archived=true").status_code == 204
    made = web.post("/api/v1/types", json={"name": project, "label": project})
    assert made.status_code == 201, made.text
    assert web.get(f"/crm/v3/pipelines/{project}").json == {"results": []}


BAD: list[tuple[str, str, Any, int]] = [
    ("POST", "", {}, 400),
    ("POST", "", {"label": 5.5, "stages": []}, 400),
    ("POST", "", {"label": "x" * 300, "stages": []}, 400),
    ("POST", "", {"label": "x", "stages": {}}, 400),
    ("POST", "", {"label": "x", "stages": [5]}, 400),
    ("POST", "", {"label": "x", "stages": [{"label": "a", "metadata": []}]}, 400),
    ("POST", "", {"label": "x", "stages": [{"label": "a", "metadata": {"k": [1]}}]}, 400),
    ("POST", "", {"label": "x", "stages": [{"label": "a"}] * 101}, 400),
    ("POST", "", {"label": "x", "displayOrder": "soon", "stages": []}, 400),
    ("POST", "", {"label": "x", "displayOrder": 2**40, "stages": []}, 400),
    ("POST", "", {"label": "x", "pipelineId": "a b", "stages": []}, 400),
    ("POST", "", {"label": "x", "pipelineId": "p", "stages": []}, 409),
    ("POST", "", {"label": "x", "stages": [{"label": "a", "stageId": "a"}]}, 409),
    ("POST", "", {"label": "x\x00", "stages": []}, 400),
    ("GET", "/nothing", None, 404),
    ("GET", "/nothing/stages", None, 404),
    ("GET", "/p/stages/nothing", None, 404),
    ("GET", "/nothing/audit", None, 404),
    ("GET", "/p/stages/nothing/audit", None, 404),
    ("PATCH", "/nothing", {"label": "x"}, 404),
    ("PATCH", "/p", {"archived": "perhaps"}, 400),
    ("PATCH", "/p?validateReferencesBeforeDelete=perhaps", {"label": "x"}, 400),
    ("PUT", "/p", {}, 400),
    ("PUT", "/p/stages/a", {}, 400),
    ("DELETE", "/nothing", None, 404),
    ("DELETE", "/p/stages/nothing", None, 404),
    ("POST", "/p/stages", {}, 400),
    ("POST", "/p/stages", {"label": "A"}, 409),
    ("POST", "/nothing/stages", {"label": "A"}, 404),
]


@pytest.mark.parametrize(("method", "path", "body", "status"), BAD)
def test_bad_requests(web: Any, project: str, method: str, path: str, body: Any, status: int) -> None:
    answer = web.open(f"/crm/v3/pipelines/{project}{path}", method=method, json=body)
    assert answer.status_code == status, answer.text
    assert answer.json["status"] == "error"


@pytest.mark.parametrize(
    ("scopes", "method", "path", "status"),
    [
        (["crm.objects.custom.read"], "GET", "", 200),
        (["crm.schemas.custom.read"], "GET", "/p", 200),
        (["crm.objects.contacts.read"], "GET", "", 403),
        (["crm.objects.custom.write"], "DELETE", "/p", 403),
        (["crm.schemas.custom.read"], "DELETE", "/p/stages/a", 403),
        (["crm.schemas.custom.write"], "DELETE", "/p/stages/a", 204),
    ],
)
def test_scopes(web: Any, system: System, project: str, scopes: list[str], method: str, path: str, status: int) -> None:
    token = web.post("/api/v1/tokens", json={"name": "t", "scopes": scopes}).json["token"]
    answer = system.client("workspace", token).open(f"/crm/v3/pipelines/{project}{path}", method=method)
    assert answer.status_code == status, answer.text


def test_native_doors(web: Any, project: str) -> None:
    path = f"/api/v1/types/{project}/pipelines"
    assert [one["id"] for one in web.get(path).json["results"]] == ["p"]
    assert web.get(f"{path}/p").json["stages"][1]["metadata"] == {"colour": "red", "isClosed": "true"}
    assert web.patch(f"{path}/p", json={"lable": "x"}).status_code == 400
    assert web.patch(f"{path}/p", json={"position": -1}).status_code == 400
    assert web.patch(f"{path}/p", json={"label": "Way"}).json["label"] == "Way"
    made = web.post(f"{path}/p/stages", json={"label": "C"})
    assert (made.status_code, made.json["position"]) == (201, 2)
    stage = f"{path}/p/stages/{made.json['id']}"
    assert web.patch(stage, json={"metadata": {"isClosed": "true"}}).json["closed"] is True
    assert web.delete(stage).status_code == 204
    described = {"label": "Way", "stages": [{"id": "b", "label": "B again"}, {"label": "A"}]}
    assert [one["id"] for one in web.put(f"{path}/p", json=described).json["stages"]] == ["b", "a"]
    assert web.delete(f"{path}/p?unused=true").status_code == 204
    assert web.get(f"{path}/p/changes").json["results"][0]["action"] == "DELETE"
