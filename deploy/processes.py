"""What each process of the system runs: `python -m deploy.processes PROCESS [SERVICE]`.

With a service's name: for that service alone, of which alone the code is loaded. Without: for all services at once.
`front` answers the front's own pages where services run apart. `databases` makes databases and roles; `prepare` also
makes the administrator's token, and migrates. The settings come from the environment alone, so that the same commands
serve the one-command run, containers, and `make up-split`.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from deploy.local.databases import database_of, ensure_databases
from deploy.local.secrets import TOKEN_PREFIX, kept_secret
from deploy.local.trouble import Trouble
from shared.kernel import telemetry
from shared.kernel.config import Settings
from shared.service.app import migrate as migrate_service
from shared.service.bus_process import run_bus
from shared.service.manifest import Manifest
from shared.service.worker import HANDS, build_celery

# Nothing to say to other workers: what there is to do stands in the database.
_ALONE = ("--without-gossip", "--without-mingle", "--without-heartbeat")


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


def web(service: str) -> None:
    """Become the web server."""
    _serve(f"services.{service}.run:app()" if service else "deploy.front:front()")


def front(_service: str) -> None:
    """Become the web server of the front's own pages."""
    _serve("deploy.front:apart()")


def _serve(app: str) -> None:
    metrics = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    if metrics:
        Path(metrics).mkdir(parents=True, exist_ok=True)
    config = Path(__file__).with_name("gunicorn.conf.py")
    arguments = [sys.executable, "-m", "gunicorn", "-c", str(config), app]
    os.execv(sys.executable, arguments)  # noqa: S606 - our own words


def worker(service: str) -> None:
    """Run the services' own slow work. Processes, since rows of an import keep a processor busy: see decision 10."""
    build_celery(_manifests(service), Settings()).worker_main(
        ["worker", "--pool=prefork", f"--concurrency={HANDS}", "--loglevel=WARNING", *_ALONE]
    )


def scheduler(service: str) -> None:
    """Run what the clock asks for."""
    settings = Settings()
    schedule = settings.home / "run" / "schedule"
    schedule.parent.mkdir(parents=True, exist_ok=True)
    build_celery(_manifests(service), settings).start(["beat", "--loglevel=WARNING", "--pidfile=", "-s", str(schedule)])


def bus(service: str) -> None:
    """Carry events between services."""
    run_bus(_manifests(service), Settings())


_PROCESSES: dict[str, Callable[[str], None]] = {
    "prepare": prepare,
    "databases": databases,
    "migrate": migrate,
    "web": web,
    "worker": worker,
    "scheduler": scheduler,
    "bus": bus,
    "front": front,
}


def main(arguments: Sequence[str]) -> int:
    """Run the named process; 2 for unknown words, 1 with a line for what a person has to put right."""
    process, service = (*arguments, "", "")[:2]
    known = not service or (service.isidentifier() and importlib.util.find_spec(f"services.{service}") is not None)
    if len(arguments) > 2 or process not in _PROCESSES or not known:
        print(f"usage: python -m deploy.processes {'|'.join(_PROCESSES)} [SERVICE]", file=sys.stderr)
        return 2
    telemetry.configure(Settings().log_level)
    try:
        _PROCESSES[process](service)
    except Trouble as trouble:
        print(f"error: {trouble}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
