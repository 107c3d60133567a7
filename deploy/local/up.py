"""`up`: run the whole system in the foreground, and keep it running until somebody says stop."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from deploy.local.home import Home
from deploy.local.lock import hold
from deploy.local.orphans import stop_orphans
from deploy.local.plan import make_home, make_stack, service_names
from deploy.local.ports import obstacle
from deploy.local.programs import Stack
from deploy.local.settings import LocalSettings, local_settings
from deploy.local.start import bring_up, start_run
from deploy.local.trouble import Trouble, say
from deploy.local.waiting import wait_until

_RESTART_PAUSE = 1.0


def up() -> int:
    """Run in the foreground until Ctrl-C, few processes for all services. Raises Trouble."""
    return run_foreground(lambda settings, home: make_stack(settings, home, service_names()))


def run_foreground(make: Callable[[LocalSettings, Home], Stack]) -> int:
    """Run what `make` decides until Ctrl-C. Raises Trouble."""
    settings = local_settings()
    home = make_home(settings)
    with _signals(_interrupt), hold(home, settings.base_url):
        try:
            if stop_orphans(home):
                say("stopped what an earlier run had left behind")
            found = obstacle(settings.port, settings.host)
            if found:
                raise Trouble(f"port {settings.port} {found}: choose another one, `make up PORT=8001` for instance")
            _keep_up(make(settings, home))
        except KeyboardInterrupt:
            say("stopped; the data is kept")
    return 0


def _keep_up(stack: Stack) -> None:
    """Run, and run again when the process runner itself was killed. Ends by KeyboardInterrupt or Trouble only."""
    while True:
        _run_once(stack)
        say("the process runner ended unexpectedly: starting again")
        wait_until(lambda: False, _RESTART_PAUSE)


def _run_once(stack: Stack) -> None:
    environment = stack.environment(os.environ)
    runner = start_run(stack, environment)
    try:
        bring_up(stack, runner, environment, say)
        print(_welcome(stack), flush=True)
        runner.process.wait()
    finally:
        with _signals(signal.SIG_IGN):
            say("stopping")
            runner.stop()
            stop_orphans(stack.home)


def _welcome(stack: Stack) -> str:
    home, url = stack.home, stack.settings.public_url or stack.local_url
    return f"""
Ready: {url}   (API documents: {url}/docs)
Admin token: {home.admin_token}   (`make token` prints it)

  curl -H "Authorization: Bearer $(make -s token)" {url}/crm/v3/objects/contacts

Logs: {home.logs}
Ctrl-C stops everything and keeps the data.
"""


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


@contextmanager
def _signals(handler: Callable[[int, FrameType | None], None] | signal.Handlers) -> Iterator[None]:
    """Treat Ctrl-C, `kill` and a closed terminal alike inside the block."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.signal(number, handler) for number in numbers]
    try:
        yield
    finally:
        for number, former in zip(numbers, before, strict=True):
            signal.signal(number, former)
