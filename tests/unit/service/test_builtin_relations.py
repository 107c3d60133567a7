"""The table of built-in relations: complete, consistent, and what the wire dialect fixed."""

from __future__ import annotations

from collections import Counter

import pytest

from shared.service.relations import BUILTIN

BY_ID = {one.id: one for one in BUILTIN}


def test_every_id_stands_once_and_has_its_inverse():
    assert len(BY_ID) == len(BUILTIN)
    for one in BUILTIN:
        other = BY_ID[one.inverse]
        assert (other.inverse, other.from_type, other.to_type) == (one.id, one.to_type, one.from_type)
        assert other.plain is one.plain
        assert (one.id == one.inverse) is (one is other)


def test_every_pair_has_one_plain_relation():
    plain = Counter((one.from_type, one.to_type) for one in BUILTIN if one.plain)
    assert set(plain.values()) == {1}
    assert {(one.from_type, one.to_type) for one in BUILTIN} == set(plain)


def test_names_are_unique_and_labels_are_labelled():
    assert len({one.name for one in BUILTIN}) == len(BUILTIN)
    for one in BUILTIN:
        assert (one.label is None) is one.plain
        assert one.name.startswith(f"{one.from_type}_to_{one.to_type}")


@pytest.mark.parametrize(
    ("ident", "inverse", "from_type", "to_type"),
    [
        (1, 2, "contact", "company"),
        (279, 280, "contact", "company"),
        (5, 6, "deal", "company"),
        (341, 342, "deal", "company"),
        (26, 25, "ticket", "company"),
        (339, 340, "ticket", "company"),
        (13, 14, "company", "company"),
        (450, 450, "company", "company"),
        (449, 449, "contact", "contact"),
        (3, 4, "deal", "contact"),
        (15, 16, "contact", "ticket"),
        (19, 20, "deal", "line_item"),
        (202, 201, "note", "contact"),
        (182, 181, "call", "company"),
        (230, 229, "task", "ticket"),
        (81, 82, "communication", "contact"),
        (460, 459, "company", "postal_mail"),
        (97, 98, "contact", "feedback_submission"),
    ],
)
def test_ids_are_those_of_the_dialect(ident: int, inverse: int, from_type: str, to_type: str):
    one = BY_ID[ident]
    assert (one.inverse, one.from_type, one.to_type) == (inverse, from_type, to_type)


def test_registers():
    assert {one.id for one in BUILTIN if one.single} == {1, 5, 26, 14}
    assert {one.id for one in BUILTIN if one.first} == {1, 5, 26}
    assert {one.id for one in BUILTIN if one.tree} == {14}
    assert not any(one.plain for one in BUILTIN if one.single)
