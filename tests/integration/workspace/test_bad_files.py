"""Files that are no tables, and tables that are odd, all the way through: a clear reason, and nothing left behind."""

from __future__ import annotations

import io
import zipfile

import pytest
from openpyxl import Workbook

from services.workspace.tables import parts
from shared.kernel.errors import Unavailable
from tests.integration.workspace.moving import Moving


def workbook(*rows: list[object]) -> bytes:
    book = Workbook()
    for row in rows:
        book.active.append(row)
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def stored(moving: Moving, ident: str, table: str) -> int:
    with moving.runtime("workspace").db.connect() as connection:
        row = connection.row(f"select count(*) from {table} where job_id = %(job)s", {"job": int(ident)})
    assert row is not None
    return int(row[0])


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", "empty"),
        (b"\n\n", "blank lines"),
        (b"%PDF-1.4", "PDF"),
        (b"<html><table>", "HTML"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), ".xls"),
        (workbook(["email"], ["a@example.org"])[:2000], "truncated"),
        ((",".join(f"c{n}" for n in range(20_000)) + "\n").encode(), "16384"),
    ],
)
def test_no_table(moving: Moving, raw: bytes, words: str):
    found = moving.ready(raw, name="people.csv")
    assert (found["state"], words in found["error"]) == ("failed", True), found
    assert stored(moving, found["id"], "import_file_part") == stored(moving, found["id"], "import_chunk") == 0


@pytest.mark.parametrize(
    ("raw", "rows", "refused"),
    [
        (b"email,x\n", 0, 0),
        (b"\xef\xbb\xbfemail,x\r\nb1@example.org,1\r\n", 1, 0),
        ("email;x\nb2@example.org;ä\n".encode("cp1252"), 1, 0),
        ("email,x\nb3@example.org,ä\n".encode("utf-16"), 1, 0),
        (b"email,x\nb4@example.org,a\x00b\nb5@example.org,1\n", 2, 1),
        (b"email,x\nb6@example.org\nb7@example.org,1,2,3\n", 2, 1),
        (b"email,x\nb8@example.org,\"open\nb9@example.org,1\n", 2, 1),
        (b"email,email,\nc1@example.org,c2@example.org,z\n", 1, 0),
        (b"email,x\nc3@example.org," + b"y" * 10_000_000 + b"\nc4@example.org,1\n", 2, 1),
        (("email" + "".join(f",c{n}" for n in range(9_999)) + "\nc5@example.org" + ",1" * 9_999).encode(), 1, 0),
        (workbook(["email", "x"], ["c6@example.org", 1], [None, None], ["c7@example.org", 2]), 2, 0),
    ],
    ids=["header only", "bom", "cp1252", "utf-16", "nul", "ragged", "quote", "duplicates", "10 MB", "10,000", "xlsx"],
)  # fmt: skip
def test_odd_tables(moving: Moving, raw: bytes, rows: int, refused: int):
    job = moving.ready(raw, name="lying.xlsx" if raw[:2] != b"PK" else "lying.csv")
    assert (job["state"], job["file"]["rows"]) == ("ready", rows), job["error"]
    moving.put(job["id"], {
        "key": {"column": 0, "attribute": "email"}, "columns": [{"column": 0, "attribute": "email"}]})  # fmt: skip
    for verb, phase in (("dry-run", "dry"), ("start", "run")):
        counts = moving.do(job["id"], verb)[phase]
        assert (counts["state"], counts["rows"], counts["done"]) == ("done", rows, rows)
        assert (counts["created"], counts["rejected"]) == (rows - refused, refused)
    assert len(moving.get(job["id"], "/errors")["results"]) == refused


