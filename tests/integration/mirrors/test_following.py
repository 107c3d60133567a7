"""What happens to an entity at its home follows in its mirror, and in the links to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from shared.bus.client import DirectSource
from shared.bus.consumer import pull
from shared.bus.dead_letters import letters
from shared.bus.settling import skip
from shared.contracts.event import Event
from shared.eav.mirroring import has_place
from shared.eav.requests import LinkTo, Ref
from shared.kernel.db import Connection
from shared.kernel.errors import NotFound
from shared.service.entities import View
from shared.service.mirrors.declare import declare_mirrors
from shared.service.mirrors.keeper import Keeper
from tests.factories.apart import (
    BACK,
    CONTACT_DEAL,
    DEAL_CONTACT,
    EVERYBODY,
    PLAIN,
    PRIMARY,
    PRIMARY_BACK,
    Apart,
    Side,
)

ALL = (PLAIN, BACK, PRIMARY, PRIMARY_BACK, DEAL_CONTACT, CONTACT_DEAL)
SALES = ["deal", "line_item"]


def same(people: Side, sales: Side) -> bool:
    """Whether both keep the very same links."""
    return people.rows(*ALL) == sales.rows(*ALL)


def test_archive_hides_links_and_restore_shows_them(apart: Apart, people: Side, sales: Side):
    company, deal = people.create("company"), sales.create("deal")
    apart.settle()
    people.link("company", company, "deal", deal)
    apart.settle()
    assert sales.links("deal", deal, "company") == {company: (PLAIN, PRIMARY)}
    people.archive("company", company)
    apart.settle()
    assert sales.links("deal", deal, "company") == {}
    people.restore("company", company)
    sales.archive("deal", deal)
    apart.settle()
    assert people.links("company", company, "deal") == {}
    sales.restore("deal", deal)
    apart.settle()
    assert people.links("company", company, "deal") == {deal: (BACK, PRIMARY_BACK)}
    assert sales.links("deal", deal, "company") == {company: (PLAIN, PRIMARY)}


def test_merging_moves_links_on_both_sides_and_undoing_gives_them_back(apart: Apart, people: Side, sales: Side):
    one, two = people.create("contact"), people.create("contact")
    deals = [sales.create("deal") for _ in range(3)]
    apart.settle()
    for deal in deals[:2]:
        sales.link("deal", deal, "contact", two)
    sales.link("deal", deals[0], "contact", one)
    apart.settle()
    people.runtime.merging.merge(EVERYBODY, "contact", one, [two], View("json", ()))
    apart.settle()
    assert set(people.links("contact", one, "deal")) == set(deals[:2])
    assert [set(sales.links("deal", deal, "contact")) for deal in deals] == [{one}, {one}, set()]
    assert same(people, sales)
    sales.link("deal", deals[2], "contact", two)  # an absorbed id means its survivor
    assert set(sales.links("deal", deals[2], "contact")) == {one}
    apart.settle()
    assert same(people, sales)
    people.runtime.merging.unmerge(EVERYBODY, "contact", one, View("json", ()))
    apart.settle()
    assert set(people.links("contact", two, "deal")) == set(deals[:2])
    assert [set(sales.links("deal", deal, "contact")) for deal in deals] == [{one, two}, {two}, {one}]
    assert same(people, sales)


def test_a_link_to_somebody_who_was_absorbed_meanwhile_is_the_survivors(apart: Apart, people: Side, sales: Side):
    one, two = (people.create("contact") for _ in range(2))
    deal, other = (sales.create("deal") for _ in range(2))
    apart.settle()
    sales.link("deal", deal, "contact", two)
    people.runtime.merging.merge(EVERYBODY, "contact", one, [two], View("json", ()))
    sales.link("deal", other, "contact", two)
    sales.unlink("deal", other, "contact", two)
    apart.settle()
    assert people.links("contact", one, "deal") == {deal: (CONTACT_DEAL,)}
    assert sales.links("deal", deal, "contact") == {one: (DEAL_CONTACT,)}
    assert same(people, sales)
    assert two not in {row[1] for row in people.rows(CONTACT_DEAL)} | {row[2] for row in sales.rows(DEAL_CONTACT)}


def test_merged_deals_keep_one_primary_company(apart: Apart, people: Side, sales: Side):
    companies = [people.create("company") for _ in range(2)]
    deals = [sales.create("deal") for _ in range(2)]
    apart.settle()
    for deal, company in zip(deals, companies, strict=True):
        sales.link("deal", deal, "company", company)
    apart.settle()
    sales.runtime.merging.merge(EVERYBODY, "deal", deals[0], deals[1:], View("json", ()))
    apart.settle()
    assert sales.links("deal", deals[0], "company") == {companies[0]: (PLAIN, PRIMARY), companies[1]: (PLAIN,)}
    assert [people.links("company", one, "deal") for one in companies] == [
        {deals[0]: (BACK, PRIMARY_BACK)},
        {deals[0]: (BACK,)},
    ]
    assert same(people, sales)


def test_what_else_merged_and_erased_ones_were_linked_to_holds_up_nobody(apart: Apart, people: Side, sales: Side):
    contact, deals, line = people.create("contact"), [sales.create("deal") for _ in "ab"], sales.create("line_item")
    apart.settle()
    for kind, ident in (("contact", contact), ("line_item", line), ("deal", sales.create("deal"))):
        sales.link("deal", deals[1], kind, ident)
    apart.settle()
    sales.runtime.merging.merge(EVERYBODY, "deal", deals[0], deals[1:], View("json", ()))
    apart.settle()
    assert sales.links("deal", deals[0], "line_item")
    assert people.links("contact", contact, "deal") == {deals[0]: (CONTACT_DEAL,)}
    sales.runtime.merging.unmerge(EVERYBODY, "deal", deals[0], View("json", ()))
    apart.settle()
    assert people.links("contact", contact, "deal") == {deals[1]: (CONTACT_DEAL,)}
    sales.runtime.erasure.erase(EVERYBODY, "deal", Ref(id=deals[1]))
    apart.settle()
    assert people.links("contact", contact, "deal") == {}
    assert same(people, sales)
    assert not people.rows(19, 20)


def test_erasure_takes_links_and_values_away(apart: Apart, people: Side, sales: Side):
    contact, deal, late = (
        people.create("contact", email="ada@apart.example"),
        sales.create("deal"),
        sales.create("deal"),
    )
    apart.settle()
    sales.link("deal", deal, "contact", contact)
    apart.settle()
    sales.link("deal", late, "contact", contact)
    people.runtime.erasure.erase(EVERYBODY, "contact", Ref(id=contact))
    apart.settle()
    assert sales.links("deal", deal, "contact") == sales.links("deal", late, "contact") == {}
    assert same(people, sales)
    assert contact not in {row[1] for row in people.rows(CONTACT_DEAL)} | {row[2] for row in sales.rows(DEAL_CONTACT)}
    live = sales.runtime.catalog.linkable("contact")
    with sales.runtime.db.connect() as connection:
        for table in (f"eav_entity_{live.table}", f"eav_archive_{live.table}", f"eav_search_{live.table}"):
            assert "ada@" not in str(connection.rows(f"select * from {table} where id = {contact}"))
    with pytest.raises(NotFound):
        sales.link("deal", deal, "contact", contact)


def test_an_id_that_nobody_has_is_undone_with_a_reason(apart: Apart, people: Side, sales: Side):
    nobody, deal = 987_654_321, sales.create("deal")
    sales.link("deal", deal, "contact", nobody)
    assert set(sales.links("deal", deal, "contact")) == {nobody}
    apart.settle()
    assert sales.sweep() == 0  # its home may still tell of it
    with sales.runtime.db.connect() as connection:
        connection.run("update eav_pending set since = since - interval '1 minute'")
    people.create("contact")
    apart.settle()
    assert sales.sweep() == 1
    assert sales.links("deal", deal, "contact") == {}
    apart.settle()
    assert same(people, sales)
    shown = sales.client().get(f"/api/v1/objects/deals/{deal}/links/contacts").get_json()
    assert [(one["id"], one["reason"]) for one in shown["undone"]] == [
        (str(nobody), "people knows no contact of this id")
    ]


def test_the_last_primary_counts_and_the_other_side_is_told(apart: Apart, people: Side, sales: Side):
    companies = [people.create("company") for _ in range(3)]
    deal = sales.create("deal")
    apart.settle()
    sales.link("deal", deal, "company", companies[0])
    people.link("company", companies[1], "deal", deal, PRIMARY_BACK)
    people.link("company", companies[2], "deal", deal)
    apart.settle()
    assert sales.links("deal", deal, "company") == {
        companies[0]: (PLAIN,),
        companies[1]: (PLAIN, PRIMARY),
        companies[2]: (PLAIN,),
    }
    assert same(people, sales)


def test_a_filter_asks_what_linked_entities_are(apart: Apart, people: Side, sales: Side):
    shop = people.create("company", industry="retail", staff=7)
    mill = people.create("company", industry="energy", staff=70)
    deals = [sales.create("deal") for _ in range(3)]
    apart.settle()
    for deal, company in zip(deals, (shop, mill), strict=False):
        sales.link("deal", deal, "company", company)
    asked = {"filter": {"attribute": "company.industry", "operator": "EQ", "value": "retail"}}
    found = sales.client().post("/api/v1/objects/deals/query", json=asked).get_json()
    assert [one["id"] for one in found["results"]] == [str(deals[0])]
    asked = {"filter": {"attribute": "company.staff", "operator": "GT", "value": 10}}
    found = sales.client().post("/api/v1/objects/deals/query", json=asked).get_json()
    assert [one["id"] for one in found["results"]] == [str(deals[1])]


def test_a_mirror_that_begins_late_is_read_from_its_home(apart: Apart, people: Side, sales: Side):
    company, deal = people.create("company", name="Late", industry="retail"), sales.create("deal")
    apart.settle()
    people.link("company", company, "deal", deal)
    gone = people.create("company", name="Gone")
    apart.settle()
    people.runtime.erasure.erase(EVERYBODY, "company", Ref(id=gone))
    people.update("company", company, name="Later", industry="energy")
    with sales.runtime.db.connect() as connection:
        table = sales.runtime.catalog.linkable("company").table
        connection.run(f"delete from eav_entity_{table} where id = {company}")
        connection.run("update watermark set epoch = '00000000-0000-0000-0000-000000000000'")
    apart.settle()
    assert sales.mirrored("company", company) == {"name": "Later", "industry": "energy"}
    assert sales.mirrored("company", gone) is None
    assert sales.links("deal", deal, "company") == {company: (PLAIN, PRIMARY)}
    assert same(people, sales)


def test_a_mirror_that_is_to_have_more_is_read_anew(apart: Apart, people: Side, sales: Side):
    company = people.create("company", name="More", motto="Ever more")
    apart.settle()
    before = list(sales.runtime.manifest.mirrors)
    more = [replace(one, attributes=(*one.attributes, "motto")) if one.type == "company" else one for one in before]
    declare_mirrors(sales.runtime.db, "sales", before)
    assert "motto" not in (sales.mirrored("company", company) or {})
    declare_mirrors(sales.runtime.db, "sales", more)
    keeper = sales.keepers["people"]
    try:
        sales.keepers["people"] = Keeper("sales", "people", more)
        apart.settle()
        assert sales.mirrored("company", company) == {"name": "More", "motto": "Ever more"}
        people.update("company", company, motto="Even more")
        apart.settle()
        assert sales.mirrored("company", company) == {"name": "More", "motto": "Even more"}
    finally:
        sales.keepers["people"] = keeper
        declare_mirrors(sales.runtime.db, "sales", before)
    wide = replace(before[0], attributes=tuple(f"a{n}" for n in range(40)))
    with pytest.raises(RuntimeError, match="made for fewer"):
        declare_mirrors(sales.runtime.db, "sales", [wide])


def test_mirrors_are_no_types_of_this_service(apart: Apart, people: Side, sales: Side):
    company = people.create("company")
    apart.settle()
    client = sales.client()
    for path in (
        "/api/v1/objects/companies", f"/api/v1/objects/companies/{company}", "/crm/v3/objects/companies",
        f"/crm/v3/objects/companies/{company}", "/crm/v3/properties/companies", "/api/v1/types/company/attributes",
        "/api/v1/sales/entities/company", "/api/v1/sales/checksums/company", f"/crm/v3/objects/0-2/{company}",
    ):  # fmt: skip
        assert client.get(path).status_code == 404, path
    assert client.post("/api/v1/objects/companies", json={"values": {"name": "x"}}).status_code == 404
    assert client.post("/api/v1/objects/companies/query", json={}).status_code == 404
    assert [one["name"] for one in client.get("/api/v1/types").get_json()["results"]] == SALES
    assert [one["name"] for one in client.get("/api/v1/sales/catalog").get_json()["types"]] == SALES
    assert "/companies" not in client.get("/sales/openapi.json").get_data(as_text=True)


def test_links_to_types_that_are_not_mirrored_are_refused(apart: Apart, people: Side, sales: Side):
    deal = sales.create("deal")
    made = sales.client().put(f"/api/v1/objects/deals/{deal}/links/tickets/7")
    assert made.status_code == 400
    assert "NOT_AVAILABLE" in made.get_data(as_text=True)
    assert sales.create("deal", (LinkTo("contact", 77_777_777),))


def test_a_value_that_its_home_has_not_told_of_has_no_place(apart: Apart, sales: Side):
    apart.settle()
    sales.runtime.catalog.refresh()
    live = sales.runtime.catalog.linkable("company")
    choice = next(one for one in live.by_id.values() if one.kind == "enumeration" and one.options)
    assert has_place(live, live.attributes["name"].key, "Anything")
    assert has_place(live, choice.key, choice.options[0].value)
    assert not has_place(live, choice.key, "no such option")


def test_behind_a_change_that_was_given_up_a_mirror_is_what_its_home_has(apart: Apart, people: Side, sales: Side):
    contact = people.create("contact", name="Ada")
    apart.settle()
    people.update("contact", contact, name="Beda")
    people.update("contact", contact, name="Cleo")
    subscription = apart.subscription(sales)
    source = DirectSource({"people": people.runtime.feed})

    def refusing(connection: Connection, events: Sequence[Event]) -> None:
        if any(one.entity_id == contact for one in events):
            raise ValueError("a constraint")
        subscription.handler(connection, events)

    refused = replace(subscription, handler=refusing)
    while pull(sales.runtime.db, source, refused, one_by_one=True).applied:
        pass
    with sales.runtime.db.connect() as connection:
        first = letters(connection, subscription.name)[0].id
    done = skip(sales.runtime.db, subscription.name, subscription.handler, first, subscription.renew)
    assert (done.skipped, done.applied, done.taken_over) == (1, 1, True)
    assert sales.mirrored("contact", contact) == {"name": "Cleo"}
    people.update("contact", contact, name="Dora")
    apart.settle()
    assert sales.mirrored("contact", contact) == {"name": "Dora"}
