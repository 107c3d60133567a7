"""gunicorn's configuration for the one web process of the system, and for a service that runs alone.

Threads, since requests wait for the database. The application is loaded once and forked: workers share its pages and
start at once. Nothing crosses the fork that must not: connections are opened by the first request that needs one.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

from prometheus_client.multiprocess import mark_process_dead

from deploy.parent import end_with_parent
from shared.kernel import garbage
from shared.kernel.config import Settings
from shared.service.web.protocol import answer_in_json

_settings = Settings()

bind = f"{_settings.host}:{_settings.port}"
worker_class = "gthread"
workers = int(os.environ.get("CRM_WEB_WORKERS", "2"))
threads = int(os.environ.get("CRM_WEB_THREADS", "8"))
preload_app = True
keepalive = 30
timeout = 90
graceful_timeout = 20
# 0 lifts gunicorn's ceiling of 8190 bytes (reads with many properties are longer); the application has its own limit.
limit_request_line = 0
limit_request_field_size = 16380
accesslog = None  # every request is logged once, as JSON, by the application
loglevel = "warning"
control_socket_disable = True
if Path("/dev/shm").is_dir():  # noqa: S108 - heartbeats in memory: a busy disk must not look like a hanging worker
    worker_tmp_dir = "/dev/shm"  # noqa: S108

answer_in_json()


def when_ready(_server: Any) -> None:
    """Before the first worker is forked: what was loaded stays for good. The search for garbage leaves it out from now
    on, so that it neither takes time nor touches the pages that workers share."""
    garbage.settle()


def post_fork(_server: Any, _worker: Any) -> None:
    """A worker whose master was killed would hold the port against the next master until its last client leaves."""
    end_with_parent(signal.SIGKILL)


def child_exit(_server: Any, worker: Any) -> None:
    """Take a dead worker's gauges out of the metrics."""
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        mark_process_dead(worker.pid)
