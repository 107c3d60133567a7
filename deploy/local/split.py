"""`up-split`: the commands and environments of docker-compose.yml as processes of this machine.

PostgreSQL and Redis are our own servers, Debian's where they are installed; what the file calls `host:port` becomes an
address here, what it keeps in volumes lies in CRM_HOME, and passwords are those of CRM_HOME/secrets. So the data of
`make up` is found by `make up-split`, and the other way round.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from deploy.compose.reading import Container, containers
from deploy.local import nginx
from deploy.local.account import dropped_account
from deploy.local.home import Home
from deploy.local.plan import own_postgres_of, own_redis_of
from deploy.local.ports import remembered_port
from deploy.local.postgres import cluster_major
from deploy.local.programs import MARK, PROJECT, Program, Stack
from deploy.local.secrets import TOKEN_PREFIX, kept_secret
from deploy.local.settings import LocalSettings
from deploy.local.trouble import Trouble
from deploy.local.up import run_foreground

COMPOSE = PROJECT / "docker-compose.yml"
GATEWAY = PROJECT / "deploy" / "gateway" / "nginx.conf"
_DEBIANS_POSTGRES = Path("/usr/lib/postgresql/15/bin")
_DEBIANS_REDIS = Path("/usr/bin/redis-server")
_SHARED = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "PYTHONPATH")
_WEB = "8000"
_STATE = "/var/lib/tupelo"  # CRM_HOME of the image
_FILES = {"CRM_SERVICE_TOKEN": "service-token", "CRM_ERASURE_SECRETS": "erasure", "REDIS_PASSWORD": "redis"}
_SERVICE_PASSWORD = re.compile(r"([A-Z0-9_]+)_DATABASE_PASSWORD")


@dataclass(frozen=True, slots=True)
class SplitStack(Stack):
    """A process per service and role. `prepare` runs to its end before them."""

    prepare: Program
    processes: tuple[Program, ...]

    def environment(self, inherited: Mapping[str, str]) -> dict[str, str]:
        """What all share: no settings, which each gets for itself."""
        kept = {name: inherited[name] for name in _SHARED if name in inherited}
        path = f"{PROJECT}:{kept['PYTHONPATH']}" if kept.get("PYTHONPATH") else str(PROJECT)
        return {**kept, "PYTHONPATH": path, "PYTHONUNBUFFERED": "1", MARK: str(self.home.root)}

    def preparation(self, environment: Mapping[str, str]) -> tuple[tuple[str, ...], Mapping[str, str]]:
        """What the container `prepare` does."""
        return self.prepare.command, {**environment, **self.prepare.environment}

    def programs(self) -> Iterable[Program]:
        """Our servers, the services' processes, nginx."""
        yield from self.servers()
        yield from self.processes


def up_split() -> int:
    """Run a process per service and role behind nginx, in the foreground until Ctrl-C. Raises Trouble.

    SCALE says of which there shall be more: `contacts-web=2`.
    """
    return run_foreground(lambda settings, home: make_split(settings, home, os.environ.get("SCALE", ""), os.environ))


def scale_of(text: str, known: Iterable[str]) -> dict[str, int]:
    """`contacts-web=2 contacts-worker=0` as numbers. Raises Trouble for anything else."""
    names, wanted = set(known), {}
    for one in text.split():
        name, _, number = one.partition("=")
        if name not in names or not number.isdecimal():
            raise Trouble(f"SCALE={text!r}: it is like contacts-web=2, and the names are {', '.join(sorted(names))}")
        wanted[name] = int(number)
    return wanted


