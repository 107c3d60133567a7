"""The command line against a real system: what it fills in can be found, shown, changed, and is never doubled."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from rich.console import Console

from crm.cli import execute
from crm.demo import Company, Size
from crm.session import Session
from deploy.local.waiting import wait_until
from shared.kernel import clock
from tests.contract.serving import System, served

SIZE = Size(4, 30, 450)


@pytest.fixture(scope="module")
def system(tmp_path_factory, new_database, new_redis) -> Iterator[System]:
    with served(tmp_path_factory.mktemp("crm"), new_database, new_redis()) as running:
        yield running


Crm = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def crm(system: System) -> Crm:
    """Runs one command line; exit code, output, error output."""

    def run(*arguments: str) -> tuple[int, str, str]:
        out, err = io.StringIO(), io.StringIO()
        consoles = (Console(file=one, width=140, color_system=None) for one in (out, err))
        code = execute(arguments, Session(system.url, system.token, False, None, *consoles))
        return code, out.getvalue(), err.getvalue()

    return run


@pytest.fixture(scope="module")
def filled(crm: Crm) -> Company:
    """The demo's company, in the system."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("crm.demo.company.SIZES", {"small": SIZE})
        code, out, err = crm("demo", "--json")
        assert code == 0, err
        told = json.loads(out)
        assert told["refused"] == 0, told["problems"]
        assert told["created"] == sum(SIZE)
        assert told["dated"] is True
        code, out, _err = crm("demo", "--json")
        told = json.loads(out)
        assert (told["created"], told["changed"], told["kept"]) == (0, 0, sum(SIZE))
    return Company(1, SIZE)


def test_find_gives_what_the_generator_made(crm: Crm, filled: Company):
    expected = {
        story.key: story.final()["score"]
        for story in filled.contacts()
        if float(story.final()["score"]) > 50 and story.values["city"] == "北京"
    }
    assert expected
    question = ("find", "contact", "Score > 50 and city = 北京", "--sort", "-score")
    code, out, err = crm(*question, "--all", "--json", "--columns", "E-mail,Score")
    assert code == 0, err
    found = [json.loads(line)["values"] for line in out.splitlines()]
    assert {one["email"]: str(one["score"]) for one in found} == expected
    scores = [one["score"] for one in found]
    assert scores == sorted(scores, reverse=True)
    code, out, _err = crm(*question)
    assert code == 0
    assert "Score" in out.splitlines()[1]
    assert next(iter(found))["email"] in out


def test_each_operator_of_the_language_is_understood(crm: Crm, filled: Company):
    contacts = [story.final() for story in filled.contacts()]
    for text, holds in {
        "city in (北京, Berlin)": lambda one: one["city"] in ("北京", "Berlin"),
        "city not in (北京)": lambda one: one["city"] != "北京",
        "phone is not set": lambda one: "phone" not in one,
        "job_title is set and not city = 北京": lambda one: "job_title" in one and one["city"] != "北京",
        "score between 20 and 60.5": lambda one: 20 <= float(one["score"]) <= 60.5,
        "email starts with a or last_name = WEISS": lambda one: one["email"][0] == "a" or one["last_name"] == "Weiß",
        "'Lifecycle stage' != lead": lambda one: one["lifecycle_stage"] != "lead",
        "score <= 10 or score >= 90": lambda one: not 10 < float(one["score"]) < 90,
    }.items():
        expected = sum(map(holds, contacts))
        code, out, err = crm("find", "contact", text, "--limit", "1", "--json")
        assert code == 0, err
        assert (text, json.loads(out)["total"]) == (text, expected)


