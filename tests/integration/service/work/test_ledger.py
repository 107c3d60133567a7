"""The ledger alone, with work that only counts."""

from __future__ import annotations

import threading

import pytest

from services.contacts.manifest import MANIFEST
from shared.kernel.config import Settings
from shared.kernel.context import Context
from shared.kernel.db import Database
from shared.service.app import migrate
from shared.service.work import ledger, running, small
from shared.service.work.ledger import Chunk, Counts, Lost
from shared.service.work.running import run_one, work


@pytest.fixture(scope="module")
def database(database_url):
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("CONTACTS_DATABASE_URL", database_url)
        migrate(MANIFEST, Settings())
    made = Database(database_url, pool_size=6)
    with made.connect() as connection:
        connection.run("create table effect (job bigint, n int)")
    yield made
    made.dispose()


@pytest.fixture(autouse=True)
def _empty(database):
    yield
    with database.connect() as connection:
        connection.run("truncate work_job, effect cascade")


class Worker:
    def __init__(self, database):
        self.db = database


class Counting:
    """Writes one row per chunk."""

    def __init__(self):
        self.told = []

    def run(self, runtime, claim):
        with runtime.db.transaction() as connection:
            connection.run("insert into effect values (%(j)s, %(n)s)", {"j": claim.job.id, "n": claim.n})
            if ledger.complete(connection, claim, Counts(1, created=1)):
                ledger.end(connection, claim.job.id, ledger.DONE)

    def failed(self, connection, job):
        self.told.append(job.reason)


def job(database, number, chunks, kind="count"):
    with database.transaction() as connection:
        row = connection.row(
            """insert into work_job (kind, number, entity_type, phase, state, final)
            values (%(k)s, %(n)s, 'contact', 'run', 'running', true) returning id""",
            {"k": kind, "n": number},
        )
        ledger.add_chunks(connection, row[0], "run", chunks)
    return row[0]


def effects(database):
    with database.connect() as connection:
        return sorted(connection.rows("select job, n from effect"))


def test_chunks_are_served_in_order_and_jobs_in_turn(database):
    first, second = (job(database, n, [Chunk(0), Chunk(1), Chunk(2)]) for n in (1, 2))
    claims = [ledger.claim(database) for _ in range(6)]
    assert [(one.job.id, one.n) for one in claims] == [
        (first, 0), (second, 0), (first, 1), (second, 1), (first, 2), (second, 2),
    ]  # fmt: skip
    assert ledger.claim(database) is None


def test_a_chunk_waits_for_the_one_before_it(database):
    job(database, 1, [Chunk(0), Chunk(1, after=0), Chunk(2)])
    claims = [ledger.claim(database), ledger.claim(database)]
    assert [one.n for one in claims] == [0, 2]
    assert ledger.claim(database) is None
    Counting().run(Worker(database), claims[0])
    assert ledger.claim(database).n == 1


def test_a_lease_that_ran_out_goes_to_somebody_else_and_the_first_is_lost(database):
    ident = job(database, 1, [Chunk(0)])
    slow = ledger.claim(database)
    with database.connect() as connection:
        connection.run("update work_chunk set leased_until = '2000-01-01'")
    quick = ledger.claim(database)
    with pytest.raises(Lost):
        Counting().run(Worker(database), slow)
    Counting().run(Worker(database), quick)
    assert effects(database) == [(ident, 0)]


def test_a_lease_is_renewed_while_somebody_works(database, monkeypatch):
    monkeypatch.setattr(running, "RENEW_SECONDS", 0.01)
    job(database, 1, [Chunk(0)])
    claim = ledger.claim(database)

    def until():
        with database.connect() as connection:
            return connection.row("select leased_until from work_chunk")

    before = until()
    with running.kept(database, claim):
        woken = threading.Event()
        for _ in range(1000):
            if until() > before:
                woken.set()
                break
    assert woken.is_set()


@pytest.mark.parametrize("state", ["canceled", "failed", "done"])
def test_nothing_is_done_for_a_job_that_ended(database, state):
    ident = job(database, 1, [Chunk(0)])
    claim = ledger.claim(database)
    with database.connect() as connection:
        ledger.end(connection, ident, state)
    with pytest.raises(Lost):
        Counting().run(Worker(database), claim)
    assert effects(database) == []
    assert ledger.claim(database) is None


def test_the_last_two_chunks_at_once_end_the_job_once(database):
    for number in range(10):
        ident = job(database, number, [Chunk(0), Chunk(1)])
        claims = [ledger.claim(database), ledger.claim(database)]
        ended = []

        def finish(claim, ended=ended):
            with database.transaction() as connection:
                ended.append(ledger.complete(connection, claim, Counts()))

        threads = [threading.Thread(target=finish, args=(one,)) for one in claims]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
        assert sorted(ended) == [False, True]
        with database.connect() as connection:
            ledger.end(connection, ident, ledger.DONE)


def test_whoever_dies_too_often_fails_its_job(database):
    job(database, 1, [Chunk(0)])
    with database.connect() as connection:
        connection.run("update work_chunk set attempts = %(n)s", {"n": ledger.MAX_ATTEMPTS})
    kind = Counting()
    work(Worker(database), {"count": kind})
    assert effects(database) == []
    assert "died" in kind.told[0]


def test_work_nobody_knows_fails_instead_of_coming_again(database):
    job(database, 1, [Chunk(0)], kind="unheard of")
    work(Worker(database), {})
    with database.connect() as connection:
        assert connection.row("select state, reason like '%%unheard of%%' from work_job") == ("failed", True)


def test_claiming_takes_the_same_statements_whatever_there_is(database):
    for number in range(5):
        job(database, number, [Chunk(n) for n in range(50)])
    with database.counted() as statements:
        claim = ledger.claim(database)
    assert len(statements) == 2
    with database.counted() as statements:
        run_one(Worker(database), {"count": Counting()}, claim)
    assert len(statements) <= 4


def test_work_says_whether_there_is_more(database):
    job(database, 1, [Chunk(n) for n in range(3)])
    assert work(Worker(database), {"count": Counting()}, seconds=0.0)
    assert not work(Worker(database), {"count": Counting()}, seconds=60.0)
    assert len(effects(database)) == 3


def test_many_small_jobs_begin_at_once_and_what_rests_keeps_no_other_waiting(database):
    class Resting:
        def run(self, runtime, claim):
            if claim.job.number == 1:
                raise running.Later(600, "the server is away")
            with runtime.db.transaction() as connection:
                connection.run("insert into effect values (%(j)s, %(n)s)", {"j": claim.job.number, "n": claim.n})
                ledger.complete(connection, claim, Counts(1))
                small.forget(connection, claim.job.id)

    with database.counted() as statements, database.transaction() as connection:
        for _ in range(2):  # what is known stays as it is
            small.begin(connection, "rest", [1, 2, 3], entity_type="contact", phase="once", context=Context())
    assert len(statements) == 2
    assert work(Worker(database), {"rest": Resting()}, seconds=60) is False
    assert effects(database) == [(2, 0), (3, 0)]
    with database.connect() as connection:
        (left,) = connection.rows("select j.number, c.failures, c.attempts, c.error from work_chunk c join work_job j"
                                  " on j.id = c.job_id")  # fmt: skip
    assert left == (1, 0, 0, "the server is away")
