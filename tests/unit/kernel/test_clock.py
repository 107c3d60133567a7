"""Instants from outside."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from shared.kernel.clock import read_instant


@pytest.mark.parametrize("text", ["2026-01-02T03:00:00+02:00", "2026-01-02T01:00:00Z", "2026-01-02T01:00:00"])
def test_instants_are_of_utc(text: str) -> None:
    assert read_instant(text) == datetime(2026, 1, 2, 1, tzinfo=UTC)


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "soon", "", None, 1])
def test_what_utc_cannot_hold_is_no_instant(text: object) -> None:
    with pytest.raises(ValueError, match=r".+"):
        read_instant(text)
