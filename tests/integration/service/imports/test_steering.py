"""Pause, resume, cancel, several imports at once, chunks that come late or break."""

from __future__ import annotations

import pytest

from shared.contracts import imports as contract
from shared.contracts.imports import PhaseFinished
from shared.kernel.errors import Unavailable
from shared.service.imports.kind import ImportKind
from shared.service.work import ledger
from shared.service.work.running import JobProblem, run_one, work
from tests.integration.service.imports.importing import Import, spec, values

HEADER = ("email", "firstname")


def people(count, prefix):
    return [(f"{prefix}{n}@example.com", f"Name {n}") for n in range(count)]


def job(runtime, prefix, count=50, size=5):
    return Import(runtime, spec("contact", HEADER, key="email"), people(count, prefix), size)


def soon(runtime):
    """What was given back rests; here it need not."""
    with runtime.db.connect() as connection:
        connection.run("update work_chunk set leased_until = null where lease is null")


def test_paused_means_paused_and_resumed_goes_on(runtime):
    one = job(runtime, "pause").begin()
    assert one.work(3) == 3
    one.order(contract.PAUSED)
    assert one.work() == 0
    assert one.counts()["rows"] == 15
    one.order(contract.RUNNING)
    one.work()
    assert one.counts()["created"] == 50
    assert one.finished() == [PhaseFinished("run", "done")]


def test_a_chunk_under_way_ends_after_a_pause_but_not_after_a_cancel(runtime):
    one = job(runtime, "late").begin()
    claim = ledger.claim(runtime.db)
    one.order(contract.PAUSED)
    run_one(runtime, {"import": one.kind}, claim)
    assert one.counts()["rows"] == 5
    one.order(contract.RUNNING)
    claim = ledger.claim(runtime.db)
    one.order(contract.CANCELED)
    run_one(runtime, {"import": one.kind}, claim)
    assert one.counts()["rows"] == 5
    assert one.work() == 0
    assert one.told()[-1] == PhaseFinished("run", "canceled")
    assert sum(key.startswith("late") for key in values(runtime, "contact", ("city",), by="email")) == 5
    one.order(contract.RUNNING)
    assert one.work() == 0


def test_several_imports_share_the_worker(runtime):
    first, second = job(runtime, "fair-a").begin(), job(runtime, "fair-b").begin()
    first.work(3)
    third = job(runtime, "fair-c").begin()
    first.work(9)
    done = [len(one.reports()) for one in (first, second, third)]
    assert sum(done) == 12
    assert max(done) - min(done) <= 2
    first.work()
    assert all(one.finished() for one in (first, second, third))


def test_chunks_may_be_announced_as_they_are_cut(runtime):
    one = job(runtime, "cut")
    listed = one.afters()
    one.order(spec=one.asked.model_dump(mode="json"), chunks=tuple(listed[:4]))
    assert one.work() == 4
    assert one.finished() == []
    one.order(chunks=tuple(listed[4:]))
    one.order(chunks=tuple(listed[2:6]))
    assert one.work() == 6
    one.order(final=True)
    assert one.finished() == [PhaseFinished("run", "done")]
    assert one.counts()["created"] == 50


def test_an_order_for_another_service_is_passed_by(runtime):
    one = job(runtime, "other")
    one.order(service="deals", spec=one.asked.model_dump(mode="json"), final=True)
    with runtime.db.connect() as connection:
        assert ledger.find(connection, "import", one.number) is None


def test_a_file_that_cannot_be_fetched_is_asked_for_again(runtime):
    one = job(runtime, "away").begin()
    served = one.kind

    def away(*_):
        raise Unavailable("workspace is away")

    one.kind = ImportKind(away)
    for _ in range(2 * ledger.MAX_ATTEMPTS):
        one.work(1)
        soon(runtime)
    assert one.job().state == "running"
    assert not work(runtime, {"import": one.kind})
    with runtime.db.connect() as connection:
        tried = "select max(failures), max(attempts) from work_chunk where job_id = %(job)s"
        assert connection.row(tried, {"job": one.job().id}) == (0, 0)
    soon(runtime)
    one.kind = served
    one.work()
    assert one.counts()["created"] == 50


@pytest.mark.parametrize("error", [JobProblem("the file is gone"), ValueError("a bug")])
def test_what_never_works_fails_and_may_be_tried_again(runtime, error):
    prefix = f"never-{type(error).__name__.lower()}"
    one = job(runtime, prefix).begin()
    served = one.kind

    def broken(*_):
        raise error

    one.kind = ImportKind(broken)
    for _ in range(ledger.MAX_FAILURES + 1):
        one.work(1)
        soon(runtime)
        with runtime.db.connect() as connection:
            connection.run("update work_chunk set leased_until = '2999-01-01' where n > 0 and state = 'pending'")
    assert one.job().state == "failed"
    (finished,) = one.finished()
    assert finished.state == "failed"
    assert "a bug" not in finished.reason
    with runtime.db.connect() as connection:
        connection.run("update work_chunk set leased_until = null")
    one.kind = served
    one.order(contract.RUNNING)
    one.work()
    assert one.counts()["created"] == 50
    assert one.finished()[-1] == PhaseFinished("run", "done")


def test_orders_that_come_twice_change_nothing(runtime):
    one = job(runtime, "twice").begin()
    one.work(4)
    one.order(contract.PAUSED)
    one.order(contract.PAUSED)
    one.order(contract.RUNNING, chunks=tuple(one.afters()), final=True)
    one.work()
    assert one.counts()["created"] == 50
    one.order(contract.CANCELED)
    one.order(contract.PAUSED)
    one.order(contract.RUNNING)
    assert one.finished() == [PhaseFinished("run", "done")]
    assert one.work() == 0
