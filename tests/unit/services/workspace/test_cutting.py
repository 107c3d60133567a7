"""Cutting: chunks depend on the file alone; keys that may be equal get one number."""

from __future__ import annotations

import pytest

from services.workspace.domain.cutting import MAX_CHARACTERS, MAX_ROWS, Cutter, order_key


def test_a_chunk_is_full_by_rows():
    cutter = Cutter()
    assert cutter.empty
    for line in range(MAX_ROWS - 1):
        cutter.add(line, ["x"])
    assert not cutter.full
    cutter.refuse(MAX_ROWS, ["y"], {"code": "X"})
    assert cutter.full
    assert not cutter.empty


def test_a_chunk_is_full_by_size():
    cutter = Cutter()
    cutter.add(2, ["x" * (MAX_CHARACTERS + 1)])
    assert cutter.full


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("A@b.org", " a@B.ORG "),
        ("12", "12.0"),
        ("+12", "12"),
        ("Straße 1", "STRASSE 1"),
        ("ﬁ", "fi"),
        ("王 明", "王明"),
    ],
)
def test_ways_of_writing_a_key_have_one_number(one: str, other: str):
    assert order_key(one) == order_key(other)


def test_different_keys_have_different_numbers():
    assert len({order_key(f"p{n}") for n in range(20_000)}) == 20_000
    assert order_key("-") != order_key("--")
    assert all(-(2**63) <= (order_key(f"{n}x") or 0) < 2**63 for n in range(1000))


def test_no_key():
    assert order_key("") is None
    assert order_key("  ") is None