def test_a_bomb(moving: Moving, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("shared.service.files.workbooks._HARMLESS", 1024)
    stream = io.BytesIO(workbook(["email"]))
    with zipfile.ZipFile(stream, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/media/zeros", bytes(5_000_000))
    assert "as in an attack" in moving.ready(stream.getvalue())["error"]


def test_a_named_sheet_and_a_told_form(moving: Moving):
    book = Workbook()
    book.active.append(["nothing"])
    book.create_sheet("People").append(["email"])
    book["People"].append(["d1@example.org"])
    stream = io.BytesIO()
    book.save(stream)
    assert moving.ready(stream.getvalue(), sheet="People")["file"]["rows"] == 1
    assert "there are: Sheet, People" in moving.ready(stream.getvalue(), sheet="Persons")["error"]
    found = moving.ready(b"a^b\n1^2\n", delimiter="^", has_header=False)
    assert (found["file"]["columns"], found["file"]["rows"]) == (2, 2)


def test_an_upload_has_a_limit_of_its_own(moving: Moving, monkeypatch: pytest.MonkeyPatch):
    visit = moving.workspace.extensions["crm.visit"]
    monkeypatch.setattr(visit, "max_body", 2000)
    monkeypatch.setattr(visit, "max_upload", 5000)
    assert moving.ready(b"email\n" + b"x" * 3000)["state"] == "ready"
    client = moving.client()
    for path in ("/api/v1/imports", "/crm/v3/imports"):
        assert client.post(path, data=bytes(6000), content_type="multipart/form-data; boundary=x").status_code == 413
    assert client.post("/api/v1/imports/mappings", data=bytes(3000)).status_code == 413


def test_a_file_is_read_in_pieces_from_any_place(moving: Moving):
    raw = b"email\n" + b"".join(b"p%07d@example.org\n" % n for n in range(200_000))
    made = moving.upload(raw)
    database = moving.runtime("workspace").db
    source = parts.source_of(database, int(made["id"]))
    with source() as stream:
        assert stream.read() == raw
        assert stream.seek(-10, io.SEEK_END) == len(raw) - 10
        assert stream.read() == raw[-10:]
        for place in (0, parts.PART - 3, parts.PART, 2 * parts.PART + 17):
            stream.seek(place)
            assert stream.read(100) == raw[place : place + 100]
    with database.connect() as connection:
        connection.run("delete from import_file_part where job_id = %(j)s and n = 1", {"j": int(made["id"])})
    with source() as stream, pytest.raises(Unavailable):
        stream.read()
    moving.do(made["id"], "cancel")
    assert stored(moving, made["id"], "import_file_part") == 0


def test_an_upload_that_is_refused_leaves_nothing(moving: Moving):
    client = moving.client()
    body = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n' + b"y" * 3_000_000
    kind = "multipart/form-data; boundary=x"
    assert client.post("/api/v1/imports?type=contacts", data=body, content_type=kind).status_code == 400
    told = client.post("/api/v1/imports?type=planets", data=body + b"\r\n--x--\r\n", content_type=kind)
    assert told.status_code == 404
    assert client.post("/api/v1/imports", data=body + b"\r\n--x--\r\n", content_type=kind).status_code == 400
    with moving.runtime("workspace").db.connect() as connection:
        assert connection.row("select count(*) from import_job where state = 'uploading'") == (0,)
        assert connection.row("select count(*) from import_file_part") == (0,)


FILE = "E-mail,Vorname\nann@example.org,Ann\n"


@pytest.mark.parametrize(
    ("mapping", "where"),
    [
        ({"columns": [{"column": "a", "attribute": "email", "label": "x"}]}, "mapping.columns[0].label"),
        ({"links": [{"column": 9, "type": "company", "relation": "parent"}]}, "mapping.links.0.relation"),
        ({"key": {"column": "a", "attribute": "id"}}, "mapping.key.attribute"),
        ({"columns": [{"column": "a", "attribute": "email"}], "set": {"email": "b@example.org"}}, "mapping.set.email"),
    ],
)
def test_a_mapping_without_sense_is_refused_with_its_upload_and_says_where(moving: Moving, mapping, where):
    answer = moving.upload(FILE, status=400, mapping=mapping)
    assert [one["context"]["propertyName"] for one in answer["errors"]] == [[where]]


def test_what_a_door_cannot_understand_it_refuses(moving: Moving):
    ident, client = moving.upload(FILE)["id"], moving.client()
    assert client.get(f"/api/v1/imports/{ident}/errors?format=exe").status_code == 400
    broken = {"data": b"{broken", "content_type": "application/json"}
    assert client.post(f"/api/v1/imports/{ident}/start", **broken).status_code == 400
