"""Proposals: by names, synonyms, likeness and cells; the key; attributes to be made."""

from __future__ import annotations

from difflib import SequenceMatcher

import pytest

from services.workspace.domain.linking import LinkedType, exported_links
from services.workspace.domain.mapping import Target
from services.workspace.domain.profile import Profile
from services.workspace.domain.proposal import Key, Proposal, propose

TARGETS = (
    Target("id", "Id", "hs_object_id", "reference", writable=False),
    Target("email", "E-mail", "email", "email", unique=True),
    Target("first_name", "First name", "firstname", "string"),
    Target("last_name", "Last name", "lastname", "string"),
    Target("phone", "Phone number", "phone", "phone"),
    Target("website", "Website", "website", "url"),
    Target("city", "City", "city", "string"),
    Target("name", "Name", "name", "string"),
    Target("budget", "Budget", "budget", "number"),
    Target("status", "Status", "hs_status", "enumeration", choices={"new": "NEW", "open": "OPEN"}),
    Target("owner_id", "Owner", "hubspot_owner_id", "reference"),
)


def like(one: str, other: str) -> float:
    return SequenceMatcher(None, one, other).ratio()


def proposed(header: list[str], *rows: list[str]) -> Proposal:
    profile = Profile(header)
    profile.add(rows)
    return propose(profile.summary(), TARGETS, like)


def names(found: Proposal) -> dict[str, str]:
    return {one.column.header: one.target.name for one in found.matches.values()}


def test_by_name_label_wire_name_synonym_and_likeness():
    found = proposed(
        ["E-Mail", "firstname", "Nachname", "Phone numbers", "城市", "Webseite"],
        ["a@b.org", "A", "B", "123456", "X", "example.org"],
        ["c@b.org", "C", "D", "123457", "Y", "example.com"],
    )
    assert names(found) == {
        "E-Mail": "email",
        "firstname": "first_name",
        "Nachname": "last_name",
        "Phone numbers": "phone",
        "城市": "city",
        "Webseite": "website",
    }
    assert found.key == Key(0, "email")


def test_by_the_cells():
    found = proposed(["kontaktadresse", "x"], ["a@b.org", "1"], ["c@b.org", "q"])
    assert names(found) == {"kontaktadresse": "email"}
    assert found.matches[0].why == "its cells look like it (email)"


def test_one_attribute_takes_one_column_the_surest():
    found = proposed(["mail", "email"], ["a@b.org", "c@b.org"])
    assert names(found) == {"email": "email"}


def test_cells_that_do_not_fit_are_told():
    found = proposed(
        ["Budget", "sector", "Status", "Betreuer"], ["much", "x", "odd", "Jim"], ["little", "y", "NEW", "Ann"]
    )
    assert "but not every cell is of the kind number" in found.matches[0].why
    assert "1 of 2 different texts are none of its options" in found.matches[2].why
    assert any("Betreuer could be Owner, but" in one for one in found.questions)


def test_options_are_recognised_by_value_and_label():
    assert names(proposed(["status"], ["NEW"], ["open"])) == {"status": "status"}
    assert "but" not in proposed(["status"], ["NEW"], ["open"]).matches[0].why


def test_nothing_is_written_to_what_cannot_be_written():
    assert proposed(["Id", "x"], ["1", "a"]).matches == {}


def test_ids_of_this_system_find_entities():
    found = proposed(["hs_object_id", "email"], ["1", "a@b.org"], ["2", "c@b.org"])
    assert (found.id_column, found.key) == (0, None)


def test_new_attributes_are_typed_and_named_freely():
    found = proposed(
        ["Prospect ID", "Größe", "评分", "2nd value", "City", "city?", "Empty"],
        *([f"{n:04x}-q", str(n), "yes", "2026-01-31", "X", "Y" if n % 2 else "Z", ""] for n in range(40)),
    )
    made = {one.label: one.document() for one in found.new.values()}
    assert made["Prospect ID"] == {"name": "prospect_id", "label": "Prospect ID", "type": "string", "unique": True}
    assert made["Größe"] == {"name": "grosse", "label": "Größe", "type": "number"}
    assert made["评分"] == {"name": "imported", "label": "评分", "type": "boolean"}
    assert made["2nd value"]["name"] == "c_2nd_value"
    assert made["2nd value"]["type"] == "date"
    assert "Empty" not in made
    assert found.key == Key(0, "prospect_id")


def test_a_key_by_its_name_before_one_by_its_place():
    found = proposed(["label", "Lead Number", "Prospect ID"], *([f"w{n}", str(n), f"p{n}"] for n in range(30)))
    assert found.key == Key(2, "prospect_id")


def test_a_natural_key():
    assert proposed(["account", "city"], ["A", "X"], ["B", "X"]).key == Key(0, "name")


def test_no_key_is_a_question():
    found = proposed(["city", "Nachname"], ["A", "B"], ["A", "B"])
    assert found.key is None
    assert any("No column tells the rows apart" in one for one in found.questions)


def test_words_that_mean_nothing_are_proposed_once():
    found = proposed(["city", "x"], ["Select", "-"], ["SELECT", "Select"])
    assert found.blanks == ("Select", "-")


@pytest.mark.parametrize("size", [2000])
def test_thousands_of_columns(size: int):
    header = [f"column {n}" for n in range(size)]
    found = propose(_summaries(header), TARGETS[:3], lambda one, other: 0.0)
    assert len(found.new) == size


def _summaries(header: list[str]) -> tuple[object, ...]:
    profile = Profile(header)
    profile.add([["x"] * len(header), ["y"] * len(header)])
    return profile.summary()


TYPES = (
    LinkedType("company", frozenset({"company", "companies", "0-2"}), "Companies"),
    LinkedType("deal", frozenset({"deal", "deals"}), "Deals"),
)


def test_columns_of_linked_ids_are_known_as_exports_write_them():
    profile = Profile(["id", "associations.company", "Deals", "Companies", "associations.person"])
    profile.add([["1", "7;8", "9", "Ada Ltd", "5"], ["2", "", "10;11", "12", ""]])
    assert exported_links(profile.summary(), TYPES) == {1: "company", 2: "deal"}
