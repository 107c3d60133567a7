"""What clocks cost a ticket: writes beside those of a plain entity, and working tickets out anew from the database.

`python -m benchmarks.tickets`. The plain entity is the same entity type with the same values in a database of its own,
without pipelines, rules and clocks. Writes of both take turns, one at a time; the ratio of what the process and its
server worked counts, that of their lower quartiles, which a busy machine changes least. `ms` is by the clock, medians.
"""

from __future__ import annotations

import argparse
import os
import secrets
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from time import process_time
from typing import Any

from benchmarks.server import Meter, own_cluster, version
from benchmarks.tables import show
from deploy.local.databases import ServiceDatabase, ensure_databases
from services.service_desk.manifest import MANIFEST
from services.service_desk.promises.commands import declare
from services.service_desk.promises.keeping import TICKET
from services.service_desk.promises.sweeping import Desk, sweep, work_out_anew
from shared.kernel.clock import monotonic
from shared.kernel.config import Settings
from shared.kernel.context import SYSTEM, Context
from shared.service.app import migrate
from shared.service.entities import Draft, Ref, Update, View
from shared.service.maintenance import maintain
from shared.service.manifest import Manifest, no_steps
from shared.service.runtime import Runtime

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday")
_HOURS = {day: [["09:00", "12:00"], ["13:00", "18:00"]] for day in _DAYS}
_TARGETS = {
    "first_response": {"by_priority": {"HIGH": 3600}, "otherwise": 28800},
    "next_response": {"otherwise": 28800},
    "resolution": {"by_priority": {"HIGH": 28800}, "otherwise": 144000, "pauses": ["waiting_on_customer"]},
}
_BILLING = {"attribute": "category", "operator": "EQ", "value": "BILLING_ISSUE"}
_SOON = {"name": "soon", "target": "resolution", "moment": "before", "offset": 1800, "actions": []}
_VALUES = {
    "subject": "The printer is on fire",
    "content": "It smells, and it is not the toner.",
    "category": ("PRODUCT_ISSUE",),
    "priority": "HIGH",
    "requester_email": "ada@example.test",
}
_NOTHING = View(attributes=())
Write = Callable[[int], Any]
_CONTEXT = Context(SYSTEM)
_AT_ONCE = 100