def test_show_tells_the_history_at_its_own_instants(crm: Crm, filled: Company):
    story = next(story for story in filled.contacts() if len(story.steps) > 1)
    code, out, err = crm("show", "contact", story.key, "--history", "--json")
    assert code == 0, err
    shown = json.loads(out)
    expected = [(step.values["lifecycle_stage"], clock.iso(step.at)) for step in reversed(story.steps)]
    expected.append((story.values["lifecycle_stage"], clock.iso(story.created)))
    assert [(one["value"], one["at"]) for one in shown["history"]["lifecycle_stage"]] == expected
    assert shown["created_at"] == clock.iso(story.created)
    code, out, _err = crm("show", "contact", shown["id"], "--history")
    assert code == 0
    assert story.values["last_name"] in out


def test_a_new_attribute_is_usable_at_once_by_its_label(crm: Crm):
    code, _out, err = crm("attributes", "add", "contact", "预计收入", "--type", "number")
    assert code == 0, err
    code, out, err = crm("create", "contact", "E-mail=new@uk.example", "预计收入=1234567890.125", "--json")
    assert code == 0, err
    made = json.loads(out)["id"]
    code, out, _err = crm("find", "contact", "预计收入 > 1000", "--json", "--columns", "预计收入")
    assert [one["id"] for one in json.loads(out)["results"]] == [made]
    assert "1234567890.125" in out
    code, out, _err = crm("update", "contact", made, "预计收入=", "First name=Ada", "--json")
    assert code == 0
    assert json.loads(out)["version"] == 2
    assert "预计收入" in crm("attributes", "list", "contact")[1]


def test_refusals_are_explained_line_by_line(crm: Crm):
    code, out, err = crm("create", "contact", "email=nonsense", "lifecycle_stage=nowhere")
    assert (code, out) == (1, "")
    assert len(err.splitlines()) == 4
    assert "correlation id" in err
    assert crm("show", "contact", "999999999")[0] == 1


def test_a_made_token_works_until_it_is_revoked(crm: Crm, system: System):
    scopes = ("--scope", "crm.objects.contacts.read", "--scope", "crm.schemas.contacts.read")
    code, out, err = crm("token", "create", "reader", *scopes, "--json")
    assert code == 0, err
    made = json.loads(out)

    def works() -> bool:
        quiet = Console(file=io.StringIO())
        return execute(["find", "contact"], Session(system.url, made["token"], console=quiet, errors=quiet)) == 0

    assert wait_until(works, 60)
    assert made["id"] in crm("token", "list")[1]
    assert crm("token", "revoke", made["id"])[0] == 0
    assert wait_until(lambda: not works(), 60)


def test_owners_types_and_status(crm: Crm, filled: Company):
    owners = json.loads(crm("owner", "list", "--json")[1])["results"]
    assert {one["values"]["email"] for one in owners} >= {story.key for story in filled.owners()}
    assert crm("owner", "add", "q@sales.example", "--first", "Q")[0] == 0
    code, out, err = crm("types", "add", "Machine", "--plural-label", "Machines", "--json")
    assert code == 0, err
    listed = {one["name"] for one in json.loads(crm("types", "list", "--json")[1])["results"]}
    assert {json.loads(out)["name"], "contact", "company", "owner"} <= listed
    code, out, err = crm("status", "--json")
    told = json.loads(out)
    assert (code, told["status"]) == (0, "ready"), err
    assert {"workspace", "contacts"} <= set(told["services"])


def test_owners_made_a_moment_ago_can_be_assigned_at_once(crm: Crm):
    for number in range(5):
        owner = json.loads(crm("owner", "add", f"just{number}@sales.example", "--json")[1])["id"]
        code, _out, err = crm("create", "contact", f"email=just{number}@uk.example", f"owner_id={owner}")
        assert code == 0, err


def test_files_agree_with_the_system(crm: Crm, tmp_path: Path, filled: Company):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("crm.demo.company.SIZES", {"small": SIZE})
        assert crm("demo", "--files", str(tmp_path))[0] == 0
    lines = (tmp_path / "contacts.csv").read_text(encoding="utf-8").splitlines()
    assert len(lines) == SIZE.contacts + len(("header", "a duplicate", "a choice nobody made", "a wrong address"))
