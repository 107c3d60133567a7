"""Numbers of linked entities, kept on both sides of two services from whatever happens to links and entities."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from shared.eav.links.asked import LinkItem
from shared.eav.requests import LinkTo
from shared.kernel.context import Context
from shared.service import counting
from shared.service.counting import Counted
from shared.service.entities import BulkItem, Ref, View
from tests.factories.apart import EVERYBODY, Apart, Side, service
from tests.factories.apart import manifests as manifests_apart


@pytest.fixture(scope="module")
def counted(new_database: Callable[..., str], redis_url: str) -> Iterator[Apart]:
    """Both services, counting: `staff` of companies and `amount` of deals are numbers that may be kept."""
    people, sales = manifests_apart()
    people = replace(people, counts=(Counted("company", "staff", 342),))
    sales = replace(sales, counts=(Counted("deal", "amount", 3),))
    with pytest.MonkeyPatch.context() as monkeypatch:
        made = Apart(
            service(people, new_database(people), redis_url, monkeypatch),
            service(sales, new_database(sales), redis_url, monkeypatch),
        )
    yield made
    made.dispose()


def count(side: Side) -> int:
    """Let a side count what there is to count."""
    return counting.recounted(side.runtime.db, side.runtime.manifest.counts)


def number(side: Side, kind: str, ident: int) -> tuple[Any, int]:
    """What an entity shows, and its version."""
    name = side.runtime.manifest.counts[0].attribute
    (found,) = side.runtime.entities.read(EVERYBODY, kind, [Ref(id=ident)], View("text", (name,)))
    assert found is not None
    return found.values[name], found.version


def settled(apart: Apart) -> None:
    """Until both know everything and have counted."""
    apart.settle()
    for side in (apart.people, apart.sales):
        count(side)
    apart.settle()


def test_numbers_follow_links_of_either_side(counted: Apart):
    people, sales = counted.people, counted.sales
    company, contact = people.create("company"), people.create("contact")
    counted.settle()
    deals = [sales.create("deal", (LinkTo("company", company), LinkTo("contact", contact))) for _ in range(3)]
    count(sales)
    assert number(sales, "deal", deals[0]) == ("1", 2)
    settled(counted)
    assert number(people, "company", company) == ("3", 2)
    sales.archive("deal", deals[0])
    people.unlink("company", company, "deal", deals[1])
    settled(counted)
    assert number(people, "company", company) == ("1", 3)
    sales.restore("deal", deals[0])
    people.link("company", company, "deal", deals[1])
    people.archive("contact", contact)
    settled(counted)
    assert number(people, "company", company) == ("3", 4)
    assert number(sales, "deal", deals[2]) == ("0", 3)
    before = number(people, "company", company)
    assert count(people) == 0
    assert number(people, "company", company) == before


def test_numbers_follow_merges_and_erasures(counted: Apart):
    people, sales = counted.people, counted.sales
    first, second = people.create("company"), people.create("company")
    counted.settle()
    deals = [sales.create("deal", (LinkTo("company", one),)) for one in (first, second, second)]
    settled(counted)
    people.runtime.merging.merge(EVERYBODY, "company", first, [second], View("json"))
    settled(counted)
    assert number(people, "company", first)[0] == "3"
    sales.runtime.erasure.erase(EVERYBODY, "deal", Ref(id=deals[0]))
    settled(counted)
    assert number(people, "company", first)[0] == "2"
    people.runtime.merging.unmerge(EVERYBODY, "company", first, View("json"))
    settled(counted)
    assert (number(people, "company", first)[0], number(people, "company", second)[0]) == ("0", "2")


def test_an_archived_one_has_its_number_when_it_is_back(counted: Apart):
    people, sales = counted.people, counted.sales
    company, deal = people.create("company"), sales.create("deal")
    counted.settle()
    sales.link("deal", deal, "company", company)
    settled(counted)
    people.archive("company", company)
    settled(counted)
    sales.archive("deal", deal)
    settled(counted)
    people.restore("company", company)
    settled(counted)
    assert number(people, "company", company)[0] == "0"


def test_linking_costs_as_many_statements_as_before_and_many_links_make_one_version(counted: Apart):
    people, sales = counted.people, counted.sales
    company = people.create("company")
    counted.settle()
    context = Context(actor=EVERYBODY.actor)
    statements = []
    for many in (1, 40):
        deals = [sales.create("deal") for _ in range(many)]
        items = [LinkItem(one, LinkTo("company", company)) for one in deals]
        with sales.runtime.db.counted() as counted_statements:
            sales.runtime.links.put(context, "deal", items)
        statements.append(len(counted_statements))
    assert statements[0] == statements[1]
    settled(counted)
    assert number(people, "company", company) == ("41", 2)
    with people.runtime.db.connect() as connection:
        assert connection.rows("select count(*) from link_recount", {}) == [(0,)]
    people.runtime.entities.bulk(EVERYBODY, "company", [BulkItem({"name": "unlinked"}) for _ in range(5)])
    with people.runtime.db.connect() as connection:
        assert connection.rows("select count(*) from link_recount", {}) == [(0,)]


def test_what_is_there_already_is_counted_once_it_is_declared(counted: Apart):
    people = counted.people
    extra = Counted("company", "staff", 280)
    company, contact = people.create("company"), people.create("contact")
    people.link("contact", contact, "company", company)
    count(people)
    counting.declare_counts(people.runtime.db, [extra])
    counting.declare_counts(people.runtime.db, [extra])
    assert counting.recounted(people.runtime.db, [extra]) > 0
    assert number(people, "company", company)[0] == "1"
