"""Metrics by attributes of linked entities: exact under any changes of links, values and lives."""

from __future__ import annotations

import random
import threading
from collections import Counter
from decimal import Decimal
from typing import Any

import pytest

from services.reporting import linking
from services.reporting.projections import Projections
from services.reporting.relinking import relinks_due
from shared.bus.consumer import watermark
from shared.contracts.event import LINK, Event
from shared.kernel.clock import now
from shared.service.jobs import work_off
from shared.service.replica.copying import copy
from tests.integration.reporting.conftest import Reporting
from tests.integration.service.conftest import follow

PATH = "/reporting/v1/metrics"
OBJECTS = "/api/v1/objects"
INDUSTRIES = ("BANKING", "RETAIL", None)
CITIES = ("Wien", "Graz", None)
PEOPLE = {
    "name": "people",
    "entity_type": "contact",
    "dimensions": ["company.industry", "city", "owner.last_name", "company_id.city"],
    "time": {"attribute": "created_at"},
}
FIRMS = {
    "name": "firms",
    "entity_type": "company",
    "measure": {"kind": "sum", "attribute": "annual_revenue"},
    "dimensions": [{"name": "born", "attribute": "contact.created_at", "bucket": "year"}, "contact.city", "industry"],
    "time": {"attribute": "created_at"},
}


class World:
    """Contacts and companies that are made, changed, linked, archived, restored and merged at random."""

    def __init__(self, reporting: Reporting, seed: int) -> None:
        self.web = reporting.system.client("contacts")
        self.rng = random.Random(seed)
        self.here: dict[str, list[str]] = {"contacts": [], "companies": []}
        self.gone: list[tuple[str, str]] = []

    def act(self) -> None:
        kind = self.rng.choice(("contacts", "companies"))
        if min(map(len, self.here.values())) < 3:
            self.create("contacts"), self.create("companies")
            return
        self.rng.choice([self.create, self.change, self.link, self.link, self.unlink, self.archive, self.merge])(kind)

    def one(self, kind: str) -> str:
        return self.rng.choice(self.here[kind])

    def values(self, kind: str) -> dict[str, Any]:
        mine = {"city": self.rng.choice(CITIES)}
        if kind == "companies":
            mine |= {"industry": self.rng.choice(INDUSTRIES), "annual_revenue": self.rng.choice([None, "1.5", "20"])}
        return mine

    def sent(self, method: str, path: str, **body: Any) -> Any:
        found = getattr(self.web, method)(f"{OBJECTS}/{path}", json=body)
        assert found.status_code < 300, found.text
        return found

    def create(self, kind: str) -> None:
        self.here[kind].append(self.sent("post", kind, values=self.values(kind)).json["id"])

    def change(self, kind: str) -> None:
        self.sent("patch", f"{kind}/{self.one(kind)}", values=self.values(kind))

    def link(self, _: str) -> None:
        primary = {"relations": ["primary"]} if self.rng.random() < 0.4 else {}
        self.sent("put", f"contacts/{self.one('contacts')}/links/companies/{self.one('companies')}", **primary)

    def unlink(self, _: str) -> None:
        primary = "?relations=primary" if self.rng.random() < 0.4 else ""
        self.sent("delete", f"contacts/{self.one('contacts')}/links/companies/{self.one('companies')}{primary}")

    def archive(self, kind: str) -> None:
        if self.gone and self.rng.random() < 0.6:
            kind, ident = self.gone.pop()
            self.sent("post", f"{kind}/{ident}/restore")
            self.here[kind].append(ident)
            return
        ident = self.one(kind)
        self.here[kind].remove(ident)
        self.gone.append((kind, ident))
        self.sent("delete", f"{kind}/{ident}")

    def merge(self, kind: str) -> None:
        survivor, absorbed = self.rng.sample(self.here[kind], 2)
        self.sent("post", f"{kind}/{survivor}/merge", absorb=[absorbed])
        self.here[kind].remove(absorbed)


def held(reporting: Reporting, name: str) -> dict[int, dict[str, Any]]:
    """Live entities of contacts, by name of the attribute."""
    live = reporting.contacts.catalog.type(name)
    names = {one.key: one.name for one in live.attributes.values()}
    return {
        one.id: {**{names[key]: value for key, value in one.values.items()}, "created_at": one.created_at}
        for one in reporting.contacts.engine.reads.holdings(name, after=0, limit=100_000)
        if not one.archived
    }


def links(reporting: Reporting, *relations: int) -> dict[int, int]:
    """Where entities lead, by contacts' own tables: the first of the relations that they have links of, lowest id."""
    found: dict[int, int] = {}
    with reporting.contacts.db.connect() as connection:
        for relation in reversed(relations):
            rows = connection.rows(
                "select from_id, min(to_id) from eav_link where relation = %s group by 1", (relation,)
            )
            found |= dict(rows)
    return found


