"""Workers that die anywhere: every row exactly once.

A kill is an exception that nobody catches, raised at a random statement of a chunk, before or after it ran; the lease
it leaves runs out. Several workers run at once, and some are only thought dead.
"""

from __future__ import annotations

import random
import threading

import pytest

from shared.kernel import db
from shared.service.imports.spec import Link
from shared.service.work import ledger
from shared.service.work.running import run_one
from tests.integration.service.imports.importing import Import, columns, facts, spec, values

HEADER = ("email", "firstname", "Company")


class Killed(BaseException):
    """Nothing may catch this."""


class Killer:
    """Raises at the n-th statement that goes through a connection of this thread."""

    def __init__(self, monkeypatch):
        self._local = threading.local()
        for name in ("rows", "row", "run"):
            monkeypatch.setattr(db.Connection, name, self._wrapped(getattr(db.Connection, name)))

    def arm(self, statements, after):
        self._local.left, self._local.after = statements, after

    def disarm(self):
        self._local.left = None

    def _wrapped(self, real):
        def call(connection, *arguments, **more):
            left = getattr(self._local, "left", None)
            if left is None:
                return real(connection, *arguments, **more)
            self._local.left = left - 1
            if left == 0 and not self._local.after:
                raise Killed
            answer = real(connection, *arguments, **more)
            if left == 0:
                raise Killed
            return answer

        return call


def expire(runtime):
    """Time passes: leases of the dead run out."""
    with runtime.db.connect() as connection:
        connection.run("update work_chunk set leased_until = '2000-01-01' where leased_until is not null")


def crashing(job, killer, drawn, *, most=30):
    """Work on, and die now and then; how often."""
    kills = 0
    while True:
        claim = ledger.claim(job.runtime.db)
        if claim is None:
            expire(job.runtime)
            claim = ledger.claim(job.runtime.db)
            if claim is None:
                return kills
        if kills < most and drawn.random() < 0.8:
            killer.arm(drawn.randrange(24), drawn.random() < 0.5)
        try:
            run_one(job.runtime, {"import": job.kind}, claim)
        except Killed:
            kills += 1
        finally:
            killer.disarm()


def rows(seed, count=150):
    drawn = random.Random(seed)
    return [
        (f"kill{seed}-{drawn.randrange(60)}@example.com", f"Name {n}", f"Firm {seed}-{drawn.randrange(5)}")
        for n in range(count)
    ]


def linking(seed):
    link = Link(column=2, header="Company", type="company", attribute="name", missing="create")
    return spec("contact", HEADER, key="email", columns=columns(HEADER[:2]), links=(link,))


def expected(listed):
    return {email: (name,) for email, name, _ in listed}


def mine(runtime, seed):
    stored = values(runtime, "contact", ("firstname",), by="email")
    return {key: stored[key] for key in stored if key.startswith(f"kill{seed}-")}


@pytest.mark.parametrize("seed", range(4))
def test_rows_count_once_whatever_dies(runtime, monkeypatch, seed):
    killer, drawn = Killer(monkeypatch), random.Random(seed)
    job = Import(runtime, linking(seed), rows(seed), 10).begin()
    assert crashing(job, killer, drawn) > 5
    listed = rows(seed)
    assert mine(runtime, seed) == expected(listed)
    people = len(expected(listed))
    assert job.counts() == {
        "rows": 150, "created": people, "updated": 150 - people, "unchanged": 0, "rejected": 0,
    }  # fmt: skip
    assert len(job.finished()) == 1
    firms = [name for (name,) in values(runtime, "company", ("name",)).values() if name.startswith(f"Firm {seed}-")]
    assert sorted(firms) == sorted({firm for _, _, firm in listed})
    before = facts(runtime)
    latest = list({email: row for row in listed for email in row[:1]}.values())
    assert job.again(latest).do().counts()["unchanged"] == people
    assert facts(runtime) == before
    job.undo()
    assert mine(runtime, seed) == {}


def test_undo_counts_once_whatever_dies(runtime, monkeypatch):
    killer, drawn = Killer(monkeypatch), random.Random(9)
    monkeypatch.setattr("shared.service.imports.settling.UNDO_ENTITIES", 7)
    job = Import(runtime, linking("u"), rows("u"), 50).do()
    job.order("undo", "undo")
    assert crashing(job, killer, drawn) > 3
    assert mine(runtime, "u") == {}
    assert [one for report in job.reports("undo") for one in report.kept] == []
    ends = [one.phase for one in job.finished()]
    assert ends == ["run", "undo"]


def test_waiting_rows_count_once_whatever_dies(runtime, monkeypatch):
    killer, drawn = Killer(monkeypatch), random.Random(3)
    header = ("name", "city", "Parent")
    link = Link(column=2, header="Parent", type="company", attribute="name", relation=14)
    asked = spec("company", header, key="name", columns=columns(header[:2]), links=(link,))
    tree = [(f"Late {n}", "X", f"Late {n // 2}" if n else "") for n in range(60)] + [("Lost", "X", "Nobody")]
    drawn.shuffle(tree)
    job = Import(runtime, asked, tree, 9).begin()
    assert crashing(job, killer, drawn) > 3
    assert job.counts() == {"rows": 61, "created": 60, "updated": 0, "unchanged": 0, "rejected": 1}
    assert job.again().do().counts()["unchanged"] == 60


def test_who_was_only_thought_dead_finds_its_chunk_gone(runtime):
    job = Import(runtime, linking("slow"), rows("slow", 20), 20).begin()
    slow = ledger.claim(runtime.db)
    expire(runtime)
    quick = ledger.claim(runtime.db)
    assert (quick.n, quick.attempts) == (slow.n, 2)
    run_one(runtime, {"import": job.kind}, quick)
    before = facts(runtime)
    run_one(runtime, {"import": job.kind}, slow)
    assert facts(runtime) == before
    assert job.counts()["rows"] == 20
    assert not ledger.renew(runtime.db, slow)


def test_four_workers_at_once_and_tasks_that_come_twice(runtime):
    jobs = [Import(runtime, linking(f"many{n}"), rows(f"many{n}", 200), 5).begin() for n in range(2)]
    threads = [threading.Thread(target=jobs[0].work) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    jobs[0].work()
    for n, job in enumerate(jobs):
        assert job.counts()["rows"] == 200
        assert job.errors() == {}
        assert mine(runtime, f"many{n}") == expected(rows(f"many{n}", 200))
        assert len(job.finished()) == 1
