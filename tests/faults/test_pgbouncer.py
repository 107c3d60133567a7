"""PgBouncer in transaction mode between the services and their databases, with CRM_PREPARE=0."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

import psycopg
import pytest

from deploy.local.account import dropped_account, give
from deploy.local.ports import free_port
from deploy.local.waiting import wait_until
from shared.kernel.db import Database
from tests.contract.serving import served
from tests.faults.contract import CONTRACT, run_tests
from tests.faults.system import open_directory

PGBOUNCER = shutil.which("pgbouncer", path="/usr/sbin:/usr/bin:/usr/local/bin")
_CONFIG = """\
[databases]
* = host={host} port={port}

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {listen}
unix_socket_dir =
auth_type = plain
auth_file = {directory}/users
pool_mode = transaction
default_pool_size = 8
max_client_conn = 500
logfile =
pidfile =
"""
pytestmark = pytest.mark.skipif(PGBOUNCER is None, reason="needs pgbouncer")


@pytest.fixture(scope="module")
def through(pg_url: str) -> Iterator[Callable[[str], str]]:
    """Turns a database's URL into one that leads through PgBouncer."""
    parts = urlsplit(pg_url)
    with open_directory("crm-bouncer-") as directory, running(directory, parts.hostname, parts.port, pg_url) as port:

        def url(direct: str) -> str:
            there = urlsplit(direct)
            credentials = there.netloc.rpartition("@")[0]
            return urlunsplit(there._replace(netloc=f"{credentials}@127.0.0.1:{port}"))

        yield url


@contextmanager
def running(directory: Path, host: str | None, port: int | None, pg_url: str) -> Iterator[int]:
    """PgBouncer in front of the server until the end of the block; its port."""
    listen, parts = free_port(), urlsplit(pg_url)
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    (directory / "users").write_text(f'"{user}" "{password}"\n')
    config = directory / "pgbouncer.ini"
    config.write_text(_CONFIG.format(host=host, port=port, listen=listen, directory=directory))
    account = dropped_account()
    for path in (directory, directory / "users", config):
        give(path, account)
    options = account.as_popen if account else {}
    with subprocess.Popen([str(PGBOUNCER), str(config)], stderr=subprocess.PIPE, cwd="/", **options) as process:
        try:
            url = pg_url.replace(f":{port}/", f":{listen}/")
            assert wait_until(lambda: _answers(url) or process.poll() is not None, 60)
            assert process.poll() is None, process.stderr.read() if process.stderr else ""
            yield listen
        finally:
            process.terminate()


def _answers(url: str) -> bool:
    try:
        with psycopg.connect(url, connect_timeout=3, prepare_threshold=None):
            return True
    except psycopg.OperationalError:
        return False


def test_one_switch_turns_all_preparing_off(through: Callable[[str], str], database_url: str) -> None:
    """Statements that were prepared are looked for in sessions that do not have them; with the switch, none are."""

    def ask(prepare: bool) -> int:
        database = Database(through(database_url), pool_size=16, prepare=prepare)

        def one(number: int) -> bool:
            try:
                with database.connect() as connection:
                    return connection.row("select %(n)s::bigint, pg_sleep(0.002)", {"n": number}, prepare=True) is None
            except psycopg.Error:
                return True

        with ThreadPoolExecutor(16) as pool:
            failed = sum(pool.map(one, range(300)))
        database.dispose()
        return failed

    assert ask(prepare=False) == 0
    assert ask(prepare=True) > 0


def test_the_system_through_a_pooler(
    through: Callable[[str], str],
    new_database: Callable[[], str],
    redis_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Migrations, requests, imports, events and reports: nothing relies on the state of a session."""
    monkeypatch.setenv("CRM_PREPARE", "0")
    with served(tmp_path, lambda manifest: through(new_database(manifest)), redis_url) as system:
        system.begin("worker")
        system.begin("scheduler")
        run_tests(system.url, system.token, *CONTRACT)
        log = system.log.read_text()
    assert "PreparedStatement" not in log
    assert "InvalidSqlStatementName" not in log
