"""Links and relations through the native doors; who may do what, through every door; bad requests."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from shared.service.label_events import copy_details
from tests.integration.service.conftest import System, follow, follow_relations

OBJECTS, RELATIONS = "/api/v1/objects", "/api/v1/relations"
V4 = "/crm/v4/associations"
PLAIN, PRIMARY = {"associationTypeId": 279}, {"associationTypeId": 1}


@pytest.fixture
def web(system: System) -> Any:
    return system.client("contacts")


@pytest.fixture(scope="module")
def pair(system: System) -> tuple[str, str]:
    """A contact and a company that are not linked."""
    web = system.client("contacts")
    return make(web, "contact"), make(web, "company")


def make(web: Any, kind: str, **body: Any) -> str:
    made = web.post(f"{OBJECTS}/{kind}", json=body)
    assert made.status_code == 201, made.text
    return str(made.json["id"])


def names(web: Any, contact: str) -> dict[str, list[str]]:
    """Linked companies with the names of relations."""
    found = web.get(f"{OBJECTS}/contacts/{contact}/links/companies").json["results"]
    assert {one["type"] for one in found} <= {"company"}
    return {one["id"]: [each["name"] for each in one["relations"]] for one in found}


def test_linking_and_undoing(web: Any, system: System) -> None:
    contact, company, second = make(web, "contact"), make(web, "company"), make(web, "company")
    path = f"{OBJECTS}/contact/{contact}/links/company"
    done = web.put(f"{path}/{company}")
    assert (done.status_code, done.json["new"]) == (200, True), done.text
    assert [one["name"] for one in done.json["relations"]] == ["contact_to_company", "contact_to_company_primary"]
    assert web.put(f"{path}/{company}", json={}).json["new"] is False
    assert web.put(f"{path}/{second}", json={"relations": ["primary"]}).json["relations"][1]["id"] == 1
    assert names(web, contact) == {
        company: ["contact_to_company"],
        second: ["contact_to_company", "contact_to_company_primary"],
    }
    assert web.delete(f"{path}/{second}?relations=Primary").status_code == 204
    assert names(web, contact)[second] == ["contact_to_company"]
    assert web.delete(f"{path}/{second}").status_code == 204
    assert web.delete(f"{path}/{second}").status_code == 204
    assert list(names(web, contact)) == [company]
    label = f"supplies_{uuid.uuid4().hex[:6]}"
    body = {"from": "contacts", "to": "0-2", "name": label, "label": label.title()}
    made = system.client("workspace").post(RELATIONS, json=body)
    assert made.status_code == 201, made.text
    assert web.put(f"{path}/{company}", json={"relations": [label.upper()]}).status_code == 200
    assert names(web, contact)[company] == ["contact_to_company", label]
    assert web.put(f"{path}/{company}").json["new"] is False
    assert names(web, contact)[company][-1] == label
    assert web.put(f"{path}/{company}", json={"relations": []}).status_code == 200
    assert label not in names(web, contact)[company]


def test_paging(web: Any) -> None:
    company = make(web, "company")
    links = [{"type": "companies", "id": company}]
    contacts = [make(web, "contact", values={"first_name": str(n)}, links=links) for n in range(5)]
    path, seen, cursor = f"{OBJECTS}/company/{company}/links/contacts", [], ""
    while True:
        page = web.get(f"{path}?limit=2{cursor}").json
        seen += [one["id"] for one in page["results"]]
        if "next_cursor" not in page:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert seen == contacts


def test_writing_with_links(web: Any) -> None:
    company, second = make(web, "company"), make(web, "company")
    links = [{"type": "company", "id": company}, {"type": "company", "id": int(second), "relations": ["Primary"]}]
    contact = make(web, "contact", values={"first_name": "Ada"}, links=links)
    assert names(web, contact) == {
        company: ["contact_to_company"],
        second: ["contact_to_company", "contact_to_company_primary"],
    }
    other = make(web, "company")
    changed = web.patch(f"{OBJECTS}/contact/{contact}", json={"links": [{"type": "company", "id": other}]})
    assert (changed.status_code, changed.json["version"]) == (200, 1)
    assert set(names(web, contact)) == {company, second, other}
    email = f"{uuid.uuid4().hex}@example.org"
    body = {"by": "email", "inputs": [{"values": {"email": email}, "links": links}]}
    made = web.post(f"{OBJECTS}/contact/batch/upsert", json=body)
    assert made.status_code == 200, made.text
    assert set(names(web, made.json["results"][0]["id"])) == {company, second}
    lost = [{"type": "company", "id": "999999999"}]
    body = {
        "inputs": [{"values": {"first_name": "x"}, "links": lost}, {"values": {"first_name": "y"}}],
        "partial": True,
    }
    made = web.post(f"{OBJECTS}/contact/batch/create", json=body)
    assert (made.status_code, len(made.json["results"]), made.json["errors"][0]["index"]) == (207, 1, 0)
    assert web.post(f"{OBJECTS}/contact", json={"links": lost}).status_code == 404


@pytest.mark.parametrize(
    ("links", "status"),
    [
        ("x", 400),
        ([5], 400),
        ([{}], 400),
        ([{"type": "company"}], 400),
        ([{"type": 5, "id": "1"}], 400),
        ([{"type": "company", "id": True}], 400),
        ([{"type": "company", "id": "1", "label": "x"}], 400),
        ([{"type": "company", "id": "1", "relations": "x"}], 400),
        ([{"type": "company", "id": "1", "relations": [True]}], 400),
        ([{"type": "company", "id": "1", "relations": ["nothing"]}], 400),
        ([{"type": "company", "id": "1", "relations": [4]}], 400),
        ([{"type": "company", "id": "x"}], 404),
        ([{"type": "nothing", "id": "1"}], 404),
        ([{"type": "order", "id": "1"}], 400),
        ([{"type": "company", "id": "1"}] * 1001, 400),
    ],
)
def test_wrong_links_of_a_body(web: Any, links: Any, status: int) -> None:
    refused = web.post(f"{OBJECTS}/contact", json={"links": links})
    assert refused.status_code == status, refused.text
    assert refused.json["status"] == "error"


def test_relations(system: System) -> None:
    web = system.client("workspace")
    name = f"r{uuid.uuid4().hex[:8]}"
    body = {"from": "contact", "to": "ticket", "name": name, "label": f"Asks {name}", "inverse_label": f"Asked {name}"}
    made = web.post(RELATIONS, json=body).json["results"]
    assert [(one["from"], one["to"], one["inverse"]) for one in made] == [
        ("contact", "ticket", made[1]["id"]),
        ("ticket", "contact", made[0]["id"]),
    ]
    path = f"{RELATIONS}/{made[0]['id']}"
    assert web.get(path).json == made[0]
    changed = web.patch(path, json={"label": f"Wants {name}", "limit": 5})
    assert (changed.json["label"], changed.json["limit"]) == (f"Wants {name}", 5)
    assert web.get(f"{RELATIONS}/{made[1]['id']}").json["label"] == f"Asked {name}"
    assert web.patch(path, json={"inverse_label": f"Is wanted {name}"}).json["label"] == f"Wants {name}"
    assert web.patch(path, json={"limit": None}).json["limit"] is None
    listed = web.get(f"{RELATIONS}?from=contacts&to=tickets").json["results"]
    assert [one["id"] for one in listed] == [15, made[0]["id"]]
    assert made[0]["id"] in [one["id"] for one in web.get(RELATIONS).json["results"]]
    same = web.post(RELATIONS, json={"from": "contact", "to": "contact", "name": name, "label": f"Knows {name}"}).json
    assert [(one["id"] == one["inverse"]) for one in same["results"]] == [True]
    for one in (path, f"{RELATIONS}/{same['results'][0]['id']}"):
        assert web.delete(one).status_code == 204
        assert web.get(one).status_code == 404
    assert web.delete(f"{RELATIONS}/279").status_code == 400


BAD_RELATIONS: list[tuple[str, str, Any, int]] = [
    ("POST", "", {}, 400),
    ("POST", "", {"from": "contact", "to": "company", "name": "a b", "label": "x"}, 400),
    ("POST", "", {"from": "contact", "to": "company", "name": "a", "label": "x" * 101}, 400),
    ("POST", "", {"from": "contact", "to": "nothing", "name": "a", "label": "x"}, 404),
    ("POST", "", {"from": "contact", "to": "company", "name": "a", "label": "primary"}, 409),
    ("POST", "", {"from": "contact", "to": "company", "nam": "a"}, 400),
    ("PATCH", "/279", {"limit": 0}, 400),
    ("PATCH", "/279", {"limit": "x"}, 400),
    ("PATCH", "/279", {"label": "x"}, 400),
    ("GET", "/5000", None, 404),
    ("GET", "/x", None, 404),
    ("GET", "?from=contact", None, 400),
    ("DELETE", "/99999999999999999999", None, 404),
]


@pytest.mark.parametrize(("method", "path", "body", "status"), BAD_RELATIONS)
def test_bad_relations(system: System, method: str, path: str, body: Any, status: int) -> None:
    answer = system.client("workspace").open(f"{RELATIONS}{path}", method=method, json=body)
    assert answer.status_code == status, answer.text
    assert answer.json["status"] == "error"


def test_a_copy_that_begins_late_becomes_what_there_is(system: System) -> None:
    workspace, contacts = system.client("workspace"), system.runtime("contacts")
    name = f"r{uuid.uuid4().hex[:8]}"
    body = {"from": "contact", "to": "company", "name": name, "label": name}
    ident = workspace.post(RELATIONS, json=body).json["results"][0]["id"]
    follow_relations(system)
    assert ident in contacts.links.known([ident])
    details = workspace.get(f"{RELATIONS}?details=true").json["results"]
    with contacts.db.transaction() as connection:
        copy_details(connection, [one for one in details if one["name"] != name])
    contacts.engine.relations.refresh()
    assert contacts.engine.relations.get(ident) is None
    with contacts.db.transaction() as connection:
        copy_details(connection, details)
        copy_details(connection, details)
    contacts.engine.relations.refresh()
    assert contacts.engine.relations.get(ident).name == name


READS, WRITES = "crm.objects.contacts.read", "crm.objects.contacts.write"
BOTH_READ, BOTH_WRITE = [READS, "crm.objects.companies.read"], [WRITES, "crm.objects.companies.write"]
LINK, LIST = "/crm/v4/objects/contacts/{a}/associations/{kind}/{b}", "/crm/v4/objects/contacts/{a}/associations/{kind}"
ENDS = {"from": {"id": "{a}"}, "to": {"id": "{b}"}}
FULL = {"inputs": [{**ENDS, "types": [PLAIN]}]}
NATIVE = "/api/v1/objects/contact/{a}/links/company"
SURFACES: list[tuple[str, str, Any, bool]] = [
    ("PUT", "/crm/v4/objects/contacts/{a}/associations/default/companies/{b}", None, True),
    ("PUT", LINK.replace("{kind}", "companies"), [PLAIN], True),
    ("DELETE", LINK.replace("{kind}", "companies"), None, True),
    ("POST", f"{V4}/contacts/companies/batch/create", FULL, True),
    ("POST", f"{V4}/contacts/companies/batch/associate/default", {"inputs": [ENDS]}, True),
    ("POST", f"{V4}/contacts/companies/batch/archive", {"inputs": [{**ENDS, "to": [{"id": "{b}"}]}]}, True),
    ("POST", f"{V4}/contacts/companies/batch/labels/archive", FULL, True),
    ("POST", "/crm/v3/associations/contacts/companies/batch/create", {"inputs": [{**ENDS, "type": "279"}]}, True),
    ("POST", "/crm/v3/associations/contacts/companies/batch/archive", {"inputs": [{**ENDS, "type": "279"}]}, True),
    ("POST", "/crm/v3/objects/contacts", {"associations": [{"to": {"id": "{b}"}, "types": [PLAIN]}]}, True),
    ("PUT", f"{NATIVE}/{{b}}", {}, True),
    ("DELETE", f"{NATIVE}/{{b}}", None, True),
    ("POST", "/api/v1/objects/contact", {"links": [{"type": "company", "id": "{b}"}]}, True),
    ("GET", LIST.replace("{kind}", "companies"), None, False),
    ("GET", LIST.replace("{kind}", "companies").replace("v4", "v3"), None, False),
    ("POST", f"{V4}/contacts/companies/batch/read", {"inputs": [{"id": "{a}"}]}, False),
    ("POST", "/crm/v3/associations/contacts/companies/batch/read", {"inputs": [{"id": "{a}"}]}, False),
    ("GET", "/crm/v3/associations/contacts/companies/types", None, False),
    ("POST", "/crm/v3/objects/contacts/search",
     {"filters": [{"propertyName": "associations.company", "operator": "EQ", "value": "1"}]}, False),
    ("GET", NATIVE, None, False),
]  # fmt: skip


def _filled(value: Any, a: str, b: str) -> Any:
    if isinstance(value, str):
        return value.replace("{a}", a).replace("{b}", b)
    if isinstance(value, list):
        return [_filled(one, a, b) for one in value]
    return {key: _filled(one, a, b) for key, one in value.items()} if isinstance(value, dict) else value


@pytest.mark.parametrize(("method", "path", "body", "writes"), SURFACES)
def test_both_ends_need_rights(
    system: System, pair: tuple[str, str], method: str, path: str, body: Any, writes: bool
) -> None:
    own, both = ([WRITES], BOTH_WRITE) if writes else ([READS], BOTH_READ)
    other = [*both[:1], BOTH_READ[1]] if writes else both[1:]
    for scopes, allowed in ((own, False), (other, False), (both, True)):
        asked = system.client("contacts", _token(system, scopes))
        answer = asked.open(_filled(path, *pair), method=method, json=_filled(body, *pair))
        if allowed:
            assert answer.status_code < 300, answer.text
        else:
            assert (answer.status_code, answer.json["category"]) == (403, "MISSING_SCOPES"), (scopes, answer.text)


def _token(system: System, scopes: list[str]) -> str:
    made = system.client("workspace").post("/api/v1/tokens", json={"name": "t", "scopes": scopes})
    assert made.status_code == 201, made.text
    follow(system.runtime("workspace").db, system.runtime("contacts").db)  # unknown ones are asked for rarely
    return str(made.json["token"])


def test_links_that_one_may_not_read_are_left_out_of_records(system: System, web: Any) -> None:
    company = make(web, "company")
    contact = make(web, "contact", links=[{"type": "company", "id": company}])
    path = f"/crm/v3/objects/contacts/{contact}?associations=companies"
    assert web.get(path).json["associations"]
    assert system.client("contacts", _token(system, [READS])).get(path).json["associations"] == {}


@pytest.mark.parametrize(
    ("scopes", "status"),
    [
        (["crm.schemas.contacts.write", "crm.schemas.companies.write"], 200),
        (["crm.schemas.contacts.write", "crm.schemas.companies.read"], 403),
        (["crm.objects.contacts.write", "crm.objects.companies.write"], 403),
    ],
)
def test_labels_need_the_right_to_define_both(system: System, scopes: list[str], status: int) -> None:
    asked = system.client("workspace", _token(system, scopes))
    body = {"name": f"r{uuid.uuid4().hex[:8]}", "label": uuid.uuid4().hex}
    assert asked.post(f"{V4}/contacts/companies/labels", json=body).status_code == status


SPEC = {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 279}
BAD: list[tuple[str, str, Any, int]] = [
    ("GET", "/crm/v4/objects/contacts/{a}/associations/nothing", None, 404),
    ("GET", "/crm/v4/objects/contacts/999999999/associations/companies", None, 404),
    ("GET", "/crm/v4/objects/contacts/x/associations/companies", None, 404),
    ("GET", "/crm/v4/objects/contacts/{a}/associations/companies?after=x", None, 400),
    ("GET", "/crm/v4/objects/contacts/{a}/associations/companies?limit=0", None, 400),
    ("PUT", "/crm/v4/objects/contacts/{a}/associations/companies/{b}", None, 400),
    ("PUT", "/crm/v4/objects/contacts/{a}/associations/companies/{b}", {}, 400),
    ("PUT", "/crm/v4/objects/contacts/{a}/associations/companies/{b}", [], 400),
    ("PUT", "/crm/v4/objects/contacts/{a}/associations/companies/{b}", [5], 400),
    ("PUT", "/crm/v4/objects/contacts/{a}/associations/companies/{b}", [{}], 400),
    ("PUT", "/crm/v4/objects/contacts/{a}/associations/companies/{b}", [{"associationTypeId": "x"}], 400),
    ("PUT", "/crm/v4/objects/contacts/{a}/associations/companies/{b}", [{"associationTypeId": 10**12}], 400),
    ("PUT", "/crm/v4/objects/contacts/{a}/associations/companies/{b}", [{**SPEC, "associationCategory": "MINE"}], 400),
    ("PUT", "/crm/v4/objects/contacts/{a}/associations/companies/{b}", [{**SPEC, "associationTypeId": 280}], 400),
    ("PUT", "/crm/v4/objects/contacts/{a}/associations/companies/{b}", [{**SPEC, "associationTypeId": 77777}], 400),
    ("PUT", "/crm/v4/objects/contacts/{a}/associations/companies/999999999", [SPEC], 404),
    ("PUT", "/crm/v4/objects/contacts/{a}/associations/companies/x", [SPEC], 404),
    ("PUT", "/crm/v4/objects/contacts/999999999/associations/default/companies/{b}", None, 404),
    ("PUT", "/crm/v4/objects/contacts/{a}/associations/default/orders/1", None, 400),
    ("PUT", "/crm/v4/objects/contacts/{a}/associations/default/nothing/1", None, 404),
    ("PUT", "/crm/v4/objects/contacts/{a}/associations/default/contacts/{a}", None, 400),
    ("DELETE", "/crm/v4/objects/contacts/{a}/associations/nothing/1", None, 404),
    ("DELETE", "/crm/v4/objects/contacts/{a}/associations/companies/x", None, 400),
    ("POST", f"{V4}/contacts/companies/batch/read", {}, 400),
    ("POST", f"{V4}/contacts/companies/batch/read", {"inputs": [{}]}, 400),
    ("POST", f"{V4}/contacts/companies/batch/read", {"inputs": [{"id": "x"}]}, 400),
    ("POST", f"{V4}/contacts/companies/batch/read", {"inputs": [{"id": "1", "after": "x"}]}, 400),
    ("POST", f"{V4}/contacts/companies/batch/read", {"inputs": [{"id": "1"}] * 1001}, 400),
    ("POST", f"{V4}/contacts/nothing/batch/read", {"inputs": [{"id": "1"}]}, 404),
    ("POST", f"{V4}/contacts/companies/batch/create", {"inputs": [ENDS]}, 400),
    ("POST", f"{V4}/contacts/companies/batch/create", {"inputs": [{**ENDS, "types": [{"associationTypeId": 3}]}]}, 400),
    ("POST", f"{V4}/contacts/companies/batch/create", {"inputs": [{"from": "x", "to": 5, "types": [SPEC]}]}, 400),
    ("POST", f"{V4}/contacts/companies/batch/create", {"inputs": [{**ENDS, "types": [SPEC]}] * 2001}, 400),
    ("POST", f"{V4}/contacts/orders/batch/associate/default", {"inputs": [ENDS]}, 400),
    ("POST", f"{V4}/contacts/companies/batch/archive", {"inputs": [{"from": {"id": "1"}, "to": {"id": "2"}}]}, 400),
    ("POST", f"{V4}/contacts/companies/batch/labels/archive", {"inputs": [ENDS]}, 400),
    ("POST", "/crm/v3/associations/contacts/companies/batch/create", {"inputs": [{**ENDS, "type": "friends"}]}, 400),
    ("POST", "/crm/v3/associations/contacts/companies/batch/create", {"inputs": [ENDS]}, 400),
    ("GET", "/crm/v3/associations/contacts/nothing/types", None, 404),
]


@pytest.mark.parametrize(("method", "path", "body", "status"), BAD)
def test_bad_requests(web: Any, pair: tuple[str, str], method: str, path: str, body: Any, status: int) -> None:
    answer = web.open(_filled(path, *pair), method=method, json=_filled(body, *pair))
    assert answer.status_code == status, answer.text
    assert answer.json["status"] == "error"
    assert answer.json["message"]


BAD_LABELS: list[tuple[str, str, Any, int]] = [
    ("GET", "/contacts/nothing/labels", None, 404),
    ("POST", "/contacts/companies/labels", {}, 400),
    ("POST", "/contacts/companies/labels", {"name": "x"}, 400),
    ("POST", "/contacts/companies/labels", {"name": "x y", "label": "x"}, 400),
    ("POST", "/contacts/companies/labels", {"name": "x", "label": "PRIMARY"}, 409),
    ("PUT", "/contacts/companies/labels", {"associationTypeId": 279, "label": "x"}, 400),
    ("PUT", "/contacts/companies/labels", {"associationTypeId": 77777, "label": "x"}, 404),
    ("PUT", "/contacts/companies/labels", {"label": "x"}, 400),
    ("DELETE", "/contacts/companies/labels/279", None, 400),
    ("DELETE", "/contacts/companies/labels/77777", None, 404),
    ("DELETE", "/contacts/companies/labels/x", None, 404),
    ("GET", "/definitions/configurations/contacts/nothing", None, 404),
    ("POST", "/definitions/configurations/contacts/companies/batch/create", {"inputs": [{"typeId": 279}]}, 400),
    ("POST", "/definitions/configurations/contacts/companies/batch/create",
     {"inputs": [{"typeId": 280, "maxToObjectIds": 5}]}, 400),
    ("POST", "/definitions/configurations/contacts/companies/batch/update",
     {"inputs": [{"typeId": 279, "maxToObjectIds": 0}]}, 400),
    ("POST", "/definitions/configurations/contacts/companies/batch/purge", {"inputs": [{"category": "MINE"}]}, 400),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path", "body", "status"), BAD_LABELS)
def test_bad_labels(system: System, method: str, path: str, body: Any, status: int) -> None:
    answer = system.client("workspace").open(f"{V4}{path}", method=method, json=body)
    assert answer.status_code == status, answer.text
    assert answer.json["status"] == "error"
