"""The bus process: for every service a relay of its log and one consumer per feed it follows, as threads.

All truth is in PostgreSQL, so that this process may die at any moment. It returns when `stop` is set, or on SIGTERM
and SIGINT when it runs as a process's main.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import redis

from shared.bus.broker import Broker
from shared.bus.following import run_consumer
from shared.bus.pulses import Pulses, run_pulses
from shared.bus.relay import Relay, run_relay
from shared.bus.ticks import Ticker, run_ticker
from shared.kernel import garbage
from shared.kernel.clock import monotonic
from shared.kernel.config import Settings
from shared.kernel.db import Database
from shared.kernel.errors import CrmError
from shared.kernel.telemetry import logger
from shared.service.jobs import run_work
from shared.service.maintenance import maintain
from shared.service.manifest import Manifest
from shared.service.prompting import run_prompt
from shared.service.replicas import feed_source
from shared.service.runtime import database_url
from shared.service.subscriptions import subscriptions
from shared.service.work.ledger import NEWS
from shared.service.work.nudging import hear, nudge
from shared.service.worker import task_sender

MAINTENANCE_SECONDS = 15.0
GRACE_SECONDS = 1.0
_SOON: dict[str, Any] = {"socket_timeout": 2, "socket_connect_timeout": 1}
_log = logger("bus")


def run_bus(manifests: Sequence[Manifest], settings: Settings, *, maintenance: bool = False) -> None:
    """Block, as a process's main, until a signal says to stop. `maintenance`: also do what Celery does elsewhere."""
    stop = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stop.set())
    garbage.settle()
    run_threads(manifests, settings, stop, maintenance=maintenance)


def run_threads(
    manifests: Sequence[Manifest], settings: Settings, stop: threading.Event, *, maintenance: bool = False
) -> None:
    """The same under the caller's own `stop`."""
    source = feed_source(settings)
    broker = partial(Broker, settings.redis_url.get_secret_value()) if settings.redis_url else None
    client = redis.Redis.from_url(settings.redis_url.get_secret_value(), **_SOON) if settings.redis_url else None
    threads = []
    pulses = Pulses(client) if client is not None else None
    if pulses is not None:
        threads.append(_thread("pulses", run_pulses, pulses, stop))
    if client is not None and not maintenance:
        threads.append(_thread("nudges", hear, client, task_sender(manifests, settings), stop))
    for manifest in manifests:
        followed = subscriptions(manifest, settings)
        size = 3 + len(followed) + len(manifest.prompt)
        database = Database(database_url(manifest, settings), pool_size=size, prepare=settings.prepare)
        if client is not None:
            database.signals[NEWS] = nudge(client, manifest.name)
        if broker is None:
            threads.append(_thread(f"{manifest.name}.ticker", run_ticker, Ticker(database), stop))
        else:
            relay = Relay(manifest.name, database, broker())
            if pulses is not None:
                pulses.relays[manifest.name] = relay.hurry
            threads.append(_thread(f"{manifest.name}.relay", run_relay, relay, stop))
        for one in followed:
            following = partial(run_consumer, broker=broker, pulses=pulses)
            threads.append(_thread(one.name, following, database, source, one, stop))
        for name, prompt in manifest.prompt.items():
            threads.append(_thread(f"{manifest.name}.{name}", run_prompt, name, prompt, database, stop))
        if maintenance:
            threads.append(_thread(f"{manifest.name}.maintenance", _maintain, manifest, database, stop))
            threads.append(_thread(f"{manifest.name}.work", run_work, manifest, settings, stop))
    stop.wait()
    # A consumer may sit in a long poll. Nothing needs it to come back: what it has not applied, the next start will.
    deadline = monotonic() + GRACE_SECONDS
    for thread in threads:
        thread.join(timeout=max(0.0, deadline - monotonic()))


def _thread(name: str, target: Callable[..., None], *arguments: object) -> threading.Thread:
    thread = threading.Thread(target=target, args=arguments, name=name, daemon=True)
    thread.start()
    return thread


def _maintain(manifest: Manifest, database: Database, stop: threading.Event) -> None:
    while not stop.wait(MAINTENANCE_SECONDS):
        try:
            maintain(manifest, database)
        except CrmError as error:
            _log.warning("not maintained", service=manifest.name, error=error.message)
