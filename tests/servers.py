"""One PostgreSQL and one Redis per test run, started when first asked for and shared by all xdist workers.

The run's directory is named after the coordinating process, so that the servers of a killed run are found and
stopped by the next one. Durability is off: never use these settings elsewhere.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psutil
import psycopg
import pytest
from psycopg import sql
from redis import Redis

from deploy.local import postgres, redis
from deploy.local.account import dropped_account, give
from deploy.local.ports import free_port
from deploy.local.waiting import wait_until
from shared.kernel.config import Settings
from shared.service.app import migrate
from shared.service.manifest import Manifest

_DIRECTORY = "CRM_TEST_RUN"
_PREFIX = f"crm-tests-{os.geteuid()}-"
_FAST = (
    ("fsync", "off"),
    ("full_page_writes", "off"),
    ("synchronous_commit", "off"),
    ("max_connections", "600"),
    ("autovacuum_naptime", "30s"),
)
_NUMBERED = 512
_EXTENSIONS = ("pg_trgm", "btree_gin")
# A copy is a log of its own, as old as the one it was made of: what stands in that one's stands in it.
_ANEW = "update feed_epoch set epoch = gen_random_uuid(), home = ''"


def announce() -> None:
    """Choose this run's directory (nothing is made or started yet) and clear away killed runs."""
    me = psutil.Process()
    os.environ[_DIRECTORY] = str(Path(tempfile.gettempdir()) / f"{_PREFIX}{me.pid}-{int(me.create_time())}")
    for left in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        if not _is_alive(left):
            _stop(left)


def stop() -> None:
    """Stop what this run started and delete its directory."""
    directory = Path(os.environ[_DIRECTORY])
    if directory.exists():
        _stop(directory)


def postgres_url() -> str:
    """The administrator's URL of the run's PostgreSQL, started if need be."""
    return _started("postgres", _start_postgres)


def redis_url() -> str:
    """The URL of the run's Redis, started if need be."""
    return _started("redis", _start_redis)


class Databases:
    """Makes databases, on one server, for one process: empty ones, and services that are migrated.

    A service is migrated once and copied from then on, which costs a tenth. Not for tests of migrating itself.
    """

    def __init__(self, admin_url: str) -> None:
        self.made: list[str] = []
        self._admin_url = admin_url
        self._mark = f"crm_test_{os.getpid()}_{secrets.token_hex(3)}"
        self._empty: str | None = None
        self._services: list[tuple[Manifest, str]] = []

    def __call__(self, service: Manifest | None = None) -> str:
        """The URL of a fresh database: empty but for our extensions, or with all that the service is migrated to."""
        if service is None:
            return self._copy(self._template())
        known = next((name for manifest, name in self._services if manifest is service), None)
        if known is None:
            known = self._migrated(service)
            self._services.append((service, known))
        url = self._copy(known)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(_ANEW)
        return url

    def _template(self) -> str:
        if self._empty is None:
            self._empty = self._named("template")
            _create(self._admin_url, self._empty, "template0")
            with psycopg.connect(_at(self._admin_url, self._empty), autocommit=True) as connection:
                for extension in _EXTENSIONS:
                    connection.execute(f"create extension {extension}")
        return self._empty

    def _migrated(self, service: Manifest) -> str:
        url = self._copy(self._template())
        with pytest.MonkeyPatch.context() as monkeypatch:
            monkeypatch.setenv(f"{service.name.upper()}_DATABASE_URL", url)
            migrate(service, Settings(redis_url=None, service_token=None, admin_token_file=None))
        return urlsplit(url).path.removeprefix("/")

    def _copy(self, template: str) -> str:
        name = self._named(str(len(self.made)))
        _create(self._admin_url, name, template)
        return _at(self._admin_url, name)

    def _named(self, word: str) -> str:
        self.made.append(f"{self._mark}_{word}")
        return self.made[-1]


