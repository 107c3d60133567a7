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

from deploy.local.trouble import Trouble
from shared.kernel import telemetry
from shared.kernel.config import Settings


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


WEB: dict[str, Callable[[str], None]] = {"web": web, "front": front}
AT_WORK = ("prepare", "databases", "migrate", "worker", "scheduler", "bus")
"""Functions of `deploy.roles`, which is loaded when one is asked for: web servers load the services' code for
themselves, and half of a start is loading code."""


def main(arguments: Sequence[str]) -> int:
    """Run the named process; 2 for unknown words, 1 with a line for what a person has to put right."""
    process, service = (*arguments, "", "")[:2]
    known = process in WEB or process in AT_WORK
    known &= not service or (service.isidentifier() and importlib.util.find_spec(f"services.{service}") is not None)
    if len(arguments) > 2 or not known:
        print(f"usage: python -m deploy.processes {'|'.join((*WEB, *AT_WORK))} [SERVICE]", file=sys.stderr)
        return 2
    telemetry.configure(Settings().log_level)
    try:
        run = WEB[process] if process in WEB else getattr(importlib.import_module("deploy.roles"), process)
        run(service)
    except Trouble as trouble:
        print(f"error: {trouble}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
