"""Lists sent as text arrive as they were."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.kernel import arrays
from shared.kernel.db import Database

TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\x00")) | st.sampled_from(
    ["", " x ", "NULL", "null", "{", "}", "a,b", '"', "\\", '\\"', "\t\n\r"]
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.none() | TEXTS), st.lists(st.integers(-(2**63), 2**63 - 1)))
def test_texts_and_numbers_arrive_as_they_are(database: Database, texts: list[str | None], numbers: list[int]):
    with database.connect() as connection:
        row = connection.row(
            "select %(t)s::text[], %(n)s::bigint[]", {"t": arrays.texts(texts), "n": arrays.numbers(numbers)}
        )
    assert row == (texts, numbers)