def redis_database() -> str:
    """The URL of an empty numbered database of the run's Redis; numbers come again after 511."""
    server = redis_url().rpartition("/")[0]
    with Redis.from_url(f"{server}/0") as counting:
        number = 1 + int(counting.incr("taken")) % (_NUMBERED - 1)  # type: ignore[arg-type, operator]
    with Redis.from_url(f"{server}/{number}") as client:
        client.flushdb()
    return f"{server}/{number}"


@contextmanager
def databases(admin_url: str) -> Iterator[Databases]:
    """A way to make databases. At the end of the block they are dropped, unless their server is about to be stopped."""
    make = Databases(admin_url)
    try:
        yield make
    finally:
        if not _is_ours(admin_url):
            with psycopg.connect(admin_url, autocommit=True) as connection:
                for name in reversed(make.made):
                    connection.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))


def _is_ours(url: str) -> bool:
    """Whether this run started the server, and stops it: dropping a hundred databases first takes half a minute."""
    note = Path(os.environ[_DIRECTORY]) / "postgres.url"
    return note.exists() and note.read_text() == url


def _create(admin_url: str, name: str, template: str) -> None:
    statement = "create database {} template {} encoding 'UTF8' locale_provider libc locale 'C.UTF-8'"
    with psycopg.connect(admin_url, autocommit=True) as connection:
        connection.execute(sql.SQL(statement).format(sql.Identifier(name), sql.Identifier(template)))


def _at(url: str, database: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{database}"))


def _started(name: str, start: Callable[[Path], tuple[str, int]]) -> str:
    directory = Path(os.environ[_DIRECTORY])
    directory.mkdir(mode=0o755, exist_ok=True)
    directory.chmod(0o755)  # the database server's account has to pass, whatever the umask says
    note = directory / f"{name}.url"
    with (directory / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not note.exists():
            url, pid = start(directory)
            (directory / f"{name}.pid").write_text(str(pid))
            note.write_text(url)
    return note.read_text()


def _start_postgres(directory: Path) -> tuple[str, int]:
    account = dropped_account()
    home = directory / "postgres"
    home.mkdir(mode=0o755, exist_ok=True)
    home.chmod(0o755)
    give(home, account)
    binaries = os.environ.get("CRM_TEST_PG_BIN")
    engine = postgres.find_engine(home, account, only=Path(binaries) if binaries else None)
    server = postgres.Server(engine, home / "cluster", free_port(), secrets.token_hex(8), account, _FAST)
    postgres.make_cluster(server)
    options = account.as_popen if account else {}
    return server.url, _launch(directory, "postgres", server.command, server.answers, options)


def _start_redis(directory: Path) -> tuple[str, int]:
    home = directory / "redis"
    server = redis.Server(
        redis.find_engine(home), home, directory / "redis.conf", free_port(), secrets.token_hex(8), False, _NUMBERED
    )
    server.prepare()
    return server.url, _launch(directory, "redis", server.command, server.answers, {})


def _launch(directory: Path, name: str, command: list[str], answers: Callable[[], bool], options: dict) -> int:
    log = directory / f"{name}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd="/",
            env=postgres.clean_environment(),
            start_new_session=True,
            **options,
        )
    if not wait_until(lambda: process.poll() is not None or answers(), 180) or process.poll() is not None:
        process.kill()
        raise RuntimeError(f"the test {name} did not start: {log.read_text()[-2000:]}")
    process.returncode = 0  # left running on purpose: stopped by `stop`, perhaps from another process
    return process.pid


def _is_alive(directory: Path) -> bool:
    pid, _, created = directory.name.removeprefix(_PREFIX).partition("-")
    try:
        return int(psutil.Process(int(pid)).create_time()) == int(created)
    except (psutil.NoSuchProcess, ValueError):
        return False


def _stop(directory: Path) -> None:
    for note in directory.glob("*.pid"):
        try:
            process = psutil.Process(int(note.read_text()))
            if str(directory) not in f"{process.cmdline()} {process.cwd()}":
                continue  # the number was given to another process since
            family = [process, *process.children(recursive=True)]
            process.kill()
        except (psutil.NoSuchProcess, ValueError):
            continue
        psutil.wait_procs(family, timeout=30)
    shutil.rmtree(directory, ignore_errors=True)
