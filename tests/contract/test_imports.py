"""Imports through the official SDK: from the file to the records, errors, cancelling; and the edges of the wire."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import hubspot.crm.contacts as contacts
import hubspot.crm.imports as imports
import pytest

from deploy.local.waiting import wait_until
from shared.service.web.dialect import imports as words
from tests.contract.serving import System

SECONDS = 90


@pytest.fixture(scope="module", autouse=True)
def workers(system: System) -> None:
    """Imports need who works."""
    system.begin("worker")
    system.begin("scheduler")


def column(name: str, attribute: str | None, kind: str | None = None, **more: Any) -> dict[str, Any]:
    told = {"columnObjectTypeId": "0-1", "columnName": name, "propertyName": attribute, "columnType": kind}
    return {**{key: value for key, value in told.items() if key == "propertyName" or value is not None}, **more}


def asked(*columns: dict[str, Any], name: str = "people.csv", **more: Any) -> str:
    page = {"hasHeader": True, "columnMappings": list(columns)}
    file = {"fileName": name, "fileFormat": "CSV", "fileImportPage": page}
    return json.dumps({"name": "a test", "files": [file], **more})


def start(sdk: Any, tmp_path: Path, text: str, request: str) -> Any:
    path = tmp_path / "people.csv"
    path.write_text(text)
    return sdk.crm.imports.core_api.create(files=str(path), import_request=request)


def done(sdk: Any, ident: str) -> Any:
    def ended() -> bool:
        return sdk.crm.imports.core_api.get_by_id(ident).state in ("DONE", "FAILED", "CANCELED")

    assert wait_until(ended, SECONDS), sdk.crm.imports.core_api.get_by_id(ident)
    return sdk.crm.imports.core_api.get_by_id(ident)


def test_a_file_becomes_contacts(sdk: Any, tmp_path: Path, unique: str) -> None:
    text = f"First,Mail,Since\nAnn,{unique}1@example.org,1/31/2026\nBob,{unique}2@example.org,2/1/2026\n"
    request = asked(
        column("First", "firstname"),
        column("Mail", "email", "HUBSPOT_ALTERNATE_ID"),
        column("Since", None),
        importOperations={"0-1": "UPSERT"},
        dateFormat="MONTH_DAY_YEAR",
    )
    made = start(sdk, tmp_path, text, request)
    assert (made.state, made.import_name, made.import_source) == ("STARTED", "a test", "API")
    assert (made.mapped_object_type_ids, made.opt_out_import) == (["0-1"], False)
    found = done(sdk, made.id)
    assert (found.state, found.id) == ("DONE", made.id)
    counters = found.metadata.counters
    assert {name: counters[name] for name in ("TOTAL_ROWS", "CREATED_OBJECTS", "UPDATED_OBJECTS", "ERRORS")} == {
        "TOTAL_ROWS": 2, "CREATED_OBJECTS": 2, "UPDATED_OBJECTS": 0, "ERRORS": 0,
    }  # fmt: skip
    assert found.import_request_json == json.loads(request)
    record = sdk.crm.contacts.basic_api.get_by_id(f"{unique}1@example.org", id_property="email")
    assert record.properties["firstname"] == "Ann"
    again = done(sdk, start(sdk, tmp_path, text.replace("Ann", "Anna"), request).id)
    assert (again.metadata.counters["CREATED_OBJECTS"], again.metadata.counters["UPDATED_OBJECTS"]) == (0, 1)


def test_a_bad_row_does_not_stop_the_others(sdk: Any, tmp_path: Path, unique: str) -> None:
    text = f"Mail,Name\nnot an address,A\n{unique}@example.org,B\ntoo,many,cells\n"
    request = asked(column("Mail", "email", "HUBSPOT_ALTERNATE_ID"), column("Name", "firstname"))
    found = done(sdk, start(sdk, tmp_path, text, request).id)
    assert (found.state, found.metadata.counters["CREATED_OBJECTS"], found.metadata.counters["ERRORS"]) == (
        "DONE",
        1,
        2,
    )
    api = sdk.crm.imports.public_imports_api
    page = api.get_errors(found.id, include_error_message=True, include_row_data=True)
    first, second = page.results
    assert (first.error_type, first.invalid_value, first.known_column_number) == ("INVALID_EMAIL", "not an address", 1)
    assert (first.source_data.line_number, first.source_data.row_data) == (2, ["not an address", "A"])
    assert first.source_data.file_id == int(found.id)
    assert first.created_at > 1_600_000_000_000
    assert (first.object_type_id, first.error_message) == ("0-1", "not an e-mail address")
    assert (second.error_type, second.source_data.line_number) == ("INCORRECT_NUMBER_OF_COLUMNS", 4)
    bare = api.get_errors(found.id, limit=1)
    assert (bare.results[0].error_message, bare.results[0].source_data.row_data) == (None, [])
    following = api.get_errors(found.id, after=bare.paging.next.after)
    assert [one.id for one in following.results] == [second.id]


def test_associations_by_alternate_id_are_made(sdk: Any, tmp_path: Path, unique: str) -> None:
    text = f"Mail,Firm\n{unique}@example.org,{unique}.example.com\n"
    firm = column("Firm", "domain", "HUBSPOT_ALTERNATE_ID", columnObjectTypeId="0-2")
    found = done(sdk, start(sdk, tmp_path, text, asked(column("Mail", "email", "HUBSPOT_ALTERNATE_ID"), firm)).id)
    assert found.state == "DONE"
    record = sdk.crm.contacts.basic_api.get_by_id(
        f"{unique}@example.org", id_property="email", associations=["companies"]
    )
    (company,) = {one.id for one in record.associations["companies"].results}
    assert sdk.crm.companies.basic_api.get_by_id(company).properties["domain"] == f"{unique}.example.com"


def test_updates_by_record_id(sdk: Any, tmp_path: Path, unique: str) -> None:
    made = sdk.crm.contacts.basic_api.create(
        contacts.SimplePublicObjectInputForCreate(properties={"firstname": "Old"}, associations=[])
    )
    text = f"Record ID,First\n{made.id},New{unique}\n999999999,Nobody\n"
    request = asked(column("Record ID", None, "HUBSPOT_OBJECT_ID"), column("First", "firstname"))
    found = done(sdk, start(sdk, tmp_path, text, request).id)
    assert (found.metadata.counters["UPDATED_OBJECTS"], found.metadata.counters["ERRORS"]) == (1, 1)
    assert sdk.crm.contacts.basic_api.get_by_id(made.id).properties["firstname"] == f"New{unique}"


def test_listing_and_cancelling(sdk: Any, tmp_path: Path, unique: str) -> None:
    request = asked(column("Mail", "email", "HUBSPOT_ALTERNATE_ID"))
    made = [start(sdk, tmp_path, f"Mail\n{unique}{n}@example.org\n", request) for n in range(3)]
    ids = [int(one.id) for one in made]
    first = sdk.crm.imports.core_api.get_page(after=str(ids[0] - 1), limit=2)
    assert [int(one.id) for one in first.results] == ids[:2]
    second = sdk.crm.imports.core_api.get_page(after=first.paging.next.after, limit=2)
    assert [int(one.id) for one in second.results] == ids[2:]
    assert second.paging is None
    before = sdk.crm.imports.core_api.get_page(before=str(ids[2]), limit=2)
    assert [int(one.id) for one in before.results] == ids[:2]
    answer = _canceled(sdk, made[2].id)
    assert answer is None or answer.status == "COMPLETE"
    for one in made:
        assert done(sdk, one.id).state in ("DONE", "CANCELED")


def _canceled(sdk: Any, ident: str) -> Any:
    try:
        return sdk.crm.imports.core_api.cancel(ident)
    except imports.ApiException as error:  # it was faster
        if error.status != 409:
            raise
        return None


def test_a_mapping_that_does_not_fit_fails_the_import(sdk: Any, tmp_path: Path) -> None:
    found = done(sdk, start(sdk, tmp_path, "Mail\na@example.org\n", asked(column("E-Mail", "email"))).id)
    assert found.state == "FAILED"


@pytest.mark.parametrize(
    ("request_text", "words"),
    [
        ("", "importRequest"),
        ("{", "not valid JSON"),
        ("{}", "files"),
        (asked(), "columnMappings"),
        (asked(column("X", "email", columnObjectTypeId=None)), "columnObjectTypeId"),
        (asked(column("X", "name"), importOperations={"0-1": "UPDATE"}), "HUBSPOT_ALTERNATE_ID"),
        (asked(column("X", "email"), column("Y", "name", columnObjectTypeId="0-2")), "one object type per file"),
    ],
)
def test_bad_requests(http: httpx.Client, request_text: str, words: str) -> None:
    data = {"importRequest": request_text} if request_text else {}
    answer = http.post("/crm/v3/imports/", data=data, files={"files": ("a.csv", b"X\n1\n", "text/csv")})
    assert answer.status_code == 400, answer.text
    assert words in answer.text


def test_the_file_may_come_before_its_request(http: httpx.Client, unique: str) -> None:
    request = asked(column("Mail", "email", "HUBSPOT_ALTERNATE_ID"))
    parts = [
        ("files", ("../../etc/passwd", f"Mail\n{unique}@example.org\n".encode(), "image/png")),
        ("importRequest", (None, request)),
    ]
    answer = http.post("/crm/v3/imports", files=parts)
    assert answer.status_code == 200, answer.text
    assert http.get(f"/api/v1/imports/{answer.json()['id']}").json()["file"]["name"] == "passwd"


def test_what_is_no_upload(http: httpx.Client) -> None:
    assert http.post("/crm/v3/imports", json={}).status_code == 415
    assert (
        http.post("/crm/v3/imports", data={"importRequest": asked(column("X", "email"))}, files={}).status_code == 415
    )
    fields = {"importRequest": (None, asked(column("X", "email")))}
    assert "a file is required" in http.post("/crm/v3/imports", files=fields).text
    parts = [("importRequest", (None, asked(column("X", "email")))), ("files", ("a", b"1")), ("files", ("b", b"2"))]
    answer = http.post("/crm/v3/imports", files=parts)
    assert (answer.status_code, "One file at a time" in answer.text) == (400, True)
    broken = b'--x\r\nContent-Disposition: form-data; name="files"; filename="a"\r\n\r\nabc'
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    assert http.post("/crm/v3/imports", content=broken, headers=headers).status_code == 400


@pytest.mark.parametrize("ident", ["999999", "x", "9" * 40, "%F0%9F%98%80"])
def test_unknown_ids(http: httpx.Client, ident: str) -> None:
    for method, path in (("GET", ""), ("POST", "/cancel"), ("GET", "/errors")):
        assert http.request(method, f"/crm/v3/imports/{ident}{path}").status_code == 404


def test_rights(system: System, http: httpx.Client) -> None:
    made = http.post("/api/v1/tokens", json={"name": "reader", "scopes": ["crm.objects.contacts.read"]}).json()
    with httpx.Client(
        base_url=system.url, headers={"Authorization": f"Bearer {made['token']}"}, trust_env=False
    ) as reader:
        files = [("files", ("a.csv", b"X\n1\n")), ("importRequest", (None, asked(column("X", "email"))))]
        for parts in (files, files[::-1]):
            answer = reader.post("/crm/v3/imports", files=parts)
            assert (answer.status_code, answer.json()["category"]) == (403, "MISSING_SCOPES")
        mine = http.post("/crm/v3/imports", files=files).json()["id"]
        assert reader.get(f"/crm/v3/imports/{mine}").status_code == 403
        assert reader.get("/crm/v3/imports").json()["results"] == []
        assert reader.get(f"/api/v1/imports/{mine}/chunks/0").status_code == 403


def test_progress_is_streamed_until_it_rests(http: httpx.Client, unique: str) -> None:
    files = [
        ("request", (None, json.dumps({"type": "contacts"}))),
        ("file", ("a.csv", f"email\n{unique}@example.org\n".encode())),
    ]
    ident = http.post("/api/v1/imports", files=files).json()["id"]
    states = []
    with http.stream("GET", f"/api/v1/imports/{ident}/events") as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        for line in answer.iter_lines():
            if line.startswith("data: "):
                states.append(json.loads(line[6:])["state"])
    assert states[-1] == "ready"
    proposal = http.get(f"/api/v1/imports/{ident}/profile").json()["proposal"]
    assert proposal["key"] == {"column": "email", "attribute": "email"}


@pytest.mark.parametrize(
    "code", ["X", "VALUE_TOO_LONG", "AMBIGUOUS", "REQUIRED_FIELD", "INVALID_DOMAIN", *sorted(words._ERROR_TYPES)]
)
def test_clients_know_every_type_of_error(code: str) -> None:
    row = imports.ImportRowCore(row_data=[], contains_encrypted_properties=False, line_number=2, file_id=1)
    made = imports.PublicImportError(created_at=1, error_type=words.error_type(code), id="1", source_data=row)
    assert made.error_type == words.error_type(code)


@pytest.mark.parametrize("state", sorted(words._STATES))
def test_clients_know_every_state(state: str) -> None:
    counters = imports.PublicImportMetadata(counters={}, file_ids=[], object_lists=[])
    given = {"metadata": counters, "mapped_object_type_ids": [], "opt_out_import": False, "id": "1"}
    times = {"created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z"}
    assert imports.PublicImportResponse(state=words._STATES[state], **given, **times).state
