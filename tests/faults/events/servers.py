"""PostgreSQL and Redis for one run alone, to be stopped, killed and started again while it goes on.

PostgreSQL may lose nothing that it confirmed: `synchronous_commit` stays on. `fsync` is off, for what is killed here is
processes, not the machine. Redis keeps nothing: every restart is one without its data.
"""

from __future__ import annotations

import secrets
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import redis

from deploy.local import postgres
from deploy.local import redis as redis_server
from deploy.local.account import dropped_account, give
from deploy.local.ports import free_port
from deploy.local.waiting import wait_until
from deploy.parent import end_with_parent
from tests.faults.system import open_directory

START_SECONDS = 60
_SETTINGS = (("fsync", "off"), ("full_page_writes", "off"), ("max_connections", "150"), ("autovacuum_naptime", "5s"))


@dataclass
class Server:
    """One server process, started with the same command each time."""

    name: str
    command: list[str]
    answers: Callable[[], bool]
    log: Path
    options: dict[str, object] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start and wait until it answers."""
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd="/",
                env=postgres.clean_environment(),
                start_new_session=True,
                preexec_fn=lambda: end_with_parent(signal.SIGKILL),
                **self.options,  # type: ignore[call-overload]
            )
        assert wait_until(self.answers, START_SECONDS), f"{self.name} did not start: {self.log.read_text()[-1000:]}"

    def stop(self, how: signal.Signals) -> None:
        """Send a signal and wait for the end."""
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait(START_SECONDS)


@dataclass
class Servers:
    """Both, and the directory they live in."""

    directory: Path
    postgres: Server
    redis: Server
    admin_url: str
    redis_url: str

    def database(self, name: str) -> str:
        """The URL of a database."""
        return urlunsplit(urlsplit(self.admin_url)._replace(path=f"/{name}"))

    def create_database(self, name: str) -> str:
        """A fresh database with our extensions; its URL."""
        with psycopg.connect(self.admin_url, autocommit=True) as connection:
            connection.execute(f"create database {name} template template0 encoding 'UTF8' locale 'C.UTF-8'")
        with psycopg.connect(self.database(name), autocommit=True) as connection:
            for extension in ("pg_trgm", "btree_gin"):
                connection.execute(f"create extension {extension}")
        return self.database(name)

    def flush(self) -> None:
        """FLUSHALL; whoever is connected stays connected."""
        with redis.Redis.from_url(self.redis_url, socket_timeout=5) as client:
            client.flushall()

    def restart_redis(self) -> None:
        """kill -9, and a new one that knows nothing."""
        self.redis.stop(signal.SIGKILL)
        self.redis.start()

    def restart_postgres(self, how: signal.Signals) -> None:
        """SIGINT: connections are cut, everything is written; SIGQUIT: it dies at once and recovers from its log."""
        self.postgres.stop(how)
        self.postgres.start()


@contextmanager
def servers() -> Iterator[Servers]:
    """Running servers; gone with their files at the end of the block."""
    with open_directory("crm-faults-") as directory:
        database, admin_url = _postgres(directory)
        cache, redis_url = _redis(directory)
        made = Servers(directory, database, cache, admin_url, redis_url)
        try:
            database.start()
            cache.start()
            yield made
        finally:
            database.stop(signal.SIGQUIT)
            cache.stop(signal.SIGKILL)


def _postgres(directory: Path) -> tuple[Server, str]:
    account = dropped_account()
    home = directory / "postgres"
    home.mkdir(mode=0o755)
    give(home, account)
    engine = postgres.find_engine(home, account)
    server = postgres.Server(engine, home / "cluster", free_port(), secrets.token_hex(8), account, _SETTINGS)
    postgres.make_cluster(server)
    options = account.as_popen if account else {}
    return Server("postgres", server.command, server.answers, directory / "postgres.log", options), server.url


def _redis(directory: Path) -> tuple[Server, str]:
    home = directory / "redis"
    engine = redis_server.find_engine(home)
    server = redis_server.Server(engine, home, directory / "redis.conf", free_port(), secrets.token_hex(8), False)
    server.prepare()
    return Server("redis", server.command, server.answers, directory / "redis.log"), server.url
