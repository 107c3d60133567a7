"""Of all that was asked about tickets the latest is told, however they are merged and parted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.service_desk.domain.surveys import Told, latest

_AT = datetime(2026, 3, 2, tzinfo=UTC)
# Few instants, so that some are asked at once; each has an id of its own.
questions = st.lists(
    st.builds(Told, st.integers(0, 3).map(lambda n: _AT + timedelta(hours=n)), st.integers(1, 30)),
    unique_by=lambda one: one.id,
    max_size=8,
)


@given(questions, st.randoms(use_true_random=False), st.integers(0, 8))
def test_it_does_not_depend_on_order_and_merging_tells_the_later_of_both(found: list, random: object, cut: int) -> None:
    mixed = list(found)
    random.shuffle(mixed)  # type: ignore[attr-defined]
    assert latest(mixed) == latest(found)
    parts = [one for one in (latest(found[:cut]), latest(found[cut:])) if one is not None]
    assert latest(parts) == latest(found)
    assert all(one.asked <= parts_latest.asked for one in found if (parts_latest := latest(found)))


def test_nothing_was_asked() -> None:
    assert latest(()) is None
