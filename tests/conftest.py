"""Servers and databases for tests. See `tests/servers.py` for how they are shared and stopped.

Fixtures: `pg_url`, `redis_url` (session), `new_database` (session: call it for a fresh empty database), `database_url`
(a fresh empty database of the test module). Environment: CRM_TEST_DATABASE_URL, CRM_TEST_REDIS_URL use servers that
exist; CRM_TEST_PG_BIN picks other PostgreSQL binaries; CRM_REQUIRE=all makes a skipped test fail.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from tests import servers

_FAULTS = Path(__file__).parent / "faults"
_STRICT = os.environ.get("CRM_REQUIRE") == "all"


def pytest_configure(config: pytest.Config) -> None:
    """Name the directory of this run's servers; xdist's workers inherit it through the environment."""
    config.addinivalue_line("markers", "ops: starts whole systems, kills processes (make test-ops)")
    if not hasattr(config, "workerinput"):
        servers.announce()


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop this run's servers, from the process that coordinates the run."""
    if not hasattr(config, "workerinput"):
        servers.stop()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything under tests/faults is an ops test."""
    for item in items:
        if _FAULTS in item.path.parents:
            item.add_marker(pytest.mark.ops)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Iterator[None]:
    """Under CRM_REQUIRE=all a skip is a failure."""
    report = yield
    if _STRICT and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped under CRM_REQUIRE=all: {report.longrepr}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Iterator[None]:
    """The same for modules that skip themselves while being collected."""
    report = yield
    if _STRICT and report.skipped:
        report.outcome = "failed"
        report.longrepr = f"skipped under CRM_REQUIRE=all: {report.longrepr}"
    return report


@pytest.fixture(scope="session")
def pg_url() -> str:
    """An administrator's URL of a PostgreSQL server."""
    return os.environ.get("CRM_TEST_DATABASE_URL") or servers.postgres_url()


@pytest.fixture(scope="session")
def redis_url(worker_id: str) -> str:
    """A Redis URL; with our own server every xdist worker has a numbered database of its own, empty at the start."""
    given = os.environ.get("CRM_TEST_REDIS_URL")
    if given:
        return given
    number = int(worker_id.removeprefix("gw")) if worker_id.startswith("gw") else 0
    url = f"{servers.redis_url().rpartition('/')[0]}/{number}"
    with redis.Redis.from_url(url) as client:
        client.flushdb()
    return url


@pytest.fixture(scope="session")
def new_database(pg_url: str) -> Iterator[servers.Databases]:
    """Makes databases and answers their URLs: `new_database()` an empty one, `new_database(MANIFEST)` a service's."""
    with servers.databases(pg_url) as make:
        yield make


@pytest.fixture(scope="module")
def database_url(new_database: Callable[[], str]) -> str:
    """A fresh empty database, shared by the tests of one module."""
    return new_database()
