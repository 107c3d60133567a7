"""Rules of contacts and companies, applied as the corridor applies them."""

from __future__ import annotations

from datetime import UTC, datetime
from random import Random

import phonenumbers
import pytest

from services.contacts.rules import COMPANY, CONTACT, RULES, e164, international
from services.contacts.schema import COMPANY as COMPANY_TYPE
from services.contacts.schema import CONTACT as CONTACT_TYPE
from shared.kernel.context import Context
from shared.service.rules import Proposal, Values

AT = datetime(2024, 5, 1, 12, tzinfo=UTC)
BEFORE = ("", "", "0", "1", "8", "9", "00", "06", "15", "90")
EARLIER = datetime(2020, 1, 1, tzinfo=UTC)


def contact(new: Values, old: Values | None = None, context: Context | None = None) -> Proposal:
    return Proposal("contact", old, new, context or Context(), AT)


def test_rules_name_declared_attributes():
    for entity_type in (CONTACT_TYPE, COMPANY_TYPE):
        names = {one.name for one in entity_type.attributes}
        assert set(RULES[entity_type.name].normalise) <= names


def test_addresses_and_domains_are_normalised_before_reading():
    assert CONTACT.prepare({"email": " Ada@X.org ", "first_name": " Ada "}) == {
        "email": "ada@x.org",
        "first_name": " Ada ",
    }
    assert COMPANY.prepare({"domain": "https://www.Ada.org/", "name": "Ada"}) == {"domain": "ada.org", "name": "Ada"}
    assert CONTACT.prepare({"email": None}) == {"email": None}
    assert CONTACT.normalised("email", 7) == 7


def test_a_step_back_is_refused_with_the_way_out():
    values, errors = CONTACT.apply(contact({"lifecycle_stage": "lead"}, {"lifecycle_stage": "customer"}))
    assert [(error.name, error.code) for error in errors] == [("lifecycle_stage", "INVALID_OPTION")]
    assert "clear it first" in errors[0].message
    assert values == {"lifecycle_stage": "lead"}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (None, {"lifecycle_stage": "customer"}),
        ({}, {"lifecycle_stage": "customer"}),
        ({"lifecycle_stage": "lead"}, {"lifecycle_stage": "customer"}),
        ({"lifecycle_stage": "lead"}, {"lifecycle_stage": "lead"}),
        ({"lifecycle_stage": "customer"}, {"lifecycle_stage": None}),
        ({"lifecycle_stage": "customer"}, {"first_name": "Ada"}),
    ],
)
def test_other_moves_pass(old: Values | None, new: Values):
    assert CONTACT.apply(contact(new, old)) == (new, ())


@pytest.mark.parametrize(
    ("typed", "region", "kept"),
    [
        ("+49 30 901820", None, "+4930901820"),
        ("030 / 90 18 20", "DE", "+4930901820"),
        ("(650) 253-0000", "US", "+16502530000"),
        ("010 6552 9988", "CN", "+861065529988"),
        ("٠٣٠٩٠١٨٢٠", "DE", "+4930901820"),
        ("030 901820", None, "030 901820"),
        ("+1 (555) 123-4567", None, "+1 (555) 123-4567"),
        ("+1 650 253 0000 ext. 12", None, "+1 650 253 0000 ext. 12"),
        ("ask Ada", "DE", "ask Ada"),
        ("12", "DE", "12"),
        ("+999 12345678", None, "+999 12345678"),
    ],
)
def test_only_certain_numbers_are_rewritten(typed: str, region: str | None, kept: str):
    assert e164(typed, region) == kept


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("+90 532 999 88 77", "+905329998877"),
        (" 0090 532 999 88 77", "+905329998877"),
        ("+905329998877", "+905329998877"),
        ("030 901820", "030 901820"),
        ("00 12", "00 12"),
        ("0000000000", "0000000000"),
        ("+1 650 253 0000 ext. 12", "+1 650 253 0000 ext. 12"),
        ("ask Ada", "ask Ada"),
    ],
)
def test_international_numbers_are_normalised_wherever_they_are_typed(typed: str, kept: str):
    assert international(typed) == kept
    for rules, name in ((CONTACT, "phone"), (CONTACT, "mobile_phone"), (CONTACT, "fax"), (COMPANY, "phone")):
        assert rules.normalised(name, typed) == kept


def test_the_country_is_the_written_or_the_stored_one():
    local = {"phone": "030 901820", "mobile_phone": "0171 1234567"}
    full = {"phone": "+4930901820", "mobile_phone": "+491711234567"}
    assert CONTACT.apply(contact({**local, "country": "Germany"})).values == {**full, "country": "Germany"}
    assert CONTACT.apply(contact(local, {"country": "Deutschland"})).values == full
    assert CONTACT.apply(contact(local, {"country": "Atlantis"})).values == local
    assert CONTACT.apply(contact({**local, "country": None}, {"country": "DE"})).values == {**local, "country": None}


def test_numbers_in_full_are_read_as_the_library_reads_them():
    """They do not go through its parser, which is slow; wherever that might drop digits, they do."""
    rng, numbers = Random(1), set()
    for region in phonenumbers.SUPPORTED_REGIONS:
        example = phonenumbers.example_number(region)
        code, digits = example.country_code, str(example.national_number)
        numbers |= {f"+{code}{rng.choice(BEFORE)}{digits}" for _ in range(8)}
        numbers |= {f"+{code}{rng.randrange(10 ** len(digits))}" for _ in range(8)}
    read = {number: _as_the_library_does(number) for number in numbers}
    assert {number: international(number) for number in numbers} == read
    assert {number == kept for number, kept in read.items()} == {True, False}


def _as_the_library_does(number: str) -> str:
    try:
        parsed = phonenumbers.parse(number, None)
    except phonenumbers.NumberParseException:
        return number
    if not phonenumbers.is_valid_number(parsed):
        return number
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def test_a_company_has_a_phone_too():
    proposal = Proposal("company", None, {"phone": "01 42 68 53 00", "country": "France"})
    assert COMPANY.apply(proposal).values["phone"] == "+33142685300"


def test_setting_the_owner_stamps_when():
    assert CONTACT.apply(contact({"owner_id": 7})).values == {"owner_id": 7, "owner_assigned_at": AT}
    assert CONTACT.apply(contact({"owner_id": 8}, {"owner_id": 7})).values["owner_assigned_at"] == AT
    assert CONTACT.apply(contact({"owner_id": 7}, {"owner_id": 7})).values == {"owner_id": 7}
    assert CONTACT.apply(contact({"owner_id": None}, {"owner_id": 7})).values["owner_assigned_at"] is None


def test_the_stamp_follows_the_effective_time_and_yields_to_a_written_one():
    imported = Context(effective_at=EARLIER)
    assert CONTACT.apply(contact({"owner_id": 7}, context=imported)).values["owner_assigned_at"] == EARLIER
    written = {"owner_id": 7, "owner_assigned_at": EARLIER}
    assert CONTACT.apply(contact(written)).values == written
