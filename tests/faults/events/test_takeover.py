"""Of two bus processes one is enough; and who comes after the log is gone says so and starts from what there is."""

from __future__ import annotations

import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
import psutil
import psycopg
import pytest

from deploy.local.waiting import wait_until
from tests.faults.events.soak import ADMIN, Plan, Stage, stage

TAKEN_OVER = 5.0
PATIENCE = 90.0
_APPLIED = "select coalesce(max(taken), 0) from watermark where subscription = 'reporting.contacts'"
_TICK = "select max(id) from tick"
_FACTS = "select count(*) from fact join replica_type on no = type_no where name = 'company'"


@pytest.fixture(scope="module")
def made() -> Iterator[Stage]:
    with stage(Plan(1)) as found:
        yield found


def ask(made: Stage, database: str, sql: str) -> int:
    with psycopg.connect(made.servers.database(database)) as connection:
        row = connection.execute(sql).fetchone()  # type: ignore[call-overload]
    return int(row[0])


def door(made: Stage) -> httpx.Client:
    url, headers = made.crew.environment["CRM_PUBLIC_URL"], {"Authorization": f"Bearer {ADMIN}"}
    return httpx.Client(base_url=url, headers=headers, timeout=30)


def create(made: Stage, count: int) -> None:
    with door(made) as web:
        items = [{"values": {"name": f"N{number}", "city": "Bern"}} for number in range(count)]
        answer = web.post("/api/v1/objects/companies/batch/create", json={"inputs": items})
        assert answer.status_code in (200, 201), answer.text


def caught_up(made: Stage) -> bool:
    return ask(made, "reporting", _FACTS) == ask(
        made, "contacts", "select count(*) from eav_entities where entity_type = 'company'"
    )


def listens(made: Stage, name: str) -> bool:
    """Whether a process is connected to Redis."""
    port = urlsplit(made.servers.redis_url).port
    process = psutil.Process(made.crew.processes[name].pid)
    return any(one.raddr and one.raddr.port == port for one in process.net_connections("tcp"))


def test_when_one_of_two_is_killed_the_other_goes_on_within_five_seconds(made: Stage) -> None:
    create(made, 3)
    assert wait_until(lambda: caught_up(made), PATIENCE)
    for name in ("reporting1", "reporting2"):
        made.crew.let_go(name)
        began = time.monotonic()
        create(made, 3)
        assert wait_until(lambda: caught_up(made), PATIENCE)
        assert time.monotonic() - began < TAKEN_OVER
        made.crew.start(name)
        # The one that came back has to be at work before the other goes.
        assert wait_until(lambda name=name: listens(made, name), PATIENCE)


def test_who_comes_after_retention_says_so_and_starts_from_what_there_is(made: Stage) -> None:
    create(made, 3)
    assert wait_until(lambda: caught_up(made), PATIENCE)
    for name in ("reporting1", "reporting2"):
        made.crew.let_go(name)
    create(made, 5)
    # What goes has to have been told of: a later tick stands for it.
    known = ask(made, "contacts", _TICK)
    create(made, 1)
    assert wait_until(lambda: ask(made, "contacts", _TICK) > known, PATIENCE)
    with psycopg.connect(made.servers.database("contacts")) as connection:
        connection.execute("delete from feed_reader")
        connection.execute("delete from tick where id < (select max(id) from tick)")
        connection.execute("delete from outbox")
    before = made.logged("reporting1")
    made.crew.start("reporting1")
    assert wait_until(lambda: caught_up(made), PATIENCE)
    assert '"rebuilding"' in made.logged("reporting1")[len(before) :]
    create(made, 2)
    assert wait_until(lambda: caught_up(made), PATIENCE)
    verdict = made.judge()
    assert not verdict.wrong["facts"]
    assert not verdict.wrong["cells"]
