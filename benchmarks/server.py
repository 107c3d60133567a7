"""A PostgreSQL server of our own for a benchmark, in a directory that can be thrown away, and its CPU time."""

from __future__ import annotations

import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy.local import postgres
from deploy.local.account import dropped_account
from deploy.local.databases import ServiceDatabase, ensure_databases
from deploy.local.home import open_home
from deploy.local.ports import free_port
from deploy.local.secrets import kept_secret
from deploy.local.waiting import wait_until
from shared.kernel.db import Connection

SETTINGS = (
    ("shared_buffers", "1GB"),
    ("work_mem", "64MB"),
    ("maintenance_work_mem", "256MB"),
    ("effective_cache_size", "3GB"),
    ("max_parallel_workers_per_gather", "0"),
    ("autovacuum", "off"),
    ("synchronous_commit", "off"),
    ("max_wal_size", "4GB"),
)


@contextmanager
def own_server(home: Path | None) -> Iterator[str]:
    """URL of an empty database "bench" (kept under `home` when one is given) with our extensions."""
    with own_cluster(home) as admin_url:
        database = ServiceDatabase("bench", "bench", secrets.token_hex(16))
        ensure_databases(admin_url, [database])
        yield database.url(admin_url)


@contextmanager
def own_cluster(home: Path | None = None) -> Iterator[str]:
    """The administrator's URL of a server with no databases of ours."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the server ends with us
    root = home or Path(tempfile.mkdtemp(prefix="crm-bench-"))
    root.mkdir(parents=True, exist_ok=True)
    account = dropped_account()
    if account is not None:
        root.chmod(0o711)
    try:
        place = open_home(root, account)
        engine = postgres.find_engine(place.postgres, account)
        password = kept_secret(place.secrets / "postgres")
        server = postgres.Server(engine, place.postgres / "cluster", free_port(), password, account, SETTINGS)
        postgres.make_cluster(server)
        with _running(server, place.logs / "postgres.log"):
            yield server.url
    finally:
        if home is None:
            shutil.rmtree(root, ignore_errors=True)


@contextmanager
def _running(server: postgres.Server, log: Path) -> Iterator[None]:
    options = server.account.as_popen if server.account else {}
    with log.open("wb") as output:
        process = subprocess.Popen(
            server.command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd="/",
            env=postgres.clean_environment(),
            start_new_session=True,
            **options,
        )
    try:
        if not wait_until(lambda: process.poll() is not None or server.answers(), 60) or process.poll() is not None:
            raise RuntimeError(f"PostgreSQL did not start: {log.read_text()[-2000:]}")
        yield
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(60)


class Meter:
    """CPU time of the server process behind a connection. Needs a server on this machine and Linux."""

    def __init__(self, connection: Connection) -> None:
        row = connection.row("select pg_backend_pid()")
        assert row is not None
        self._file = Path(f"/proc/{row[0]}/schedstat")

    def read(self) -> float:
        """Milliseconds spent on a CPU so far."""
        return int(self._file.read_bytes().split()[0]) / 1e6


def version(connection: Connection) -> str:
    """PostgreSQL's version."""
    row = connection.row("show server_version")
    assert row is not None
    return str(row[0]).split()[0]