def make_split(settings: LocalSettings, home: Home, scale: str, variables: Mapping[str, str]) -> SplitStack:
    """Everything decided. `variables` fill in those of docker-compose.yml that have defaults. Raises Trouble."""
    if settings.database_url or settings.redis_url:
        raise Trouble("up-split runs servers of its own: unset DATABASE_URL and REDIS_URL")
    settings = _with_debians(settings, home)
    database, broker = own_postgres_of(settings, home), own_redis_of(settings, home)
    kept_secret(home.admin_token, TOKEN_PREFIX)
    url = settings.public_url or f"http://127.0.0.1:{settings.port}"
    variables = {**variables, "CRM_PUBLIC_URL": url, "PORT": str(settings.port)}
    found = containers(
        COMPOSE.read_text(), lambda name, secret: _kept(home, name) if secret else variables.get(name, "")
    )
    numbers = scale_of(scale, (one.name for one in found if not one.once))
    addresses = {
        one.name: {name: f"127.0.0.1:{remembered_port(home.ports, name)}" for name in _copies(one, numbers)}
        for one in found
        if one.is_web
    }
    places = {
        "postgres:5432": f"127.0.0.1:{database.port}",
        "redis:6379": f"127.0.0.1:{broker.port}",
        "gateway:8080": f"127.0.0.1:{settings.port}",
    }
    processes = [
        _program(home, one, name, places, addresses.get(one.name, {}).get(name, ""))
        for one in found
        for name in _copies(one, numbers)
    ]
    return SplitStack(
        settings=settings,
        home=home,
        postgres=database,
        redis=broker,
        admin_url=database.url,
        redis_url=broker.url,
        databases=(),
        service_token=_kept(home, "CRM_SERVICE_TOKEN"),
        prepare=next(one for one in processes if one.order == 0),
        processes=(*(one for one in processes if one.order), _gateway(settings, home, addresses)),
    )


def _with_debians(settings: LocalSettings, home: Home) -> LocalSettings:
    """Debian's servers where they are installed, unless others are named or made the data."""
    more: dict[str, Path] = {}
    if settings.pg_bin is None and _DEBIANS_POSTGRES.exists() and cluster_major(home.cluster) in (None, 15):
        more["pg_bin"] = _DEBIANS_POSTGRES
    if settings.redis_bin is None and _DEBIANS_REDIS.exists() and not (home.redis / "valkey").exists():
        more["redis_bin"] = _DEBIANS_REDIS
    return settings.model_copy(update=more)


def _kept(home: Home, variable: str) -> str:
    """A secret that the file demands, as `make up` keeps it."""
    password = _SERVICE_PASSWORD.fullmatch(variable)
    name = f"database-{password[1].lower()}" if password else _FILES.get(variable, variable.lower().partition("_")[0])
    lines = kept_secret(home.secrets / name, TOKEN_PREFIX if variable == "CRM_SERVICE_TOKEN" else "").splitlines()
    return ",".join(lines)  # there may be several secrets of the ledger of erasures


def _copies(one: Container, numbers: Mapping[str, int]) -> list[str]:
    """The names of its processes: contacts-web, contacts-web-2."""
    return [one.name if copy == 1 else f"{one.name}-{copy}" for copy in range(1, numbers.get(one.name, 1) + 1)]


def _program(home: Home, one: Container, name: str, places: Mapping[str, str], address: str) -> Program:
    """The container as a process: its words, with our Python, our addresses and our directories."""
    own = home.run / name
    shutil.rmtree(own, ignore_errors=True)
    own.mkdir(mode=0o700)
    directories = {_STATE: own}
    directories |= {path: home.root if volume else own / Path(path).name for path, volume in one.directories.items()}
    given = {"CRM_HOME": _STATE, "CRM_HOST": "127.0.0.1", **one.environment}
    environment = {key: _placed(said, places, directories) for key, said in given.items()}
    if address:
        environment["PORT"] = address.rpartition(":")[2]
    order = 0 if one.once else 10
    return Program(name, (sys.executable, *one.command[1:]), order, environment=environment)


def _placed(text: str, places: Mapping[str, str], directories: Mapping[str, Path]) -> str:
    for name, place in places.items():
        text = re.sub(rf"(?<=[/@]){re.escape(name)}\b", place, text)
    for path, directory in directories.items():
        if text == path or text.startswith(f"{path}/"):
            return f"{directory}{text.removeprefix(path)}"
    return text


def _gateway(settings: LocalSettings, home: Home, addresses: Mapping[str, Mapping[str, str]]) -> Program:
    groups = {f"{name}:{_WEB}": found.values() for name, found in addresses.items()}
    listen = f"{settings.host}:{settings.port}"
    text, upstreams = nginx.with_processes(GATEWAY.read_text(), groups, listen)
    directory = home.root / "nginx"
    binary = nginx.find_nginx()
    nginx.prepare(directory, text, upstreams, dropped_account(home.cluster))
    return nginx.program(binary, directory, order=20)
