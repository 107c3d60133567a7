"""Which processes make up the system, and with what environment. Pure: nothing is started here."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from deploy.local import postgres, redis
from deploy.local.databases import ServiceDatabase
from deploy.local.home import Home
from deploy.local.settings import LocalSettings

PROJECT = Path(__file__).resolve().parents[2]
MARK = "CRM_SUPERVISED"
"""Set in every process we start, to the home it serves; tells orphans from whatever else knows CRM_HOME."""

_LOOPBACK = {"0.0.0.0": "127.0.0.1", "::": "[::1]", "": "127.0.0.1"}  # noqa: S104 - recognised, not listened on


@dataclass(frozen=True, slots=True)
class Program:
    """One process to keep alive. Lower `order` starts first and stops last; `first` ones start by themselves.

    environment: what it gets beside the environment that all share.
    """

    name: str
    command: tuple[str, ...]
    order: int
    first: bool = False
    user: str = ""
    stop_signal: str = "TERM"
    stop_seconds: int = 30
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Stack:
    """Everything that one run consists of. A server is None when its URL was given from outside."""

    settings: LocalSettings
    home: Home
    postgres: postgres.Server | None
    redis: redis.Server | None
    admin_url: str
    redis_url: str
    databases: tuple[ServiceDatabase, ...]
    service_token: str

    @property
    def local_url(self) -> str:
        """Where the web process answers on this machine, whatever address the world uses."""
        host = self.settings.host
        return f"http://{_LOOPBACK.get(host, host)}:{self.settings.port}"

    def environment(self, inherited: Mapping[str, str]) -> dict[str, str]:
        """What every process of ours gets."""
        urls = {f"{one.service.upper()}_DATABASE_URL": one.url(self.admin_url) for one in self.databases}
        return {
            **inherited,
            **urls,
            "DATABASE_URL": self.admin_url,
            "REDIS_URL": self.redis_url,
            "CRM_HOME": str(self.home.root),
            "CRM_HOST": self.settings.host,
            "PORT": str(self.settings.port),
            "CRM_PUBLIC_URL": self.settings.public_url or self.local_url,
            "CRM_FRONT_URL": self.settings.front_url or self.local_url,
            "CRM_WORKSPACE_URL": self.settings.workspace_url or self.local_url,
            "CRM_SERVICE_TOKEN": self.service_token,
            "CRM_ADMIN_TOKEN_FILE": str(self.home.admin_token),
            "PROMETHEUS_MULTIPROC_DIR": str(self.home.metrics),
            "PYTHONPATH": _joined(str(PROJECT), inherited.get("PYTHONPATH", "")),
            "PYTHONUNBUFFERED": "1",
            MARK: str(self.home.root),
        }

    def preparation(self, environment: Mapping[str, str]) -> tuple[tuple[str, ...], Mapping[str, str]]:
        """What has to run to its end before the processes start: a command, and its environment."""
        return (sys.executable, "-m", "deploy.processes", "migrate"), environment

    def programs(self) -> Iterable[Program]:
        """The servers we run ourselves, then our four kinds of processes."""
        yield from self.servers()
        for order, name in enumerate(("web", "bus", "worker", "scheduler"), start=10):
            yield Program(name, (sys.executable, "-m", "deploy.processes", name), order)

    def servers(self) -> Iterable[Program]:
        """PostgreSQL and Redis, where they are ours."""
        if self.postgres is not None:
            account = self.postgres.account
            # Under another account, so with an environment of its own: ours holds secrets.
            bare = ["env", "-i", *(f"{name}={value}" for name, value in self._bare_environment().items())]
            yield Program(
                "postgres",
                (*bare, *self.postgres.command),
                order=1,
                first=True,
                user=account.name if account else "",
                stop_signal="INT",  # fast: ends sessions instead of waiting for them
            )
        if self.redis is not None:
            yield Program("redis", tuple(self.redis.command), order=2, first=True)

    def _bare_environment(self) -> dict[str, str]:
        return {**postgres.clean_environment(), MARK: str(self.home.root)}


def _joined(*paths: str) -> str:
    return ":".join(path for path in paths if path)
