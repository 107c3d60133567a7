"""Crashes, repetitions, retention, erasure: every row counts once, and nothing is kept longer than it may be."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from services.workspace import retention
from services.workspace.handlers import _handler
from services.workspace.jobs import reading
from services.workspace.jobs.reading import ReadingKind
from services.workspace.tables import chunks
from shared.bus.feed import Feed
from shared.kernel.db import Connection
from tests.factories.counting import own
from tests.integration.workspace.moving import Moving

MAPPING = {"key": {"column": 0, "attribute": "email"}, "columns": [{"column": 0, "attribute": "email"}]}


def cut(moving: Moving, ident: str) -> list[tuple[Any, ...]]:
    with moving.runtime("workspace").db.connect() as connection:
        sql = (
            "select n, first_line, last_line, rows, payload, refused from import_chunk where job_id = %(j)s order by n"
        )
        return connection.rows(sql, {"j": int(ident)})


def text(word: str, rows: int = 7000) -> str:
    lines = (f'"{word}{n}@example.org","a\nb {n}",{"x" * (n % 50)}' if n % 900 else "1,2,3,4" for n in range(rows))
    return "email,note,filler\n" + "\n".join(lines) + "\n"


class _Stopped(OSError):
    """As if the process had been killed, for whoever looks at what is in the database."""


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_reading_goes_on_after_crashes_and_cuts_the_same(
    moving: Moving, monkeypatch: pytest.MonkeyPatch, encoding: str
):
    raw = text("r").encode(encoding)
    whole = moving.ready(raw)
    profile = moving.get(whole["id"], "/profile")
    crashes = iter([True, False, True, True, False, False, True] + [False] * 1000)
    original = chunks.put_chunks

    def put(connection: Connection, *arguments: Any) -> None:
        original(connection, *arguments)
        if next(crashes):
            raise _Stopped

    monkeypatch.setattr(reading.chunks, "put_chunks", put)
    monkeypatch.setattr(reading, "_STORED_AT_ONCE", 1)
    moving.kinds["import-reading"] = ReadingKind(seconds=0.001)
    made = moving.upload(raw)
    while moving.get(made["id"])["state"] == "reading":
        moving.work("workspace")
    again = moving.get(made["id"])
    assert (again["state"], again["file"]) == ("ready", whole["file"])
    assert cut(moving, made["id"]) == cut(moving, whole["id"])
    assert moving.get(made["id"], "/profile") == profile
    assert len(moving.get(made["id"], "/errors?limit=100&phase=run")["results"]) == 8


def test_a_report_that_comes_twice_counts_once(moving: Moving):
    job = moving.ready("email\n" + "".join(f"t{n}@example.org\n" for n in range(30)))
    moving.put(job["id"], MAPPING)
    done = moving.do(job["id"], "start")
    runtime = moving.runtime("workspace")
    page = Feed(moving.runtime("contacts").db).read("origin", types=("import",), limit=1000).page()
    with runtime.db.transaction() as connection:
        _handler("contacts", runtime.settings)(connection, page.events)
    assert moving.get(job["id"])["run"] == done["run"]
    with runtime.db.transaction() as connection:
        _handler("workspace", runtime.settings)(connection, page.events)
    assert moving.get(job["id"])["run"] == done["run"]


def test_a_run_whose_rows_do_not_add_up_is_not_done(moving: Moving):
    job = moving.ready("email\nu1@example.org\nu2@example.org\n")
    moving.put(job["id"], MAPPING)
    moving.do(job["id"], "start", move=False)
    moving.work("workspace")
    with moving.runtime("workspace").db.connect() as connection:
        connection.run("update import_phase set rows = 3 where job_id = %(j)s", {"j": int(job["id"])})
    moving.move()
    found = moving.get(job["id"])
    assert (found["state"], found["error"]) == ("failed", "2 of 3 rows are accounted for")


def test_unchanged_rows_tell_nothing_but_progress(moving: Moving):
    content = "email,first_name\nv1@example.org,V\n"
    mapping = {**MAPPING, "columns": [*MAPPING["columns"], {"column": 1, "attribute": "first_name"}]}
    for outcome in ("created", "unchanged"):
        job = moving.ready(content)
        moving.put(job["id"], mapping)
        before = _told(moving)
        assert moving.do(job["id"], "start")["run"][outcome] == 1
    assert [kind for kind in _told(moving)[len(before) :] if not kind.startswith("import.")] == []


def _told(moving: Moving) -> list[str]:
    with moving.runtime("contacts").db.connect() as connection:
        return [row[0] for row in connection.rows("select kind from outbox order by id")]


def test_several_imports_share(moving: Moving):
    jobs = []
    for word in ("w", "x"):
        job = moving.ready("email\n" + "".join(f"{word}{n}@example.com\n" for n in range(3000)))
        moving.put(job["id"], MAPPING)
        jobs.append(job["id"])
    for one in jobs:
        moving.do(one, "start", move=False)
    moving.work("workspace")
    moving.tell()
    moving.work("contacts", most=2)
    moving.tell()
    assert [moving.get(one)["run"]["done"] for one in jobs] == [1000, 1000]
    moving.move()


def test_pausing_before_the_first_order_and_while_ordering(moving: Moving):
    job = moving.ready("email\n" + "".join(f"y{n}@example.com\n" for n in range(5000)))
    moving.put(job["id"], MAPPING)
    moving.do(job["id"], "start", move=False)
    moving.work("workspace", most=1)
    moving.do(job["id"], "pause", move=False)
    moving.move()
    paused = moving.get(job["id"])
    assert (paused["state"], paused["run"]["done"]) == ("paused", 0)
    assert moving.do(job["id"], "resume")["run"]["created"] == 5000


def test_files_are_kept_for_thirty_days(moving: Moving):
    job, waiting = moving.ready("email\nz1@example.org\nno\n"), moving.ready("email\nz2@example.org\n")
    moving.put(job["id"], MAPPING)
    moving.do(job["id"], "start")
    database = moving.runtime("workspace").db
    assert retention.drop_old_files(database) == 0
    with database.connect() as connection:
        sql = "update import_job set created_at = created_at - %(age)s where id = any(%(ids)s)"
        ids = [int(job["id"]), int(waiting["id"])]
        connection.run(sql, {"age": retention.KEEP + timedelta(minutes=1), "ids": ids})
    assert retention.drop_old_files(database) == 2
    assert retention.drop_old_files(database) == 0
    assert cut(moving, job["id"]) == []
    kept = moving.get(job["id"])
    assert (kept["state"], kept["run"]["created"]) == ("done", 1)
    (error,) = moving.get(job["id"], "/errors")["results"]
    assert (error["line"], error["value"]) == (3, None)
    assert moving.get(waiting["id"])["state"] == "canceled"
    assert moving.do(job["id"], "undo")["state"] == "undone"


def test_rows_of_erased_entities_are_blanked(moving: Moving):
    job = moving.ready("email,city\nerase.me@example.org,Here\nkeep.me@example.org,There\n")
    moving.put(job["id"], {**MAPPING, "columns": [*MAPPING["columns"], {"column": 1, "attribute": "city"}]})
    moving.do(job["id"], "dry-run")
    moving.do(job["id"], "start")
    told = {"objectId": "erase.me@example.org", "idProperty": "email"}
    assert moving.client("contacts").post("/crm/v3/objects/contacts/gdpr-delete", json=told).status_code == 204
    moving.move()
    (chunk,) = cut(moving, job["id"])
    assert chunks.unpacked(chunk[4]) == [(2, ["", ""]), (3, ["keep.me@example.org", "There"])]
    with moving.runtime("workspace").db.connect() as connection:
        columns = "profile::text, checkpoint, found::text, spec::text, wanted::text"
        row = connection.row(f"select {columns} from import_job where id = %(j)s", {"j": int(job["id"])})
        samples = connection.rows("select changed::text from import_sample where job_id = %(j)s", {"j": int(job["id"])})
    assert "erase.me" not in str(row)
    assert "erase.me" not in str(samples)


def test_statements_do_not_grow_with_what_is_asked_for(moving: Moving):
    job = moving.ready("email\n" + "".join(f"bad {n}\n" for n in range(60)))
    moving.put(job["id"], MAPPING)
    moving.do(job["id"], "start")
    database, client = moving.runtime("workspace").db, moving.client()
    for path in (
        "/api/v1/imports?limit={}",
        f"/api/v1/imports/{job['id']}/errors?limit={{}}",
        f"/crm/v3/imports/{job['id']}/errors?limit={{}}",
        "/crm/v3/imports?limit={}",
    ):
        counts = []
        for limit in (2, 2, 50):
            with database.counted() as statements:
                assert client.get(path.format(limit)).status_code == 200
            counts.append(len(own(statements)))
        assert counts[1] == counts[2], path
