"""The replica equals what its source holds, and every cell what one gets by looking at all entities."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from decimal import Decimal
from typing import Any

import pytest

from services.reporting.domain.definitions import read_definition
from services.reporting.domain.exact import plus
from services.reporting.metrics import store
from services.reporting.projections import compiled_metric
from shared.bus.client import DirectSource
from shared.bus.consumer import pull
from shared.kernel.context import SYSTEM, Context
from shared.kernel.json import loads
from shared.service.replica.copying import copy
from tests.factories.searching import tables_with
from tests.integration.reporting.conftest import Reporting

STATUS = ("NEW", "OPEN", "CONNECTED", "BAD_TIMING")
CITIES = ("北京", "Zürich", "İzmir", None)
BY_STATUS = {
    "name": "contacts_by_status",
    "entity_type": "company",
    "measure": {"kind": "count"},
    "dimensions": ["lead_status", "city"],
}
REVENUE = {
    "name": "revenue",
    "entity_type": "company",
    "filter": {"attribute": "city", "operator": "HAS_PROPERTY"},
    "measure": {"kind": "sum", "attribute": "annual_revenue"},
    "dimensions": ["lead_status", {"name": "month", "attribute": "created_at", "bucket": "month"}],
    "time": {"attribute": "created_at", "time_zone": "Asia/Tokyo"},
}
HIGHEST = {
    "name": "highest",
    "entity_type": "company",
    "measure": {"kind": "max", "attribute": "number_of_employees"},
    "dimensions": ["city"],
}
METRICS = (BY_STATUS, REVENUE, HIGHEST)


def define(reporting: Reporting, raw: dict[str, Any]) -> store.Metric:
    with reporting.db.transaction() as connection:
        return store.insert(connection, read_definition(raw), "test", 0)


def work(reporting: Reporting, seed: int, writes: int = 60) -> None:
    """Random creations, changes, archivings and restorings through the door."""
    rng, web = random.Random(seed), reporting.system.client("contacts")
    here: list[str] = []
    gone: list[str] = []
    for _ in range(writes):
        kind = rng.choice("ccccuuuuar")
        if kind == "c" or not here:
            made = web.post("/api/v1/objects/companies", json={"values": values(rng)})
            assert made.status_code == 201, made.text
            here.append(made.json["id"])
        elif kind == "u":
            assert (
                web.patch(f"/api/v1/objects/companies/{rng.choice(here)}", json={"values": values(rng)}).status_code
                == 200
            )
        elif kind == "a":
            gone.append(here.pop(rng.randrange(len(here))))
            assert web.delete(f"/api/v1/objects/companies/{gone[-1]}").status_code == 204
        elif gone:
            here.append(gone.pop())
            assert web.post(f"/api/v1/objects/companies/{here[-1]}/restore", json={}).status_code == 200


def values(rng: random.Random) -> dict[str, Any]:
    return {
        "lead_status": rng.choice([*STATUS, None]),
        "city": rng.choice(CITIES),
        "annual_revenue": rng.choice([None, "0.1", "12.25", "-3", "99999999999999999999.01"]),
        "number_of_employees": rng.choice([None, "1", "20", "300"]),
    }


def facts(reporting: Reporting) -> dict[int, tuple[int, bool, dict[str, Any]]]:
    with reporting.db.connect() as connection:
        known = reporting.projections.catalogs.types(connection).type("company")
        sql = "select id, version, archived, values::text from fact where type_no = %s"
        rows = connection.rows(sql, (known.no,))
    return {ident: (version, archived, loads(text)) for ident, version, archived, text in rows}


def held(reporting: Reporting) -> dict[int, tuple[int, bool, dict[str, Any]]]:
    """What contacts holds, system attributes added as the replica keeps them."""
    reads, live = reporting.contacts.engine.reads, reporting.contacts.catalog.type("company")
    keys = {name: live.attributes[name].key for name in ("id", "created_at", "updated_at")}
    found: dict[int, tuple[int, bool, dict[str, Any]]] = {}
    for one in reads.holdings("company", after=0, limit=100_000):
        system = {keys["id"]: str(one.id), keys["created_at"]: one.created_at, keys["updated_at"]: one.updated_at}
        found[one.id] = (one.version, one.archived, {**one.values, **system})
    return found


def recomputed(reporting: Reporting, metric: store.Metric) -> tuple[dict[Any, Any], dict[Any, int]]:
    """The metric's groups from what contacts holds, entity by entity."""
    with reporting.db.connect() as connection:
        known = reporting.projections.catalogs.types(connection).type("company")
    compiled = compiled_metric(metric, known)
    sums: dict[Any, list[Any]] = defaultdict(lambda: [0, 0, Decimal(0)])
    counted: Counter[Any] = Counter()
    for _, archived, entity in held(reporting).values():
        one = None if archived else compiled.of(entity)
        if one is None:
            continue
        group = sums[one.dims]
        group[0] += 1
        group[1] += one.m
        group[2] = plus(group[2], one.s)
        if one.value is not None:
            counted[one.dims, one.value] += 1
    return {key: tuple(found) for key, found in sums.items()}, dict(counted)


