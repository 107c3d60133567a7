"""`crm import` over a stand-in: what is shown and asked for on the way, and what happens when it does not go well."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import httpx
import pytest

from crm.importing import watching
from tests.unit.crm.fake import refusal, run_crm
from tests.unit.crm.importing.fake_imports import FakeImports


@pytest.fixture(autouse=True)
def nowhere(monkeypatch, tmp_path):
    for name in [one for one in os.environ if one.startswith("CRM_") or one == "PORT"]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("CRM_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(watching, "EVERY", 0)


@pytest.fixture
def system() -> FakeImports:
    return FakeImports()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "few.csv"
    path.write_text("E-Mail,Given name,Points\na@x.example,Ada,1\nnobody,Bo,2\n")
    return path


def imported(system: FakeImports, file: Path, *words: str, width: int = 140) -> tuple[int, str, str]:
    return run_crm(system, "import", str(file), "--type", "contact", *words, width=width)


def test_it_shows_what_it_found_what_it_does_and_what_came_of_it(system: FakeImports, file: Path):
    code, out, err = imported(system, file)
    assert code == 0, err
    assert file.read_bytes() in system.uploaded
    assert b'"type":"contact"' in system.uploaded
    lines = [line.split() for line in out.splitlines() if line.strip()]
    assert ["Given", "name", "string", "2", "0", "2", "a,", "b"] in lines
    assert ["Points", "(not", "imported)"] in lines
    assert ["E-Mail", "E-mail", "the", "same", "label,", "key"] in lines
    assert ["2", "2", "0", "0", "0"] in [line[:5] for line in lines]
    assert "? Points: say which" in out
    assert system.verbs == ["start"]
    assert system.mapping["key"] == {"column": "E-Mail", "attribute": "email"}


def test_attributes_are_asked_for_when_wanted(system: FakeImports, file: Path):
    assert imported(system, file, "--create-attributes")[0] == 0
    assert [one["name"] for one in system.mapping["create_attributes"]] == ["points"]
    assert [one["attribute"] for one in system.mapping["columns"]] == ["email", "first_name", "points"]
    imported(system, file)
    assert system.mapping["create_attributes"] == []
    assert [one["attribute"] for one in system.mapping["columns"]] == ["email", "first_name"]


def test_a_dry_run_starts_nothing(system: FakeImports, file: Path):
    code, out, _err = imported(system, file, "--dry-run")
    assert code == 0
    assert system.verbs == ["dry-run"]
    assert "city: Bonn → Köln" in out
    assert "and 2 more" in out
    assert out.index("updated") < out.index("a0: 0")
    assert "crm imports start 7" in out


def test_rejected_rows_are_told_and_kept_beside_the_file(system: FakeImports, file: Path, tmp_path: Path):
    system.rejected = 1
    code, out, _err = imported(system, file)
    assert code == 0
    assert "INVALID_EMAIL" in out
    assert (tmp_path / "few.errors.csv").read_bytes() == b"E-Mail,Import line\nx,3\n"
    assert str(tmp_path / "few.errors.csv") in out.replace("\n", "")
    imported(system, file, "--errors", str(tmp_path / "wrong.csv"))
    assert (tmp_path / "wrong.csv").exists()


def test_json_is_one_document(system: FakeImports, file: Path):
    system.rejected = 1
    code, out, _err = imported(system, file, "--json")
    told = json.loads(out)
    assert (code, told["state"], told["run"]["rejected"]) == (0, "done", 1)
    assert told["error_file"].endswith("few.errors.csv")
    assert {"columns", "questions", "seconds"} <= told.keys()


def test_what_is_kept_is_used_again(system: FakeImports, file: Path, tmp_path: Path):
    kept = tmp_path / "mapping.json"
    words = ("--map", "Points=预计收入", "--blank", "Select", "--link", "Given name=company.name:Boss")
    system.attributes["company"] = [{"name": "name", "label": "Name"}]
    assert imported(system, file, *words, "--save-mapping", str(kept))[0] == 0
    first = system.mapping
    assert first["links"] == [
        {"column": "Given name", "type": "company", "attribute": "name", "relation": 17, "missing": "reject"}
    ]
    code, _out, err = run_crm(system, "import", str(file), "--mapping", str(kept))
    assert code == 0, err
    assert system.mapping == first


def test_what_the_system_remembers_is_taken_up(system: FakeImports, file: Path):
    link = {"column": "Given name", "type": "company", "attribute": "name", "relation": 17}
    system.attributes["company"] = [{"name": "name", "label": "Name"}]
    assert "as in an earlier import" not in imported(system, file)[1]
    system.remembered = {"links": [link]}
    code, out, err = imported(system, file)
    assert code == 0, err
    assert system.mapping["links"] == [{**link, "missing": "reject"}]
    assert "columns as in an earlier import of such a file" in out
    assert json.loads(imported(system, file, "--json")[1])["remembered"] is True


def test_what_was_wanted_of_another_run_is_not_taken_up(system: FakeImports, file: Path):
    link = {"column": "Given name", "type": "company", "attribute": "name", "missing": "create"}
    system.attributes["company"] = [{"name": "name", "label": "Name"}]
    system.remembered = {"links": [link], "set": {"city": "Bonn"}, "blank": "clear", "mode": "update"}
    assert imported(system, file)[0] == 0
    told = {name: system.mapping[name] for name in ("set", "blank", "mode")}
    assert told == {"set": {}, "blank": "keep", "mode": "upsert"}
    assert system.mapping["links"] == [{**link, "missing": "reject"}]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--key", "Nope"), "no column 'Nope'"),
        (("--link", "Given name=company.name:Chef"), "have no label 'Chef': Boss"),
        (("--map", "Points"), "--map 'Points'"),
        (("--date-format", "YDM"), "none of DMY"),
        (("--mode", "replace"), "--mode is one of"),
    ],
)
def test_words_that_make_no_sense_leave_nothing_behind(system: FakeImports, file: Path, words: Any, told: str):
    system.attributes["company"] = [{"name": "name", "label": "Name"}]
    code, _out, err = imported(system, file, *words)
    assert code == 2
    assert told in err
    assert system.verbs == (["cancel"] if system.uploaded else [])


def test_a_file_that_is_none_is_refused(system: FakeImports, file: Path):
    system.state, system.error = "failed", "The file is no table"
    system.look = lambda: httpx.Response(200, json={**system.body(), "state": "failed"})
    code, _out, err = imported(system, file)
    assert code == 1
    assert "few.csv: The file is no table" in err.replace("\n", "")


def test_an_import_that_does_not_end_well_says_so(system: FakeImports, file: Path):
    system.script = [1]
    system.error = "the disk is full"
    begun = system.on_verb

    def fails(verb: str) -> httpx.Response:
        begun(verb)
        system.state = "failed"
        return httpx.Response(200, json=system.body())

    system.on_verb = fails
    code, out, _err = imported(system, file)
    assert code == 1
    assert "import 7 is failed. the disk is full" in out


def test_a_system_that_is_restarted_is_waited_for(system: FakeImports, file: Path):
    system.script = [httpx.ConnectError("nobody"), refusal(503, "SERVICE_UNAVAILABLE", "not yet"), 1, 1]
    code, out, err = imported(system, file)
    assert code == 0, err
    assert "done" in out


def test_other_errors_are_not_waited_for(system: FakeImports, file: Path):
    system.script = [refusal(403, "MISSING_SCOPES", "not yours")]
    code, _out, err = imported(system, file)
    assert code == 1
    assert "not yours" in err


def test_nobody_is_waited_for_for_ever(system: FakeImports, file: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(watching, "PATIENCE", -1)
    system.script = [httpx.ConnectError("nobody")]
    assert imported(system, file)[0] == 3


def test_who_leaves_is_told_how_to_come_back(system: FakeImports, file: Path):
    run_crm(system, "import", str(file), "--type", "contact", "--dry-run")
    system.script = [KeyboardInterrupt()]
    code, _out, err = run_crm(system, "imports", "start", "7")
    assert code == 130
    assert "crm imports show 7 --watch" in err
    code, out, _err = run_crm(system, "imports", "show", "7", "--watch")
    assert (code, "done" in out) == (0, True)


def test_why_an_import_failed_is_shown_with_it_and_with_its_errors(system: FakeImports):
    system.state, system.error = "failed", "the disk is full"
    for words in (("show", "7"), ("errors", "7")):
        code, out, _err = run_crm(system, "imports", *words)
        assert (code, "import 7 is failed: the disk is full" in out) == (0, True), out
    assert json.loads(run_crm(system, "imports", "errors", "7", "--json")[1])["error"] == "the disk is full"


def test_everything_that_an_undo_left_alone_is_counted(system: FakeImports):
    system.left = 2345
    out = run_crm(system, "imports", "undo", "7")[1]
    assert "2,345" in out
    assert len(json.loads(run_crm(system, "imports", "undo", "7", "--json")[1])["kept"]) == 2345


def test_steering(system: FakeImports, file: Path, tmp_path: Path):
    imported(system, file)
    for verb, state in (("pause", "paused"), ("resume", "running"), ("cancel", "canceled")):
        code, out, _err = run_crm(system, "imports", verb, "7")
        assert (code, out.strip()) == (0, f"import 7: {state}")
    code, out, _err = run_crm(system, "imports", "undo", "7")
    assert code == 0
    assert "(the entity itself)" in out
    assert json.loads(run_crm(system, "imports", "undo", "7", "--json")[1])["kept"][0]["attribute"] == "city"
    assert "few.csv" in run_crm(system, "imports", "list")[1]
    system.rejected = 2
    assert run_crm(system, "imports", "errors", "7")[1].count("INVALID_EMAIL") == 2
    assert run_crm(system, "imports", "errors", "7", "-o", str(tmp_path / "e.csv"))[0] == 0
    assert (tmp_path / "e.csv").exists()
