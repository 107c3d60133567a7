"""`down`, `token`, `status-json`: what is asked of a system from outside. Needs none of the services' code."""

from __future__ import annotations

import os
import signal

from deploy.local import runner as runners
from deploy.local.home import Home
from deploy.local.lock import hold, holder
from deploy.local.orphans import stop_orphans
from deploy.local.plan import make_home
from deploy.local.settings import local_settings
from deploy.local.trouble import Trouble, say
from deploy.local.waiting import wait_until
from shared.kernel import json

_STOP_SECONDS = 150


def down() -> int:
    """Stop the run of this home, or what is left of one. Raises Trouble when it does not end."""
    home = make_home(local_settings())
    found = holder(home)
    if found is None:
        with hold(home, ""):
            left = stop_orphans(home)
        say("stopped what an earlier run had left behind" if left else "nothing is running")
        return 0
    try:
        os.kill(found.pid, signal.SIGTERM)
    except PermissionError as error:
        raise Trouble(f"process {found.pid} belongs to somebody else") from error
    if not wait_until(lambda: holder(home) is None, _STOP_SECONDS, every=0.1):
        raise Trouble(f"process {found.pid} did not end")
    say("stopped; the data is kept")
    return 0


def token() -> int:
    """Print the administrator's token and nothing else. Raises Trouble when there is none yet."""
    file = Home(local_settings().home).admin_token
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
    home = Home(settings.home)
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
