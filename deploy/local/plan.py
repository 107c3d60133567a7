"""From settings to a Stack: passwords, ports, binaries and the cluster are found or made; nothing is started yet."""

from __future__ import annotations

from collections.abc import Iterable

from deploy.local import postgres, redis
from deploy.local.account import Account, dropped_account
from deploy.local.databases import ServiceDatabase, plain_url
from deploy.local.home import Home, check_reachable, open_home
from deploy.local.ports import remembered_port
from deploy.local.programs import PROJECT, Stack
from deploy.local.secrets import TOKEN_PREFIX, kept_secret
from deploy.local.settings import LocalSettings


def make_home(settings: LocalSettings) -> Home:
    """CRM_HOME with its directories. Raises Trouble."""
    return open_home(settings.home, None if settings.database_url else _account(Home(settings.home)))


def service_names() -> tuple[str, ...]:
    """The services there are, without loading their code: this process only starts others."""
    return tuple(sorted(path.parent.name for path in (PROJECT / "services").glob("*/manifest.py")))


def _account(home: Home) -> Account | None:
    return dropped_account(home.cluster)


def make_stack(settings: LocalSettings, home: Home, services: Iterable[str]) -> Stack:
    """Everything decided, for the named services. Raises Trouble."""
    kept_secret(home.admin_token, TOKEN_PREFIX)
    own_postgres = None if settings.database_url else own_postgres_of(settings, home)
    own_redis = None if settings.redis_url else own_redis_of(settings, home)
    admin_url = settings.database_url.get_secret_value() if settings.database_url else ""
    redis_url = settings.redis_url.get_secret_value() if settings.redis_url else ""
    return Stack(
        settings=settings,
        home=home,
        postgres=own_postgres,
        redis=own_redis,
        admin_url=own_postgres.url if own_postgres else plain_url(admin_url),
        redis_url=own_redis.url if own_redis else redis_url,
        databases=tuple(_databases(settings, home, services)),
        service_token=kept_secret(home.secrets / "service-token", TOKEN_PREFIX),
    )


def _databases(settings: LocalSettings, home: Home, services: Iterable[str]) -> Iterable[ServiceDatabase]:
    for service in services:
        if settings.service_database_url(service) is None:
            password = kept_secret(home.secrets / f"database-{service}")
            yield ServiceDatabase(service, f"{settings.database_prefix}_{service}", password)


def own_postgres_of(settings: LocalSettings, home: Home) -> postgres.Server:
    """A PostgreSQL of our own, with its cluster made. Raises Trouble."""
    account, cluster = _account(home), home.cluster
    check_reachable(home, account)
    engine = postgres.find_engine(home.postgres, account, major=postgres.cluster_major(cluster), only=settings.pg_bin)
    port = remembered_port(home.ports, "postgres")
    server = postgres.Server(engine, cluster, port, kept_secret(home.secrets / "postgres"), account)
    postgres.make_cluster(server)
    return server


def own_redis_of(settings: LocalSettings, home: Home) -> redis.Server:
    """A Redis of our own, with its configuration written. Raises Trouble."""
    engine = redis.find_engine(home.redis, only=settings.redis_bin)
    password = kept_secret(home.secrets / "redis")
    server = redis.Server(
        engine, home.redis / engine.kind, home.run / "redis.conf", remembered_port(home.ports, "redis"), password
    )
    server.prepare()
    return server
