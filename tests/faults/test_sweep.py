"""The sweep of promises killed by SIGKILL wherever it stands, two of it at once: each threshold of each clock is
noticed once, told once, and acted on once. `SEEDS=5` runs five of them."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest

from deploy.local.programs import PROJECT
from deploy.local.waiting import wait_until
from services.service_desk.manifest import MANIFEST
from services.service_desk.promises.commands import declare
from services.service_desk.promises.sweeping import sweep
from shared.contracts.event import SLA_REACHED, UPDATED, Event
from shared.kernel.context import SYSTEM, Context
from shared.service.entities import Draft, View
from tests.integration.service.conftest import application

SEEDS = range(int(os.environ.get("SEEDS", "1")))
TICKETS, AT_ONCE = 200, 100
KILLS = 30
AMID_SECONDS = 20
"""The longest that processes are killed amid their work; what is left then is done in peace."""
PATIENCE = 120  # a ceiling against hanging only
THRESHOLDS = {
    ("first_response", "soon"): ("before", 1),
    ("first_response", "over"): ("at", 0),
    ("resolution", "soon"): ("before", 2),
    ("resolution", "over"): ("at", 0),
    ("resolution", "late"): ("after", 1),
}
RAISED = ("resolution", "over")
_CONTEXT = Context(SYSTEM)


@pytest.fixture(params=SEEDS)
def runtime(request: Any, new_database: Callable[[], str], redis_url: str) -> Iterator[Any]:
    """A desk whose tickets are all to be looked at within some seconds."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        made = application(MANIFEST, new_database(), redis_url, monkeypatch).extensions["crm"]
        hours = {day: [["00:00", "24:00"]] for day in ("monday", "tuesday", "wednesday", "thursday", "friday")}
        always = hours | {day: [["00:00", "24:00"]] for day in ("saturday", "sunday")}
        declare(made.own, "calendar", {"name": "always", "time_zone": "UTC", "hours": always}, _CONTEXT)
        thresholds = [
            {
                "name": name,
                "target": target,
                "moment": moment,
                "offset": offset,
                "actions": [{"set": {"priority": "URGENT"}}] if (target, name) == RAISED else [],
            }
            for (target, name), (moment, offset) in THRESHOLDS.items()
        ]
        targets = {"first_response": {"otherwise": 2}, "resolution": {"otherwise": 3}}
        body = {"name": "quick", "calendar": "always", "targets": targets, "thresholds": thresholds}
        declare(made.own, "policy", body, _CONTEXT)
        made.seed = request.param
        yield made
        made.db.dispose()


@contextmanager
def nursery(url: str) -> Iterator[Callable[[], int]]:
    """Makes sweeping processes; all end with it."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.faults.sweeper"],
        cwd=PROJECT,
        env={**os.environ, "SERVICE_DESK_DATABASE_URL": url},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        into, out = process.stdin, process.stdout
        assert into is not None
        assert out is not None

        def bear() -> int:
            into.write("\n")
            into.flush()
            return int(out.readline())

        try:
            yield bear
        finally:
            process.kill()


def events(runtime: Any) -> list[Event]:
    """All that the desk told."""
    found: list[Event] = []
    after: str | None = None
    while True:
        page = runtime.feed.read(after, types=("ticket",), limit=500).page()
        found += page.events
        after = str(page.next)
        if page.up_to_date:
            return found


def undone(runtime: Any) -> bool:
    """Whether something is still to be noticed or done."""
    with runtime.db.connect() as connection:
        row = connection.row("select count(*) filter (where done_at is not null) from sla_action")
    return int(row[0]) < TICKETS * len(THRESHOLDS)


def test_kills_lose_nothing_and_double_nothing(runtime: Any) -> None:
    draw = random.Random(runtime.seed)
    tickets = []
    for _ in range(0, TICKETS, AT_ONCE):
        drafts = [Draft({"subject": "Quick", "priority": "LOW"}) for _ in range(AT_ONCE)]
        tickets += [one.id for one in runtime.entities.create(_CONTEXT, "ticket", drafts, View(attributes=()))]
    kills, amid, stop = 0, 0, time.monotonic() + AMID_SECONDS
    with nursery(runtime.db.url) as bear:
        living = [bear(), bear()]
        while (undone(runtime) or kills < KILLS) and time.monotonic() < stop:
            time.sleep(draw.random() ** 2 * (0.1 + 0.04 * kills))  # at first too short to get anywhere, then longer
            place = draw.randrange(len(living))
            with suppress(ProcessLookupError):
                os.kill(living[place], signal.SIGKILL)
            kills, amid = kills + 1, amid + undone(runtime)
            living[place] = bear()
    wait_until(lambda: not sweep(runtime.db) and not undone(runtime), PATIENCE)
    assert kills >= KILLS
    assert amid > 10, "while there was something to do"
    expected = {(one, target, name) for one in tickets for target, name in THRESHOLDS}
    with runtime.db.connect() as connection:
        ledger = connection.rows("select ticket_id, target, threshold, cycle, done_at is not null from sla_action")
    assert Counter(row[:3] for row in ledger) == Counter(expected)
    assert {row[3:] for row in ledger} == {(1, True)}
    told = events(runtime)
    reached = Counter(
        (one.entity_id, one.detail["target"], one.detail["threshold"]) for one in told if one.kind == SLA_REACHED
    )
    assert reached == Counter(expected), "told once each"
    key = runtime.catalog.type("ticket").attribute("priority").key
    raised = Counter(one.entity_id for one in told if one.kind == UPDATED and key in one.changed)
    assert raised == Counter(tickets), "raised once each"
