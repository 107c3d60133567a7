"""Two services that only tests know, people and sales, on databases of their own, each mirroring the other's types."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.factories.apart import Apart, Side, service
from tests.factories.apart import manifests as manifests_apart


@pytest.fixture(scope="module")
def apart(new_database: Callable[..., str], redis_url: str) -> Iterator[Apart]:
    """Both, in this process; each hears the other when a test says so."""
    people, sales = manifests_apart()
    with pytest.MonkeyPatch.context() as monkeypatch:
        made = Apart(
            service(people, new_database(people), redis_url, monkeypatch),
            service(sales, new_database(sales), redis_url, monkeypatch),
        )
    yield made
    made.dispose()


@pytest.fixture
def people(apart: Apart) -> Side:
    """Contacts and companies."""
    return apart.people


@pytest.fixture
def sales(apart: Apart) -> Side:
    """Deals."""
    return apart.sales
