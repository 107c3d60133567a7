"""An import through a running system while its workers are killed, Redis is flushed and restarted: nothing is lost or
done twice. `SEEDS=5` runs five of them."""

from __future__ import annotations

import csv
import io
import os
import random
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import httpx
import psutil
import psycopg
import pytest
import redis

from deploy.local.orphans import running
from deploy.local.waiting import wait_until
from shared.kernel import json
from tests.faults.system import System, system

SEEDS = range(int(os.environ.get("SEEDS", "1")))
ROWS = 16_000
KILLS = 20
PATIENCE = 300  # a ceiling against hanging only
HEADER = ("Code", "First name", "Visits", "Company")


@pytest.fixture(scope="module")
def up() -> Iterator[System]:
    """A running system that all tests here share."""
    with system() as made:
        made.start()
        yield made


def rows(seed: int) -> list[tuple[str, str, str, str]]:
    """Some thousand people; some twice, some without a code, some with visits that are no number."""
    drawn = random.Random(seed)
    found = []
    for n in range(ROWS):
        code = "" if drawn.random() < 0.01 else f"s{seed}-{drawn.randrange(ROWS) if drawn.random() < 0.1 else n}"
        visits = "many" if drawn.random() < 0.01 else str(drawn.randrange(100))
        found.append((code, f"Name {n}", visits, f"Firm {seed}-{drawn.randrange(20)}"))
    return found


def expected(listed: list[tuple[str, str, str, str]]) -> tuple[dict[str, tuple[str, int]], Counter[str]]:
    """People by code, and the counts, calculated from the file."""
    people: dict[str, tuple[str, int]] = {}
    counts: Counter[str] = Counter(rejected=0, created=0, updated=0)
    for code, name, visits, _ in listed:
        if not code or visits == "many":
            counts["rejected"] += 1
            continue
        counts["updated" if code in people else "created"] += 1
        people[code] = (name, int(visits))
    return people, counts


def upload(client: httpx.Client, seed: int, listed: list[tuple[str, str, str, str]]) -> str:
    """Upload the file with its mapping, and start."""
    text = io.StringIO()
    csv.writer(text).writerows([HEADER, *listed])
    names = {"Code": f"code_{seed}", "First name": "firstname", "Visits": f"visits_{seed}"}
    mapping = {
        "key": {"column": "Code", "attribute": names["Code"]},
        "columns": [{"column": column, "attribute": name} for column, name in names.items()],
        "links": [{"column": "Company", "type": "company", "attribute": "name", "missing": "create"}],
        "create_attributes": [
            {"name": names["Code"], "label": f"Code {seed}", "type": "string", "unique": True},
            {"name": names["Visits"], "label": f"Visits {seed}", "type": "number"},
        ],
    }
    request = {"type": "contact", "name": f"faults {seed}", "mapping": mapping, "run": "run"}
    answer = client.post(
        "/api/v1/imports",
        data={"request": json.dumps(request).decode()},
        files={"file": ("people.csv", text.getvalue().encode(), "text/csv")},
    )
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def state(client: httpx.Client, ident: str) -> dict[str, Any]:
    """The import as the system shows it; {} while it cannot be asked."""
    with suppress(httpx.HTTPError):
        answer = client.get(f"/api/v1/imports/{ident}")
        if answer.status_code == 200:
            found: dict[str, Any] = answer.json()
            return found
    return {}


def done(job: dict[str, Any]) -> int:
    """How many rows are accounted for."""
    return int((job.get("run") or {}).get("done", 0))


def some_way(client: httpx.Client, ident: str, seconds: float) -> None:
    """Wait until work got somewhere, or some seconds: it must not be over before everything was broken."""
    before, stop = done(state(client, ident)), time.monotonic() + seconds
    wait_until(lambda: time.monotonic() > stop or done(state(client, ident)) > before, 10)


class Havoc:
    """Kills workers, flushes and restarts Redis, at random moments."""

    def __init__(self, up: System, seed: int) -> None:
        self.up, self.drawn = up, random.Random(seed)
        self.left = [*["worker"] * (KILLS - 4), "whole", "whole", "flush", "redis"]
        self.drawn.shuffle(self.left)

    def strike(self) -> None:
        """One of them."""
        what = self.left.pop()
        if what == "flush":
            with suppress(redis.RedisError), redis.Redis.from_url(self._redis_url()) as client:
                client.flushall()
        elif what == "redis":
            self._kill(self.up.pids().get("redis"))
        else:
            self._workers(whole=what == "whole")

    def _redis_url(self) -> str:
        for process in running(self.up.home):
            with suppress(psutil.Error):
                if url := process.environ().get("REDIS_URL"):
                    return url
        raise AssertionError("nothing tells where Redis is")

    def _workers(self, *, whole: bool) -> None:
        """kill -9 of one working process, or of all of them at once."""
        main = self.up.pids().get("worker")
        if main is None:
            return
        with suppress(psutil.Error):
            family = psutil.Process(main).children(recursive=True) or [psutil.Process(main)]
            for one in [psutil.Process(main), *family] if whole else [self.drawn.choice(family)]:
                self._kill(one.pid)

    def _kill(self, pid: int | None) -> None:
        if pid is not None:
            with suppress(psutil.Error):
                psutil.Process(pid).kill()


def contacts_url(up: System) -> str:
    """The database of contacts."""
    for process in running(up.home):
        with suppress(psutil.Error):
            if url := process.environ().get("CONTACTS_DATABASE_URL"):
                return url
    raise AssertionError("nothing tells where the database is")


def stored(up: System, seed: int) -> dict[str, tuple[str, int]]:
    """People by code, read past all our own code."""
    wanted = {f"code_{seed}": 0, "first_name": 1, f"visits_{seed}": 2}
    found: dict[int, dict[str, Any]] = {}
    with psycopg.connect(contacts_url(up)) as connection:
        listed = connection.execute(
            "select entity_id, attribute, value from eav_values where entity_type = 'contact' and attribute = any(%s)",
            (list(wanted),),
        )
        for ident, attribute, value in listed:
            found.setdefault(ident, {})[attribute] = value
    return {
        one[f"code_{seed}"]: (one["first_name"], int(one[f"visits_{seed}"]))
        for one in found.values()
        if f"code_{seed}" in one
    }


@pytest.mark.parametrize("seed", SEEDS)
def test_every_row_counts_once_whatever_is_killed(up: System, seed: int) -> None:
    listed = rows(seed)
    people, counts = expected(listed)
    with up.client() as client:
        ident = upload(client, seed, listed)
        havoc, struck = Havoc(up, seed), 0
        ends = time.monotonic() + PATIENCE
        while havoc.left:
            some_way(client, ident, havoc.drawn.uniform(0.5, 3.0))
            struck += state(client, ident).get("state") != "done"
            havoc.strike()
            assert time.monotonic() < ends
        assert struck >= KILLS // 2
        wait_until(lambda: state(client, ident).get("state") in ("done", "failed"), PATIENCE)
        job = state(client, ident)
    assert job["state"] == "done", job
    assert stored(up, seed) == people
    assert {name: job["run"][name] for name in ("created", "updated", "rejected")} == dict(counts)
    assert job["run"]["rows"] == job["run"]["done"] == ROWS
    with psycopg.connect(contacts_url(up)) as connection:
        firms = connection.execute(
            "select value, count(*) from eav_values where entity_type = 'company' and attribute = 'name'"
            " and value like %s group by 1",
            (f"Firm {seed}-%",),
        ).fetchall()
    assert {name for name, _ in firms} == {firm for code, _, visits, firm in listed if code and visits != "many"}
    assert {count for _, count in firms} == {1}
