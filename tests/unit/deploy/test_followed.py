"""Services that hear all others hear every one of them: who joins an installation is named to them, too."""

from __future__ import annotations

import pytest

from deploy.services import ALL
from services.reporting.sources import SOURCES
from services.workspace.handlers import HOSTS


@pytest.mark.parametrize("heard", [HOSTS, SOURCES], ids=["imports", "reports"])
def test_every_service_that_keeps_entities_is_heard(heard: tuple[str, ...]) -> None:
    assert sorted(heard) == sorted(one.name for one in ALL if one.types or one.custom_types)
