"""Celery for slow work of our own: one app over the given services, a queue per service, beat for what is periodic.

Not for events: they go through the log (see shared/bus). A task may run twice or die anywhere; whatever must not be
lost stands in a table first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from celery import Celery
from kombu import Queue
from kombu.exceptions import OperationalError

from shared.kernel.config import Settings
from shared.kernel.db import Database
from shared.kernel.errors import CrmError
from shared.kernel.telemetry import logger
from shared.service.jobs import PAUSE_SECONDS, Runtimes, wants_help, work_off
from shared.service.maintenance import maintain
from shared.service.manifest import Manifest
from shared.service.runtime import database_url

MAINTENANCE_SECONDS = 15.0
# A slice of work ends by itself after seconds, but one may be a workbook's million rows, which has no other entrance
# than its beginning. Who hangs longer than this is ended.
WORK_SECONDS = 3600
# How many chunks of one service are worked on at once.
HANDS = 2
_log = logger("worker")

# Measured elsewhere to lose nothing that a table does not bring back: late acks, quick redelivery, no results.
_SETTINGS: dict[str, Any] = {
    "task_acks_late": True,
    "task_reject_on_worker_lost": True,
    "task_acks_on_failure_or_timeout": True,
    "worker_prefetch_multiplier": 1,
    "task_ignore_result": True,
    "broker_connection_retry_on_startup": True,
    # A slice of work is some seconds. What hangs is killed, and its chunk goes to somebody else.
    "task_soft_time_limit": 120,
    "task_time_limit": 150,
    # KiB. A process that has grown beyond is replaced after its task.
    "worker_max_memory_per_child": 250_000,
    "worker_hijack_root_logger": False,
    "timezone": "UTC",
    "broker_transport_options": {
        "global_keyprefix": "celery:",
        "visibility_timeout": 600,
        "unacked_restore_interval": 5,
        "unacked_restore_throttle": 1,
        "socket_timeout": 10,
        "socket_connect_timeout": 3,
        "health_check_interval": 10,
    },
}


def queue_of(service: str) -> str:
    """The name of a service's queue."""
    return f"{service}.work"


def build_celery(manifests: Sequence[Manifest], settings: Settings) -> Celery:
    """The Celery app; raises RuntimeError without REDIS_URL."""
    if settings.redis_url is None:
        raise RuntimeError("REDIS_URL is not set: Celery needs a broker")
    app = Celery("crm", broker=settings.redis_url.get_secret_value(), set_as_current=False)
    app.conf.update(_SETTINGS)
    app.conf.task_queues = [Queue(queue_of(one.name)) for one in manifests]
    app.conf.task_routes = {f"{one.name}.*": {"queue": queue_of(one.name)} for one in manifests}
    app.conf.beat_schedule = {
        key: entry
        for one in manifests
        for key, entry in (
            _every(one, "maintain", MAINTENANCE_SECONDS),
            # The sweeper: whatever was lost with a worker or a broker is looked for again.
            _every(one, "work", PAUSE_SECONDS),
        )
    }
    runtimes = Runtimes(manifests, settings)
    for manifest in manifests:
        _add_maintenance(app, manifest, settings)
        _add_work(app, manifest, runtimes)
    return app


def task_sender(manifests: Sequence[Manifest], settings: Settings) -> Callable[[str], None]:
    """Sends the task that works off a service's ledger, from a process that runs no tasks itself."""
    app = build_celery(manifests, settings)

    def send(service: str) -> None:
        _send_work(app, service)

    return send


def _send_work(app: Celery, service: str) -> None:
    """A nudge that is not taken soon is worth nothing: the sweep does the same."""
    name = f"{service}.work"
    try:
        app.send_task(name, expires=PAUSE_SECONDS, retry=False)
    except OperationalError as error:
        # Beat sends the next one when the broker is back.
        _log.warning("not sent", task=name, error=type(error).__name__)


def _every(manifest: Manifest, task: str, seconds: float) -> tuple[str, dict[str, Any]]:
    """A beat entry. A late round is worth nothing: the next one does the same."""
    name = f"{manifest.name}.{task}"
    return name, {"task": name, "schedule": seconds, "options": {"expires": seconds}}


def _add_work(app: Celery, manifest: Manifest, runtimes: Runtimes) -> None:
    """The task that works off the ledger. It has no arguments: what there is to do stands in the ledger."""
    name = f"{manifest.name}.work"

    def run() -> None:
        runtime = runtimes.of(manifest.name)
        try:
            with runtime.db.connect() as connection:
                # This task is one pair of hands.
                help_wanted = wants_help(connection, HANDS - 1)
        except CrmError as error:
            _log.warning("cannot work", service=manifest.name, error=error.category)
            return
        if help_wanted:
            _send_work(app, manifest.name)
        if work_off(runtime):
            _send_work(app, manifest.name)

    app.task(name=name, shared=False, soft_time_limit=WORK_SECONDS, time_limit=WORK_SECONDS + 60)(run)


def _add_maintenance(app: Celery, manifest: Manifest, settings: Settings) -> None:
    def run() -> None:
        # A pool of its own per round: workers fork, and connections must not cross a fork.
        database = Database(database_url(manifest, settings), pool_size=2, prepare=False)
        try:
            maintain(manifest, database)
        finally:
            database.dispose()

    app.task(name=f"{manifest.name}.maintain", shared=False)(run)
