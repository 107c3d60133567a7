"""The commands over a stand-in for the system: what they send, what they show, how they fail."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import httpx
import pytest

from crm.cli import execute
from crm.commands import status
from crm.session import Session
from deploy.services import ALL
from tests.unit.crm.fake import FakeSystem, refusal, run_crm


@pytest.fixture(autouse=True)
def nowhere(monkeypatch, tmp_path):
    for name in [one for one in os.environ if one.startswith("CRM_") or one == "PORT"]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("CRM_HOME", str(tmp_path))


@pytest.fixture
def system():
    fake = FakeSystem()
    for number, city in enumerate(["北京", "Berlin", "北京"], 1):
        values = {"email": f"p{number}@x.example", "first_name": "Ada", "city": city, "a1": number * 10.5}
        fake.write(fake.entities.setdefault("contact", {}), "contact", {"values": values})
    return fake


def test_find_sends_names_for_labels_and_shows_labels(system):
    code, out, err = run_crm(system, "find", "contact", "预计收入 > 50 and 'first name' = Ada", "--sort", "-预计收入")
    assert (code, err) == (0, "")
    [body] = system.bodies("/query")
    assert body["filter"]["and"][0] == {"attribute": "a1", "operator": "GT", "value": "50"}
    assert body["filter"]["and"][1]["attribute"] == "first_name"
    assert body["sorts"] == [{"attribute": "a1", "direction": "desc"}]
    assert body["attributes"] == ["email", "first_name", "a1"]
    header = out.splitlines()[1].split()
    assert header == ["Id", "E-mail", "First", "name", "预计收入"]
    assert "p3@x.example" in out
    assert "31.5" in out


def test_find_json_is_what_the_api_said_with_exact_numbers(system):
    system.entities["contact"]["1"]["values"]["a1"] = 0.1
    code, out, _err = run_crm(system, "find", "contact", "--json", "--columns", "预计收入,City")
    assert code == 0
    assert '"a1":0.1' in out
    body = json.loads(out)
    assert body["total"] == 3
    assert [one["id"] for one in body["results"]] == ["1", "2", "3"]
    assert system.bodies("/query")[0]["attributes"] == ["a1", "city"]


def test_find_shows_columns_of_linked_entities(system):
    system.attributes["company"] = [{"name": "industry", "label": "Industry", "type": "string"}]
    system.entities["contact"]["1"]["values"]["company.industry"] = "MEDIA"
    code, out, err = run_crm(system, "find", "contact", "--columns", "E-mail, company.Industry")
    assert (code, err) == (0, "")
    assert system.bodies("/query")[0]["attributes"] == ["email", "company.industry"]
    assert "company.industry" in out.splitlines()[1]
    assert "MEDIA" in out
    code, _out, err = run_crm(system, "find", "contact", "--columns", "company.industri")
    assert code != 0
    assert "did you mean industry?" in err


def test_find_limit_says_that_there_is_more(system):
    _code, out, _err = run_crm(system, "find", "contact", "--limit", "2")
    assert "2 of 3  (--limit or --all shows more)" in out


def test_find_all_walks_the_cursor_and_streams_json_lines(system):
    system.page = 1
    _code, out, _err = run_crm(system, "find", "contact", "--all", "--json")
    assert [json.loads(line)["id"] for line in out.splitlines()] == ["1", "2", "3"]
    assert [body.get("cursor") for body in system.bodies("/query")] == [None, "1", "2"]
    _code, out, _err = run_crm(system, "find", "contact", "--all")
    assert out.splitlines()[-1].strip() == "3"


def test_find_nothing(system):
    system.entities.clear()
    assert "no contact fits" in run_crm(system, "find", "contact")[1]


def test_a_wrong_filter_is_pointed_at_and_asks_nothing(system):
    code, out, err = run_crm(system, "find", "contact", "city = New York")
    assert (code, out) == (2, "")
    assert err.splitlines()[1:] == ["  city = New York", "             ^"]
    assert not system.bodies("/query")


def test_an_unknown_attribute_is_pointed_at_with_near_names(system):
    code, _out, err = run_crm(system, "find", "contact", "city is set and emial = x")
    assert code == 2
    assert "no attribute 'emial'; did you mean email?" in err
    assert err.splitlines()[2] == "  " + " " * len("city is set and ") + "^"


def test_show_by_id_and_by_email(system):
    code, out, _err = run_crm(system, "show", "contact", "2")
    assert code == 0
    assert "contact 2, version 1, created" in out
    assert "预计收入" in out
    system.fail["p2@x.example"] = httpx.Response(200, json=system.entities["contact"]["2"])
    run_crm(system, "show", "contact", "p2@x.example")
    assert system.requests[-1][1].endswith("contact/p2%40x.example?attributes=%2A&by=email")


def test_show_history_lists_former_values_newest_first(system):
    system.entities["contact"]["1"]["history"] = {
        "lifecycle_stage": [
            {"value": "customer", "at": "2026-02-01T00:00:00.000Z", "source": "API", "actor": "t", "version": 2},
            {"value": "lead", "at": "2026-01-01T00:00:00.000Z", "source": "API", "source_id": "7", "version": 1},
        ],
        "city": [
            {"value": "", "at": "2026-03-01T00:00:00.000Z", "source": "API", "actor": None, "version": 3},
            {"value": "Berlin", "at": "2026-01-01T00:00:00.000Z", "source": "API", "source_id": "7", "version": 1},
        ],
        "email": [{"value": "a", "at": "2026-01-01T00:00:00.000Z", "source": "API", "source_id": "7", "version": 1}],
    }
    _code, out, _err = run_crm(system, "show", "contact", "1", "--history")
    past = [line.strip() for line in out[out.index("History") :].splitlines()]
    assert [re.split(r"\s{2,}", line) for line in past if line[:1].isdigit()] == [
        ["3", "2026-03-01 00:00", "City: Berlin → (cleared)", "API"],
        ["2", "2026-02-01 00:00", "Lifecycle stage: Lead → Paying customer", "API"],
        ["1", "2026-01-01 00:00", "Lifecycle stage: Lead", "API 7"],
    ]
    assert "(and 1 that still hold)" in past


def test_create_takes_labels_options_by_label_and_clears(system):
    code, out, _err = run_crm(
        system, "create", "contact", "E-mail=z@x.example", "Lifecycle stage=paying customer", "预计收入=1.50", "city="
    )
    assert code == 0
    expected = {"email": "z@x.example", "lifecycle_stage": "customer", "a1": "1.50", "city": None}
    assert system.requests[-1][2] == {"values": expected}
    assert "contact 4 created" in out
    assert "Paying customer" in out


def test_update_patches(system):
    code, out, _err = run_crm(system, "update", "contact", "1", "city=Paris=on=Seine")
    assert (code, system.requests[-1][:2]) == (0, ("PATCH", "/api/v1/objects/contact/1"))
    assert system.requests[-1][2] == {"values": {"city": "Paris=on=Seine"}}
    assert "version 2" in out


def test_a_word_without_equals_is_a_usage_error(system):
    code, _out, _err = run_crm(system, "create", "contact", "city")
    assert code == 2


def test_attributes_list_and_add(system):
    code, out, _err = run_crm(
        system,
        "attributes",
        "add",
        "contact",
        "Colour",
        "--type",
        "enumeration",
        "--option",
        "r=Red",
        "--option",
        "blue",
        "--unique",
    )
    assert code == 0
    expected = {
        "label": "Colour",
        "type": "enumeration",
        "unique": True,
        "options": [{"value": "r", "label": "Red"}, "blue"],
    }
    assert system.requests[-1][2] == expected
    assert "contact has the attribute Colour" in out
    system.attributes["contact"].pop()
    _code, out, _err = run_crm(system, "attributes", "list", "contact")
    assert "Lead, Paying customer" in out
    assert "custom" in out


def test_an_api_error_shows_every_field_error_and_the_correlation_id(system):
    errors = [
        {"message": "score is not a number.", "code": "INVALID_INTEGER", "context": {"propertyName": ["score"]}},
        {"message": "no such attribute", "context": {"propertyName": ["emial"], "nearest": ["email"]}},
    ]
    system.fail["/contact"] = refusal(400, "VALIDATION_ERROR", "Property values were not valid: [{}]", errors)
    code, out, err = run_crm(system, "create", "contact", "city=x")
    assert (code, out) == (1, "")
    assert err.splitlines() == [
        "crm: values were refused",
        "  score is not a number",
        "  emial: no such attribute (did you mean email?)",
        "  correlation id c-1",
    ]


def test_something_that_is_not_the_system_is_said_plainly(system):
    system.fail["/attributes"] = httpx.Response(200, text="<html>welcome</html>")
    code, _out, err = run_crm(system, "find", "contact")
    assert code == 1
    assert "is this the right address?" in err


def test_nothing_answers(capsys):
    code = execute(["find", "contact", "--url", "http://127.0.0.1:9"], Session())
    assert code == 3
    said = "crm: nothing answers at http://127.0.0.1:9: `make up` starts it; PORT or CRM_URL name another address\n"
    assert capsys.readouterr().err == said


def _run_at(home: Path, url: str) -> None:
    (home / "run").mkdir()
    (home / "run" / "lock").write_text(json.dumps({"pid": 1, "url": url}))


def test_the_system_of_this_home_is_found(monkeypatch, tmp_path):
    assert Session().address == "http://127.0.0.1:8000"
    _run_at(tmp_path, "http://127.0.0.1:8123/")
    assert Session().address == "http://127.0.0.1:8123"
    monkeypatch.setenv("PORT", "8124")
    assert Session().address == "http://127.0.0.1:8124"
    monkeypatch.setenv("CRM_URL", "http://a.example")
    assert Session().address == "http://a.example"
    assert Session(url="http://b.example").address == "http://b.example"


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"pid": 1, "url": ""}'])
def test_a_home_where_nothing_runs(text, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "lock").write_text(text)
    assert Session().address == "http://127.0.0.1:8000"


def test_the_demo_draws_no_bars_for_nobody(capsys):
    assert execute(["demo", "--url", "http://127.0.0.1:9"], Session()) == 3
    assert capsys.readouterr().err.startswith("crm: nothing answers at")


def test_usage_errors_exit_with_two(system):
    assert run_crm(system, "frobnicate")[0] == 2
    assert run_crm(system, "find")[0] == 2
    assert run_crm(system, "find", "contact", "--limit", "x")[0] == 2


def test_too_many_requests_are_waited_out(system, monkeypatch):
    pauses = []
    monkeypatch.setattr("time.sleep", pauses.append)
    answers = [httpx.Response(429, headers={"Retry-After": "2"}), httpx.Response(429), None]

    def answer(request: httpx.Request) -> httpx.Response:
        return answers.pop(0) or FakeSystem.answer(system, request)

    monkeypatch.setattr(system, "answer", answer)
    assert run_crm(system, "attributes", "list", "contact")[0] == 0
    assert pauses == [2.0, 0.4]


def test_address_and_token_come_from_options_then_environment_then_home(system, monkeypatch, tmp_path):
    seen = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append((str(request.url.copy_with(path="/")), request.headers.get("Authorization")))
        return httpx.Response(200, json={"results": []})

    monkeypatch.setattr(system, "answer", answer)
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "admin-token").write_text("from-home\n")
    monkeypatch.setenv("PORT", "8123")
    run_crm(system, "attributes", "list", "contact")
    monkeypatch.setenv("CRM_URL", "http://there.example/")
    monkeypatch.setenv("CRM_TOKEN", "from-env")
    run_crm(system, "attributes", "list", "contact")
    run_crm(system, "--url", "http://first.example", "attributes", "list", "contact", "--token", "given")
    assert seen == [
        ("http://127.0.0.1:8123/", "Bearer from-home"),
        ("http://there.example/", "Bearer from-env"),
        ("http://first.example/", "Bearer given"),
    ]


def test_token_create_shows_the_text_once_unwrapped(system):
    made = {"id": "7", "name": "export", "scopes": ["*"], "token": "crm_" + "x" * 100}
    system.fail["/tokens"] = httpx.Response(201, json=made)
    code, out, _err = run_crm(system, "token", "create", "export", "--scope", "a.b", "--scope", "c.d", width=60)
    assert code == 0
    assert made["token"] in out.splitlines()
    assert system.requests[-1][2] == {"name": "export", "scopes": ["a.b", "c.d"]}


def test_owner_add(system):
    code, _out, _err = run_crm(system, "owner", "add", "o@x.example", "--first", "Ada", "--json")
    assert code == 0
    assert system.requests[-1][2] == {"values": {"email": "o@x.example", "first_name": "Ada"}}


def test_status_tells_each_service_and_why_one_is_not_ready(system):
    checks = [{"name": "database", "state": "failing", "reason": "the database does not answer"}]
    services = {"workspace": {"status": "ready", "checks": []}, "contacts": {"status": "not ready", "checks": checks}}
    system.fail["/readyz"] = httpx.Response(503, json={"status": "not ready", "services": services})
    code, out, _err = run_crm(system, "status")
    assert code == 1
    assert "database failing: the database does not answer" in out
    system.fail["/readyz"] = httpx.Response(
        200, json={"status": "ready", "services": {"workspace": services["workspace"]}}
    )
    code, out, _err = run_crm(system, "status", "--json")
    assert (code, json.loads(out)["status"]) == (0, "ready")


def test_status_is_that_of_the_worst_service(system):
    services = {"workspace": {"status": "ready"}, "contacts": {"status": "degraded"}}
    system.fail["/readyz"] = httpx.Response(200, json={"status": "degraded", "services": services})
    code, out, _err = run_crm(system, "status")
    assert code == 0
    assert "is degraded" in out


def test_status_shows_the_processes_of_this_machine(system, monkeypatch, tmp_path):
    system.fail["/readyz"] = httpx.Response(
        200, json={"status": "ready", "services": {"contacts": {"status": "ready"}}}
    )
    _run_at(tmp_path, "http://127.0.0.1:8123")
    (tmp_path / "ports.json").write_text('{"postgres": 5444}')
    told = {
        "processes": [{"name": "postgres", "state": "RUNNING", "pid": 41}, {"name": "web", "state": "FATAL", "pid": 0}]
    }
    monkeypatch.setattr(status, "_local_status", lambda: told)
    code, out, _err = run_crm(system, "status")
    rows = [line.split() for line in out.splitlines()]
    assert code == 0
    assert ["postgres", "running", "41", "5444"] in rows
    assert ["web", "fatal", "8123"] in rows
    assert "postgres" not in run_crm(system, "status", "--url", "http://elsewhere.example")[1]


def test_status_asks_services_one_by_one_where_no_front_gathers_them(system):
    system.fail["/contacts/readyz"] = httpx.Response(
        200, json={"status": "degraded", "service": "contacts", "checks": []}
    )
    code, out, _err = run_crm(system, "status")
    assert code == 0
    assert "is degraded" in out
    asked = ["/readyz", *sorted(f"/{one.name}/readyz" for one in ALL)]
    assert [path for _method, path, _body in system.requests] == asked
