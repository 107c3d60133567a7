"""What each process of the system runs: `python -m deploy.processes migrate|web|worker|scheduler|bus`.

The settings come from the environment alone, so that the same commands serve the one-command run and containers.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from deploy.services import ALL
from shared.kernel import telemetry
from shared.kernel.config import Settings
from shared.service.app import migrate as migrate_service
from shared.service.bus_process import run_bus
from shared.service.worker import HANDS, build_celery

# Nothing to say to other workers: what there is to do stands in the database.
_ALONE = ("--without-gossip", "--without-mingle", "--without-heartbeat")


def migrate() -> None:
    """Bring every service's database up to date."""
    settings = Settings()
    for manifest in ALL:
        migrate_service(manifest, settings)


def web() -> None:
    """Become the one web server of all services."""
    config = Path(__file__).with_name("gunicorn.conf.py")
    arguments = [sys.executable, "-m", "gunicorn", "-c", str(config), "deploy.front:front()"]
    os.execv(sys.executable, arguments)  # noqa: S606 - our own words


def worker() -> None:
    """Run the services' own slow work. Processes, since rows of an import keep a processor busy: see decision 10."""
    build_celery(ALL, Settings()).worker_main(
        ["worker", "--pool=prefork", f"--concurrency={HANDS}", "--loglevel=WARNING", *_ALONE]
    )


def scheduler() -> None:
    """Run what the clock asks for."""
    settings = Settings()
    schedule = settings.home / "run" / "schedule"
    build_celery(ALL, settings).start(["beat", "--loglevel=WARNING", "--pidfile=", "-s", str(schedule)])


def bus() -> None:
    """Carry events between services."""
    run_bus(ALL, Settings())


_PROCESSES: dict[str, Callable[[], None]] = {
    "migrate": migrate,
    "web": web,
    "worker": worker,
    "scheduler": scheduler,
    "bus": bus,
}


def main(arguments: Sequence[str]) -> int:
    """Run the named process; 2 for an unknown name."""
    if len(arguments) != 1 or arguments[0] not in _PROCESSES:
        print(f"usage: python -m deploy.processes {'|'.join(_PROCESSES)}", file=sys.stderr)
        return 2
    telemetry.configure(Settings().log_level)
    _PROCESSES[arguments[0]]()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
