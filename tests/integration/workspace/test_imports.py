"""Imports from upload to undo through the native doors: both services real, events and work moved by hand."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from tests.integration.workspace.moving import Moving

FILE = """E-mail,Vorname,Nachname,Score,Joined,Source
ann@example.org,Ann,Alpha,10,13/1/2026,web
bob@example.org,Bob,Beta,20,14/1/2026,Select
cid@example.org,Cid,Gamma,30,15/1/2026,web
"""


def proposed(moving: Moving, ident: str) -> dict[str, Any]:
    return moving.get(ident, "/profile")["proposal"]


def test_a_file_from_upload_to_undo(moving: Moving):
    made = moving.upload(FILE, name="../../etc/people.csv")
    assert (made["state"], made["file"]["name"], made["type"], made["service"]) == (
        "reading", "people.csv", "contact", "contacts",
    )  # fmt: skip
    moving.move()
    ident = made["id"]
    read = moving.get(ident)
    assert (read["state"], read["file"]["rows"], read["file"]["columns"]) == ("ready", 3, 6)
    profile = moving.get(ident, "/profile")
    assert [one["type"] for one in profile["columns"]] == ["email", "string", "string", "number", "date", "string"]
    mapping = profile["proposal"]
    assert mapping["key"] == {"column": "E-mail", "attribute": "email"}
    assert mapping["blanks"] == ["Select"]
    assert {one["name"]: one["type"] for one in mapping["create_attributes"]} == {
        "score": "number", "joined": "date", "source_2": "string",
    }  # fmt: skip
    mapped = moving.put(ident, mapping)
    assert mapped["mapping"]["columns"][4] == {"column": "Joined", "attribute": "joined", "date_format": "DMY"}

    checked = moving.do(ident, "dry-run")
    assert checked["state"] == "ready"
    assert (checked["dry"]["state"], checked["dry"]["created"], checked["dry"]["rejected"]) == ("done", 3, 0)
    assert [one["outcome"] for one in moving.get(ident, "/samples")["results"]] == ["created"] * 3
    assert moving.found(filter={"attribute": "email", "operator": "EQ", "value": "ann@example.org"}) == []

    done = moving.do(ident, "start")
    counts = {name: done["run"][name] for name in ("rows", "done", "created", "updated", "unchanged", "rejected")}
    assert (done["state"], done["error"]) == ("done", "")
    assert counts == {"rows": 3, "done": 3, "created": 3, "updated": 0, "unchanged": 0, "rejected": 0}
    (ann,) = moving.found(
        filter={"attribute": "score", "operator": "EQ", "value": 10}, attributes=["email", "joined", "score"]
    )
    assert (ann["values"]["email"], ann["values"]["joined"]) == ("ann@example.org", "2026-01-13")

    again = moving.ready(FILE)
    assert moving.get(again["id"], "/profile")["remembered"]
    moving.put(again["id"], proposed(moving, again["id"]))
    assert moving.do(again["id"], "start")["run"]["unchanged"] == 3

    undone = moving.do(ident, "undo")
    assert undone["state"] == "undone"
    assert moving.found(filter={"attribute": "score", "operator": "EQ", "value": 10}) == []


def test_only_columns_of_a_run_are_remembered(moving: Moving):
    text = "Nick,Mail,Since\n{0},{0}@example.org,2.3.2026\n"
    first = moving.ready(text.format("r1"))["id"]
    mapping = {
        "mode": "create", "columns": [
            {"column": "Nick", "attribute": "first_name", "blank": "clear", "values": {"r1": "R. One"}},
            {"column": "Mail", "attribute": "email"}],
        "set": {"city": "Bonn"}, "blank": "clear", "blanks": ["Nothing"],
        "effective_at": {"column": "Since", "date_format": "DMY"}}  # fmt: skip
    moving.put(first, mapping)
    moving.do(first, "dry-run")
    unknown = moving.ready(text.format("r2"))["id"]
    assert not moving.get(unknown, "/profile")["remembered"]  # a dry run only tried it out
    moving.do(first, "start", move=False)
    profile = moving.get(unknown, "/profile")
    assert profile["remembered"]
    found = profile["proposal"]
    assert found["columns"] == [
        {"column": "Nick", "attribute": "first_name", "values": {"r1": "R. One"}},
        {"column": "Mail", "attribute": "email"},
    ]
    assert (found["effective_at"], found["key"]) == (mapping["effective_at"], {"column": "Mail", "attribute": "email"})
    wanted = {name: found[name] for name in ("mode", "set", "blank", "blanks")}
    assert wanted == {"mode": "upsert", "set": {}, "blank": "keep", "blanks": []}
    moving.move()
    moving.put(unknown, found)
    assert moving.do(unknown, "start")["run"]["created"] == 1


def test_errors_and_the_file_of_them(moving: Moving):
    text = (
        "email,first_name,number\n"
        "dora@example.org,Dora,1\n"
        "no address,=Evil(),2\n"
        "emil@example.org,Emil,many\n"
        "too,many,cells,here\n"
        "frida@example.org,Frida,4\n"
    )
    job = moving.ready(text)
    ident = job["id"]
    mapping = proposed(moving, ident)
    mapping["create_attributes"][0]["type"] = "number"
    moving.put(ident, mapping)
    done = moving.do(ident, "start")["run"]
    assert (done["rows"], done["done"], done["created"], done["rejected"]) == (5, 5, 2, 3)
    listed = moving.get(ident, "/errors")["results"]
    assert [(one["line"], one["column"], one["value"]) for one in listed] == [
        (3, "email", "no address"),
        (4, "number", "many"),
        (5, "", None),
    ]
    first = moving.get(ident, "/errors?limit=1")
    assert moving.get(ident, f"/errors?limit=10&after={first['next_after']}")["results"] == listed[1:]

    answer = moving.client().get(f"/api/v1/imports/{ident}/errors?format=csv")
    rows = list(csv.reader(io.StringIO(answer.get_data().decode("utf-8-sig"), newline="")))
    assert rows[0][:3] == ["email", "first_name", "number"]
    assert [row[:2] for row in rows[1:]] == [["no address", "'=Evil()"], ["emil@example.org", "Emil"], ["too", "many"]]
    assert rows[1][3:] == ["3", "email", "no address", "INVALID_EMAIL", "not an e-mail address"]

    mended = (
        answer.get_data().decode("utf-8-sig").replace("no address,", "eve@example.org,", 1).replace(",many,", ",3,", 1)
    )
    second = moving.ready(mended)
    profile = moving.get(second["id"], "/profile")
    assert profile["remembered"]
    moving.put(second["id"], profile["proposal"])
    outcome = moving.do(second["id"], "start")["run"]
    assert outcome["created"] == 2
    (eve,) = moving.found(
        filter={"attribute": "email", "operator": "EQ", "value": "eve@example.org"}, attributes=["first_name"]
    )
    assert eve["values"]["first_name"] == "=Evil()"


def test_rows_of_one_entity_keep_their_order_across_chunks(moving: Moving):
    lines = [f"p{n % 700}@example.net,{n}" for n in range(3500)]
    job = moving.ready("email,job_title\n" + "\n".join(lines) + "\n")
    ident = job["id"]
    moving.put(ident, {"key": {"column": 0, "attribute": "email"}, "columns": [
        {"column": 0, "attribute": "email"}, {"column": 1, "attribute": "job_title"}]})  # fmt: skip
    done = moving.do(ident, "start")["run"]
    assert (done["rows"], done["created"], done["updated"]) == (3500, 700, 2800)
    found = moving.found(
        filter={"attribute": "email", "operator": "EQ", "value": "p7@example.net"}, attributes=["job_title"]
    )
    assert found[0]["values"]["job_title"] == str(2800 + 7)


def test_every_mistake_of_a_mapping_is_told(moving: Moving):
    job = moving.ready("email,city\nx@example.org,Y\n")
    told = moving.put(
        job["id"],
        {
            "key": {"column": "E-Mail!", "attribute": "email"},
            "columns": [
                {"column": "city", "attribute": "citty"},
                {"column": 9, "attribute": "email"},
                {"column": "email", "attribute": "created_at", "colour": 1},
            ],
            "links": [{"column": "city", "type": "planet", "attribute": "name"}],
            "create_attributes": [{"name": "x", "type": "colour"}],
            "unknown": 1,
        },
        400,
    )
    names = {one["in"]: one for one in told["errors"]}
    assert set(names) == {
        "key.column", "columns[0].attribute", "columns[1].column", "columns[2].attribute", "columns[2].colour",
        "links[0].type", "create_attributes[0].type", "unknown",
    }  # fmt: skip
    assert names["columns[0].attribute"]["context"]["nearest"][0] == "city"
    assert moving.get(job["id"])["mapping"] is None
    told = moving.put(job["id"], {"mode": "update", "columns": [{"column": 0, "attribute": "email"}]}, 400)
    assert "mode update needs a key" in told["message"]


def test_steering_is_idempotent_and_refuses_what_makes_no_sense(moving: Moving):
    job = moving.ready("email\ng1@example.org\n")
    ident = job["id"]
    assert "no mapping yet" in moving.do(ident, "start", 409)["message"]
    assert "cannot be paused" in moving.do(ident, "pause", 409)["message"]
    moving.put(ident, proposed(moving, ident))
    for _ in range(3):
        assert moving.do(ident, "start", move=False)["state"] == "running"
    for _ in range(2):
        assert moving.do(ident, "pause", move=False)["state"] == "paused"
    moving.move()
    assert moving.get(ident)["state"] == "paused"
    assert moving.found(filter={"attribute": "email", "operator": "EQ", "value": "g1@example.org"}) == []
    assert moving.do(ident, "resume")["state"] == "done"
    assert moving.do(ident, "start")["run"]["created"] == 1
    assert "cannot be canceled" in moving.do(ident, "cancel", 409)["message"]
    for _ in range(2):
        assert moving.do(ident, "undo")["state"] == "undone"


def test_canceling(moving: Moving):
    reading = moving.upload("email\nh1@example.org\n")
    assert moving.do(reading["id"], "cancel")["state"] == "canceled"
    job = moving.ready("email\nh2@example.org\n")
    moving.put(job["id"], proposed(moving, job["id"]))
    moving.do(job["id"], "start", move=False)
    assert moving.do(job["id"], "cancel", move=False)["state"] == "canceled"  # nothing was ordered yet
    job = moving.ready("email\nh3@example.org\n")
    moving.put(job["id"], proposed(moving, job["id"]))
    moving.do(job["id"], "start", move=False)
    moving.work("workspace")
    moving.tell()
    assert moving.do(job["id"], "cancel", move=False)["state"] == "canceling"
    moving.move()
    found = moving.get(job["id"])
    assert (found["state"], found["run"]["state"]) == ("canceled", "canceled")
    assert moving.found(filter={"attribute": "email", "operator": "EQ", "value": "h3@example.org"}) == []


def test_a_dry_run_may_be_canceled_and_done_again(moving: Moving):
    job = moving.ready("email\nk1@example.org\n")
    moving.put(job["id"], proposed(moving, job["id"]))
    moving.do(job["id"], "dry-run", move=False)
    moving.work("workspace")
    moving.tell()
    moving.do(job["id"], "cancel")
    assert moving.get(job["id"])["state"] == "ready"
    again = moving.do(job["id"], "dry-run")
    assert (again["state"], again["dry"]["created"]) == ("ready", 1)


def test_owners_users_and_teams_import_the_same_way(moving: Moving):
    job = moving.ready("email,first_name\nowner1@example.org,O\n", type="owners")
    assert (job["type"], job["service"]) == ("owner", "workspace")
    moving.put(job["id"], proposed(moving, job["id"]))
    assert moving.do(job["id"], "start")["run"]["created"] == 1
    team = moving.ready("name\nSales\nSupport\n", type="team")
    moving.put(team["id"], proposed(moving, team["id"]))
    assert moving.do(team["id"], "start")["run"]["created"] == 2


def test_links(moving: Moving):
    firms = moving.ready("account,subsidiary_of\nMother,\nDaughter,Mother\n", type="companies")
    moving.put(firms["id"], {
        "key": {"column": "account", "attribute": "name"}, "columns": [{"column": "account", "attribute": "name"}],
        "links": [{"column": "subsidiary_of", "type": "companies", "attribute": "name", "relation": 14}]})  # fmt: skip
    assert moving.do(firms["id"], "start")["run"]["created"] == 2
    job = moving.ready("email,firm\nl1@example.org,Daughter\nl2@example.org,Nobody\n")
    moving.put(job["id"], {
        "key": {"column": "email", "attribute": "email"}, "columns": [{"column": "email", "attribute": "email"}],
        "links": [{"column": "firm", "type": "company", "attribute": "name"}]})  # fmt: skip
    done = moving.do(job["id"], "start")["run"]
    assert (done["created"], done["rejected"]) == (1, 1)
    found = moving.found(
        filter={"attribute": "company.name", "operator": "EQ", "value": "Daughter"}, attributes=["email"]
    )
    assert [one["values"]["email"] for one in found] == ["l1@example.org"]


@pytest.mark.parametrize("kind", ["csv", "ndjson"])
def test_an_export_with_links_finds_all_as_it_is_by_what_is_proposed(moving: Moving, kind: str):
    people = moving.ready(f"email,city\n{kind}1@links.example,Ulm\n{kind}2@links.example,Ulm\n")
    moving.put(people["id"], proposed(moving, people["id"]))
    moving.do(people["id"], "start")
    firms = moving.ready(f"name\n{kind} A\n{kind} B\n", type="companies")
    moving.put(firms["id"], proposed(moving, firms["id"]))
    moving.do(firms["id"], "start")
    both = moving.ready(f"email,firm\n{kind}1@links.example,{kind} A;{kind} B\n{kind}2@links.example,\n")
    moving.put(both["id"], {
        "key": {"column": "email", "attribute": "email"}, "columns": [{"column": "email", "attribute": "email"}],
        "links": [{"column": "firm", "type": "company", "attribute": "name"}]})  # fmt: skip
    moving.do(both["id"], "start")
    asked = {"format": kind, "links": ["company"], "attributes": ["email", "city"]}
    filter = {"attribute": "email", "operator": "CONTAINS_TOKEN", "value": f"{kind}*"}
    content = moving.exported({**asked, "filter": filter})
    again = moving.ready(content)
    mapping = proposed(moving, again["id"])
    assert (mapping["links"], mapping["create_attributes"]) == (
        [{"column": "associations.company", "type": "company", "attribute": "id"}], [],
    )  # fmt: skip
    moving.put(again["id"], mapping)
    done = moving.do(again["id"], "start")["run"]
    assert (done["rows"], done["unchanged"]) == (2, 2)


def test_an_import_with_its_mapping_runs_by_itself(moving: Moving):
    mapping = {"key": {"column": "email", "attribute": "email"}, "columns": [{"column": "email", "attribute": "email"}]}
    done = moving.ready("email\nauto@example.org\n", mapping=mapping, run="run")
    assert (done["state"], done["run"]["created"]) == ("done", 1)
    wrong = moving.ready("mail\nauto@example.org\n", mapping=mapping, run="run")
    assert wrong["state"] == "failed"
    assert "the file has no column email" in wrong["error"]


@pytest.mark.parametrize("mapping", [{"mode": "create"}, {"mode": "update", "id_column": "email"}])
def test_an_import_that_fills_nothing_is_refused(moving: Moving, mapping: dict[str, Any]):
    job = moving.ready("email\nnothing@example.org\n")
    moving.put(job["id"], mapping)
    for verb in ("dry-run", "start"):
        told = moving.do(job["id"], verb, 400)
        assert [one["code"] for one in told["errors"]] == ["NOTHING_MAPPED"]
    assert moving.get(job["id"])["state"] == "ready"
    wrong = moving.ready("email\nnothing@example.org\n", mapping=mapping, run="run")
    assert (wrong["state"], wrong["run"]) == ("failed", None)
    assert "Nothing is mapped" in wrong["error"]


def test_a_value_for_every_row_is_something(moving: Moving):
    job = moving.ready("email\nnothing@example.org\n")
    moving.put(job["id"], {"mode": "create", "set": {"city": "Bonn"}})
    assert moving.do(job["id"], "start")["run"]["created"] == 1


def test_a_failed_run_may_be_tried_again(moving: Moving):
    job = moving.ready("email\nm1@example.org\n")
    ident = job["id"]
    moving.put(ident, {
        "key": {"column": "email", "attribute": "email"}, "columns": [{"column": "email", "attribute": "email"}],
        "create_attributes": [{"name": "temporary", "type": "string"}]})  # fmt: skip
    kind = moving.kinds["import"]
    moving.kinds["import"] = _Broken()
    try:
        assert moving.do(ident, "start")["state"] == "failed"
    finally:
        moving.kinds["import"] = kind
    failed = moving.get(ident)
    assert (failed["error"], failed["run"]["reason"]) == ("out of order", "out of order")
    (told,) = moving.ok(moving.client().get(f"/crm/v3/imports/{ident}/errors"))["results"]
    assert (told["errorType"], told["errorMessage"]) == ("FAILED_VALIDATION", "out of order")
    assert told["sourceData"]["lineNumber"] == 0
    assert moving.do(ident, "resume")["state"] == "done"
    assert moving.ok(moving.client().get(f"/crm/v3/imports/{ident}/errors"))["results"] == []


def test_pages_of_errors_begin_with_why_all_failed(moving: Moving):
    mapping = {"mode": "create", "columns": [{"column": "mail", "attribute": "email"}]}
    job = moving.ready("email\ntoo,many\nq@example.org\nmore,of,them\n", mapping=mapping, run="run")
    path, told = f"/crm/v3/imports/{job['id']}/errors?limit=1", []
    while True:
        page = moving.ok(moving.client().get(path))
        told += [(one["sourceData"]["lineNumber"], one.get("errorMessage")) for one in page["results"]]
        if "paging" not in page:
            break
        path = f"/crm/v3/imports/{job['id']}/errors?limit=1&after={page['paging']['next']['after']}"
    assert told == [(0, job["error"]), (2, None), (4, None)]


class _Broken:
    def run(self, runtime: Any, claim: Any) -> None:
        from shared.service.work.running import JobProblem

        raise JobProblem("out of order")

    def failed(self, connection: Any, job: Any) -> None:
        from shared.service.imports.kind import ImportKind

        ImportKind().failed(connection, job)


def test_rejected_rows_of_somebody_who_is_erased_are_blanked(moving: Moving):
    people = moving.ready("email,city\ngone@erased.example,Ulm\n")
    moving.put(people["id"], proposed(moving, people["id"]))
    moving.do(people["id"], "start")
    bad = moving.ready(
        "email,num,note\nGONE@erased.example,x,key\nno mail,x,see <gone@erased.example>.\n"
        "no mail,x,others@erased.example\n"
    )
    moving.put(bad["id"], {
        "key": {"column": "email", "attribute": "email"},
        "columns": [{"column": "email", "attribute": "email"}, {"column": "num", "attribute": "number_of_visits"}],
        "create_attributes": [{"name": "number_of_visits", "label": "Visits", "type": "number"}]})  # fmt: skip
    assert moving.do(bad["id"], "start")["run"]["rejected"] == 3
    erased = moving.client("contacts").post(
        "/crm/v3/objects/contacts/gdpr-delete", json={"objectId": "gone@erased.example", "idProperty": "email"}
    )
    assert erased.status_code == 204
    moving.move()
    answer = moving.client().get(f"/api/v1/imports/{bad['id']}/errors?format=csv")
    rows = list(csv.reader(io.StringIO(answer.data.decode("utf-8-sig"))))[1:]
    assert [row[:3] for row in rows] == [["", "", ""], ["", "", ""], ["no mail", "x", "others@erased.example"]]
