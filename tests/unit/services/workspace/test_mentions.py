"""What may be somebody's value in the text of a row."""

from __future__ import annotations

import pytest

from services.workspace.domain.mentions import mentions


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ("ada@fair.example", "ada@fair.example"),
        (" Ada <ada@fair.example>, Bo", "ada@fair.example"),
        ("write to mailto:ada@fair.example.", "ada@fair.example"),
        ("see A-17/b, please", "A-17/b"),
        ("account: Ada Lovelace Ltd (closed)", "Ada Lovelace Ltd"),
    ],
)
def test_values_are_found_in_cells(cell: str, text: str):
    assert text in mentions([None, cell])


def test_long_cells_cost_no_more_than_their_beginning():
    assert len(mentions(["word " * 100_000])) < 10
    assert len(mentions([" ".join(map(str, range(100_000)))])) < 2000