def kept(reporting: Reporting, metric: store.Metric) -> tuple[dict[Any, Any], dict[Any, Any], dict[Any, int]]:
    """(totals, ledger summed up, counted values)."""
    with reporting.db.connect() as connection:
        one = {"id": metric.id}
        totals = connection.rows("select dims, n, m, s from total where metric_id = %(id)s", one)
        summed = "select dims, sum(n)::bigint, sum(m)::bigint, sum(s) from ledger"
        ledger = connection.rows(f"{summed} where metric_id = %(id)s group by dims", one)
        values = connection.rows("select dims, value, n from cell_value where metric_id = %(id)s", one)
    counted = {(tuple(dims), value): n for dims, value, n in values}
    return store.group_rows(totals), store.group_rows(ledger), counted


def assert_exact(reporting: Reporting) -> None:
    assert facts(reporting) == held(reporting)
    with reporting.db.connect() as connection:
        metrics = store.listed(connection)
    assert metrics
    for metric in metrics:
        groups, counted = recomputed(reporting, metric)
        totals, ledger, values = kept(reporting, metric)
        assert (totals, ledger, values) == (groups, groups, counted), metric.name


@pytest.fixture(scope="module")
def metrics(reporting: Reporting) -> list[store.Metric]:
    """Three metrics, made before anything happened, so that events alone keep them."""
    reporting.catch_up()
    made = [define(reporting, one) for one in METRICS]
    for one in made:
        while reporting.fill(one.id):
            pass
    with reporting.db.connect() as connection:
        assert [store.by_id(connection, one.id).state for one in made] == [store.READY] * len(made)
    return made


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_events_keep_replica_and_cells_exact(reporting: Reporting, metrics: Any, seed: int) -> None:
    work(reporting, seed)
    reporting.catch_up(limit=7)
    assert_exact(reporting)


def test_the_same_events_twice_change_nothing(reporting: Reporting, metrics: Any) -> None:
    work(reporting, 4, 20)
    reporting.catch_up()
    with reporting.db.connect() as connection:
        changes = connection.rows("select * from metric_change")
        connection.run("delete from watermark where source = 'contacts'")
    reporting.catch_up()
    assert_exact(reporting)
    with reporting.db.connect() as connection:
        assert connection.rows("select * from metric_change") == changes


