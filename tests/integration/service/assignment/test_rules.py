"""Deals given out by rules: who can take one, what waits and why, what the ledger says; by itself, exactly once."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from time import monotonic, sleep
from typing import Any

import pytest

from services.opportunities.manifest import MANIFEST
from shared.bus.feed import Feed
from shared.bus.ticks import tick
from shared.kernel.clock import iso, now
from shared.kernel.context import SYSTEM, Context
from shared.service.giving_out import follower, sweep
from tests.integration.opportunities.neighbours import mirror, tell_types
from tests.integration.service.conftest import ADMIN, application

DEALS, TYPE = "/api/v1/objects/deals", "/api/v1/types/deals"


@dataclass
class Sales:
    """The service, a client, and its follower of itself."""

    runtime: Any
    client: Any
    follower: Any
    heard: str | None = None

    def ask(self, method: str, path: str, status: int = 200, **body: Any) -> Any:
        """One request; what it answers."""
        answer = self.client.open(path, method=method, json=body or None)
        assert answer.status_code == status, answer.text
        return answer.json

    def deal(self, **values: Any) -> str:
        """The id of a new deal."""
        return str(self.ask("POST", DEALS, 201, values={"name": "A", **values})["id"])

    def pool(self, name: str, *owners: int) -> None:
        """A pool of equals."""
        self.ask("PUT", f"{TYPE}/pools/{name}", members=[{"owner": str(one)} for one in owners])

    def rules(self, *rules: dict[str, Any], status: int = 200) -> Any:
        """These rules and no others."""
        return self.ask("PUT", f"{TYPE}/assignment-rules", status, rules=list(rules))

    def agent(self, owner: int, **what: Any) -> None:
        """What somebody can take."""
        self.ask("PUT", f"{TYPE}/agents/{owner}", **(what or {"capacity": None}))

    def assign(self, ident: str, status: int = 200, **body: Any) -> Any:
        """Give one out."""
        answer = self.client.post(f"{DEALS}/{ident}/assign", json=body)
        assert answer.status_code == status, answer.text
        return answer.json["assignment"] if status < 300 else answer.json

    def owner(self, ident: str) -> str | None:
        """Whose it is."""
        found = self.ask("GET", f"{DEALS}/{ident}?attributes=owner_id")["values"].get("owner_id")
        return None if found is None else str(found)

    def hear(self) -> int:
        """Everything that was told since; how many events."""
        count = 0
        tick(self.runtime.db)
        while True:
            page = Feed(self.runtime.db).read(self.heard, types=("deal",)).page()
            with self.runtime.db.transaction() as connection:
                if page.events:
                    self.follower.handler(connection, page.events)
            self.heard = str(page.next)
            count += len(page.events)
            if page.up_to_date:
                return count


@pytest.fixture(scope="module")
def service(new_database: Callable[..., str], redis_url: str) -> Iterator[Sales]:
    with pytest.MonkeyPatch.context() as monkeypatch:
        app = application(MANIFEST, new_database(MANIFEST), redis_url, monkeypatch)
    client = app.test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {ADMIN}"
    runtime = app.extensions["crm"]
    yield Sales(runtime, client, follower(MANIFEST, runtime.db))
    runtime.db.dispose()


@pytest.fixture
def sales(service: Sales) -> Iterator[Sales]:
    """Without rules, at the end of what was told."""
    service.rules()
    service.hear()
    yield service
    service.rules()


def test_the_first_rule_that_fits_chooses_the_pool(sales: Sales):
    sales.pool("Big", 41)
    sales.pool("Rest", 42)
    big = {"name": "big", "pool": "Big", "filter": {"attribute": "amount", "operator": "GT", "value": 1000}}
    shown = sales.rules(big, {"name": "rest", "pool": "Rest"})
    assert [one["name"] for one in shown["results"]] == ["big", "rest"]
    one, other = sales.deal(amount=5000), sales.deal(amount=5)
    assert sales.assign(one) == {
        "owner": "41", "before": None, "rule": "big", "pool": "Big", "reason": "turn",
        "told": {"of": 1, "out": {}, "weight": 1, "given": 1},
    }  # fmt: skip
    assert sales.assign(other)["rule"] == "rest"
    story = sales.ask("GET", f"{DEALS}/{one}/assignments")
    assert [(line["owner"], line["rule"], line["reason"]) for line in story["results"]] == [("41", "big", "turn")]
    assert story["waiting"] is None
    assert all(story["results"][0][name] for name in ("actor", "at"))
    assert sales.client.delete(f"{TYPE}/pools/Big").status_code == 409
    sales.rules({"name": "big", "pool": "Big", "filter": big["filter"]})
    assert sales.assign(sales.deal(amount=1), 400)["errors"][0]["code"] == "NO_RULE"


def test_a_rule_may_ask_linked_entities(sales: Sales):
    """Of a company that another service keeps, when somebody asks and when deals are given out by themselves."""
    tell_types(sales.runtime, company=("name", "industry"))
    mirror(sales.runtime, "company", 8801, name="Sun", industry="energy")
    mirror(sales.runtime, "company", 8802, name="Shop", industry="retail")
    sales.pool("Energy", 45)
    asks = {"attribute": "company.industry", "operator": "EQ", "value": "energy"}
    sales.rules({"name": "energy", "pool": "Energy", "filter": asks})
    unlinked = sales.deal()
    deals = {}
    for company in (8801, 8802):
        deals[company] = sales.deal()
        sales.ask("PUT", f"{DEALS}/{deals[company]}/links/companies/{company}")
    assert sales.assign(deals[8801])["owner"] == "45"
    for one in (deals[8802], unlinked):
        assert sales.assign(one, 400)["errors"][0]["code"] == "NO_RULE"


def test_capacity_counts_what_is_open_and_what_is_full_waits(sales: Sales):
    sales.pool("Small", 51)
    sales.agent(51, capacity=2)
    sales.deal(owner_id="51")  # whoever gave it
    first, second = sales.deal(), sales.deal()
    assert sales.assign(first, pool="Small")["told"]["open_before"] == 1
    told = sales.assign(second, 202, pool="Small")
    assert (told["owner"], told["reason"], told["told"]["out"]) == (None, "everybody_is_full", {"full": 1})
    (waiting,) = [one for one in sales.ask("GET", f"{TYPE}/unassigned")["results"] if one["id"] == second]
    assert (waiting["reason"], waiting["pool"]) == ("everybody_is_full", "Small")
    assert sales.ask("GET", f"{DEALS}/{second}/assignments")["waiting"]["id"] == second
    sales.hear()
    assert sales.owner(second) is None
    sales.ask("DELETE", f"{DEALS}/{first}", 204)
    sales.hear()
    assert sales.owner(second) == "51", "room was made"
    assert sales.ask("GET", f"{DEALS}/{second}/assignments")["waiting"] is None


def test_skills_that_a_rule_or_the_entity_asks_for(sales: Sales):
    sales.pool("Skilled", 61, 62, 63)
    sales.agent(61, skills=["german"])
    sales.agent(62, skills=["german", "newbusiness"])
    sales.rules({"name": "german", "pool": "Skilled", "skills": ["german"], "skills_from": ["type"]})
    types = [sales.deal(type="newbusiness") for _ in range(2)]
    assert [sales.assign(one)["owner"] for one in types] == ["62", "62"]
    told = sales.assign(sales.deal())
    assert (told["owner"], told["told"]["skills"], told["told"]["out"]) == ("61", ["german"], {"unskilled": 1})
    sales.rules({"name": "welsh", "pool": "Skilled", "skills": ["welsh"]})
    assert sales.assign(sales.deal(), 202)["reason"] == "nobody_has_the_skills"


def test_who_is_away_gets_nothing_and_is_not_made_up_to(sales: Sales):
    sales.pool("Holiday", 71, 72)
    sales.agent(71, away_until=iso(now() + timedelta(hours=1)))
    got = [sales.assign(sales.deal(), pool="Holiday")["owner"] for _ in range(5)]
    assert got == ["72"] * 5
    sales.agent(72, away_from=iso(now() - timedelta(hours=1)))
    waiting = sales.deal()
    assert sales.assign(waiting, 202, pool="Holiday")["reason"] == "everybody_is_away"
    sales.agent(71)
    assert sweep(MANIFEST, sales.runtime.db) >= 1
    assert sales.owner(waiting) == "71"
    sales.agent(72)
    after = Counter(sales.assign(sales.deal(), pool="Holiday")["owner"] for _ in range(6))
    assert max(after.values()) - min(after.values()) <= 2, "five are not made up for"


def test_the_last_one_who_had_the_like_comes_first(sales: Sales):
    sales.pool("Sticky", 81, 82)
    sticky = {"name": "again", "pool": "Sticky", "sticky": {"by": "description_key", "days": 30}}
    assert "PROPERTY_DOESNT_EXIST" in str(sales.rules(sticky, status=400))
    sales.rules({**sticky, "sticky": {"by": "next_step", "days": 30}})
    first = sales.assign(sales.deal(next_step="Acme"))["owner"]
    again = [sales.assign(sales.deal(next_step="ACME")) for _ in range(3)]
    assert [(one["owner"], one["reason"]) for one in again] == [(first, "sticky")] * 3
    other = {"81": "82", "82": "81"}[first]
    assert sales.assign(sales.deal(next_step="Else"))["owner"] == other
    sales.agent(int(first), capacity=4)
    assert sales.assign(sales.deal(next_step="Acme"))["owner"] == other, "who is full is not asked"
    sales.agent(int(first))


def test_new_ones_are_given_out_by_themselves_once(sales: Sales):
    sales.pool("Auto", 91, 92)
    sales.rules({"name": "all", "pool": "Auto", "filter": {"attribute": "amount", "operator": "GT", "value": 0}})
    mine, taken, aside = [sales.deal(amount=1) for _ in range(4)], sales.deal(amount=1, owner_id="5"), sales.deal()
    assert sales.hear() >= 6
    assert Counter(map(sales.owner, mine)) == {"91": 2, "92": 2}
    assert (sales.owner(taken), sales.owner(aside)) == ("5", None)
    page = Feed(sales.runtime.db).read(None, types=("deal",)).page()
    with sales.runtime.db.transaction() as connection:
        sales.follower.handler(connection, page.events)  # heard twice
    stories = [sales.ask("GET", f"{DEALS}/{one}/assignments")["results"] for one in mine]
    assert [len(one) for one in stories] == [1] * 4
    assert all(one["actor"] == "system" and one["rule"] == "all" for (one,) in stories)


def test_a_turn_and_its_owner_are_one_thing(sales: Sales, monkeypatch: pytest.MonkeyPatch):
    sales.pool("Whole", 95, 96)
    ident = sales.deal()

    def die(*_: Any) -> None:
        raise RuntimeError("died")

    with monkeypatch.context() as dying:
        dying.setattr("shared.service.assignment.ledger.note", die)
        assert sales.client.post(f"{DEALS}/{ident}/assign", json={"pool": "Whole"}).status_code == 500
    assert sales.owner(ident) is None
    (pool,) = [one for one in sales.ask("GET", f"{TYPE}/pools")["results"] if one["name"] == "Whole"]
    assert [one["given"] for one in pool["members"]] == [0, 0]


def test_two_pools_that_share_somebody_do_not_overload_them(sales: Sales):
    for name in ("Left", "Right"):
        sales.pool(name, 99)
    sales.agent(99, capacity=1)
    first, second = int(sales.deal()), int(sales.deal())
    giving, database = sales.runtime.assignment._giving, sales.runtime.db
    outcome: list[Any] = []

    def give(pool: str, ident: int) -> None:
        with database.transaction() as connection:
            outcome.extend(giving.give(connection, "deal", {ident: pool}, Context(SYSTEM), automatic=True))

    other = threading.Thread(target=give, args=("Right", second))
    with database.transaction() as connection:
        (given,) = giving.give(connection, "deal", {first: "Left"}, Context(SYSTEM), automatic=True)
        assert given.owner == 99
        other.start()
        deadline = monotonic() + 60
        while other.is_alive() and not _somebody_waits(database) and monotonic() < deadline:
            sleep(0.02)
    other.join()
    assert [(one.owner, one.reason) for one in outcome] == [(None, "everybody_is_full")]
    sales.agent(99)


def _somebody_waits(database: Any) -> bool:
    sql = "select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
    with database.connect() as connection:
        return connection.row(sql) is not None


def test_statements_do_not_grow(sales: Sales):
    sales.pool("Many", 97, 98)
    sales.agent(97, capacity=500)
    sales.rules({"name": "all", "pool": "Many", "sticky": {"by": "next_step", "days": 3}})
    counts = []
    giving = sales.runtime.assignment._giving
    for size in (1, 1, 40):
        ids = [int(sales.deal(next_step=str(n))) for n in range(size)]
        with sales.runtime.db.counted() as statements, sales.runtime.db.transaction() as connection:
            giving.give(connection, "deal", dict.fromkeys(ids), Context(SYSTEM), automatic=True)
        counts.append(len(statements))
    assert counts[1] == counts[2] <= 16, counts


@pytest.mark.parametrize(
    "rule",
    [
        {"name": "a", "pool": "Nowhere"},
        {"name": "", "pool": "Auto"},
        {"name": "a", "pool": "Auto", "filter": {"attribute": "nothing", "operator": "EQ", "value": 1}},
        {"name": "a", "pool": "Auto", "skills": "german"},
        {"name": "a", "pool": "Auto", "sticky": {"by": "description", "days": 3}},
        {"name": "a", "pool": "Auto", "sticky": {"by": "name", "days": 0}},
    ],
)
def test_rules_that_cannot_be(sales: Sales, rule: dict[str, Any]):
    sales.pool("Auto", 91)
    sales.rules(rule, status=400)