def truth(reporting: Reporting) -> tuple[Counter[Any], dict[Any, Decimal]]:
    people, firms = held(reporting, "contact"), held(reporting, "company")
    ahead, back = links(reporting, 1, 279), links(reporting, 280)
    counted: Counter[Any] = Counter()
    for ident, one in people.items():
        counted[firms.get(ahead.get(ident, 0), {}).get("industry"), one.get("city")] += 1
    sums: dict[Any, Decimal] = {}
    for ident, one in firms.items():
        other = people.get(back.get(ident, 0), {})
        key = ((other.get("created_at") or "")[:4] or None, other.get("city"), one.get("industry"))
        sums[key] = sums.get(key, Decimal(0)) + Decimal(one.get("annual_revenue") or 0)
    return counted, sums


def rows(reporting: Reporting, name: str, **question: Any) -> dict[Any, str]:
    found = reporting.client().post(f"{PATH}/{name}/query", json=question)
    assert found.status_code == 200, found.text
    return {tuple(row["group"].values()): row["value"] for row in found.json["rows"]}


def assert_exact(reporting: Reporting) -> None:
    counted, sums = truth(reporting)
    assert rows(reporting, "people", by=["company.industry", "city"]) == {key: str(n) for key, n in counted.items()}
    told = rows(reporting, "firms", by=["born", "contact.city", "industry"])
    assert {(key[0] and key[0][:4], *key[1:]): Decimal(value) for key, value in told.items()} == sums
    for name in ("people", "firms"):
        assert reporting.client().post(f"{PATH}/{name}/verify").json["wrong"] == []


@pytest.fixture(scope="module")
def world(reporting: Reporting) -> World:
    made = World(reporting, 1)
    for _ in range(30):
        made.act()
    reporting.catch_up("workspace")
    reporting.catch_up()
    for raw in (PEOPLE, FIRMS):
        assert reporting.client().post(PATH, json=raw).status_code == 201
    while work_off(reporting.app.extensions["crm"]):
        pass
    return made


@pytest.mark.parametrize("seed", [2, 3, 4])
def test_exact_under_random_changes(reporting: Reporting, world: World, seed: int) -> None:
    world.rng = random.Random(seed)
    for limit in (1, 7, 1000):
        for _ in range(30):
            world.act()
        reporting.catch_up(limit=limit)
        assert_exact(reporting)


