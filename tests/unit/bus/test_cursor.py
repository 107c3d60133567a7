"""Cursors are opaque texts that come back as they went."""

from __future__ import annotations

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.bus.cursor import Cursor
from shared.kernel.errors import Invalid

CURSORS = st.builds(Cursor, st.uuids().map(str), st.integers(0, 10**18 - 1), st.integers(0, 10**18 - 1))


@given(CURSORS)
def test_a_cursor_survives_its_text(cursor):
    assert Cursor.parse(str(cursor)) == cursor


@given(st.text(max_size=80))
def test_any_other_text_is_refused(text):
    with pytest.raises(Invalid):
        Cursor.parse(text)


@pytest.mark.parametrize("tail", ["", ".1", ".1.", ".1.2.3", ".-1.2", ".1.2 ", ".1.2\n", ".١.٢", ".1." + "9" * 30])
def test_near_misses_are_refused(tail):
    with pytest.raises(Invalid):
        Cursor.parse(f"{uuid.uuid4()}{tail}")


@given(CURSORS, CURSORS)
def test_places_are_ordered_by_tick_then_part(one, other):
    assert (one.place < other.place) == (one.tick < other.tick or (one.tick == other.tick and one.part < other.part))
