"""The commands of `python -m deploy.local`: up, down, token, status-json."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

from deploy.local import runner as runners
from deploy.local.home import Home
from deploy.local.lock import hold, holder
from deploy.local.orphans import stop_orphans
from deploy.local.plan import make_home, make_stack
from deploy.local.ports import is_free
from deploy.local.programs import Stack
from deploy.local.settings import LocalSettings, local_settings
from deploy.local.start import bring_up, start_run
from deploy.local.trouble import Trouble
from deploy.local.waiting import wait_until
from deploy.services import ALL
from shared.kernel import json

_STOP_SECONDS = 150
_RESTART_PAUSE = 1.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; its exit code. Trouble is one line on stderr and code 1."""
    parser = argparse.ArgumentParser(prog="python -m deploy.local", description="Run the whole system on this machine.")
    parser.add_argument("command", choices=tuple(_COMMANDS))
    chosen = parser.parse_args(arguments).command
    try:
        return _COMMANDS[chosen]()
    except Trouble as trouble:
        print(f"error: {trouble}", file=sys.stderr)
        return 1


def up() -> int:
    """Run in the foreground until Ctrl-C. Raises Trouble."""
    settings = local_settings()
    home = make_home(settings)
    with _signals(_interrupt), hold(home, settings.base_url):
        try:
            if stop_orphans(home):
                _say("stopped what an earlier run had left behind")
            if not is_free(settings.port, settings.host):
                raise Trouble(f"port {settings.port} is taken: choose another one, `make up PORT=8001` for instance")
            _keep_up(make_stack(settings, home, [manifest.name for manifest in ALL]))
        except KeyboardInterrupt:
            _say("stopped; the data is kept")
    return 0


def down() -> int:
    """Stop the run of this home, or what is left of one. Raises Trouble when it does not end."""
    home = make_home(local_settings())
    found = holder(home)
    if found is None:
        with hold(home, ""):
            left = stop_orphans(home)
        _say("stopped what an earlier run had left behind" if left else "nothing is running")
        return 0
    try:
        os.kill(found.pid, signal.SIGTERM)
    except PermissionError as error:
        raise Trouble(f"process {found.pid} belongs to somebody else") from error
    if not wait_until(lambda: holder(home) is None, _STOP_SECONDS, every=0.1):
        raise Trouble(f"process {found.pid} did not end")
    _say("stopped; the data is kept")
    return 0


def token() -> int:
    """Print the administrator's token and nothing else. Raises Trouble when there is none yet."""
    file = Home(local_settings().home.expanduser().absolute()).admin_token
    try:
        print(file.read_text().strip())
    except FileNotFoundError as error:
        raise Trouble(f"there is no token at {file} yet: `make up` makes it") from error
    except PermissionError as error:
        raise Trouble(f"{file} belongs to somebody else") from error
    return 0


def status_json() -> int:
    """Print what runs, as JSON."""
    settings = local_settings()
    home = Home(settings.home.expanduser().absolute())
    found = holder(home)
    status = {
        "running": found is not None,
        "url": found.url if found else None,
        "pid": found.pid if found else None,
        "home": str(home.root),
        "admin_token_file": str(home.admin_token),
        "processes": runners.states(home) if found else [],
    }
    print(json.dumps(status).decode())
    return 0


_COMMANDS: dict[str, Callable[[], int]] = {"up": up, "down": down, "token": token, "status-json": status_json}


def _keep_up(stack: Stack) -> None:
    """Run, and run again when the process runner itself was killed. Ends by KeyboardInterrupt or Trouble only."""
    while True:
        _run_once(stack)
        _say("the process runner ended unexpectedly: starting again")
        wait_until(lambda: False, _RESTART_PAUSE)


def _run_once(stack: Stack) -> None:
    environment = stack.environment(os.environ)
    runner = start_run(stack, environment)
    try:
        bring_up(stack, runner, environment, _say)
        print(_welcome(stack.settings, stack.home), flush=True)
        runner.process.wait()
    finally:
        with _signals(signal.SIG_IGN):
            _say("stopping")
            runner.stop()
            stop_orphans(stack.home)


def _welcome(settings: LocalSettings, home: Home) -> str:
    url = settings.base_url
    return f"""
Ready: {url}   (API documents: {url}/docs)
Admin token: {home.admin_token}   (`make token` prints it)

  curl -H "Authorization: Bearer $(make -s token)" {url}/crm/v3/objects/contacts

Logs: {home.logs}
Ctrl-C stops everything and keeps the data.
"""


def _say(text: str) -> None:
    print(f"* {text}", flush=True)


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
