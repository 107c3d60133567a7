"""The one web application of the embedded run: every service's app in one process, picked by the route table.

Paths reach the services untouched. The front answers only what belongs to no service: `/`, `/healthz`, `/readyz`,
`/openapi.json`, `/docs`. Where services run apart, nginx stands in its place (`deploy.gateway`) and has those few paths
answered by a process of their own, made by `apart`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
from flask import Flask

from deploy.asking import ask_app, ask_over_http
from deploy.pages import build_pages
from deploy.routes import RouteTable, is_own, route_table
from deploy.services import ALL
from shared.kernel import telemetry
from shared.kernel.config import Settings
from shared.service.app import build_app

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_PATIENCE = httpx.Timeout(10.0, connect=2.0)


class Front:
    """A WSGI application over others."""

    def __init__(self, table: RouteTable, services: Mapping[str, WSGIApplication], own: WSGIApplication) -> None:
        self.table = table
        self.services = services
        self.own = own

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Hand the request to whom it belongs."""
        return self._application(environ["PATH_INFO"])(environ, start_response)

    def _application(self, path: str) -> WSGIApplication:
        if is_own(path):
            return self.own
        return self.services[self.table.service(path)]


def front() -> Callable[..., Iterable[bytes]]:
    """What gunicorn loads. Builds every service's app from the environment's settings."""
    settings = Settings()
    telemetry.configure(settings.log_level)
    services: dict[str, WSGIApplication] = {manifest.name: build_app(manifest, settings) for manifest in ALL}
    asking = {name: ask_app(app) for name, app in services.items()}
    return Front(route_table(ALL), services, build_pages(ALL, asking, _token(settings)))


def apart() -> Flask:
    """What gunicorn loads where services run apart: the front's own pages alone. The services are asked through nginx,
    at CRM_FRONT_URL."""
    settings = Settings()
    telemetry.configure(settings.log_level)
    ask = ask_over_http(httpx.Client(base_url=settings.front, timeout=_PATIENCE, trust_env=False))
    return build_pages(ALL, {manifest.name: ask for manifest in ALL}, _token(settings))


def _token(settings: Settings) -> str:
    """The administrator's token, for the counts on the first page; empty where it is not kept here."""
    file = settings.home / "secrets" / "admin-token"
    return _read(file)


def _read(file: Path) -> str:
    try:
        return file.read_text().strip()
    except OSError:
        return ""
