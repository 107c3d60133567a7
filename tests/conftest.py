"""Servers and databases for tests. See `tests/servers.py` for how they are shared and stopped.

Fixtures: `pg_url`, `redis_url` (session), `new_database`, `new_redis` (session: call them for a fresh one each),
`database_url` (a fresh empty database of the test module). Environment: CRM_TEST_DATABASE_URL, CRM_TEST_REDIS_URL use
servers that exist; CRM_TEST_PG_BIN picks other PostgreSQL binaries; CRM_REQUIRE=all makes a skipped test fail.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests import servers

_FAULTS = Path(__file__).parent / "faults"
_STRICT = os.environ.get("CRM_REQUIRE") == "all"

# Generated tests are judged by results alone: machines are noisy. Where CI is set they try the same examples each time,
# so that what fails there can be seen here.
settings.register_profile(
    "house",
    deadline=None,
    derandomize=bool(os.environ.get("CI")),
    suppress_health_check=(HealthCheck.too_slow, HealthCheck.function_scoped_fixture),
)
settings.load_profile("house")


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
def new_redis() -> Callable[[], str]:
    """A function that answers the URL of an empty Redis database, with our own server one that nobody else uses.

    Whatever runs processes of its own wants one: they would hear each other's messages, and take each other's work.
    """
    given = os.environ.get("CRM_TEST_REDIS_URL")
    return (lambda: given) if given else servers.redis_database


@pytest.fixture(scope="session")
def redis_url(new_redis: Callable[[], str]) -> str:
    """A Redis URL for tests that start nothing which runs on."""
    return new_redis()


@pytest.fixture(scope="session")
def new_database(pg_url: str) -> Iterator[servers.Databases]:
    """Makes databases and answers their URLs: `new_database()` an empty one, `new_database(MANIFEST)` a service's."""
    with servers.databases(pg_url) as make:
        yield make


@pytest.fixture(scope="module")
def database_url(new_database: Callable[[], str]) -> str:
    """A fresh empty database, shared by the tests of one module."""
    return new_database()
