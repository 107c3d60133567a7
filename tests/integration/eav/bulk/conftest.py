"""A type of every kind of attribute that bulk calls treat differently."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from shared.eav.catalog import LiveType
from tests.factories.kinds import attribute

MakeType = Callable[..., LiveType]


@pytest.fixture
def live(make_type: MakeType) -> LiveType:
    """A type with unique attributes and others."""
    return make_type(
        attribute("code", "string", unique=True),
        attribute("email", "email", unique=True),
        attribute("name", "string"),
        attribute("amount", "number"),
        attribute("stage", "enumeration"),
        attribute("tags", "multi_enumeration"),
        attribute("notes", "long_text"),
    )
