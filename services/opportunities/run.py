"""The service alone, for gunicorn: `gunicorn "services.opportunities.run:app()"`."""

from __future__ import annotations

from flask import Flask

from services.opportunities.manifest import MANIFEST
from shared.kernel.config import Settings
from shared.kernel.telemetry import configure
from shared.service.app import build_app


def app() -> Flask:
    """The WSGI app, made from the environment's settings."""
    settings = Settings()
    configure(settings.log_level)
    return build_app(MANIFEST, settings)