def test_what_is_emptied_leaves_every_version(reporting: Reporting, metrics: Any) -> None:
    """Of an entity that stays when somebody is erased whom it named."""
    web, word, path = reporting.system.client("contacts"), "Wolkenkuckucksheim", "/api/v1/objects/companies"
    ident = web.post(path, json={"values": {"city": word, "lead_status": "NEW"}}).json["id"]
    assert web.patch(f"{path}/{ident}", json={"values": {"city": f"New {word}"}}).status_code == 200
    reporting.catch_up()
    copies = {"fact", "fact_version"}
    with reporting.db.connect() as connection:
        assert set(tables_with(connection, [word])) >= copies
    with reporting.contacts.db.transaction() as connection:
        reporting.contacts.erasure.empty(Context(SYSTEM, "ERASURE"), connection, "company", [int(ident)], ("city",))
    reporting.catch_up()
    assert_exact(reporting)
    with reporting.db.connect() as connection, reporting.contacts.db.connect() as home:
        assert (copies & set(tables_with(connection, [word])), tables_with(home, [word])) == (set(), {})
    assert web.get(f"{path}/{ident}?attributes=city").json["values"]["city"] is None


@pytest.mark.parametrize("entities", [1, 7, 1000])
def test_a_metric_filled_while_events_come_is_exact(reporting: Reporting, metrics: Any, entities: int) -> None:
    late = define(reporting, {**REVENUE, "name": f"late_{entities}"})
    beside = [define(reporting, {**one, "name": f"beside_{one['name']}_{entities}"}) for one in (HIGHEST, BY_STATUS)]
    source = reporting.subscription(limit=3)
    feeds = DirectSource({"contacts": reporting.contacts.feed})
    work(reporting, 10 + entities, 15)
    rounds = 0
    while reporting.fill(late.id, entities=entities):
        rounds += 1
        if rounds % 5 == 0:
            work(reporting, rounds, 3)
        if rounds == 2:
            beside.append(define(reporting, {**BY_STATUS, "name": f"behind_{entities}"}))
        pull(reporting.db, feeds, source)
    reporting.catch_up()
    with reporting.db.connect() as connection:
        done = [store.by_id(connection, one.id) for one in (late, *beside[:2])]
    assert [(one.state, one.error) for one in done] == [(store.READY, None)] * 3, "those that began with it are filled"
    for one in beside:
        while reporting.fill(one.id, entities=entities):
            pass
    assert_exact(reporting)


def test_a_copy_taken_over_is_exact(reporting: Reporting, metrics: Any) -> None:
    """The log is lost: everything is read from what contacts holds, and what it no longer has goes."""
    work(reporting, 50, 30)
    web = reporting.system.client("contacts")
    with reporting.db.transaction() as connection:
        known = reporting.projections.catalogs.types(connection).type("company")
        connection.run("delete from fact where type_no = %s and id %% 3 = 0", (known.no,))
        ghost = """insert into fact values (%s, 9999999, 1, false, now(), 0, '{}')"""
        connection.run(ghost, (known.no,))
        connection.run("delete from total")
        connection.run("delete from cell")
        connection.run("delete from cell_value")
        connection.run("update metric set state = 'retired'")
    define(reporting, {**BY_STATUS, "name": "after_loss"})
    copy(
        reporting.db,
        reporting.projections.catalogs,
        "contacts",
        lambda path: web.get(path).json,
        reporting.projections.project,
    )
    with reporting.db.connect() as connection:
        [late] = store.listed(connection)
    while reporting.fill(late.id, entities=11):
        pass
    assert_exact(reporting)


def test_a_metric_whose_attribute_goes_fails_alone(reporting: Reporting, metrics: Any) -> None:
    web = reporting.system.client("contacts")
    made = web.post("/api/v1/types/companies/attributes", json={"label": "Fleeting", "type": "string"}).json
    reporting.catch_up()
    one = define(reporting, {**BY_STATUS, "name": "fleeting", "dimensions": [made["name"]]})
    while reporting.fill(one.id):
        pass
    assert web.delete(f"/api/v1/types/companies/attributes/{made['name']}").status_code == 204
    work(reporting, 99, 5)
    reporting.catch_up()
    with reporting.db.connect() as connection:
        assert store.by_id(connection, one.id).state == store.FAILED
    assert_exact(reporting)
