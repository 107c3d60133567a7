"""Writers wait for the other side to have heard, and only for who hears; labels are waited for by the feed."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.contracts.event import Event
from shared.eav.links import labels
from shared.eav.links.relations import RelationDef
from shared.kernel.clock import monotonic, now
from shared.service.mirrors.declare import subscription_name
from shared.service.mirrors.positions import SECONDS, STALE, Waiting, announcing
from shared.service.mirrors.words import NotYet
from tests.factories.apart import BACK, PLAIN, Apart, Side


def told(side: Side, other: Side) -> Waiting:
    """A side's waiting for the other, of which nothing is known yet."""
    assert side.runtime.redis is not None
    side.runtime.redis.delete("crm:applied")
    return Waiting(side.runtime.redis, side.runtime.db, side.name)


def test_who_has_heard_is_not_waited_for(people: Side, sales: Side):
    waiting = told(sales, people)
    tell = announcing(people.runtime.settings, subscription_name("people", "sales"))
    assert tell is not None
    tell(now() + timedelta(seconds=60))
    assert waiting.wait({"people"})


def test_who_is_a_moment_behind_is_waited_for_and_not_for_ever(people: Side, sales: Side):
    waiting = told(sales, people)
    tell = announcing(people.runtime.settings, subscription_name("people", "sales"))
    assert tell is not None
    tell(now() - timedelta(seconds=1))
    began = monotonic()
    assert not waiting.wait({"people"})
    assert monotonic() - began >= SECONDS


def test_who_does_not_follow_is_not_waited_for(people: Side, sales: Side, monkeypatch: pytest.MonkeyPatch):
    waiting = told(sales, people)
    monkeypatch.setattr("shared.service.mirrors.positions.time.sleep", lambda _seconds: pytest.fail("it waits"))
    assert not waiting.wait({"people"})  # never told of anything
    tell = announcing(people.runtime.settings, subscription_name("people", "sales"))
    assert tell is not None
    tell(now() - 2 * STALE)
    assert not waiting.wait({"people"})
    assert not Waiting(None, sales.runtime.db, "sales").wait({"people"})
    assert waiting.wait(())


def test_a_request_waits_once_and_for_links_across_only(apart: Apart, people: Side, sales: Side, monkeypatch):
    asked: list[object] = []
    monkeypatch.setattr(sales.runtime.heard, "wait", lambda others: asked.append(set(others)))
    company, deal, other = people.create("company"), sales.create("deal"), sales.create("deal")
    client = sales.client()
    sales.runtime.heard.settle(None)  # what this thread linked beside requests
    asked.clear()
    client.put(f"/api/v1/objects/deals/{deal}/links/deals/{other}", json={})
    client.get(f"/api/v1/objects/deals/{deal}")
    assert asked == []
    assert client.put(f"/api/v1/objects/deals/{deal}/links/companies/{company}", json={}).status_code == 200
    assert asked == [{"people"}]
    body = {"values": {"name": "x"}, "links": [{"type": "company", "id": str(company)}]}
    assert client.post("/api/v1/objects/deals", json=body).status_code == 201
    assert asked == [{"people"}] * 2


def test_a_label_that_is_not_known_yet_holds_the_page_back(apart: Apart, people: Side, sales: Side):
    ahead, back = 10_555, 10_556
    made = [
        RelationDef(ahead, back, "deal", "company", "late", "Late", builtin=False),
        RelationDef(back, ahead, "company", "deal", "early", "Early", builtin=False),
    ]
    company, deal = people.create("company"), sales.create("deal")
    apart.settle()
    with people.runtime.db.transaction() as connection:
        labels.put(connection, made)
    people.runtime.catalog.refresh()
    people.link("company", company, "deal", deal, back)
    with pytest.raises(NotYet):
        apart.hear(sales)
    assert sales.links("deal", deal, "company") == {}
    with sales.runtime.db.transaction() as connection:
        labels.put(connection, made)
    apart.settle()
    assert set(sales.links("deal", deal, "company")[company]) >= {PLAIN, ahead}
    assert set(people.links("company", company, "deal")[deal]) >= {BACK, back}


def test_pages_of_other_kinds_have_no_effect(apart: Apart, sales: Side):
    (keeper,) = sales.keepers.values()
    with sales.runtime.db.transaction() as connection:
        keeper(connection, [Event("entity.created", "planet", now(), 7, 1), Event("stage.visit", "deal", now(), 7, 1)])