def main(arguments: Sequence[str] | None = None) -> int:
    """Run and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tickets", description=__doc__)
    parser.add_argument("--writes", type=int, default=600, help="writes of each kind (default 600)")
    parser.add_argument("--size", type=int, default=5000, help="tickets worked out anew (default 5,000)")
    options = parser.parse_args(arguments)
    plain = replace(MANIFEST, name="plain_desk", pipelines={}, rules={}, steps=no_steps, upkeep={})
    with own_cluster() as admin:
        desk, other = (service(one, admin) for one in (MANIFEST, plain))
        promise(desk)
        with desk.db.connect() as connection:
            print(f"PostgreSQL {version(connection)}")
        writes(desk, other, options.writes)
        anew(desk, options.size)
        for one in (desk, other):
            one.db.dispose()
    return 0


def service(manifest: Manifest, admin: str) -> Runtime:
    """A service on a database of its own."""
    database = ServiceDatabase(manifest.name, manifest.name, secrets.token_hex(16))
    ensure_databases(admin, [database])
    os.environ[f"{manifest.name.upper()}_DATABASE_URL"] = database.url(admin)
    settings = Settings(pool_size=3)
    migrate(manifest, settings)
    made = Runtime(manifest, settings)
    # Every slot taken and indexed before anything is measured.
    made.entities.create(_CONTEXT, TICKET, [Draft(dict(_VALUES))], _NOTHING)
    maintain(manifest, made.db)
    return made


def promise(desk: Runtime) -> None:
    """Business hours and two policies."""
    calendar = {"name": "office", "time_zone": "Europe/Berlin", "hours": _HOURS}
    declare(desk.own, "calendar", calendar, _CONTEXT)
    body = {"calendar": "office", "targets": _TARGETS, "thresholds": [_SOON]}
    declare(desk.own, "policy", {"name": "standard", **body}, _CONTEXT)
    declare(desk.own, "policy", {"name": "billing", "filter": _BILLING, **body}, _CONTEXT)
    # A ticket that has been through everything, so that all of its values have their slots.
    (one,) = desk.entities.create(_CONTEXT, TICKET, [Draft(dict(_VALUES))], _NOTHING)
    for stage in ("2", "3", "4", "1"):
        desk.entities.update(_CONTEXT, TICKET, [Update(Ref(one.id), {"stage": stage})], _NOTHING)
    sweep(desk.db)


def writes(desk: Runtime, other: Runtime, count: int) -> None:
    """Creations and changes of both, in turn."""
    pairs: list[list[int]] = []

    def created(which: Runtime) -> Write:
        def write(_: int) -> int:
            return which.entities.create(_CONTEXT, TICKET, [Draft(dict(_VALUES))], _NOTHING)[0].id

        return write

    def changed(which: Runtime, place: int, values: Mapping[str, Any]) -> Write:
        def write(n: int) -> Any:
            return which.entities.update(_CONTEXT, TICKET, [Update(Ref(pairs[n][place]), values)], _NOTHING)

        return write

    rows: list[tuple[str, ...]] = []
    both = (created(desk), created(other))
    warm(both, (desk, other))
    turns = Turns((desk, other), count)
    pairs += turns.timed("create", both, rows)
    # A move comes with a visit and its event, and times in stages: see `benchmarks.moves` for what those cost alone.
    for name, own, others in (
        ("another subject", {"subject": "Smoke"}, {"subject": "Smoke"}),
        ("another priority", {"priority": "LOW"}, {"priority": "LOW"}),
        ("another stage, beside another priority", {"stage": "2"}, {"priority": "URGENT"}),
        ("another stage, beside another subject", {"stage": "3"}, {"subject": "Smoke and fire"}),
    ):
        turns.timed(name, (changed(desk, 0, own), changed(other, 1, others)), rows)
    titles = ("write", "ticket, ms", "plain, ms", "ratio", "ticket, cpu", "plain, cpu", "ratio", "statements")
    show("One write", titles, rows)


def warm(both: tuple[Write, Write], services: tuple[Runtime, Runtime]) -> None:
    """Tables of some size, with statistics of them, as autovacuum makes them where it runs: statements that were
    planned on empty tables would be so for ever."""
    for create in both:
        for n in range(_AT_ONCE):
            create(n)
    for one in services:
        with one.db.connect() as connection:
            connection.run("vacuum analyze")


class Turns:
    """Writes of a ticket and of a plain entity, in turn, and what they cost."""

    def __init__(self, services: tuple[Runtime, Runtime], count: int) -> None:
        self._services = services
        self._count = count
        self._meters = []
        for one in services:
            with one.db.connect() as connection:
                self._meters.append(Meter(connection))

    def timed(self, name: str, both: tuple[Write, Write], rows: list[tuple[str, ...]]) -> list[list[Any]]:
        """What both answered; a row of what they cost."""
        spent: tuple[list[float], list[float]] = ([], [])
        worked: tuple[list[float], list[float]] = ([], [])
        statements: tuple[list[int], list[int]] = ([], [])
        answers = []
        for n in range(self._count):
            pair: list[Any] = [None, None]
            for place in (n % 2, 1 - n % 2):
                meter = self._meters[place]
                busy, begun = meter.read() + process_time() * 1000, monotonic()
                with self._services[place].db.counted() as counted:
                    pair[place] = both[place](n)
                spent[place].append((monotonic() - begun) * 1000)
                worked[place].append(meter.read() + process_time() * 1000 - busy)
                statements[place].append(len(counted))
            answers.append(pair)
        clock = [statistics.median(times) for times in spent]
        work = [statistics.quantiles(times, n=4)[0] for times in worked]
        told = [f"{one:.2f}" for a, b in (clock, work) for one in (a, b, a / b)]
        usual = " / ".join(str(statistics.mode(several)) for several in statements)
        rows.append((name, *told, usual))
        return answers


def anew(desk: Runtime, size: int) -> None:
    """Tickets with a history, worked out from it."""
    ids = []
    for _ in range(0, size, _AT_ONCE):
        made = desk.entities.create(_CONTEXT, TICKET, [Draft(dict(_VALUES)) for _ in range(_AT_ONCE)], _NOTHING)
        ids += [one.id for one in made]
        for stage in ("2", "3"):
            desk.entities.update(_CONTEXT, TICKET, [Update(Ref(one.id), {"stage": stage}) for one in made], _NOTHING)
    with desk.db.transaction() as connection:
        connection.run("update sla_clock set redo = false, next_at = null")
        connection.run("update sla_clock set redo = true where ticket_id = any(%(ids)s)", {"ids": ids})
        connection.run("analyze sla_clock, eav_history")
    sweeping = Desk.of(desk.db)
    begun, count = monotonic(), 0
    while done := work_out_anew(sweeping):
        count += done
    print(f"{count:,} tickets worked out anew from the database: {count / (monotonic() - begun):,.0f}/s in one process")


if __name__ == "__main__":
    raise SystemExit(main())
