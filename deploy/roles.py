"""What processes do that work on a service's database: see `deploy.processes`, which loads this for those alone."""

from __future__ import annotations

import importlib
import os
from collections.abc import Sequence

from celery.signals import worker_process_init

from deploy.local.databases import database_of, ensure_databases
from deploy.local.secrets import TOKEN_PREFIX, kept_secret
from deploy.local.trouble import Trouble
from shared.kernel import garbage
from shared.kernel.config import Settings
from shared.service.app import migrate as migrate_service
from shared.service.bus_process import run_bus
from shared.service.manifest import Manifest
from shared.service.worker import HANDS, build_celery

# Nothing to say to other workers: what there is to do stands in the database.
_ALONE = ("--without-gossip", "--without-mingle", "--without-heartbeat")
BEHIND_OTHERS = 5
"""Niceness of processes nobody waits for: where all want a processor, any other one gets three times as much."""


def _manifests(service: str) -> Sequence[Manifest]:
    """Of the one service, or of all."""
    if service:
        return (importlib.import_module(f"services.{service}.manifest").MANIFEST,)
    return tuple(importlib.import_module("deploy.services").ALL)


def migrate(service: str) -> None:
    """Bring the databases up to date."""
    settings = Settings()
    for manifest in _manifests(service):
        migrate_service(manifest, settings)


def databases(service: str) -> None:
    """Make what is missing of databases and roles, as `<SERVICE>_DATABASE_URL` says; the administrator of DATABASE_URL
    makes them. Raises Trouble. May be run at any time."""
    settings = Settings()
    if settings.database_url is None:
        raise Trouble("DATABASE_URL is not set: databases are made by an administrator")
    names = [manifest.name for manifest in _manifests(service)]
    urls = {name: settings.service_database_url(name) or "" for name in names}
    ensure_databases(settings.database_url.get_secret_value(), [database_of(name, url) for name, url in urls.items()])


def prepare(service: str) -> None:
    """Make databases and the administrator's token, then migrate. Raises Trouble. May be run at any time."""
    databases(service)
    file = Settings().admin_token_file
    if file is not None:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        kept_secret(file, TOKEN_PREFIX)
    migrate(service)


def worker(service: str) -> None:
    """Run the services' own slow work. Processes, since rows of an import keep a processor busy: see decision 10.

    They step back behind whoever waits for an answer, and behind those who follow what they write.
    """
    os.nice(BEHIND_OTHERS)
    worker_process_init.connect(_begin_work)
    build_celery(_manifests(service), Settings()).worker_main(
        ["worker", "--pool=prefork", f"--concurrency={HANDS}", "--loglevel=WARNING", *_ALONE]
    )


def _begin_work(**_: object) -> None:
    """In each process that was forked to work."""
    garbage.settle()


def scheduler(service: str) -> None:
    """Run what the clock asks for."""
    settings = Settings()
    schedule = settings.home / "run" / "schedule"
    schedule.parent.mkdir(parents=True, exist_ok=True)
    build_celery(_manifests(service), settings).start(["beat", "--loglevel=WARNING", "--pidfile=", "-s", str(schedule)])


def bus(service: str) -> None:
    """Carry events between services."""
    run_bus(_manifests(service), Settings())
