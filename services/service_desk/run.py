"""The service alone, for gunicorn: `gunicorn "services.service_desk.run:app()"`."""

from __future__ import annotations

from flask import Flask

from services.service_desk.manifest import MANIFEST
from shared.kernel.config import Settings
from shared.kernel.telemetry import configure
from shared.service.app import build_app


def app() -> Flask:
    """The WSGI app, made from the environment's settings."""
    settings = Settings()
    configure(settings.log_level)
    return build_app(MANIFEST, settings)
