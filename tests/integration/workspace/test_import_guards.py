"""What imports do not let through: rights that nobody gave, and values of somebody who was erased.

An import needs the scopes that its writes would need one by one, wherever its mapping is said or obeyed.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable
from typing import Any

import pytest

from shared.kernel.json import dumps
from tests.integration.workspace.moving import Moving

WRITE = "crm.objects.contacts.write"
COMPANIES = "crm.objects.companies.write"
SCHEMAS = "crm.schemas.contacts.write"
EFFECTIVE = "crm.effective.write"
FILE = "Mail,Firm,Shoe,Since\nida@rights.example,Rights Ltd,41,2026-03-02\n"
PLAIN = {"columns": [{"column": "Mail", "attribute": "email"}], "key": {"column": "Mail", "attribute": "email"}}
LINK = {"links": [{"column": "Firm", "type": "companies", "attribute": "name", "missing": "create"}]}
MAKE = {"create_attributes": [{"name": "shoe", "type": "number"}]}
SINCE = {"effective_at": {"column": "Since"}}
ALL = {**PLAIN, **LINK, **MAKE, **SINCE}
EVERY = {COMPANIES, SCHEMAS, EFFECTIVE}
NEEDS: list[tuple[dict[str, Any], set[str]]] = [
    (LINK, {COMPANIES}), (MAKE, {SCHEMAS}), (SINCE, {EFFECTIVE}), ({**LINK, **MAKE, **SINCE}, EVERY), ({}, set()),
]  # fmt: skip


@pytest.fixture(scope="module")
def token(moving: Moving) -> Callable[..., str]:
    """Makes tokens."""

    def make(*scopes: str) -> str:
        body = {"name": "script", "scopes": scopes}
        return str(moving.ok(moving.client().post("/api/v1/tokens", json=body), 201)["token"])

    return make


@pytest.fixture(scope="module")
def weak(token: Callable[..., str]) -> str:
    return token(WRITE, "crm.objects.contacts.read")


def missing(answer: dict[str, Any]) -> set[str]:
    assert answer["category"] == "MISSING_SCOPES"
    return {one for error in answer["errors"] for one in error["context"]["requiredGranularScopes"]}


def test_a_mapping_is_refused_with_every_scope_that_is_missing(moving: Moving, weak: str):
    ident = moving.ready(FILE)["id"]
    for more, needs in NEEDS:
        asked = {**PLAIN, **more}
        answer = moving.upload(FILE, token=weak, status=403 if needs else 201, mapping=asked, run="dry")
        assert not needs or missing(answer) == needs
        mapped = moving.client(token=weak).put(f"/api/v1/imports/{ident}/mapping", json=asked)
        assert mapped.status_code == (403 if needs else 200)
        assert not needs or missing(mapped.get_json()) == needs
        assert (moving.get(ident)["mapping"] is None) == bool(needs)


def test_what_others_mapped_lends_no_rights(moving: Moving, weak: str, token: Callable[..., str]):
    ident = moving.ready(FILE)["id"]
    moving.put(ident, {**ALL, "create_attributes": [{"name": "shoe_size", "type": "number"}]})
    strong = token(WRITE, COMPANIES, SCHEMAS, EFFECTIVE)
    for verb in ("dry-run", "start"):
        refused = moving.client(token=weak).post(f"/api/v1/imports/{ident}/{verb}")
        assert (refused.status_code, missing(refused.get_json())) == (403, EVERY)
        moving.ok(moving.client(token=strong).post(f"/api/v1/imports/{ident}/{verb}"))
        moving.move()
    assert moving.get(ident)["run"]["created"] == 1
    refused = moving.client(token=weak).post(f"/api/v1/imports/{ident}/undo")
    assert (refused.status_code, missing(refused.get_json())) == (403, {COMPANIES})
    moving.ok(moving.client(token=token(WRITE, COMPANIES)).post(f"/api/v1/imports/{ident}/undo"))
    moving.move()
    assert moving.get(ident)["state"] == "undone"
    # What is there already is not made: it needs no right to make it.
    known = {**PLAIN, "create_attributes": [{"name": "shoe_size", "type": "number"}]}
    moving.upload(FILE, token=weak, mapping=known, run="dry")


def test_the_other_door_and_other_types_ask_for_the_same(moving: Moving, weak: str, token: Callable[..., str]):
    columns = [
        {"columnObjectTypeId": "0-1", "columnName": "Mail", "propertyName": "email"},
        {"columnObjectTypeId": "0-2", "columnName": "Firm", "propertyName": "name",
         "columnType": "HUBSPOT_ALTERNATE_ID"},
        {"columnObjectTypeId": "0-1", "columnName": "Since", "columnType": "EVENT_TIMESTAMP"},
    ]  # fmt: skip
    page = {"fileImportPage": {"hasHeader": True, "columnMappings": columns}}
    asked = dumps({"name": "x", "files": [{"fileName": "x.csv", **page}]})
    parts = ((b'name="importRequest"', asked), (b'name="files"; filename="x.csv"', FILE.encode()))
    head = b"--cut\r\nContent-Disposition: form-data; "
    body = b"".join(head + about + b"\r\n\r\n" + part + b"\r\n" for about, part in parts) + b"--cut--\r\n"
    kind = "multipart/form-data; boundary=cut"
    refused = moving.client(token=weak).post("/crm/v3/imports", data=body, content_type=kind)
    assert (refused.status_code, missing(refused.get_json())) == (403, {COMPANIES, EFFECTIVE})
    people = {"columns": [{"column": "Mail", "attribute": "email"}]}
    refused_people = moving.upload(FILE, token=weak, status=403, type="owners", mapping=people)
    assert "crm.owners.write" in missing(refused_people)
    moving.upload(FILE, token=token("crm.owners.write"), type="owners", mapping=people, run="dry")


def kept_texts(moving: Moving) -> str:
    """All that workspace keeps of imports."""
    tables = ("import_job", "import_sample", "import_error", "import_mapping", "outbox")
    with moving.runtime("workspace").db.connect() as connection:
        found = [str(row) for name in tables for row in connection.rows(f"select t::text from {name} t")]
        chunks = connection.rows("select payload, refused from import_chunk")
    packed = [gzip.decompress(one).decode() for row in chunks for one in row if one is not None]
    return "\n".join(found + packed)


def test_values_of_the_erased_go_from_every_import(moving: Moving):
    """Tried ones, ones that wait, ones of another type, and what is remembered of them."""
    file = "email,first_name,city\ntried@gone.example,Tess,Tuttlingen\nstays@gone.example,Stan,Speyer\n"
    run = moving.ready(file)["id"]
    moving.put(run, moving.get(run, "/profile")["proposal"])
    moving.do(run, "start")
    tried = moving.ready(file.replace("Tuttlingen", "Teltow").replace("Speyer", "Schwerte"))["id"]
    mapping = moving.get(tried, "/profile")["proposal"]
    mapping["columns"][2]["values"] = {"tried@gone.example": "Ulm"}
    moving.put(tried, mapping)
    moving.do(tried, "dry-run")
    samples = moving.get(tried, "/samples")["results"]
    waits = moving.ready("Who,Where\nTess <tried@gone.example>,Torgau\nSomebody,Soest\n")["id"]
    firms = "name,Contact\nGone Ltd,tried@gone.example\nStay Ltd,stays@gone.example;tried@gone.example\n"
    other = moving.ready(firms, type="companies")["id"]
    moving.put(other, {"columns": [{"column": "name", "attribute": "name"}], "links": [
        {"column": "Contact", "type": "contacts", "attribute": "email"}]})  # fmt: skip
    assert moving.do(other, "start")["run"]["created"] == 2
    (ident,) = (one["id"] for one in samples if one["line"] == 2)
    erased = moving.client("contacts").post("/crm/v3/objects/contacts/gdpr-delete", json={"objectId": ident})
    assert erased.status_code == 204
    moving.move()
    left = kept_texts(moving)
    for text in ("tried@gone.example", "Tess", "Tuttlingen", "Teltow", "Torgau"):
        assert text not in left, text
    for text in ("stays@gone.example", "Stan", "Somebody", "Gone Ltd", "Stay Ltd"):
        assert text in left, text
    assert [one["line"] for one in moving.get(tried, "/samples")["results"]] == [3]
    for one in (tried, waits, other):
        assert all(not column["samples"] for column in moving.get(one, "/profile")["columns"])
    again = moving.do(tried, "start")["run"]
    assert (again["rows"], again["updated"], again["rejected"]) == (2, 1, 1)


def test_what_is_kept_out_does_not_stay_with_the_file_that_brought_it(moving: Moving):
    body = {"objectId": "back@gone.example", "idProperty": "email"}
    assert moving.client("contacts").post("/crm/v3/objects/contacts/gdpr-delete", json=body).status_code == 204
    moving.move()
    file = "email,first_name\nBack@Gone.example,Bert\nnew@gone.example,Nele\n"
    made = moving.ready(file)["id"]
    mapping = {**PLAIN, "columns": [{"column": one, "attribute": one} for one in ("email", "first_name")]}
    moving.put(made, {**mapping, "key": {"column": "email", "attribute": "email"}})
    assert moving.do(made, "dry-run")["dry"]["rejected"] == 1
    run = moving.do(made, "start")["run"]
    assert (run["created"], run["rejected"]) == (1, 1)
    firms = "name,Contact\nBerts Ltd,back@gone.example\n"
    linked = moving.ready(firms, type="companies")["id"]
    link = {"column": "Contact", "type": "contacts", "attribute": "email", "missing": "create"}
    moving.put(linked, {"columns": [{"column": "name", "attribute": "name"}], "links": [link]})
    assert moving.do(linked, "start")["run"]["rejected"] == 1
    for one in (made, linked):
        answer = moving.client().get(f"/api/v1/imports/{one}/errors?format=csv")
        assert "back@gone.example" not in answer.text.lower()
        assert "Bert," not in answer.text
        assert "back@gone" not in str(moving.get(one, "/profile")).lower()
    assert "Berts Ltd" in answer.text
    left = kept_texts(moving).lower()
    assert "back@gone.example" not in left
    assert "nele" in left
