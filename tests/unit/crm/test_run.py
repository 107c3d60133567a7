"""`crm run`: its processes live and end together, and it says what is missing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from crm.commands.run import keep_running
from tests.unit.crm.fake import FakeSystem, run_crm

SLEEPS = "import pathlib, sys, time; pathlib.Path(sys.argv[1]).write_text('up'); time.sleep(600)"


@pytest.fixture
def sleeper(tmp_path):
    """A command that runs on, and the file that tells that it has begun."""
    return [sys.executable, "-c", SLEEPS, str(tmp_path / "up")], tmp_path / "up"


def wait_for(path: Path) -> None:
    deadline = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_when_one_part_ends_the_others_are_stopped(sleeper):
    command, _up = sleeper
    assert keep_running([command, [sys.executable, "-c", "pass"]], os.environ) == 1


def test_a_signal_stops_all_and_is_no_failure(sleeper):
    command, up = sleeper
    former = signal.getsignal(signal.SIGTERM)

    def stop_when_up():
        wait_for(up)
        os.kill(os.getpid(), signal.SIGTERM)

    teller = threading.Thread(target=stop_when_up)
    teller.start()
    assert keep_running([command], os.environ) == 0
    teller.join()
    assert signal.getsignal(signal.SIGTERM) is former


def test_what_is_missing_is_said(monkeypatch, tmp_path):
    monkeypatch.setenv("CRM_HOME", str(tmp_path))
    for name in ("DATABASE_URL", "CONTACTS_DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    code, _out, _err = run_crm(FakeSystem(), "run", "nothing")
    assert code == 2
    code, _out, _err = run_crm(FakeSystem(), "run", "contacts")
    assert code == 2


def test_no_part_of_the_command_line_loads_what_services_need():
    program = "import sys, crm.cli; print(sorted({'flask', 'sqlalchemy', 'celery', 'psycopg'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
