"""How work is set going: Celery's tasks without arguments, and the thread of a service that runs alone."""

from __future__ import annotations

import threading
import uuid

import pytest
import redis as redis_client

from services.contacts.manifest import MANIFEST
from shared.kernel.config import Settings
from shared.service import jobs
from shared.service.runtime import Runtime
from shared.service.worker import build_celery
from tests.integration.service.imports.importing import Import, spec

HEADER = ("email", "firstname")


@pytest.fixture(scope="module")
def settings(new_database, redis_url):
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("CONTACTS_DATABASE_URL", new_database(MANIFEST))
        made = Settings(redis_url=redis_url, pool_size=4, workspace_url="http://127.0.0.1:1")  # type: ignore[arg-type]
        yield made


@pytest.fixture
def job(settings, monkeypatch):
    runtime = Runtime(MANIFEST, settings)
    rows = [(f"task{n}@example.com", f"Name {n}") for n in range(30)]
    made = Import(runtime, spec("contact", HEADER, key="email"), rows, 5)
    monkeypatch.setattr(jobs, "KINDS", {"import": made.kind})
    yield made
    with runtime.db.connect() as connection:
        connection.run("truncate work_job cascade")
    runtime.db.dispose()
    runtime.redis.close()


@pytest.fixture(autouse=True)
def _closed(monkeypatch):
    """Processes of Celery keep their runtimes for good; here they are closed."""
    made = []

    class Kept(jobs.Runtimes):
        def __init__(self, *arguments):
            super().__init__(*arguments)
            made.append(self)

    monkeypatch.setattr("shared.service.worker.Runtimes", Kept)
    yield
    for one in made:
        one.close()


@pytest.fixture
def celery(settings):
    app = build_celery([MANIFEST], settings)
    yield app
    app.close()


def test_beat_sweeps_every_service(celery):
    entry = celery.conf.beat_schedule["contacts.work"]
    assert (entry["task"], entry["schedule"], entry["options"]) == ("contacts.work", 2.0, {"expires": 2.0})


def test_a_task_works_off_the_ledger(celery, job):
    job.begin()
    celery.tasks["contacts.work"]()
    assert job.counts()["created"] + job.counts()["unchanged"] == 30


def test_a_task_calls_for_help_and_comes_again_while_there_is_more(celery, job, monkeypatch):
    sent = []
    monkeypatch.setattr(celery, "send_task", lambda name, **_options: sent.append(name))
    monkeypatch.setattr("shared.service.jobs.work", lambda runtime, kinds: True)
    job.begin()
    celery.tasks["contacts.work"]()
    assert sent == ["contacts.work"] * 2


def test_what_is_sent_waits_in_the_queue_of_its_service(celery, settings):
    queue = f"{uuid.uuid4().hex}.work"  # one that no worker of another test listens to
    celery.conf.task_routes = {"contacts.*": {"queue": queue}}
    celery.send_task("contacts.work")
    with redis_client.Redis.from_url(settings.redis_url.get_secret_value()) as client:
        assert client.llen(f"celery:{queue}") == 1


def test_an_idle_task_sends_nothing(celery, job, monkeypatch):
    sent = []
    monkeypatch.setattr(celery, "send_task", lambda name, **_options: sent.append(name))
    celery.tasks["contacts.work"]()
    assert sent == []


def test_a_broker_that_is_away_harms_no_work(job, settings):
    job.begin()
    away = settings.model_copy(update={"redis_url": type(settings.redis_url)("redis://127.0.0.1:1/0")})
    app = build_celery([MANIFEST], away)
    app.conf.broker_transport_options = {"socket_connect_timeout": 0.1}
    app.tasks["contacts.work"]()
    assert job.counts()["rows"] == 30
    app.close()


def test_a_service_alone_works_in_a_thread(job, settings, monkeypatch):
    monkeypatch.setattr(jobs, "PAUSE_SECONDS", 0.01)
    job.begin()
    stop = threading.Event()
    thread = threading.Thread(target=jobs.run_work, args=(MANIFEST, settings, stop))
    thread.start()
    for _ in range(3000):
        if job.finished():
            break
        stop.wait(0.01)
    stop.set()
    thread.join()
    assert job.counts()["rows"] == 30
