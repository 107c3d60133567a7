"""`crm export`: what it asks, where the bytes go, how it counts, and what is left when it fails."""

from __future__ import annotations

import json
import os

import pytest

from crm.commands.exports import Kind, Rows
from tests.unit.crm.fake import FakeSystem, refusal, run_crm


@pytest.fixture(autouse=True)
def nowhere(monkeypatch, tmp_path):
    for name in [one for one in os.environ if one.startswith("CRM_") or one == "PORT"]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("CRM_HOME", str(tmp_path / "home"))


@pytest.fixture
def system():
    fake = FakeSystem()
    fake.attributes["company"] = [{"name": "industry", "label": "Industry", "type": "enumeration"}]
    for number in range(3):
        kept = fake.entities.setdefault("contact", {})
        fake.write(kept, "contact", {"values": {"email": f"p{number}@x.example", "first_name": "Ada"}})
    return fake


def test_to_a_file_with_a_summary(system, tmp_path):
    file = tmp_path / "out.csv"
    code, out, err = run_crm(system, "export", "contact", "-o", str(file), width=200)
    assert code == 0, err
    assert file.read_text().startswith("id,note\n")
    assert f"3 contact in {file}" in out
    assert [one.name for one in tmp_path.iterdir()] == ["out.csv"]


def test_labels_become_names_and_linked_attributes_are_resolved(system):
    arguments = ("--filter", "'first name' = Ada and company.Industry = MEDIA", "--attributes", "E-mail, 预计收入")
    code, _out, err = run_crm(system, "export", "contact", *arguments, "--sort", "-预计收入", "--links", "company")
    assert code == 0, err
    [body] = system.bodies("/export")
    assert [one["attribute"] for one in body["filter"]["and"]] == ["first_name", "company.industry"]
    assert (body["attributes"], body["links"]) == (["email", "a1"], ["company"])
    assert body["sorts"] == [{"attribute": "a1", "direction": "desc"}]
    assert body["format"] == "csv"


def test_the_format_follows_the_name_of_the_file(system, tmp_path):
    for name, given, expected in (
        ("a.xlsx", (), "xlsx"),
        ("a.NDJSON", (), "ndjson"),
        ("a.txt", (), "csv"),
        ("a.csv", ("--format", "ndjson"), "ndjson"),
    ):
        assert run_crm(system, "export", "contact", "-o", str(tmp_path / name), *given)[0] == 0
        assert system.bodies("/export")[-1]["format"] == expected


def test_json(system, tmp_path):
    code, out, _err = run_crm(system, "export", "contact", "--json")
    assert code == 0
    assert [json.loads(line)["email"] for line in out.splitlines()] == [f"p{n}@x.example" for n in range(3)]
    code, out, _err = run_crm(system, "export", "contact", "--json", "-o", str(tmp_path / "a.csv"))
    told = json.loads(out)
    assert (told["rows"], told["file"]) == (3, str(tmp_path / "a.csv"))


@pytest.mark.parametrize("fault", ["refused", "broken"])
def test_a_failed_export_leaves_what_was_there(system, tmp_path, fault):
    file = tmp_path / "out.csv"
    file.write_text("old")
    system.breaks = fault == "broken"
    if fault == "refused":
        system.fail["/export"] = refusal(400, "VALIDATION_ERROR", "too many")
    code, _out, err = run_crm(system, "export", "contact", "-o", str(file))
    assert code == {"refused": 1, "broken": 3}[fault], err
    assert {"refused": "too many", "broken": "peer closed"}[fault] in err
    assert [one.name for one in tmp_path.iterdir()] == ["out.csv"]
    assert file.read_text() == "old"


def test_a_wrong_name_is_pointed_at(system):
    code, _out, err = run_crm(system, "export", "contact", "--filter", "company.industri = 1")
    assert code == 2
    assert "did you mean industry" in err
    code, _out, err = run_crm(system, "export", "contact", "--filter", "nothing.at_all = 1")
    assert code == 2


@pytest.mark.parametrize("size", [1, 2, 3, 1000])
def test_rows_are_counted_whatever_the_pieces(size):
    text = b'id,x\r\n1,"a\nb ""c""\r\n"\r\n2,\r\n"3","\n"\r\n'
    rows = Rows(Kind.csv)
    for at in range(0, len(text), size):
        found = rows.counted(text[at : at + size])
    assert found == 3
    assert Rows(Kind.ndjson).counted(b'{"a":"x\\"y"}\n{}\n') == 2
    assert Rows(Kind.xlsx).count is None
