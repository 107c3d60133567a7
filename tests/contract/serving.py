"""The whole system as a real process for contract tests: migrated databases, one web server over all services."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from deploy.local.ports import free_port
from deploy.local.waiting import wait_until
from deploy.services import ALL
from shared.service.manifest import Manifest

PROJECT = Path(__file__).parents[2]
TOKEN = "crm_contract_" + "0" * 51
_SECONDS = 120


@dataclass(frozen=True, slots=True)
class System:
    """Where the system answers, and a token that may do everything. begin: starts one more process of it, by name."""

    url: str
    token: str
    log: Path
    begin: Callable[[str], object]

    @property
    def headers(self) -> dict[str, str]:
        """What a plain HTTP client has to send."""
        return {"Authorization": f"Bearer {self.token}"}


def elsewhere() -> System | None:
    """A system that runs already, with its workers: at CRM_TEST_SYSTEM_URL, with the token CRM_TEST_SYSTEM_TOKEN."""
    url = os.environ.get("CRM_TEST_SYSTEM_URL")
    if not url:
        return None
    return System(url, os.environ["CRM_TEST_SYSTEM_TOKEN"], Path(os.devnull), lambda _name: None)


@contextmanager
def served(home: Path, new_database: Callable[[Manifest], str], redis_url: str) -> Iterator[System]:
    """Run it until the end of the block. Raises RuntimeError with the log's end when it does not come up."""
    port = free_port()
    environment = _environment(home, port, new_database, redis_url)
    running: list[subprocess.Popen[bytes]] = []
    with (home / "system.log").open("wb") as output:

        def start(name: str) -> subprocess.Popen[bytes]:
            command = [sys.executable, "-m", "deploy.processes", name]
            process = subprocess.Popen(
                command, env=environment, cwd=PROJECT, stdin=subprocess.DEVNULL, stdout=output, stderr=output
            )
            running.append(process)
            return process

        system = System(f"http://127.0.0.1:{port}", TOKEN, home / "system.log", start)
        if start("migrate").wait(_SECONDS) != 0:
            raise RuntimeError(f"migrating failed: {system.log.read_text()[-3000:]}")
        web = start("web")
        start("bus")
        try:
            if not wait_until(lambda: _answers(system) or web.poll() is not None, _SECONDS) or web.poll() is not None:
                raise RuntimeError(f"the system did not start: {system.log.read_text()[-3000:]}")
            yield system
        finally:
            _stop(running)


def _environment(home: Path, port: int, new_database: Callable[[Manifest], str], redis_url: str) -> dict[str, str]:
    (home / "run").mkdir(parents=True, exist_ok=True)
    token_file = home / "admin-token"
    token_file.write_text(TOKEN)
    return {
        **os.environ,
        **{f"{manifest.name.upper()}_DATABASE_URL": new_database(manifest) for manifest in ALL},
        "REDIS_URL": redis_url,
        "CRM_HOME": str(home),
        "CRM_HOST": "127.0.0.1",
        "PORT": str(port),
        "CRM_SERVICE_TOKEN": "crm_services_" + "0" * 51,
        "CRM_ADMIN_TOKEN_FILE": str(token_file),
        "CRM_WEB_WORKERS": "1",
        "PYTHONPATH": str(PROJECT),
    }


def _stop(running: Sequence[subprocess.Popen[bytes]]) -> None:
    for process in running:
        process.terminate()
    for process in running:
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _answers(system: System) -> bool:
    try:
        return httpx.get(f"{system.url}/healthz", timeout=5, trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False
