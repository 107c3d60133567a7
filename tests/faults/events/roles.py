"""What the processes of a run are. Each is the product's own code; writers go through the corridor of a service.

Started by fork from a process that has imported all this (tests/faults/events/crew.py), since they die so often.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import psycopg
import redis
from werkzeug.serving import WSGIRequestHandler, make_server

from deploy.front import front
from deploy.parent import end_with_parent
from deploy.services import ALL
from services.contacts.manifest import MANIFEST as CONTACTS
from services.reporting import commands
from services.reporting.manifest import MANIFEST as REPORTING
from services.reporting.projections import Projections
from services.workspace.manifest import MANIFEST as WORKSPACE
from shared.bus.bodies import BODIES
from shared.bus.broker import Broker, Listener
from shared.bus.page import decode_message
from shared.kernel import json, telemetry
from shared.kernel.config import Settings
from shared.kernel.context import Context
from shared.kernel.db import Database
from shared.kernel.errors import CrmError
from shared.service import bus_process
from shared.service.app import migrate
from shared.service.runtime import Runtime, database_url
from tests.faults.events.meddling import meddling_broker
from tests.faults.events.metrics import EARLY, LATE
from tests.faults.events.mutants import MUTANTS
from tests.faults.events.truth import TYPE, Truth
from tests.faults.events.writing import Writer, early_transaction_ids

NAIVE = "naive"


@dataclass(frozen=True, slots=True)
class Life:
    """One life of one process: what it is, its environment, and the number from which it draws what it does."""

    role: str
    environment: Mapping[str, str]
    log: Path
    seed: int
    settings: Mapping[str, str]


def live(life: Life) -> None:
    """Become the process."""
    end_with_parent(signal.SIGKILL)
    os.environ.update(life.environment)
    output = os.open(life.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(output, 1)
    os.dup2(output, 2)
    telemetry.configure("WARNING")
    mutant = life.settings.get("mutant")
    if mutant:
        MUTANTS[mutant](setattr)
    ROLES[life.role.rstrip("0123456789")](life)


def prepare(_: Life) -> None:
    """Migrate every service."""
    for manifest in ALL:
        migrate(manifest, Settings())


class _Quiet(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log(self, *_: object) -> None:
        """Nothing."""


def web(_: Life) -> None:
    """Every service behind one front: feeds, and what a service holds."""
    settings = Settings()
    make_server("127.0.0.1", settings.port, front(), threaded=True, request_handler=_Quiet).serve_forever()


def source(life: Life) -> None:
    """The bus process of the services that write, with messages that get lost, come twice and out of order."""
    bus_process.Broker = meddling_broker(life.seed)  # type: ignore[misc]
    bus_process.run_bus([WORKSPACE, CONTACTS], Settings())


def reporting(_: Life) -> None:
    """The bus process of reporting, filling metrics beside; two of them are one more than is needed."""
    bus_process.run_bus([REPORTING], Settings(), maintenance=True)


def writer(life: Life) -> None:
    """Write until told to stop, or killed."""
    drawn = random.Random(life.seed)
    early_transaction_ids(drawn)
    stop, pause = Path(life.settings["stop"]), float(life.settings["pause"])
    at_work: Writer | None = None
    while not stop.exists():
        try:
            at_work = at_work or Writer(Runtime(CONTACTS, Settings()), drawn, int(life.settings["size"]))
            at_work.step()
        except (CrmError, psycopg.Error) as error:
            print(type(error).__name__, error, file=sys.stderr, flush=True)
            time.sleep(0.1)
        time.sleep(pause * drawn.random() * 2)


def define(_: Life) -> None:
    """Metrics from the beginning."""
    _define(EARLY)


def late(_: Life) -> None:
    """A metric made while everything is on fire."""
    _define(LATE)


def _define(raws: tuple[Mapping[str, object], ...]) -> None:
    database, projections = Database(database_url(REPORTING, Settings()), pool_size=2), Projections()
    for raw in raws:
        while True:
            try:
                commands.define(database, projections, Context(), raw)
                break
            except CrmError as error:
                if error.category == "CONFLICT":
                    break  # made, but its transaction's end was not told to us
                print(type(error).__name__, error, file=sys.stderr, flush=True)
            except psycopg.Error as error:
                print(type(error).__name__, file=sys.stderr, flush=True)
            time.sleep(0.1)


def judge(life: Life) -> None:
    """Say what is wrong, into a file."""
    truth = Truth(Settings())
    since, patience = float(life.settings["since"]), float(life.settings["patience"])
    verdict = truth.judged(truth.settled(since, patience))
    counted = _naive_counts()
    true = {str(status): count for status, count in truth.statuses().items() if count}
    statuses = {*counted, *true}
    verdict.naive = (sum(1 for one in statuses if counted.get(one, 0) != true.get(one, 0)), len(statuses))
    Path(life.settings["verdict"]).write_bytes(json.dumps(verdict.document()))


def _naive_counts() -> dict[str, int]:
    with redis.Redis.from_url(_redis_url(), socket_timeout=5) as client:
        found: dict[bytes, bytes] = client.hgetall(NAIVE)  # type: ignore[assignment]
    return {status.decode(): int(count) for status, count in found.items() if int(count)}


def naive(_: Life) -> None:
    """What one writes first: counters in Redis, counted up and down as events arrive."""
    counters: redis.Redis = redis.Redis.from_url(_redis_url(), socket_timeout=2)
    key = Runtime(CONTACTS, Settings()).catalog.type(TYPE).attributes["lead_status"].key
    while True:
        with suppress(CrmError, redis.RedisError, KeyError):
            _count(Broker(_redis_url()), counters, key)
        time.sleep(0.1)


def _count(broker: Broker, counters: redis.Redis, key: str) -> None:
    listener = Listener("bus.naive", None)
    told = partial(BODIES.told, broker, listener=listener)
    announced = 0.0
    with broker.listening(listener.queue) as messages:
        while True:
            if time.monotonic() - announced > 1:
                broker.announce("contacts", listener)
                announced = time.monotonic()
            body = messages.next(0.25)
            for event in decode_message(body, told=told).events if body else ():
                if event.entity_type == TYPE and (key in event.changed or event.version == 1):
                    old, new = event.changed.get(key, (None, None))
                    if event.version > 1:
                        counters.hincrby(NAIVE, str(old), -1)
                    counters.hincrby(NAIVE, str(new), 1)


def _redis_url() -> str:
    url = Settings().redis_url
    return url.get_secret_value() if url else ""


ROLES: Mapping[str, Callable[[Life], None]] = {
    "prepare": prepare,
    "web": web,
    "source": source,
    "reporting": reporting,
    "writer": writer,
    "naive": naive,
    "define": define,
    "late": late,
    "judge": judge,
}
