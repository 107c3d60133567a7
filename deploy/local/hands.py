"""`worker`, `bus`: one more process of a system that runs elsewhere, with the same home and servers; for scaling out.

The servers are given (DATABASE_URL, REDIS_URL), and the home is shared: passwords and the services' token lie there.
"""

from __future__ import annotations

import os
import sys
from functools import partial
from typing import NoReturn

from deploy.local.plan import make_home, make_stack, service_names
from deploy.local.settings import local_settings
from deploy.local.trouble import Trouble


def _join(process: str) -> NoReturn:
    """Become the process. Raises Trouble where there is no running system's home to join."""
    settings = local_settings()
    if settings.database_url is None or settings.redis_url is None:
        raise Trouble("DATABASE_URL and REDIS_URL must be those of the running system")
    home = make_home(settings)
    if not home.admin_token.exists():
        raise Trouble(f"{home.root} is not the home of a system that has been started")
    environment = make_stack(settings, home, service_names()).environment(os.environ)
    # Not a child of the system that runs on this home: whoever cleans up there must leave it alone.
    environment = {name: value for name, value in environment.items() if name != "CRM_SUPERVISED"}
    os.execve(sys.executable, [sys.executable, "-m", "deploy.processes", process], environment)  # noqa: S606


worker = partial(_join, "worker")
bus = partial(_join, "bus")
