"""Rules of owners, users and teams."""

from __future__ import annotations

import pytest

from services.workspace.rules import OWNER, RULES, TEAM
from services.workspace.schema import TYPES
from shared.service.rules import Proposal


def test_rules_name_declared_types_and_attributes():
    attributes = {one.name: {each.name for each in one.attributes} for one in TYPES}
    assert set(RULES) <= set(attributes)
    assert all(set(rules.normalise) <= attributes[name] for name, rules in RULES.items())


def test_an_owner_is_a_person_unless_said_otherwise():
    assert OWNER.apply(Proposal("owner", None, {"email": "a@x.org"})).values["kind"] == "PERSON"
    assert OWNER.apply(Proposal("owner", None, {"kind": "QUEUE"})).values == {"kind": "QUEUE"}
    assert OWNER.apply(Proposal("owner", {"kind": "QUEUE"}, {"email": "a@x.org"})).values == {"email": "a@x.org"}
    assert OWNER.apply(Proposal("owner", {"kind": "QUEUE"}, {"kind": None})).values == {"kind": "PERSON"}


def test_a_team_is_not_its_own_parent():
    assert TEAM.apply(Proposal("team", {"id": 3}, {"parent_id": 3})).errors[0].name == "parent_id"
    assert TEAM.apply(Proposal("team", {"id": 3}, {"parent_id": 4})).errors == ()
    assert TEAM.apply(Proposal("team", None, {"name": "Sales"})).errors == ()


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ({}, {"name": "Anna Maria  Snelling"}, ("Anna Maria  Snelling", "Anna Maria", "Snelling")),
        ({}, {"name": "Queue"}, ("Queue", "Queue", None)),
        ({"first_name": "Anna", "last_name": "Snelling"}, {"last_name": "Frase"}, ("Anna Frase", None, "Frase")),
        ({"first_name": "Anna"}, {"first_name": None}, (None, None, None)),
        ({"name": "A B", "first_name": "A", "last_name": "B"}, {"name": None}, (None, None, None)),
        ({}, {"name": "Dr. Frase", "first_name": "Moses"}, ("Dr. Frase", "Moses", None)),
    ],
)
def test_whole_name_and_parts_of_an_owner_follow_each_other(old, new, expected):
    verdict = OWNER.apply(Proposal("owner", {"kind": "PERSON", **old}, new))
    assert tuple(verdict.values.get(one) for one in ("name", "first_name", "last_name")) == expected
