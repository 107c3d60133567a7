"""Links across two services: written on either side, seen on both."""

from __future__ import annotations

import pytest

from shared.eav.requests import LinkTo
from shared.kernel.errors import NotFound
from tests.factories.apart import BACK, CONTACT_DEAL, DEAL_CONTACT, PLAIN, PRIMARY, PRIMARY_BACK, Apart, Side


def test_a_mirror_follows_its_home(apart: Apart, people: Side, sales: Side):
    company = people.create("company", name="Acme", industry="retail", staff=12.50, founded="1999-03-01", listed=True)
    apart.settle()
    shown = {"name": "Acme", "industry": "retail", "staff": "12.5", "founded": "1999-03-01", "listed": True}
    assert sales.mirrored("company", company) == shown
    people.update("company", company, name="ACME", industry=None, motto="unseen", about="long and unseen")
    apart.settle()
    del shown["industry"]
    assert sales.mirrored("company", company) == {**shown, "name": "ACME"}
    people.archive("company", company)
    apart.settle()
    assert sales.mirrored("company", company) is None
    people.restore("company", company)
    apart.settle()
    assert sales.mirrored("company", company)["name"] == "ACME"


def test_a_link_is_seen_from_both_sides(apart: Apart, people: Side, sales: Side):
    company, deal = people.create("company"), sales.create("deal")
    apart.settle()
    sales.link("deal", deal, "company", company)
    assert sales.links("deal", deal, "company") == {company: (PLAIN, PRIMARY)}
    apart.settle()
    assert people.links("company", company, "deal") == {deal: (BACK, PRIMARY_BACK)}
    people.unlink("company", company, "deal", deal)
    assert people.links("company", company, "deal") == {}
    apart.settle()
    assert sales.links("deal", deal, "company") == {}
    people.link("company", company, "deal", deal)
    apart.settle()
    assert sales.links("deal", deal, "company") == {company: (PLAIN, PRIMARY)}
    assert people.links("company", company, "deal") == {deal: (BACK, PRIMARY_BACK)}


def test_an_unknown_id_is_linked_at_once_and_confirmed(apart: Apart, people: Side, sales: Side):
    contact = people.create("contact", name="Ada")
    deal = sales.create("deal", (LinkTo("contact", contact),))
    assert sales.links("deal", deal, "contact") == {contact: (DEAL_CONTACT,)}
    apart.settle()
    assert sales.sweep() == 0
    assert sales.mirrored("contact", contact) == {"name": "Ada"}
    assert people.links("contact", contact, "deal") == {deal: (CONTACT_DEAL,)}


def test_an_archived_one_cannot_be_linked_to(apart: Apart, people: Side, sales: Side):
    company, deal = people.create("company"), sales.create("deal")
    people.archive("company", company)
    apart.settle()
    with pytest.raises(NotFound):
        sales.link("deal", deal, "company", company)
    assert sales.mirrored("company", company) is None
