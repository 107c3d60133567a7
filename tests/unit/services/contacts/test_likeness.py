"""What counts as alike in names, domains, numbers and addresses."""

from __future__ import annotations

import pytest

from services.contacts.domain import likeness
from services.contacts.matching import COMPANY, CONTACT, MATCHING
from shared.service.matching.rules import MatchRule


@pytest.mark.parametrize(
    ("one", "other"),
    [("Zoë Müller", "ZOE MULLER"), ("Straße", "STRASSE"), ("ﬁne", "Fine"), ("Łódź", "Lodz"), ("Æther", "aether")],
)
def test_plain(one: str, other: str) -> None:
    assert likeness.plain(one) == likeness.plain(other)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Ada & Söhne GmbH & Co. KG", "ada sohne"),
        ("ADA, Inc.", "ada"),
        ("The Ada Company", "ada"),
        ("S.A.P. S.p.A.", "sap"),
        ("北京艾达科技有限公司", "北京艾达科技"),
        ("株式会社エイダ", "エイダ"),
        ("Co.", "co"),
        ("O'Neil's Ltd", "oneils"),
        ("", ""),
    ],
)
def test_organisation(name: str, expected: str) -> None:
    assert likeness.organisation(name) == expected


@pytest.mark.parametrize(
    ("host", "root"),
    [
        ("ada.com", "ada.com"),
        ("shop.eu.ada.co.uk", "ada.co.uk"),
        ("ada.co", "ada.co"),
        ("co.uk", "co.uk"),
        ("Shop.ADA.de.", "ada.de"),
        ("localhost", ""),
        ("10.0.0.1", ""),
        ("", ""),
    ],
)
def test_domain_root(host: str, root: str) -> None:
    assert likeness.domain_root(host) == root


@pytest.mark.parametrize(
    ("one", "other"),
    [("+49 30 901820", "030/901820"), ("0044 20 7946 0018", "+44 (0)20 7946 0018"), ("١٢٣٤٥٦٧", "١٢٣ ٤٥٦٧")],
)
def test_number_end(one: str, other: str) -> None:
    assert likeness.number_end(one)[-6:] == likeness.number_end(other)[-6:] != ""


def test_too_short_numbers_say_nothing() -> None:
    assert likeness.number_end("12345") == ""


def test_mailbox() -> None:
    assert likeness.mailbox(" A.da+News@Mail.Example.CO.UK ") == ("ada", "example.co.uk")
    assert likeness.mailbox("nobody") == ("", "")


@pytest.mark.parametrize(("one", "other"), [("Meyer", "Maier"), ("Schmidt", "Schmitt"), ("Stefan", "Stephan")])
def test_skeleton(one: str, other: str) -> None:
    assert likeness.skeleton(one) == likeness.skeleton(other)


def alike(rules: tuple[MatchRule, ...], one: dict[str, str], other: dict[str, str]) -> set[str]:
    """Names of the rules by which two are alike."""
    return {
        rule.name for rule in rules if rule.hashes(one) & rule.hashes(other) and rule.score(one, other) >= rule.least
    }


@pytest.mark.parametrize(
    ("one", "other", "rules"),
    [
        (
            {"email": "ada.l@gmail.com", "first_name": "Ada", "last_name": "Lovelace"},
            {"email": "adal@work.test", "first_name": "Lovelace", "last_name": "ADA"},
            {"same_mailbox_and_name"},
        ),
        (
            {"email": "info@a.test", "first_name": "Ada", "last_name": "Lovelace"},
            {"email": "info@b.test", "first_name": "Ada", "last_name": "Lovelace"},
            set(),
        ),
        ({"phone": "+49301234567"}, {"mobile_phone": "030 1234567"}, {"same_phone"}),
        (
            {"first_name": "Ada", "last_name": "Lovelace", "company": "Engines Ltd"},
            {"first_name": "ada", "last_name": "lovelace", "company": "ENGINES GmbH"},
            {"same_name_and_company", "similar_name"},
        ),
        (
            {"first_name": "Stefan", "last_name": "Maier", "company": "Engines"},
            {"first_name": "Stephan", "last_name": "Meyer", "company": "Engines Inc."},
            {"similar_name"},
        ),
        (
            {"first_name": "Ada", "last_name": "Lovelace", "city": "London"},
            {"first_name": "Ida", "last_name": "Lawless", "city": "London"},
            set(),
        ),
        ({"first_name": "Ada"}, {"first_name": "Ada"}, set()),
        ({}, {}, set()),
    ],
)
def test_contacts(one: dict[str, str], other: dict[str, str], rules: set[str]) -> None:
    assert alike(CONTACT, one, other) == rules
    assert alike(CONTACT, other, one) == rules


@pytest.mark.parametrize(
    ("one", "other", "rules"),
    [
        ({"domain": "shop.ada.co.uk"}, {"website": "https://www.ada.co.uk/about?x=1"}, {"same_domain"}),
        ({"domain": "gmail.com"}, {"domain": "gmail.com"}, set()),
        ({"name": "Ada Söhne GmbH"}, {"name": "Ada Sohne & Co. KG"}, {"same_name", "similar_name"}),
        ({"name": "Analytical Engines"}, {"name": "Analytical Engine Ltd"}, {"similar_name"}),
        ({"name": "Analytical Engines"}, {"name": "Analog Devices"}, set()),
        ({"name": "北京艾达科技有限公司"}, {"name": "北京艾达科技"}, {"same_name", "similar_name"}),
    ],
)
def test_companies(one: dict[str, str], other: dict[str, str], rules: set[str]) -> None:
    assert alike(COMPANY, one, other) == rules


def test_rules_read_what_they_say_they_read() -> None:
    """Keys of an entity change only when one of the rule's attributes does."""
    for rules in MATCHING.values():
        for rule in rules:
            read: set[str] = set()

            class Noting(dict):  # type: ignore[type-arg]
                def get(self, name: str, default: object = None, read: set[str] = read) -> object:
                    read.add(name)
                    return {"email": "a@b.test", "website": "x.test"}.get(name, "Some Words")

            list(rule.keys(Noting()))
            rule.score(Noting(), Noting())
            assert read <= set(rule.attributes), rule.name
