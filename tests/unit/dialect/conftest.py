"""Clients of the wire dialect's doors over a runtime in memory."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from shared.service.web.dialect import COMPANY_OPERATIONS, TYPE_OPERATIONS, WORKSPACE_OPERATIONS
from shared.service.web.operation import register
from tests.unit.dialect.fakes import runtime


@pytest.fixture
def service() -> Any:
    """A runtime with contacts."""
    return runtime()


@pytest.fixture
def client(service: Any) -> FlaskClient:
    """All doors of the dialect, with a good token."""
    app = Flask("dialect")
    register(app, service, (*TYPE_OPERATIONS, *WORKSPACE_OPERATIONS, *COMPANY_OPERATIONS))
    found = app.test_client()
    found.environ_base["HTTP_AUTHORIZATION"] = "Bearer good"
    return found
