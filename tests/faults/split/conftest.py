"""One system apart for all tests here: contacts has two web processes. Each test leaves it running."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from deploy.local import nginx
from deploy.local.trouble import Trouble
from tests.faults.system import System, system
from tests.faults.test_other_engines import DEBIAN_POSTGRES, DEBIAN_REDIS


def _missing() -> str:
    try:
        nginx.find_nginx()
    except Trouble as trouble:
        return str(trouble)
    return "" if DEBIAN_POSTGRES.exists() and DEBIAN_REDIS.exists() else "needs Debian's postgresql-15 and redis-server"


@pytest.fixture(scope="session")
def split() -> Iterator[System]:
    """A running system."""
    if _missing():
        pytest.skip(_missing())
    with system("up-split", SCALE="contacts-web=2", CRM_WEB_WORKERS="1") as made:
        made.start()
        yield made


@pytest.fixture
def http(split: System) -> Iterator[httpx.Client]:
    with split.client() as client:
        yield client
