"""`crm run`: one service alone, in the foreground, for installations that run services apart."""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

from crm.session import Session

GRACE = 30.0
_CONFIG = Path(__file__).resolve().parents[2] / "deploy" / "gunicorn.conf.py"
_LOOK = 0.2


def run(
    session: Session,
    service: str,
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="Where it listens; else PORT.")] = 0,
) -> None:
    """Run one service alone: its web server and its bus process, until Ctrl-C.

    Needs <SERVICE>_DATABASE_URL, the service's own database. REDIS_URL, CRM_WORKSPACE_URL and CRM_SERVICE_TOKEN
    connect it to the others.
    """
    _check(session, service)
    chosen = port or session.settings.port
    environment = {**os.environ, "PORT": str(chosen)}
    migrated = subprocess.run(_part("migrate", service), env=environment, check=False)  # noqa: S603 (our own words)
    if migrated.returncode:
        raise typer.Exit(1)
    session.say(f"{service} listens at http://{session.settings.host}:{chosen}")
    raise typer.Exit(keep_running([_web(service), _part("bus", service)], environment))


def keep_running(commands: list[list[str]], environment: Mapping[str, str]) -> int:
    """Run the commands until one ends (1) or a signal comes (0); then stop them all, by force after GRACE seconds."""
    with _told_to_stop() as told:
        processes = [subprocess.Popen(command, env=environment) for command in commands]  # noqa: S603 (our own words)
        try:
            while not told and all(process.poll() is None for process in processes):
                time.sleep(_LOOK)
        finally:
            _stop(processes)
    return 0 if told else 1


def _check(session: Session, service: str) -> None:
    if not service.isidentifier() or importlib.util.find_spec(f"services.{service}") is None:
        raise typer.BadParameter(f"there is no service {service!r}")
    if not session.settings.service_database_url(service):
        raise typer.BadParameter(f"where is its database? Set {service.upper()}_DATABASE_URL")


def _web(service: str) -> list[str]:
    return [sys.executable, "-m", "gunicorn", "-c", str(_CONFIG), f"services.{service}.run:app()"]


def _part(part: str, service: str) -> list[str]:
    return [sys.executable, "-m", "crm.running", part, service]


@contextmanager
def _told_to_stop() -> Iterator[list[int]]:
    """A list that fills when a signal asks us to stop."""
    told: list[int] = []

    def note(number: int, _frame: FrameType | None) -> None:
        told.append(number)

    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.signal(number, note) for number in numbers]
    try:
        yield told
    finally:
        for number, former in zip(numbers, before, strict=True):
            signal.signal(number, former)


def _stop(processes: list[subprocess.Popen[bytes]]) -> None:
    for process in processes:
        process.terminate()
    deadline = time.monotonic() + GRACE
    for process in processes:
        try:
            process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
