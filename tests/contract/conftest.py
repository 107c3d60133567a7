"""One running system for all contract tests, and clients of it: the official SDK (`sdk`) and plain HTTP (`http`)."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from hubspot import HubSpot
from hubspot.crm.schemas import ObjectSchemaEgg, ObjectTypeDefinitionLabels, ObjectTypePropertyCreate

from tests.contract.serving import System, elsewhere, served


@pytest.fixture(scope="session")
def system(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """The system that CRM_TEST_SYSTEM_URL names, else the whole system on a free port."""
    given = elsewhere()
    if given is not None:
        yield given
        return
    new_database, new_redis = (request.getfixturevalue(name) for name in ("new_database", "new_redis"))
    with served(tmp_path_factory.mktemp("system"), new_database, new_redis()) as running:
        yield running


@pytest.fixture(scope="session")
def sdk(system: System) -> Any:
    """The official SDK, pointed at us."""
    return HubSpot(access_token=system.token, host=system.url)


@pytest.fixture(scope="session")
def http(system: System) -> Iterator[httpx.Client]:
    """A plain client with a good token."""
    with httpx.Client(base_url=system.url, headers=system.headers, trust_env=False, timeout=30) as client:
        yield client


@pytest.fixture
def unique() -> str:
    """A word nobody else uses, for names and addresses."""
    return f"x{uuid.uuid4().hex[:12]}"


@pytest.fixture(scope="session")
def car(sdk: Any) -> str:
    """A custom entity type with a required model, a price and a unique plate."""
    name = f"car{uuid.uuid4().hex[:8]}"
    fields = (("model", "string", "text"), ("price", "number", "number"), ("plate", "string", "text"))
    properties = [
        ObjectTypePropertyCreate(
            name=one, label=one.title(), type=kind, field_type=field, has_unique_value=one == "plate"
        )
        for one, kind, field in fields
    ]
    sdk.crm.schemas.core_api.create(
        ObjectSchemaEgg(
            name=name,
            labels=ObjectTypeDefinitionLabels(singular="Car", plural="Cars"),
            primary_display_property="model",
            required_properties=["model"],
            searchable_properties=["model", "plate"],
            secondary_display_properties=["price"],
            properties=properties,
            associated_objects=["CONTACT"],
        )
    )
    return name
