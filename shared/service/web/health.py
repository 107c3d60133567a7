"""Doors for operators: alive (`healthz`), ready (`readyz`, with reasons) and metrics, each under `/{service}/`.

`healthz` touches nothing outside the process. `readyz` answers 503 when requests cannot be served; what is merely
worse than it should be (Redis away, few partitions ahead, a lagging replica) shows as `degraded` with status 200.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Literal

import psycopg
import redis
import sqlalchemy.exc
from flask import Response
from prometheus_client import CONTENT_TYPE_LATEST

from shared.bus.overview import overview
from shared.bus.state import FOLLOWING, states
from shared.kernel.clock import iso, monotonic, now
from shared.kernel.db import Connection
from shared.kernel.errors import CrmError
from shared.service.revisions import is_behind
from shared.service.web.metrics import scrape
from shared.service.web.operation import Operation, answer

if TYPE_CHECKING:
    from shared.service.runtime import Runtime

DAYS_AHEAD = 7
ASK_MIGRATIONS_AGAIN = 60.0
_MIGRATED: dict[str, float] = {}
MOST_LAG = timedelta(seconds=30)

_BOUNDS = """
SELECT parent.relname, pg_get_expr(part.relpartbound, part.oid)
FROM pg_inherits JOIN pg_class part ON part.oid = inhrelid JOIN pg_class parent ON parent.oid = inhparent
WHERE parent.relkind = 'p' AND parent.relnamespace = current_schema()::regnamespace
"""
_UPPER = re.compile(r"TO \('([^']+)'\)")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one check found. `failing` means that requests cannot be served."""

    name: str
    state: Literal["ok", "degraded", "failing"]
    reason: str = ""


Check = Callable[["Runtime"], Outcome]


def check_database(service: Runtime) -> Outcome:
    """Whether the database answers and takes writes."""
    started = monotonic()
    try:
        with service.db.connect() as conn:
            row = conn.row("SELECT pg_is_in_recovery()")
    except (CrmError, psycopg.Error) as error:
        return Outcome("database", "failing", f"the database does not answer ({type(error).__name__})")
    if row is not None and row[0]:
        return Outcome("database", "failing", "the database is a read-only standby")
    seconds = monotonic() - started
    return Outcome("database", "degraded", f"it took {seconds:.1f} s to answer") if seconds > 1 else _ok("database")


def check_redis(service: Runtime) -> Outcome:
    """Whether Redis answers. Entities are served without it; events are late and caches cold."""
    if service.redis is None:
        return Outcome("redis", "degraded", "no Redis is configured")
    try:
        service.redis.ping()
    except redis.exceptions.RedisError as error:
        return Outcome("redis", "degraded", f"Redis does not answer ({type(error).__name__})")
    return _ok("redis")


def check_migrations(service: Runtime) -> Outcome:
    """Whether the schema is this code's. Asked anew once a minute: a schema that was right does not go back."""
    url = service.db.url
    if _MIGRATED.get(url, 0.0) > monotonic():
        return _ok("migrations")
    try:
        behind = is_behind(url, service.manifest.migrations)
    except (CrmError, psycopg.Error, sqlalchemy.exc.SQLAlchemyError) as error:
        return Outcome("migrations", "failing", f"the schema's state is unknown ({type(error).__name__})")
    if behind:
        return Outcome("migrations", "failing", "schema revisions are waiting to be applied")
    _MIGRATED[url] = monotonic() + ASK_MIGRATIONS_AGAIN
    return _ok("migrations")


def check_partitions(service: Runtime) -> Outcome:
    """Whether the partitions of outbox and history reach at least DAYS_AHEAD days ahead."""
    try:
        with service.db.connect() as conn:
            reach = partitions_reach(conn)
    except (CrmError, psycopg.Error):
        return Outcome("partitions", "degraded", "unknown while the database does not answer")
    soon = now() + timedelta(days=DAYS_AHEAD)
    short = [f"{parent} ends {until:%Y-%m-%d}" for parent, until in sorted(reach.items()) if until < soon]
    return Outcome("partitions", "degraded", "; ".join(short)) if short else _ok("partitions")


def partitions_reach(conn: Connection) -> dict[str, datetime]:
    """The end of the last partition, by partitioned table."""
    reach: dict[str, datetime] = {}
    for parent, bound in conn.rows(_BOUNDS):
        found = _UPPER.search(bound or "")
        if found:
            until = datetime.fromisoformat(found[1])
            until = until if until.tzinfo else until.replace(tzinfo=UTC)
            reach[parent] = max(until, reach.get(parent, until))
    return reach


def check_replicas(service: Runtime) -> Outcome:
    """Whether the feeds this service follows were applied lately; a deaf replica shows old tokens and owners."""
    try:
        with service.db.connect() as conn:
            known = states(conn)
    except (CrmError, psycopg.Error):
        return Outcome("replicas", "degraded", "unknown while the database does not answer")
    silent = now() - MOST_LAG
    wrong = [f"{one.subscription}: {one.state} since {iso(one.since)}" for one in known if one.state != FOLLOWING]
    wrong += [f"{one.subscription}: events are put aside (crm bus letters)" for one in known if one.dead_letters]
    wrong += [
        f"{one.subscription}: not heard of since {iso(one.seen_at)}"
        for one in known
        if one.state == FOLLOWING and one.seen_at < silent
    ]
    return Outcome("replicas", "degraded", "; ".join(wrong)) if wrong else _ok("replicas")


CHECKS: tuple[Check, ...] = (check_database, check_redis, check_migrations, check_partitions, check_replicas)


def readiness(service: Runtime, checks: tuple[Check, ...] = CHECKS) -> tuple[str, list[Outcome]]:
    """`ready`, `degraded` or `not ready`, and what each check found."""
    outcomes = [check(service) for check in checks]
    states = {outcome.state for outcome in outcomes}
    if "failing" in states:
        return "not ready", outcomes
    return ("degraded" if "degraded" in states else "ready"), outcomes


def healthz(service: Runtime) -> Response:
    """The process is alive."""
    return answer({"status": "ok", "service": service.manifest.name})


def readyz(service: Runtime) -> Response:
    """Whether this service can do its work, and why not."""
    state, outcomes = readiness(service)
    body = {"status": state, "service": service.manifest.name, "checks": [asdict(one) for one in outcomes]}
    return answer(body, 503 if state == "not ready" else 200)


def metrics(service: Runtime) -> Response:
    """Metrics in Prometheus' text form: requests as this gunicorn counted them, the bus as its tables stand."""
    try:
        with service.db.connect() as conn:
            found = overview(conn)
    except (CrmError, psycopg.Error):
        found = None
    return Response(scrape(service.manifest.name, found), 200, content_type=CONTENT_TYPE_LATEST)


def operations(name: str) -> tuple[Operation, ...]:
    """The operators' doors of the service `name`."""
    return (
        Operation("GET", f"/{name}/healthz", "healthz", "Is the process alive", healthz, tag="Health", public=True),
        Operation("GET", f"/{name}/readyz", "readyz", "Can it serve requests", readyz, tag="Health", public=True),
        Operation("GET", f"/{name}/metrics", "metrics", "Metrics for Prometheus", metrics, tag="Health", public=True),
    )


def _ok(name: str) -> Outcome:
    return Outcome(name, "ok")
