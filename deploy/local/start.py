"""Bringing a Stack up in order, each step waiting for what it needs: servers, databases, migrations, processes."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import httpx
import psycopg
import redis

from deploy.local import runner as runners
from deploy.local.databases import ensure_databases
from deploy.local.programs import PROJECT, Stack
from deploy.local.runner import Runner
from deploy.local.trouble import Trouble
from deploy.local.waiting import wait_until

_SERVER_SECONDS = 180  # a database that was killed reads its log first
_READY_SECONDS = 300
_SETTLE_SECONDS = 5  # what serves already may still be catching up with a log

Say = Callable[[str], None]


def start_run(stack: Stack, environment: Mapping[str, str]) -> Runner:
    """The process runner with the servers, if any are ours."""
    shutil.rmtree(stack.home.metrics, ignore_errors=True)
    stack.home.metrics.mkdir(mode=0o700)
    return runners.start_runner(stack.home, stack.programs(), environment)


def bring_up(stack: Stack, runner: Runner, environment: Mapping[str, str], say: Say) -> None:
    """Everything else, until the system answers as ready, or serves without getting better: then it says what is amiss.

    Raises Trouble naming what did not come up.
    """
    if not wait_until(lambda: runner.died() or runners.answers(stack.home), 30) or runner.died():
        raise Trouble(f"the process runner did not start: {_last_line(stack, 'supervisord')}")
    _wait_for_postgres(stack, runner, say)
    _wait_for_redis(stack, runner, say)
    ensure_databases(stack.admin_url, stack.databases)
    say("migrating")
    _migrate(stack, environment)
    say("starting the services")
    for program in stack.programs():
        if not program.first:
            runners.ask(stack.home, "startProcess", program.name, False)
    _wait_for_readiness(stack, runner)
    for line in settled(lambda: readiness(stack.local_url), _SETTLE_SECONDS):
        say(line)


def _wait_for_postgres(stack: Stack, runner: Runner, say: Say) -> None:
    own = stack.postgres
    if own is None:
        say("waiting for the PostgreSQL of DATABASE_URL")
        if _waited(runner, lambda: _postgres_answers(stack.admin_url), stack.settings.server_seconds):
            raise Trouble("the PostgreSQL of DATABASE_URL does not answer")
    else:
        say(f"PostgreSQL {own.engine.major} on port {own.port}")
        if _waited(runner, own.answers, _SERVER_SECONDS):
            raise Trouble(f"PostgreSQL did not start: {_last_line(stack, 'postgres')}")


def _wait_for_redis(stack: Stack, runner: Runner, say: Say) -> None:
    own = stack.redis
    if own is None:
        say("waiting for the Redis of REDIS_URL")
        if _waited(runner, lambda: _redis_answers(stack.redis_url), stack.settings.server_seconds):
            raise Trouble("the Redis of REDIS_URL does not answer")
    else:
        say(f"Redis ({own.engine.kind}) on port {own.port}")
        if _waited(runner, own.answers, _SERVER_SECONDS):
            raise Trouble(f"Redis did not start: {_last_line(stack, 'redis')}")


def _waited(runner: Runner, answers: Callable[[], bool], seconds: float) -> bool:
    """Wait; True when it was in vain."""
    return not wait_until(lambda: runner.died() or answers(), seconds) or runner.died()


def _postgres_answers(url: str) -> bool:
    try:
        with psycopg.connect(url, connect_timeout=3):
            return True
    except psycopg.OperationalError:
        return False


def _redis_answers(url: str) -> bool:
    try:
        with redis.Redis.from_url(url, socket_connect_timeout=3, socket_timeout=3) as client:
            return bool(client.ping())
    except redis.RedisError:
        return False


def _migrate(stack: Stack, environment: Mapping[str, str]) -> None:
    command, surroundings = stack.preparation(environment)
    log = stack.home.logs / "migrate.log"
    with log.open("wb") as output:
        done = subprocess.run(  # noqa: S603 - our own words
            command,
            stdout=output,
            stderr=output,
            stdin=subprocess.DEVNULL,
            cwd=PROJECT,
            env=dict(surroundings),
            check=False,
        )
    if done.returncode != 0:
        raise Trouble(f"migrating failed: {_last_line(stack, 'migrate')}")


def _wait_for_readiness(stack: Stack, runner: Runner) -> None:
    if not wait_until(lambda: runner.died() or readiness(stack.local_url) is not None, _READY_SECONDS, every=0.1):
        raise Trouble(f"not ready after {_READY_SECONDS} s: {_last_line(stack, 'web')}")
    if not wait_until(lambda: runner.died() or not _not_running(stack), _READY_SECONDS, every=0.1):
        name = _not_running(stack)[0]
        raise Trouble(f"{name} does not stay up: {_last_line(stack, name)}")
    if runner.died():
        raise Trouble("the process runner ended while the system was starting")


def readiness(url: str) -> Mapping[str, Any] | None:
    """What the system at the address says of itself; None unless it serves."""
    try:
        answer = httpx.get(f"{url}/readyz", timeout=10, trust_env=False)
        return dict(answer.json()) if answer.status_code == httpx.codes.OK else None
    except (httpx.HTTPError, ValueError):
        return None


def settled(ask: Callable[[], Mapping[str, Any] | None], seconds: float) -> list[str]:
    """Wait for `ready`, for so long; then a line per degraded service with its reasons."""
    last: dict[str, Any] = {}

    def is_ready() -> bool:
        last.update(ask() or {})
        return last.get("status") == "ready"

    if wait_until(is_ready, seconds, every=0.2):
        return []
    return [
        f"{name} is {one['status']}: {'; '.join(_amiss(one)) or 'no reason given'}"
        for name, one in last.get("services", {}).items()
        if one["status"] != "ready"
    ]


def _amiss(service: Mapping[str, Any]) -> list[str]:
    return [f"{one['name']}: {one['reason']}" for one in service.get("checks", ()) if one["state"] != "ok"]


def _not_running(stack: Stack) -> list[str]:
    return [one["name"] for one in runners.states(stack.home) if one["state"] != "RUNNING"]


def _last_line(stack: Stack, log: str) -> str:
    path: Path = stack.home.logs / f"{log}.log"
    lines = path.read_text(errors="replace").strip().splitlines() if path.exists() else []
    return f"{lines[-1].strip() if lines else 'no message'} (see {path})"
