"""Rules of owners, users and teams."""

from __future__ import annotations

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
    assert OWNER.apply(Proposal("owner", {"kind": "QUEUE"}, {"first_name": "A"})).values == {"first_name": "A"}
    assert OWNER.apply(Proposal("owner", {"kind": "QUEUE"}, {"kind": None})).values == {"kind": "PERSON"}


def test_a_team_is_not_its_own_parent():
    assert TEAM.apply(Proposal("team", {"id": 3}, {"parent_id": 3})).errors[0].name == "parent_id"
    assert TEAM.apply(Proposal("team", {"id": 3}, {"parent_id": 4})).errors == ()
    assert TEAM.apply(Proposal("team", None, {"name": "Sales"})).errors == ()
