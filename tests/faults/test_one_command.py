"""The one-command run: what it promises when it starts, when parts of it die, when it ends."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from contextlib import suppress

import httpx
import psutil
import pytest

from deploy.local.orphans import running
from deploy.local.ports import is_free
from deploy.local.waiting import wait_until
from tests.faults.system import START_SECONDS, System, open_directory, system

PROCESSES = {"postgres", "redis", "web", "bus", "worker", "scheduler"}


@pytest.fixture(scope="module")
def up() -> Iterator[System]:
    """A running system for all tests here; each of them leaves it running."""
    with system() as made:
        made.start()
        yield made


def _ask(one: System, method: str, path: str, body: dict | None = None) -> httpx.Response:
    """As a client does it: 503 means to try again (a process may still hold connections to a server that died)."""
    answers: list[httpx.Response] = []
    with one.client() as client:

        def is_served() -> bool:
            answers.append(client.request(method, path, json=body))
            return answers[-1].status_code != 503

        wait_until(is_served, 60)
    return answers[-1]


def _create(one: System, email: str) -> str:
    answer = _ask(one, "POST", "/crm/v3/objects/contacts", {"properties": {"email": email}})
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


def _exists(one: System, number: str) -> bool:
    return _ask(one, "GET", f"/crm/v3/objects/contacts/{number}").status_code == 200


def test_it_says_where_it_is_and_how_to_begin(up: System) -> None:
    assert f"Ready: {up.url}" in up.output()
    assert f"Admin token: {up.home.admin_token}" in up.output()
    assert stat.S_IMODE(up.home.admin_token.stat().st_mode) == 0o600
    token = up.home.admin_token.read_text().strip()
    assert up.run("token").stdout == f"{token}\n"
    assert token not in up.output()


def test_it_consists_of_few_processes_and_listens_here_alone(up: System) -> None:
    assert set(up.pids()) == PROCESSES
    addresses = set()
    for process in running(up.home):
        with suppress(psutil.NoSuchProcess):
            addresses |= {one.laddr.ip for one in process.net_connections() if one.status == psutil.CONN_LISTEN}
    assert addresses == {"127.0.0.1"}


def test_the_database_server_does_not_run_as_root(up: System) -> None:
    assert psutil.Process(up.pids()["postgres"]).uids().effective != 0


def test_the_database_server_knows_none_of_our_secrets(up: System) -> None:
    environment = psutil.Process(up.pids()["postgres"]).environ()
    assert not [name for name in environment if name.endswith(("_URL", "_TOKEN"))]


def test_a_second_start_is_refused_in_one_line(up: System) -> None:
    again = up.run("up")
    assert again.returncode != 0
    assert again.stderr.count("\n") == 1
    assert f"already running at {up.url}" in again.stderr
    assert up.is_ready()


def test_a_taken_port_is_one_line(up: System) -> None:
    with open_directory("crm other-") as directory:
        other = System(directory, up.port).run("up")
    assert other.returncode != 0
    assert other.stderr.count("\n") == 1
    assert f"port {up.port} is taken" in other.stderr


@pytest.mark.parametrize("name", sorted(PROCESSES))
def test_a_killed_process_comes_back(up: System, name: str) -> None:
    number = _create(up, f"{name}@example.com")
    before = up.pids()
    psutil.Process(before[name]).kill()
    assert wait_until(lambda: up.pids().get(name, before[name]) != before[name], START_SECONDS)
    assert wait_until(up.is_ready, START_SECONDS)
    assert _exists(up, number)
    _create(up, f"after.{name}@example.com")


def test_a_killed_process_runner_comes_back(up: System) -> None:
    number = _create(up, "runner@example.com")
    assert up.process is not None
    before = set(up.pids().values())
    (runner,) = psutil.Process(up.process.pid).children()
    runner.kill()
    assert wait_until(lambda: up.output().count("Ready: ") == 2, START_SECONDS), up.output()
    assert set(up.pids()) == PROCESSES
    assert not before & set(up.pids().values())
    assert _exists(up, number)


def test_everything_killed_and_started_again(up: System) -> None:
    number = _create(up, "everything@example.com")
    up.kill_everything()
    up.start()
    assert _exists(up, number)


def test_a_killed_command_takes_the_system_along(up: System) -> None:
    assert up.process is not None
    up.process.kill()
    up.process.wait(START_SECONDS)
    assert wait_until(lambda: not running(up.home), START_SECONDS)
    assert is_free(up.port)
    up.start()


def test_ctrl_c_leaves_no_process_and_keeps_the_data(up: System) -> None:
    number = _create(up, "kept@example.com")
    ours = [process.pid for process in running(up.home)]
    assert len(ours) > len(PROCESSES)
    assert up.interrupt() == 0
    assert not running(up.home)
    assert not [pid for pid in ours if psutil.pid_exists(pid)]
    assert is_free(up.port)
    assert up.status()["running"] is False
    up.start()
    assert _exists(up, number)


def test_ctrl_c_while_it_starts_leaves_no_process() -> None:
    with system() as one:
        one.launch()
        assert wait_until(lambda: "Redis" in one.output(), START_SECONDS)
        assert one.interrupt() == 0
        assert "Ready: " not in one.output()
        assert not running(one.home)


def test_down_stops_it_from_elsewhere(up: System) -> None:
    done = up.run("down")
    assert done.returncode == 0, done.stderr
    assert not running(up.home)
    assert up.process is not None
    assert up.process.wait(START_SECONDS) == 0
    assert "nothing is running" in up.run("down").stdout
    up.start()


def test_two_systems_side_by_side(up: System) -> None:
    with system() as other:
        other.start()
        number = _create(other, "other@example.com")
        assert up.is_ready()
        assert not _exists(up, f"{int(number) + 10_000}")
        assert not set(up.pids().values()) & set(other.pids().values())
        assert other.interrupt() == 0
    assert up.is_ready()
