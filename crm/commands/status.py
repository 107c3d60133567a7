"""`crm status`: which services and processes run, and why one is not ready."""

from __future__ import annotations

import importlib.util
import json
import pkgutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import typer
from rich.console import Group, RenderableType
from rich.text import Text

from crm.api import ApiError, Unreachable
from crm.present import rows_table
from crm.session import Session

_STYLES = {"ready": "green", "degraded": "yellow"}
_ABSENT = (401, 404)


def status(session: Session) -> None:
    """Show services, processes and ports, and whether each is ready, or why not. Exit code 1 when one is not."""
    here = _here(session)
    try:
        found = services(session)
    except Unreachable:
        if here["processes"] and not session.as_json:
            session.console.print(_processes(here))
        raise
    state = _worst([str(one.get("status")) for one in found.values()])
    body = {"url": session.address, "status": state, "services": found, **here}
    session.answer(body, lambda: _shown(body))
    if state not in _STYLES:
        raise typer.Exit(1)


def services(session: Session) -> dict[str, Any]:
    """Each service's own answer; asked one by one where no front gathers them."""
    front = _ready(session, "/readyz")
    if front is not None and "services" in front:
        return dict(front["services"])
    answers = {name: _ready(session, f"/{name}/readyz") for name in service_names()}
    return {name: answer for name, answer in answers.items() if answer is not None}


def service_names() -> list[str]:
    """The services there are, found without importing any: the command line needs nothing of theirs."""
    found = importlib.util.find_spec("services")
    places = found.submodule_search_locations if found else None
    return [one.name for one in pkgutil.iter_modules(places or ()) if one.ispkg]


def _ready(session: Session, path: str) -> dict[str, Any] | None:
    """What a readiness door says, ready or not; None where there is no such door."""
    try:
        return dict(session.api.get(path))
    except ApiError as error:
        if error.status in _ABSENT:
            return None
        return dict(error.body) or {"status": f"answers HTTP {error.status}"}


def _worst(states: list[str]) -> str:
    if not states or any(state not in _STYLES for state in states):
        return "not ready"
    return "degraded" if "degraded" in states else "ready"


def _here(session: Session) -> dict[str, Any]:
    """Processes and ports, when the system at the address was started on this machine from CRM_HOME."""
    if session.running_at != session.address:
        return {"processes": [], "ports": {}}
    ports = {"web": urlsplit(session.address).port, **_read(session.settings.home / "ports.json")}
    return {"processes": _local_status().get("processes", []), "ports": ports}


def _read(file: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(file.read_text()))
    except (OSError, ValueError, TypeError):
        return {}


def _local_status() -> dict[str, Any]:
    """What the one-command run says of itself; asked as a process, since deployment is not ours to import."""
    command = [sys.executable, "-m", "deploy.local", "status-json"]
    try:
        done = subprocess.run(command, capture_output=True, timeout=60, check=True)  # noqa: S603 (our own words)
        return dict(json.loads(done.stdout))
    except (OSError, ValueError, subprocess.SubprocessError):
        return {}


def _shown(body: dict[str, Any]) -> RenderableType:
    table = rows_table(("Service", "State", "Checks"), ())
    for name, one in body["services"].items():
        state = str(one.get("status"))
        table.add_row(name, Text(state, style=_STYLES.get(state, "red")), Text("\n".join(_checks(one))))
    head = Text.assemble(f"{body['url']} is ", (body["status"], _STYLES.get(body["status"], "red")))
    parts: list[RenderableType] = [head, table]
    if body["processes"]:
        parts.append(_processes(body))
    return Group(*parts)


def _checks(one: dict[str, Any]) -> Iterator[str]:
    for check in one.get("checks", ()):
        reason = f": {check['reason']}" if check.get("reason") else ""
        yield f"{check['name']} {check['state']}{reason}"


def _processes(here: dict[str, Any]) -> RenderableType:
    rows = (
        [one["name"], one["state"].lower(), one["pid"] or "", here["ports"].get(one["name"])]
        for one in here["processes"]
    )
    return rows_table(("Process", "State", "Pid", "Port"), rows)
