"""Services that run apart: each its own processes, its own database, its own login role."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psycopg
from psycopg import sql

from deploy.local.databases import ServiceDatabase, ensure_databases
from deploy.local.ports import free_port
from deploy.local.waiting import wait_until

PROJECT = Path(__file__).parents[2]
SECONDS = 120
ADMIN_TOKEN = "crm_apart_" + "0" * 51
SERVICE_TOKEN = "crm_between_" + "0" * 51
STUB = "library"


@dataclass
class Service:
    """One service: where it answers, where its database is, and its processes while it runs."""

    name: str
    port: int
    database: str
    environment: dict[str, str]
    log: Path
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Migrate and run; returns when it is ready. Raises RuntimeError with the log's end when it does not get so."""
        if self.name == STUB:
            module = "tests.journeys.stub.service"
            if self._launch(sys.executable, "-m", module, "migrate").wait(SECONDS):
                raise RuntimeError(self.log.read_text()[-3000:])
            config = str(PROJECT / "deploy" / "gunicorn.conf.py")
            self.processes = [
                self._launch(sys.executable, "-m", "gunicorn", "-c", config, f"{module}:app()"),
                self._launch(sys.executable, "-m", module, "bus"),
            ]
        else:
            program = str(Path(sys.executable).with_name("crm"))
            self.processes = [self._launch(program, "run", self.name, "--port", str(self.port))]
        wait_until(lambda: self.is_ready() or any(one.poll() is not None for one in self.processes), SECONDS)
        if not self.is_ready():
            raise RuntimeError(f"{self.name} did not start: {self.log.read_text()[-3000:]}")

    def _launch(self, *command: str) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as output:
            return subprocess.Popen(
                command,
                cwd=PROJECT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def stop(self) -> None:
        """End all of its processes, politely and then not."""
        for process in self.processes:
            process.send_signal(signal.SIGTERM)
        for process in self.processes:
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        self.processes = []

    def is_ready(self) -> bool:
        """Whether readyz says 200."""
        try:
            answer = httpx.get(f"{self.url}/{self.name}/readyz", timeout=10, trust_env=False)
        except httpx.HTTPError:
            return False
        return answer.status_code == 200

    def ask(self, method: str, path: str, token: str = ADMIN_TOKEN, **more: Any) -> httpx.Response:
        """One request."""
        headers = {"Authorization": f"Bearer {token}"}
        return httpx.request(method, self.url + path, headers=headers, timeout=30, trust_env=False, **more)


@contextmanager
def apart(home: Path, admin_url: str, redis_url: str, names: Sequence[str]) -> Iterator[dict[str, Service]]:
    """The services, all running; workspace first, because the others learn tokens from it."""
    mark = f"crm_apart_{os.getpid()}_{secrets.token_hex(3)}"
    databases = [ServiceDatabase(name, f"{mark}_{name}", secrets.token_hex(16)) for name in names]
    with ExitStack() as clean:
        clean.callback(_drop, admin_url, databases)
        ensure_databases(admin_url, databases)
        services: dict[str, Service] = {}
        token_file = home / "admin-token"
        token_file.write_text(ADMIN_TOKEN)
        ports = {name: free_port() for name in names}
        for one in databases:
            url = one.url(admin_url)
            environment = {
                **{key: value for key, value in os.environ.items() if not key.endswith("DATABASE_URL")},
                f"{one.service.upper()}_DATABASE_URL": url,
                "REDIS_URL": redis_url,
                "CRM_HOME": str(home),
                "CRM_HOST": "127.0.0.1",
                "PORT": str(ports[one.service]),
                "CRM_WORKSPACE_URL": f"http://127.0.0.1:{ports['workspace']}",
                "CRM_SERVICE_TOKEN": SERVICE_TOKEN,
                "CRM_ADMIN_TOKEN_FILE": str(token_file),
                "CRM_WEB_WORKERS": "1",
                "PYTHONPATH": str(PROJECT),
            }
            log = home / f"{one.service}.log"
            services[one.service] = Service(one.service, ports[one.service], url, environment, log)
        with ThreadPoolExecutor() as pool:
            clean.callback(lambda: _everybody(Service.stop, services))
            services["workspace"].start()
            others = [one for name, one in services.items() if name != "workspace"]
            list(pool.map(Service.start, others))
        yield services


def _everybody(what: Callable[[Service], None], services: dict[str, Service]) -> None:
    with ThreadPoolExecutor() as pool:
        list(pool.map(what, services.values()))


def _drop(admin_url: str, databases: Sequence[ServiceDatabase]) -> None:
    with psycopg.connect(admin_url, autocommit=True) as connection:
        for one in databases:
            name = sql.Identifier(one.name)
            connection.execute(sql.SQL("drop database if exists {} with (force)").format(name))
            connection.execute(sql.SQL("drop role if exists {}").format(name))
