"""Export through the door: three formats, what is told before the first byte, and what a reader who leaves frees."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from shared.eav.query import streaming
from shared.kernel.context import Context
from shared.kernel.errors import Unavailable
from shared.service import exports
from shared.service.files import xlsx_writing
from shared.service.files.reading import open_table
from shared.service.links import LinkItem, LinkTo
from shared.service.web.native import export as door
from tests.integration.service.conftest import System

PATH = "/api/v1/objects/contacts"
EXPORT = f"{PATH}/export"
ODD = (
    "=1+1",
    "'=1+1",
    "+49 30 1",
    "-x",
    "@a",
    "\ttab",
    "\rcr",
    'a,b;"c"\nd',
    "'quoted",
    " edges ",
    "_x000D_",
    "\x01",
    "𝄞",
)


@pytest.fixture(scope="module")
def web(system: System) -> Any:
    client = system.client("contacts")
    tags = {"name": "tags", "label": "=Tags", "type": "multi_enumeration", "options": ["-a", "b"]}
    for attribute in (
        {"name": "amount", "label": "Amount", "type": "number"},
        {"name": "signed_on", "label": "Signed", "type": "date"},
        {"name": "met_at", "label": "Met", "type": "datetime"},
        {"name": "vip", "label": "VIP", "type": "boolean"},
        {"name": "story", "label": "Story", "type": "long_text"},
        tags,
    ):
        made = client.post("/api/v1/types/contacts/attributes", json=attribute)
        assert made.status_code == 201, made.text
    for at, text in enumerate(ODD):
        values = {
            "email": f"c{at}@export.example",
            "first_name": text,
            "story": text,
            "amount": f"-{at}.{10**14 + at}",
            "signed_on": f"{1898 + at * 100}-02-28",
            "met_at": f"2026-02-0{1 + at % 9}T10:00:00.{at:03d}Z",
            "vip": at % 2 == 0,
            "tags": ["-a", "b"][: at % 3],
        }
        # Chosen by nobody means no value: an empty list clears.
        made = client.post(PATH, json={"values": {name: value for name, value in values.items() if value != []}})
        assert made.status_code == 201, made.text
    return client


@pytest.fixture(autouse=True)
def small_portions(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(streaming, "PORTION", 5)


def table(answer: Any) -> list[dict[str, str]]:
    """The file as an import reads it."""
    assert answer.status_code == 200, answer.text
    read = open_table(lambda: io.BytesIO(answer.data))
    return [dict(zip(read.header, row.cells, strict=True)) for row in read.rows]


def lines(answer: Any) -> list[dict[str, Any]]:
    """The entities of an NDJSON file."""
    assert answer.status_code == 200, answer.text
    return [json.loads(line, parse_float=Decimal) for line in answer.text.splitlines()]


def test_ndjson_holds_the_values_that_a_query_shows(web: Any):
    asked = {"attributes": ["*"], "limit": 200, "sorts": ["id"]}
    page = json.loads(web.post(f"{PATH}/query", json=asked).text, parse_float=Decimal)
    assert lines(web.get(f"{EXPORT}?format=ndjson")) == [one["values"] for one in page["results"]]


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_what_is_read_from_the_file_is_what_is_there(web: Any, kind: str):
    found = table(web.post(EXPORT, json={"format": kind, "sorts": ["id"]}))
    typed = lines(web.get(f"{EXPORT}?format=ndjson&sorts=id"))
    assert [one["first_name"] for one in found] == list(ODD)
    assert [one["story"] for one in found] == list(ODD)
    for read, one in zip(found, typed, strict=True):
        assert read.keys() == one.keys()
        assert Decimal(read["amount"]) == one["amount"]
        assert read["vip"] == ("true" if one["vip"] else "false")
        assert read["tags"] == ";".join(one["tags"] or ())
        for name in ("id", "email", "signed_on", "met_at", "created_at"):
            assert read[name] == (one[name] or "")


def test_nothing_in_the_file_begins_like_a_formula(web: Any):
    rows = web.get(f"{EXPORT}?attributes=first_name,tags").text.split("\r\n")
    cells = [cell.strip('"') for row in rows for cell in row.split(",")]
    assert not [cell for cell in cells if cell[:1] in set("=+-@\t\r")]
    assert "'=1+1" in cells


def test_names_labels_filter_and_order(web: Any):
    query = json.dumps({"attribute": "vip", "operator": "EQ", "value": True})
    answer = web.get(
        EXPORT, query_string={"attributes": "email,tags", "filter": query, "sorts": "-email", "labels": "true"}
    )
    found = table(answer)
    assert list(found[0])[:2] == ["Id", "E-mail"]
    emails = [one["E-mail"] for one in found]
    assert emails == sorted(emails, reverse=True)
    assert len(emails) == (len(ODD) + 1) // 2
    assert answer.headers["Content-Disposition"] == 'attachment; filename="contacts.csv"'
    assert answer.content_type.startswith("text/csv")
    assert "X-Correlation-Id" in answer.headers
    assert table(web.get(f"{EXPORT}?text=nobodyhasthis")) == []


def test_archived_ones(web: Any):
    made = web.post(PATH, json={"values": {"email": "gone@export.example"}}).json
    web.delete(f"{PATH}/{made['id']}")
    assert [one["id"] for one in table(web.get(f"{EXPORT}?archived=true&attributes="))] == [made["id"]]
    assert made["id"] not in [one["id"] for one in table(web.get(EXPORT))]


@pytest.mark.parametrize(
    ("body", "names"),
    [
        ({"format": "pdf", "archived": "yes", "text": 5, "sorts": "id"}, ["format", "text", "archived", "sorts"]),
        ({"attributes": ["emial", "frist_name"]}, ["emial", "frist_name"]),
        ({"filter": {"attribute": "emial", "operator": "HAS_PROPERTY"}}, ["emial"]),
        ({"filter": {"attribute": "email"}}, ["filter.operator"]),
        ({"archived": True, "text": "x"}, ["archived"]),
        ({"atributes": []}, ["atributes"]),
        ({"attributes": "email"}, ["attributes"]),
    ],
)
def test_mistakes_are_told_all_at_once_instead_of_a_file(web: Any, body: dict[str, Any], names: list[str]):
    answer = web.post(EXPORT, json=body)
    assert (answer.status_code, answer.json["category"]) == (400, "VALIDATION_ERROR")
    told = [name for one in answer.json["errors"] for name in one["context"]["propertyName"]]
    assert told == names


def test_a_filter_that_is_no_json(web: Any):
    answer = web.get(f"{EXPORT}?filter=city+=+Berlin")
    assert (answer.status_code, answer.json["errors"][0]["code"]) == (400, "INVALID_JSON")


def test_what_a_sheet_cannot_hold_is_refused(web: Any, monkeypatch: pytest.MonkeyPatch):
    formats = door.FORMATS
    few = {"xlsx": formats["xlsx"].__class__(**{**_fields(formats["xlsx"]), "most_rows": 3})}
    monkeypatch.setattr(door, "FORMATS", {**formats, **few})
    answer = web.get(f"{EXPORT}?format=xlsx")
    assert (answer.status_code, answer.json["errors"][0]["code"]) == (400, "TOO_MANY_ROWS")
    one = json.dumps({"attribute": "email", "operator": "EQ", "value": "c1@export.example"})
    assert len(table(web.get(EXPORT, query_string={"format": "xlsx", "filter": one}))) == 1
    short = {"xlsx": formats["xlsx"].__class__(**{**_fields(formats["xlsx"]), "longest": 10})}
    monkeypatch.setattr(door, "FORMATS", {**formats, **short})
    long = web.post(PATH, json={"values": {"email": "long@export.example", "story": "x" * 11}}).json
    answer = web.get(f"{EXPORT}?format=xlsx")
    assert (answer.status_code, answer.json["errors"][0]["code"]) == (400, "TOO_LONG")
    web.delete(f"{PATH}/{long['id']}")


def _fields(one: Any) -> dict[str, Any]:
    return {name: getattr(one, name) for name in one.__slots__}


def test_too_many_rows_are_never_written():
    with pytest.raises(ValueError, match="at most"):
        next(xlsx_writing.pieces(["id"], ["string"], iter([]), xlsx_writing.MOST_ROWS))


def test_rights(system: System, web: Any):
    workspace = system.client("workspace")
    wanted = {"name": "reader", "scopes": ["crm.objects.companies.read"]}
    reader = system.client("contacts", workspace.post("/api/v1/tokens", json=wanted).json["token"])
    assert (reader.get(EXPORT).status_code, reader.get("/api/v1/objects/companies/export").status_code) == (403, 200)
    assert system.client("contacts", None).get(EXPORT).status_code == 401


def test_who_leaves_frees_the_connection(system: System, web: Any):
    runtime = system.runtime("contacts")
    idle = runtime.db.pool.borrowed
    for _ in range(3 * exports.MOST):
        answer = web.get(EXPORT, buffered=False)
        next(answer.iter_encoded())
        assert runtime.db.pool.borrowed == idle + 1
        answer.close()
        assert runtime.db.pool.borrowed == idle
    web.head(EXPORT).close()
    assert runtime.db.pool.borrowed == idle


def test_exports_leave_room_for_others(system: System, web: Any):
    running = [web.get(EXPORT, buffered=False) for _ in range(exports.MOST)]
    refused = web.get(EXPORT)
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "5")
    assert web.get(f"{EXPORT}?attributes=nope").status_code == 429
    running.pop().close()
    assert web.get(f"{EXPORT}?attributes=nope").status_code == 400
    assert web.get(EXPORT).status_code == 200
    for one in running:
        one.close()


def test_what_breaks_on_the_way_does_not_look_like_an_end(web: Any, system: System, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(streaming._Plan, "block", _breaking(streaming._Plan.block))
    answer = web.get(EXPORT, buffered=False)
    assert answer.status_code == 200
    with pytest.raises(Unavailable):
        b"".join(answer.iter_encoded())
    answer.close()
    assert system.runtime("contacts").db.pool.borrowed == 0


def _breaking(made: Callable[..., Any]) -> Callable[..., Any]:
    done: list[int] = []

    def block(self: Any, rows: Any) -> Any:
        done.append(1)
        if len(done) == 2:
            raise Unavailable("the server is gone")
        return made(self, rows)

    return block


def test_the_document_names_the_media_types(web: Any):
    paths = web.get("/contacts/openapi.json").json["paths"]
    content = paths["/api/v1/objects/contacts/export"]["get"]["responses"]["200"]["content"]
    assert set(content) == {"text/csv", "application/x-ndjson", xlsx_writing.CONTENT_TYPE}


def test_linked_ids_are_columns_on_request(system: System, web: Any):
    runtime = system.runtime("contacts")
    firms = [web.post("/api/v1/objects/companies", json={"values": {"name": f"F{n}"}}).json["id"] for n in range(3)]
    one = web.post(PATH, json={"values": {"email": "linked@export.example"}}).json["id"]
    runtime.links.put(Context(), "contact", [LinkItem(int(one), LinkTo("company", int(firm))) for firm in firms])
    web.delete(f"/api/v1/objects/companies/{firms[1]}")
    seen = [firms[0], firms[2]]
    only = {"filter": {"attribute": "email", "operator": "EQ", "value": "linked@export.example"}, "attributes": []}
    asked = {**only, "links": ["companies", "company"]}
    assert lines(web.post(EXPORT, json={**asked, "format": "ndjson"})) == [{"id": one, "associations.company": seen}]
    for kind in ("csv", "xlsx"):
        found = table(web.post(EXPORT, json={**asked, "format": kind}))
        assert found == [{"id": one, "associations.company": ";".join(seen)}]
    listed = lines(web.get(f"{EXPORT}?format=ndjson&links=contact&attributes="))
    assert all(row["associations.contact"] == [] for row in listed)
    back = lines(web.get("/api/v1/objects/companies/export?format=ndjson&links=contacts&attributes=name"))
    assert {row["id"]: row["associations.contact"] for row in back} == {firm: [one] for firm in seen}
    workspace = system.client("workspace")
    wanted = {"name": "contacts alone", "scopes": ["crm.objects.contacts.read"]}
    reader = system.client("contacts", workspace.post("/api/v1/tokens", json=wanted).json["token"])
    assert reader.post(EXPORT, json=asked).status_code == 403
    assert web.get(f"{EXPORT}?links=nothing").status_code == 404


@pytest.fixture(autouse=True)
def nothing_is_kept(system: System):
    """Every export gives its place back."""
    yield
    assert system.runtime("contacts").exports._places._value == exports.MOST
