"""Possible duplicates: warned of on creation, checked beforehand, their keys kept by every kind of write."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from flask.testing import FlaskClient

from shared.eav.bulk.items import BulkItem
from shared.eav.requests import Ref
from shared.kernel.context import Context
from shared.service.matching import store
from shared.service.matching.backfill import backfill
from tests.factories.counting import own
from tests.integration.service.conftest import System

CONTACTS = "/api/v1/objects/contacts"
DIALECT = "/crm/v3/objects/contacts"


@pytest.fixture
def contacts(system: System) -> FlaskClient:
    return system.client("contacts")


@pytest.fixture
def word() -> str:
    """A family name nobody else has."""
    return "".join(chr(97 + int(one, 16)) for one in uuid.uuid4().hex[:12])


def make(client: FlaskClient, **values: object) -> Any:
    answer = client.post(CONTACTS, json={"values": values})
    assert answer.status_code == 201, answer.json
    return answer.json


def check(client: FlaskClient, **values: object) -> list[tuple[str, str]]:
    answer = client.post(f"{CONTACTS}/duplicates", json={"values": values})
    assert answer.status_code == 200, answer.json
    return [(one["id"], one["rule"]) for one in answer.json["results"]]


def expected_keys(system: System) -> set[tuple[int, int, int]]:
    """The keys that live entities must have, computed from what is stored now."""
    runtime = system.runtime("contacts")
    keys = set()
    for name in ("contact", "company"):
        live = runtime.catalog.type(name)
        view = __import__("shared.eav.query.reading", fromlist=["reader"]).reader(live, live.stored, "canonical")
        with runtime.db.connect() as connection:
            rows = connection.rows(f"select id from eav_entity_{live.table}")
            entities = [view.entity(row) for row in view.rows(connection, [row[0] for row in rows])]
        for one in entities:
            for rule in runtime.duplicates.keeping.rules(live):
                keys |= {(rule.number, key, one.id) for key in rule.keys(one.values)}
    return keys


def stored_keys(system: System) -> set[tuple[int, int, int]]:
    """Those there are, of live entities."""
    runtime = system.runtime("contacts")
    live = [runtime.catalog.type(name).table for name in ("contact", "company")]
    ids = " union all ".join(f"select id from eav_entity_{table}" for table in live)
    with runtime.db.connect() as connection:
        return set(connection.rows(f"select rule, key, entity_id from match_key where entity_id in ({ids})"))  # type: ignore[arg-type]


def test_creating_warns_and_the_dialect_says_it_in_a_header(contacts: FlaskClient, word: str) -> None:
    person = {"first_name": "Ada", "last_name": word, "company": "Engines Ltd"}
    first = make(contacts, email=f"ada@{word}.test", **person)
    assert "warnings" not in first
    second = make(contacts, first_name="ADA", last_name=word.upper(), company="Engines GmbH")
    (warning,) = second["warnings"]
    assert warning == {
        "code": "POSSIBLE_DUPLICATE", "ids": [first["id"]], "rule": "same_name_and_company", "score": 0.9,
    }  # fmt: skip
    properties = {"firstname": "Ada", "lastname": word, "company": "Engines"}
    third = contacts.post(DIALECT, json={"properties": properties})
    assert third.status_code == 201
    assert third.headers["X-Possible-Duplicates"] == f"{first['id']}, {second['id']}"
    assert "warnings" not in third.json
    batch = contacts.post(DIALECT + "/batch/create", json={"inputs": [{"properties": properties}, {"properties": {}}]})
    assert set(batch.headers["X-Possible-Duplicates"].split(", ")) >= {first["id"], third.json["id"]}
    native = contacts.post(f"{CONTACTS}/batch/create", json={"inputs": [{"values": person}, {"values": {}}]})
    assert ["warnings" in one for one in native.json["results"]] == [True, False]


def test_checking_writes_nothing(system: System, contacts: FlaskClient, word: str) -> None:
    made = make(contacts, first_name="Stefan", last_name=word, phone="+49 30 901820", city="Berlin")
    before = stored_keys(system)
    assert check(contacts, firstname="Stephan", lastname=word + "n", city="BERLIN") == [(made["id"], "similar_name")]
    assert check(contacts, mobile_phone="0049 30 901820")[0] == (made["id"], "same_phone")
    assert check(contacts, phone="030 901820", country="Germany")[0] == (made["id"], "same_phone")
    assert check(contacts, first_name="Nobody", last_name="Else" + word) == []
    assert check(contacts) == []
    assert stored_keys(system) == before
    wrong = contacts.post(f"{CONTACTS}/duplicates", json={"values": {"frist_name": "x", "email": "no address"}})
    assert wrong.status_code == 400
    assert {one["code"] for one in wrong.json["errors"]} == {"PROPERTY_DOESNT_EXIST", "INVALID_EMAIL"}


def test_who_has_a_unique_value_is_named_first(system: System, contacts: FlaskClient, word: str) -> None:
    first = make(contacts, email=f"grace@{word}.test", phone="+1 212 555 0188")
    assert check(contacts, email=f"GRACE@{word}.test") == [(first["id"], "same_email")]
    both = {"email": f"grace@{word}.test", "first_name": "Grace", "last_name": word, "phone": "+12125550188"}
    assert check(contacts, **both)[0] == (first["id"], "same_email")
    assert [one for one, _ in check(contacts, **both)].count(first["id"]) == 1


def test_an_entity_type_without_rules_has_no_duplicates(system: System) -> None:
    workspace = system.client("workspace")
    answer = workspace.post("/api/v1/objects/teams/duplicates", json={"values": {"name": "x"}})
    assert (answer.status_code, answer.json) == (200, {"results": []})


def test_who_may_not_read_is_not_told(system: System, contacts: FlaskClient, word: str) -> None:
    workspace = system.client("workspace")
    made = workspace.post("/api/v1/tokens", json={"name": word, "scopes": ["crm.objects.contacts.write"]})
    writer = system.client("contacts", made.json["token"])
    make(contacts, phone="+49 30 9018205")
    assert "warnings" not in make(writer, phone="+49 30 9018205")
    assert "warnings" in make(contacts, phone="+49 30 9018205")
    assert writer.post(f"{CONTACTS}/duplicates", json={"values": {}}).status_code == 403


def test_keys_follow_every_write(system: System, contacts: FlaskClient, word: str) -> None:
    a = make(contacts, first_name="Ada", last_name=word, company="Engines")["id"]
    b = make(contacts, first_name="Bea", last_name=word, phone="+49 30 9018201")["id"]
    steps: list[tuple[str, str, Any]] = [
        ("patch", f"{CONTACTS}/{a}", {"values": {"last_name": word + "x", "city": "Bonn"}}),
        ("patch", f"{CONTACTS}/{a}", {"values": {"company": None}}),
        ("delete", f"{CONTACTS}/{a}", None),
        ("post", f"{CONTACTS}/{a}/restore", {}),
        ("post", f"{CONTACTS}/{a}/merge", {"absorb": [b]}),
        ("post", f"{CONTACTS}/{a}/unmerge", {}),
        ("post", DIALECT + "/batch/upsert", {"inputs": [{"id": f"n@{word}.test", "idProperty": "email",
                                                         "properties": {"firstname": "Cy", "lastname": word}}]}),
        ("post", f"{CONTACTS}/{b}/erase", {}),
    ]  # fmt: skip
    for method, path, body in steps:
        answer = getattr(contacts, method)(path, json=body)
        assert answer.status_code < 300, answer.json
        assert stored_keys(system) == expected_keys(system), path
    assert check(contacts, phone="+49 30 9018201") == []
    runtime = system.runtime("contacts")
    with runtime.db.connect() as connection:
        assert connection.row("select count(*) from match_key where entity_id = %(b)s", {"b": int(b)}) == (0,)


def test_keys_follow_bulk_writes(system: System, word: str) -> None:
    runtime = system.runtime("contacts")
    items = [BulkItem({"email": f"b{n}@{word}.test", "first_name": f"N{n}", "last_name": word}) for n in range(50)]
    made = runtime.engine.bulk.write("contact", items, Context())
    again = [
        BulkItem({"last_name": f"{word}{round}", "company": "Engines"}, Ref(id=one.id))
        for round in range(2)
        for one in made
    ]
    runtime.engine.bulk.write("contact", again, Context())
    assert stored_keys(system) == expected_keys(system)


def test_a_merge_of_what_was_warned_of_ends_the_warnings(contacts: FlaskClient, word: str) -> None:
    first = make(contacts, first_name="Ada", last_name=word, company="Engines")["id"]
    second = make(contacts, first_name="Ada", last_name=word, company="Engines")
    contacts.post(f"{CONTACTS}/{first}/merge", json={"absorb": [second["id"]]})
    assert [ident for ident, _ in check(contacts, first_name="Ada", last_name=word, company="Engines")] == [first]


def test_a_key_that_many_share_shows_few(contacts: FlaskClient, word: str) -> None:
    values = {"first_name": "Ada", "last_name": word, "company": "Engines"}
    for _ in range(2):
        inputs = [{"values": values}] * 40
        assert contacts.post(f"{CONTACTS}/batch/create", json={"inputs": inputs}).status_code == 201
    assert len(check(contacts, **values)) == 20


def statements_of(system: System, step: Callable[[], Any]) -> list[str]:
    with system.runtime("contacts").db.counted() as statements:
        step()
    return own(statements)


def test_statements_are_few(system: System, contacts: FlaskClient, word: str) -> None:
    values = {"first_name": "Ada", "last_name": word, "company": "Engines", "phone": "+49 30 9018209"}
    make(contacts, **values)
    counts = []
    for inputs in ([{"values": values}], [{"values": values}] * 40):
        body = {"inputs": inputs}
        statements = statements_of(system, partial(contacts.post, f"{CONTACTS}/batch/create", json=body))
        counts.append(len(statements))
        assert len([one for one in statements if "match_key" in one]) == 1
    assert counts[0] == counts[1]


def test_duplicates_cost_a_creation_one_statement_and_other_updates_none(
    system: System, contacts: FlaskClient, word: str
) -> None:
    values = {"first_name": "Ada", "last_name": word, "phone": "+49 30 9018303"}
    made = make(contacts, job_title="Countess")["id"]
    # The entity, its keys with whoever shares one, the event.
    assert len(statements_of(system, lambda: make(contacts, **values))) == 3
    # Nothing to make keys of: the entity and the event.
    assert len(statements_of(system, lambda: make(contacts, job_title="Countess"))) == 2
    path = f"{CONTACTS}/{made}"
    assert contacts.patch(path, json={"values": values}).status_code == 200
    steps: list[tuple[dict[str, str], int]] = [
        ({"job_title": "Poet"}, 0),
        ({"last_name": word.upper()}, 0),
        ({"city": "Bonn"}, 1),
    ]
    for changed, keyed in steps:
        body = {"values": changed}
        statements = statements_of(system, partial(contacts.patch, path, json=body))
        assert len(statements) == 3 + keyed
        assert len([one for one in statements if "match_key" in one]) == keyed
    assert stored_keys(system) == expected_keys(system)


def test_those_created_together_are_told_of_each_other(contacts: FlaskClient, word: str) -> None:
    values = {"first_name": "Ada", "last_name": word, "company": "Engines"}
    before = make(contacts, **values)["id"]
    inputs = [{"values": values}, {"values": {**values, "last_name": word + "x"}}, {"values": values}]
    answer: Any = contacts.post(f"{CONTACTS}/batch/create", json={"inputs": inputs}).json
    first, other, last = answer["results"]
    told = [set(one["warnings"][0]["ids"]) for one in (first, last)]
    assert told == [{before, last["id"]}, {before, first["id"]}]
    assert all(warning["rule"] == "similar_name" for warning in other.get("warnings", []))


def test_an_upsert_that_creates_is_warned_of_and_one_that_updates_is_not(contacts: FlaskClient, word: str) -> None:
    values = {"firstname": "Ada", "lastname": word, "company": "Engines"}
    ids: list[str] = []
    for _ in range(2):
        inputs = [{"id": f"{n}@{word}.test", "idProperty": "email", "properties": values} for n in range(len(ids) + 1)]
        answer: Any = contacts.post(DIALECT + "/batch/upsert", json={"inputs": inputs})
        assert answer.status_code in (200, 201)
        told = answer.headers.get("X-Possible-Duplicates", "")
        assert told == ", ".join(ids)
        ids = [one["id"] for one in answer.json["results"]]


def all_done(system: System) -> bool:
    with system.runtime("contacts").db.connect() as connection:
        return connection.row("select bool_and(done) from match_rule") == (True,)


class TestBackfill:
    def test_it_goes_on_where_it_stopped(self, system: System, contacts: FlaskClient, word: str) -> None:
        runtime = system.runtime("contacts")
        matching = runtime.manifest.matching
        for n in range(30):
            make(contacts, first_name=f"N{n}", last_name=word, phone=f"+49 30 90182{n:02}")
        with runtime.db.connect() as connection:
            connection.run("delete from match_key")
            connection.run("update match_rule set upto = 0, done = false")
        first = backfill(matching, runtime.db, seconds=0, piece=7)
        assert 0 < first <= 7
        assert stored_keys(system) < expected_keys(system)
        done = first
        while not all_done(system):
            done += backfill(matching, runtime.db, seconds=0, piece=7)
        assert done >= 4 * 30
        assert stored_keys(system) == expected_keys(system)
        assert backfill(matching, runtime.db) == 0

    def test_keys_of_rules_that_are_gone_go_too(self, system: System, contacts: FlaskClient, word: str) -> None:
        runtime = system.runtime("contacts")
        while not all_done(system):
            backfill(runtime.manifest.matching, runtime.db)
        with runtime.db.connect() as connection:
            store.register(connection, "contact", "an_old_rule", 1)
            (number,) = connection.row("select id from match_rule where name = 'an_old_rule'")
            store.add(connection, [(number, key, 1) for key in range(25)])
        assert backfill(runtime.manifest.matching, runtime.db, piece=10) == 25
        with runtime.db.connect() as connection:
            assert connection.row("select count(*) from match_key where rule = %(r)s", {"r": number}) == (0,)
            assert connection.row("select count(*) from match_rule where id = %(r)s", {"r": number}) == (0,)


def test_looking_never_scans(system: System, contacts: FlaskClient, word: str) -> None:
    """The plan of a look-up walks down primary keys, also where there are many rows."""
    runtime = system.runtime("contacts")
    live = runtime.catalog.type("contact")
    items = [BulkItem({"first_name": f"N{n}", "last_name": word, "company": f"C{n}"}) for n in range(5000)]
    runtime.engine.bulk.write("contact", items, Context())
    rules = runtime.duplicates.keeping.rules(live)
    values = {live.attributes["first_name"].key: "N7", live.attributes["last_name"].key: word}
    values[live.attributes["company"].key] = "C7"
    keys = [(rule.number, key) for rule in rules for key in rule.keys(values)]
    assert keys
    with runtime.db.connect() as connection:
        connection.run("analyze match_key")
        connection.run(f"analyze eav_entity_{live.table}")
        found = store._FIND.format(table=f"eav_entity_{live.table}", most=store.MOST_PER_KEY)
        plans = [
            [row[0] for row in connection.rows(f"explain {found}", store._columns("rk", keys))],
            [
                row[0]
                for row in connection.rows(
                    f"explain {store._add_and_find(live.table)}",
                    store._columns("rke", [(*one, 1) for one in keys]),
                )
            ],
        ]
    for plan in map("\n".join, plans):
        assert "Seq Scan" not in plan, plan
        assert "match_key_pkey" in plan
        assert f"eav_entity_{live.table}_pkey" in plan
