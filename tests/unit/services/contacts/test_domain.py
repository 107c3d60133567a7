"""Addresses, domains, countries and the lifecycle, as pure functions."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.contacts.domain import lifecycle
from services.contacts.domain.countries import region_of
from services.contacts.domain.email import domain_of, normalise_email
from services.contacts.domain.web_domain import normalise_domain
from services.contacts.schema.choices import LIFECYCLE_STAGES


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("  Ada@Example.COM\n", "ada@example.com"),
        ("a.b+tag@x.org", "a.b+tag@x.org"),
        ("MÜLLER@BÜRO.DE", "müller@büro.de"),
        (" ", ""),
    ],
)
def test_an_address_has_one_spelling(typed: str, kept: str):
    assert normalise_email(typed) == kept


def test_domain_of_an_address():
    assert domain_of("Ada@Example.com ") == "example.com"
    assert domain_of("no address") is None
    assert domain_of("nothing@") is None


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("example.com", "example.com"),
        ("  HTTPS://www.Example.com/about?x=1#top ", "example.com"),
        ("http://user:secret@example.com:8080/", "example.com"),
        ("//www.example.co.uk", "example.co.uk"),
        ("example.com.", "example.com"),
        ("example.com:443", "example.com"),
        ("ada@mail.example.com", "mail.example.com"),
        ("www.com", "www.com"),
        ("www.münchen.de", "münchen.de"),
        ("xn--mnchen-3ya.de", "münchen.de"),
        ("MU\u0308NCHEN.de", "münchen.de"),
        ("例え.jp", "例え.jp"),
        ("localhost", "localhost"),
        ("my_host.example.com", "my_host.example.com"),
        ("Not a Domain!", "not a domain!"),
        ("xn--\u00fc.de", "xn--\u00fc.de"),
        ("https://", "https://"),
        ("", ""),
    ],
)
def test_a_domain_has_one_spelling(typed: str, kept: str):
    assert normalise_domain(typed) == kept


@given(st.text(max_size=80) | st.text("awx-n.:/@_?\u3002üµßİ", max_size=20))
def test_normalising_a_domain_twice_changes_nothing_more(typed: str):
    once = normalise_domain(typed)
    assert normalise_domain(once) == once


@pytest.mark.parametrize(
    ("typed", "region"),
    [
        ("DE", "DE"),
        ("de", "DE"),
        ("Germany", "DE"),
        ("deutschland ", "DE"),
        ("U.S.A.", "US"),
        ("united states of america", "US"),
        ("UK", "GB"),
        ("Trinidad & Tobago", "TT"),
        ("Cote d'Ivoire", "CI"),
        ("türkiye", "TR"),
        ("中国", "CN"),
        ("مصر", "EG"),
        ("South Korea", "KR"),
        ("Atlantis", None),
        ("", None),
    ],
)
def test_countries_are_known_by_code_and_name(typed: str, region: str | None):
    assert region_of(typed) == region


def test_the_declared_stages_are_the_ordered_ones():
    assert tuple(option.value for option in LIFECYCLE_STAGES) == lifecycle.ORDER


def test_only_steps_back_are_steps_back():
    for (left, old), (right, new) in product(enumerate(lifecycle.ORDER), repeat=2):
        assert lifecycle.moves_back(old, new) == (right < left)


def test_clearing_starting_and_stages_of_ones_own_are_free():
    assert not lifecycle.moves_back("customer", None)
    assert not lifecycle.moves_back(None, "lead")
    assert not lifecycle.moves_back("customer", "partner")
    assert not lifecycle.moves_back("partner", "lead")