def test_many_links_are_put_off_and_the_metric_says_so(
    reporting: Reporting, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(linking, "MOST_AT_ONCE", 2)
    monkeypatch.setattr(linking, "PIECE", 2)
    web = reporting.client()
    people = [world.sent("post", "contacts", values={"city": "Linz"}).json["id"] for _ in range(7)]
    firm = world.sent("post", "companies", values={"industry": "BANKING"}).json["id"]
    reporting.catch_up()
    assert rows(reporting, "people", by=["company.industry"], where={"city": "Linz"}) == {(None,): "7"}
    for one in people:
        world.sent("put", f"contacts/{one}/links/companies/{firm}")
    reporting.catch_up()
    question = {"by": ["company.industry"], "where": {"city": "Linz"}}
    late = web.post(f"{PATH}/people/query", json=question)
    assert late.json["catching_up"] == 7
    assert web.get(f"{PATH}/people").json["catching_up"] == 7
    assert rows(reporting, "people", **question) == {(None,): "7"}
    # Values change meanwhile, for those that wait as well; what is kept stays sound.
    world.sent("patch", f"contacts/{people[0]}", values={"city": "Wels"})
    world.sent("delete", f"contacts/{people[1]}")
    world.sent("delete", f"contacts/{people[2]}/links/companies/{firm}")
    reporting.catch_up()
    assert web.post(f"{PATH}/people/verify").json["wrong"] == []
    while work_off(reporting.app.extensions["crm"]):
        pass
    assert "catching_up" not in web.post(f"{PATH}/people/query", json=question).json
    assert rows(reporting, "people", **question) == {("BANKING",): "4", (None,): "1"}
    assert_exact(reporting)
    assert relinks_due(reporting.db, reporting.projections) == 0


def test_attributes_of_the_linked_are_joined_as_they_are(reporting: Reporting, world: World) -> None:
    web = reporting.client()
    firm = world.sent("post", "companies", values={"industry": "BANKING", "city": "Bregenz"}).json["id"]
    person = world.sent("post", "contacts", values={"city": "Steyr"}).json["id"]
    world.sent("put", f"contacts/{person}/links/companies/{firm}")
    reporting.catch_up()
    question = {"by": ["company.industry"], "where": {"city": "Steyr"}}
    first = web.post(f"{PATH}/people/query", json=question)
    assert [row["group"]["company.industry"] for row in first.json["rows"]] == ["BANKING"]
    world.sent("patch", f"companies/{firm}", values={"industry": "RETAIL"})
    reporting.catch_up()
    # Nothing moved among the cells, and yet the answer kept for the first question is not given.
    again = web.post(f"{PATH}/people/query", json=question, headers={"If-None-Match": first.headers["ETag"]})
    assert [row["group"]["company.industry"] for row in again.json["rows"]] == ["RETAIL"]
    only = {"by": ["city"], "where": {"company.industry": "RETAIL", "city": "Steyr"}}
    assert rows(reporting, "people", **only) == {("Steyr",): "1"}
    world.sent("delete", f"companies/{firm}")
    reporting.catch_up()
    assert rows(reporting, "people", **question) == {(None,): "1"}


def test_references_lead_elsewhere_too(reporting: Reporting, world: World) -> None:
    owners = reporting.system.client("workspace").post(f"{OBJECTS}/owners", json={"values": {"email": "o@x.test"}})
    ident = owners.json["id"]
    person = world.sent("post", "contacts", values={"city": "Hallein", "owner_id": ident}).json["id"]
    question = {"by": ["owner.last_name"], "where": {"city": "Hallein"}}
    reporting.catch_up()
    assert rows(reporting, "people", **question) == {(None,): "1"}
    path = f"{OBJECTS}/owners/{ident}"
    assert reporting.system.client("workspace").patch(path, json={"values": {"last_name": "Ott"}}).status_code == 200
    reporting.catch_up("workspace")
    assert rows(reporting, "people", **question) == {("Ott",): "1"}
    world.sent("patch", f"contacts/{person}", values={"city": None})


def test_explanations_name_the_group_as_it_is_shown(reporting: Reporting, world: World) -> None:
    web = reporting.client()
    for (industry,), value in rows(reporting, "people", by=["company.industry"]).items():
        entities, after = [], 0
        while after is not None:
            page = web.post(
                f"{PATH}/people/explain?limit=7&after={after}", json={"group": {"company.industry": industry}}
            ).json
            entities += page["results"]
            after = page.get("next_after")
        assert len(entities) == int(value)
        assert {one["group"]["company.industry"] for one in entities} == {industry}


def test_what_is_not_kept_is_refused_with_its_reason(reporting: Reporting, world: World) -> None:
    web = reporting.client()
    today = web.post(f"{PATH}/people/query", json={}).json["as_of"][:10]
    assert rows(reporting, "people", by=["city"], as_of=today) == rows(reporting, "people", by=["city"])
    for question in ({"by": ["company.industry"]}, {"where": {"company.industry": "RETAIL"}}):
        found = web.post(f"{PATH}/people/query", json={**question, "as_of": today})
        assert (found.status_code, found.json["errors"][0]["code"]) == (400, "NOT_KEPT")
    found = web.post(f"{PATH}/people/changes", json={"group": {"company.industry": "RETAIL"}})
    assert (found.status_code, found.json["errors"][0]["code"]) == (400, "NOT_KEPT")
    changes = web.post(f"{PATH}/people/changes", json={"period": "last 2 days"}).json
    assert Decimal(changes["after"]) == sum(Decimal(one["value"]) for one in changes["parts"])
    for attribute in ("planet.size", "company.colour", "company."):
        made = web.post(PATH, json={"name": "never", "entity_type": "contact", "dimensions": [attribute]})
        assert made.status_code == 400, made.text


def test_foreign_values_need_foreign_rights(reporting: Reporting, world: World) -> None:
    scopes = ["crm.reports.read", "crm.objects.contacts.read"]
    made = reporting.system.client("workspace").post("/api/v1/tokens", json={"name": "x", "scopes": scopes})
    follow(reporting.system.runtime("workspace").db, reporting.db)
    web = reporting.client(made.json["token"])
    assert web.post(f"{PATH}/people/query", json={"by": ["city"]}).status_code == 200
    for question in (
        {"by": ["company.industry"]},
        {"where": {"company.industry": "RETAIL"}},
        {"by": ["city"], "pivot": "company.industry"},
    ):
        found = web.post(f"{PATH}/people/query", json=question)
        assert found.status_code == 403, found.text
    group = {"group": {"company.industry": "RETAIL"}}
    assert web.post(f"{PATH}/people/explain", json=group).status_code == 403
    assert web.post(f"{PATH}/people/changes", json=group).status_code == 403
    shown = web.post(f"{PATH}/people/explain", json={"group": {}}).json["results"]
    assert shown
    assert all("company.industry" not in one["group"] and "city" in one["group"] for one in shown)


def test_a_metric_made_while_links_change_is_exact(reporting: Reporting, world: World) -> None:
    reporting.catch_up()
    made = reporting.client().post(PATH, json={**PEOPLE, "name": "late"})
    assert made.status_code == 201
    with reporting.db.connect() as connection:
        [(ident,)] = connection.rows("select id from metric where name = 'late'")
    world.rng = random.Random(9)
    more = True
    while more:
        for _ in range(3):
            world.act()
        reporting.catch_up(limit=3)
        more = reporting.fill(ident, entities=5)
    reporting.catch_up()
    by = ["company.industry", "city"]
    assert rows(reporting, "late", by=by) == rows(reporting, "people", by=by)
    assert_exact(reporting)


def test_links_taken_over_from_their_home_are_counted(reporting: Reporting, world: World) -> None:
    with reporting.db.connect() as connection:
        lost = connection.run("delete from fact_link where from_id %% 2 = 0 or to_id %% 3 = 0", {})
    assert lost
    # What cells are kept by was damaged with it: they are made anew, then the links come back.
    for name in ("people", "firms", "late"):
        reporting.client().post(f"{PATH}/{name}/verify?repair=true")
    web = reporting.system.client("contacts")
    copy(
        reporting.db,
        reporting.projections.catalogs,
        "contacts",
        lambda path: web.get(path).get_json(),
        reporting.projections.project,
        reporting.projections.take_over_links,
    )
    assert_exact(reporting)


def test_two_logs_that_tell_of_one_entity_wait_for_each_other(reporting: Reporting, world: World) -> None:
    """One changes its values, the other what it leads to: neither may look at what the other has not committed."""
    firm = world.sent("post", "companies", values={"industry": "RETAIL"}).json["id"]
    person = world.sent("post", "contacts", values={"city": "Linz"}).json["id"]
    reporting.catch_up()
    world.sent("patch", f"contacts/{person}", values={"city": "Graz"})
    with reporting.db.connect() as connection:
        reached = watermark(connection, "reporting.contacts")
    page = reporting.contacts.feed.read(str(reached)).page()
    ends = {"from": {"type": "contact", "id": person}, "to": {"type": "company", "id": firm}}
    detail = {"relation": 279, "inverse": 280, **ends, "live": True, "clock": "1", "origin": "opportunities"}
    link = Event(LINK, "contact", now(), entity_id=int(person), detail=detail)

    def tell_of_the_link() -> None:
        with reporting.db.transaction() as connection:
            Projections().apply(connection, "opportunities", [link])

    thread = threading.Thread(target=tell_of_the_link)
    with reporting.db.transaction() as connection:
        reporting.projections.apply(connection, "contacts", page.events)
        thread.start()
        while thread.is_alive() and not _somebody_waits(reporting):
            thread.join(0.01)
    thread.join()
    assert rows(reporting, "people", by=["company.industry"], where={"city": "Graz"})[("RETAIL",)]
    assert reporting.client().post(f"{PATH}/people/verify").json["wrong"] == []
    world.sent("put", f"contacts/{person}/links/companies/{firm}")
    reporting.catch_up()
    assert_exact(reporting)


def test_a_new_metric_waits_for_pages_that_do_not_know_it(reporting: Reporting, world: World) -> None:
    person, friend = (world.sent("post", "contacts", values={"city": one}).json["id"] for one in ("Ried", "Gmunden"))
    reporting.catch_up("workspace")
    reporting.catch_up()
    ends = {"from": {"type": "contact", "id": person}, "to": {"type": "contact", "id": friend}}
    detail = {"relation": 449, "inverse": 449, **ends, "live": True, "clock": "1", "origin": "workspace"}
    link = Event(LINK, "contact", now(), entity_id=int(person), detail=detail)
    raw = {"name": "newest", "entity_type": "contact", "dimensions": ["contact.city", "city"]}
    ids: list[int] = []

    def fill() -> None:
        while reporting.fill(ids[0]):
            pass

    thread = threading.Thread(target=fill)
    with reporting.db.transaction() as connection:
        connection.rows("select 1 from watermark where subscription = 'reporting.workspace' for update")
        reporting.projections.apply(connection, "workspace", [link])
        assert reporting.client().post(PATH, json=raw).status_code == 201
        with reporting.db.connect() as other:
            ids += [row[0] for row in other.rows("select id from metric where name = 'newest'")]
        thread.start()
        while thread.is_alive() and not _somebody_waits(reporting):
            thread.join(0.01)
    thread.join()
    assert rows(reporting, "newest", by=["contact.city"], where={"city": "Ried"}) == {("Gmunden",): "1"}
    assert reporting.client().post(f"{PATH}/newest/verify").json["wrong"] == []
    world.sent("put", f"contacts/{person}/links/contacts/{friend}")


def _somebody_waits(reporting: Reporting) -> bool:
    with reporting.db.connect() as connection:
        sql = "select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
        return connection.row(sql) is not None
