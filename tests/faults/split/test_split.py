"""The same system in many processes: what clients notice of it (nothing), and what it is good for."""

from __future__ import annotations

import os
import subprocess
import sys

import httpx
import psutil

from deploy.local import runner
from deploy.local.orphans import running
from deploy.local.plan import service_names
from deploy.local.programs import PROJECT
from deploy.local.waiting import wait_until
from tests.faults.contract import CONTRACT, run_tests
from tests.faults.split.stopping import CONTACTS, reported, stopped, values
from tests.faults.system import START_SECONDS, System
from tests.faults.test_other_engines import DEBIAN_POSTGRES, DEBIAN_REDIS
from tests.journeys.asking import count

BAD_INPUT = "tests/contract/test_bad_input.py"  # some of which nginx meets before a service does


def test_it_consists_of_what_the_compose_file_says(split: System) -> None:
    roles = {f"{service}-{role}" for service in service_names() for role in ("web", "worker", "bus")}
    assert set(split.pids()) == roles | {"postgres", "redis", "gateway", "front", "scheduler", "contacts-web-2"}
    binaries = {name: psutil.Process(split.pids()[name]).exe() for name in ("postgres", "redis")}
    assert binaries == {"postgres": str(DEBIAN_POSTGRES / "postgres"), "redis": str(DEBIAN_REDIS.resolve())}


def test_a_process_knows_the_database_of_its_service_alone(split: System) -> None:
    for name, pid in split.pids().items():
        known = {one for one in psutil.Process(pid).environ() if one.endswith("DATABASE_URL")}
        service = name.partition("-")[0]
        assert known == ({f"{service.upper()}_DATABASE_URL"} if service in service_names() else set()), name


def test_the_front_speaks_for_all(split: System, http: httpx.Client) -> None:
    assert set(http.get("/readyz").json()["services"]) == set(service_names())
    wanted = {f"/{service}/readyz" for service in service_names()}
    # A document leaves out who does not answer in time, as on a busy machine.
    assert wait_until(
        lambda: wanted <= set(http.get("/openapi.json", timeout=120).json().get("paths", ())), START_SECONDS
    )
    assert "contacts" in http.get("/").text
    assert http.get("/docs").status_code == 200


def test_clients_notice_nothing(split: System) -> None:
    token = split.home.admin_token.read_text().strip()
    run_tests(split.url, token, *CONTRACT)
    run_tests(split.url, token, BAD_INPUT)


def test_the_journey_of_the_examples(split: System) -> None:
    """The requests of the documentation, by shell, Python and the official SDK, and what `crm` says of the system."""
    token = split.home.admin_token.read_text().strip()
    environment = {**os.environ, "CRM_URL": split.url, "CRM_TOKEN": token, "CRM_HOME": str(split.root)}
    examples = PROJECT / "docs" / "examples"
    for words in (
        ["sh", str(examples / "quickstart.sh")],
        [sys.executable, str(examples / "quickstart.py")],
        [sys.executable, str(examples / "sdk.py")],
        [sys.executable, "-m", "crm.cli", "status"],
        [sys.executable, "-m", "crm.cli", "types", "list"],
    ):
        done = subprocess.run(
            words, cwd=PROJECT, env=environment, capture_output=True, text=True, timeout=START_SECONDS, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_two_processes_share_the_requests_and_one_is_enough(split: System, http: httpx.Client) -> None:
    logs = [split.home.logs / f"{name}.log" for name in ("contacts-web", "contacts-web-2")]
    before = [log.read_text().count("\n") for log in logs]
    for _ in range(20):
        assert http.get(CONTACTS).status_code == 200
    assert all(log.read_text().count("\n") - lines >= 5 for log, lines in zip(logs, before, strict=True))
    runner.ask(split.home, "stopProcess", "contacts-web-2", True)
    try:
        assert {http.get(CONTACTS).status_code for _ in range(20)} == {200}
        assert {http.post(CONTACTS, json=values()).status_code for _ in range(5)} == {201}
    finally:
        runner.ask(split.home, "startProcess", "contacts-web-2", False)


def test_while_contacts_is_stopped_the_others_serve_and_then_catch_up(split: System, http: httpx.Client) -> None:
    for _ in range(3):
        assert http.post(CONTACTS, json=values()).status_code == 201
    with stopped(split, "contacts"):
        refused = http.get(CONTACTS)
        assert (refused.status_code, refused.json()["category"]) == (503, "SERVICE_UNAVAILABLE")
        assert refused.headers["Retry-After"]
        assert http.get("/readyz").status_code == 503
        owner = http.post("/api/v1/objects/owners", json=values(first_name="Ada"))
        assert owner.status_code == 201, owner.text
        scopes = ["crm.objects.contacts.read"]
        token = http.post("/api/v1/tokens", json={"name": "new", "scopes": scopes}).json()["token"]
        deal = http.post("/crm/v3/objects/deals", json={"properties": {"dealname": "meanwhile"}})
        assert deal.status_code == 201, deal.text
        assert http.post("/reporting/v1/metrics/contacts/query", json={}).status_code == 200
    made = http.post(CONTACTS, json=values(owner_id=owner.json()["id"]))
    assert made.status_code == 201, made.text  # the owner made meanwhile is known
    assert http.get(CONTACTS, headers={"Authorization": f"Bearer {token}"}).status_code == 200
    assert wait_until(lambda: reported(http) == count(http, "contacts"), START_SECONDS)


def test_reports_catch_up_with_what_happened_while_reporting_was_stopped(split: System, http: httpx.Client) -> None:
    before = count(http, "contacts")
    with stopped(split, "reporting"):
        assert http.get("/reporting/v1/metrics").status_code == 503
        for _ in range(5):
            assert http.post(CONTACTS, json=values()).status_code == 201
    assert wait_until(lambda: reported(http) == before + 5, START_SECONDS)


def test_ctrl_c_leaves_no_process(split: System) -> None:
    assert split.interrupt() == 0
    assert not running(split.home)
    assert not [one for one in psutil.process_iter() if str(split.root) in " ".join(_words(one))]
    split.start()


def _words(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def test_a_killed_command_takes_nginx_along_too(split: System) -> None:
    assert split.process is not None
    split.process.kill()
    split.process.wait(START_SECONDS)
    assert wait_until(lambda: not running(split.home), START_SECONDS)
    assert wait_until(
        lambda: not [one for one in psutil.process_iter() if str(split.root) in " ".join(_words(one))], 60
    )
