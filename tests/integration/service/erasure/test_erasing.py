"""Erasing on request: nothing ever written about a person is left anywhere; what happened stays explicable."""

from __future__ import annotations

import itertools
import uuid
from typing import Any

import pytest
from flask.testing import FlaskClient

from shared.bus import outbox
from shared.bus.feed import Feed
from shared.contracts.event import ERASED, Event
from shared.eav.batches import nothing_kept_out
from shared.eav.bulk.items import BulkItem
from shared.eav.requests import Ref
from shared.kernel.clock import now
from shared.kernel.context import Context
from shared.service.erasure.secret import Secret
from tests.factories.counting import own
from tests.factories.searching import redis_keys_with, tables_with
from tests.integration.service.conftest import System

CONTACTS = "/api/v1/objects/contacts"
DIALECT = "/crm/v3/objects/contacts"
_numbers = itertools.count(1)


@pytest.fixture(autouse=True)
def secrets(monkeypatch: pytest.MonkeyPatch, system: System) -> None:
    """A secret for the ledger, and no file of this machine."""
    runtime = system.runtime("contacts")
    monkeypatch.setattr(runtime.erasure, "_secrets", _secrets)


def _secrets() -> list[Secret]:
    return [Secret.of("secret of tests")]


@pytest.fixture
def contacts(system: System) -> FlaskClient:
    return system.client("contacts")


@pytest.fixture
def word() -> str:
    """Something nobody else has."""
    return f"w{uuid.uuid4().hex[:12]}"


class Person:
    """Somebody with a life: every value ever written is noted."""

    def __init__(self, system: System, word: str) -> None:
        self.system, self.word = system, word
        self.client = system.client("contacts")
        self.texts: list[str] = []
        self.mail = self.text("mail") + "@x.test"
        first = {"email": self.mail, "first_name": self.text("first"), "message": self.text("message" * 40)}
        self.id = self.create(first)

    def text(self, what: str) -> str:
        """A value of this person alone."""
        made = f"{what}{next(_numbers)}{self.word}"
        self.texts.append(made)
        return made

    def create(self, values: dict[str, Any]) -> str:
        made = self.client.post(CONTACTS, json={"values": values}, headers={"Idempotency-Key": uuid.uuid4().hex})
        assert made.status_code == 201, made.json
        return str(made.json["id"])

    def live(self) -> None:
        """Changes, an archive, merges (one undone), links, searches, an import."""
        path = f"{CONTACTS}/{self.id}"
        for name in ("first_name", "last_name", "company", "address", "message", "job_title"):
            key = {"Idempotency-Key": self.text("key")}
            assert self.client.patch(path, json={"values": {name: self.text(name)}}, headers=key).status_code == 200
        self.client.patch(path, json={"values": {"message": None, "address": None}})
        self.client.delete(path)
        assert self.client.post(f"{path}/restore", json={}).status_code == 200
        twin = self.create({"email": self.text("twin") + "@x.test", "city": self.text("city")})
        assert self.client.post(f"{path}/merge", json={"absorb": [twin]}).status_code == 200
        firm = self.client.post("/api/v1/objects/companies", json={"values": {"name": "A firm"}}).json["id"]
        self.client.put(f"/crm/v4/objects/contacts/{self.id}/associations/default/companies/{firm}")
        self._searches()
        self._import()

    def _searches(self) -> None:
        """Walks remember where pages end: here with this person."""
        for letter in "zaa":
            self.client.post(CONTACTS, json={"values": {"last_name": f"{letter}{self.word}"}})
        among = {"propertyName": "lastname", "operator": "CONTAINS_TOKEN", "value": f"*{self.word}"}
        for after in (0, 1):
            body = {"sorts": ["-lastname"], "limit": 1, "after": str(after), "filters": [among]}
            assert self.client.post(DIALECT + "/search", json=body).status_code == 200

    def _import(self) -> None:
        """What an import would have left of this person, and of another row of the same file."""
        runtime = self.system.runtime("contacts")
        with runtime.db.transaction() as connection:
            (job,) = connection.row(
                "insert into work_job (kind, number, entity_type, phase, state, spec)"
                " values ('import', %(n)s, 'contact', 'run', 'done', %(spec)s::jsonb) returning id",
                {"n": 1000 + next(_numbers), "spec": f'{{"set": {{"email": "{self.mail}"}}}}'},
            )
            connection.run(
                "insert into import_row values (%(j)s, 7, 'contact', %(i)s, 'created', 1)",
                {"j": job, "i": int(self.id)},
            )
            connection.run(
                "insert into import_seen values (%(j)s, 'email', %(k)s, 7, %(v)s::jsonb)",
                {"j": job, "k": self.mail, "v": f'{{"first_name": "{self.texts[1]}"}}'},
            )
            connection.run(
                "insert into import_deferred (job_id, line, key, cells) values (%(j)s, 7, %(k)s, %(c)s::jsonb)",
                {"j": job, "k": self.mail, "c": f'["{self.mail}"]'},
            )
            number = connection.row("select number from work_job where id = %(j)s", {"j": job})[0]
            sample = {
                "line": 7,
                "id": int(self.id),
                "outcome": "updated",
                "changed": {"first_name": [None, self.texts[1]]},
            }
            detail = {"chunk": 1, "samples": [sample]}
            outbox.append(connection, [Event("import.chunk", "contact", now(), number, detail=detail)])
        self.import_number = number


@pytest.fixture
def person(system: System, word: str) -> Person:
    made = Person(system, word)
    made.live()
    return made


def left(system: System, texts: list[str]) -> dict[str, Any]:
    runtime = system.runtime("contacts")
    with runtime.db.connect() as connection:
        found: dict[str, Any] = dict(tables_with(connection, texts))
    keys = redis_keys_with(runtime.redis, texts)
    return {**found, **({"redis": keys} if keys else {})}


def events(system: System) -> list[Any]:
    after, found = "start", []
    while True:
        page = Feed(system.runtime("contacts").db).read(after).page()
        found += page.events
        after = str(page.next)
        if page.up_to_date:
            return found


def test_the_search_itself_finds_what_there_is(system: System, person: Person) -> None:
    """Else the other tests would prove nothing: before the erasure, the values lie in many places."""
    found = left(system, person.texts)
    places = {name.rstrip("0123456789_") for name in found}
    assert {"outbox", "eav_history", "eav_entity", "eav_archive", "eav_unique", "eav_search", "redis"} <= places
    assert {"idempotency_key", "import_seen", "import_deferred", "work_job"} <= set(found)


@pytest.mark.parametrize("by", ["id", "mail", "native", "twin"])
def test_nothing_is_left(system: System, person: Person, by: str) -> None:
    before = [(one.id, one.kind) for one in events(system)]
    if by == "native":
        answer = person.client.post(f"{CONTACTS}/{person.id}/erase", json={})
        assert answer.status_code == 200
        assert set(answer.json["erased"]) >= {person.id}
    else:
        body = {"id": {"objectId": person.id}, "mail": {"objectId": person.mail.upper(), "idProperty": "email"},
                "twin": {"objectId": str(int(person.id) + 1)}}[by]  # fmt: skip
        answer = person.client.post(
            DIALECT + "/gdpr-delete", json=body, headers={"Idempotency-Key": person.text("key")}
        )
        assert answer.status_code == 204
        person.texts.pop()  # the repetition's own key, which names nobody
    assert left(system, person.texts) == {}
    for archived in ("false", "true"):
        assert person.client.get(f"{DIALECT}/{person.id}?archived={archived}").status_code == 404
    assert person.client.get(f"{CONTACTS}/{person.id}?archived=true").status_code == 404
    assert person.client.post(f"{CONTACTS}/{person.id}/restore", json={}).status_code == 404
    assert person.client.post(f"{CONTACTS}/{person.id}/unmerge", json={}).status_code == 404
    after = events(system)
    assert [(one.id, one.kind) for one in after][: len(before)] == before
    told = [one for one in after if one.kind == ERASED and str(one.entity_id) == person.id]
    assert len(told) == 1
    assert told[0].changed == {}
    assert told[0].detail["imports"] == [[person.import_number, 7]]
    assert [relation for relation, *_ in told[0].detail["links"]] == [1, 279]
    mine = [one for one in after if one.entity_type == "contact" and str(one.entity_id) == person.id]
    versions = [one.version for one in mine if one.kind.startswith("entity.")]
    assert versions == list(range(1, len(versions) + 1))


def test_what_others_once_had_by_a_merge_is_gone_too(system: System, person: Person) -> None:
    """A merge that was undone leaves values in the other one's history."""
    other = person.create({"first_name": "Somebody else"})
    assert person.client.post(f"{CONTACTS}/{other}/merge", json={"absorb": [person.id]}).status_code == 200
    person.client.patch(f"{CONTACTS}/{other}", json={"values": {"last_name": "New"}})
    assert person.client.post(f"{CONTACTS}/{other}/unmerge", json={}).status_code == 200
    person.client.patch(f"{CONTACTS}/{other}", json={"values": {"last_name": "Newer", "first_name": "Still else"}})
    assert person.client.post(DIALECT + "/gdpr-delete", json={"objectId": person.id}).status_code == 204
    assert left(system, person.texts) == {}
    read = person.client.get(f"{CONTACTS}/{other}?history=first_name").json
    assert [one["value"] for one in read["history"]["first_name"]] == ["Still else", "Somebody else"]
    assert read["values"]["last_name"] == "Newer"


def test_archived_ones_of_an_address_go_with_it(system: System, contacts: FlaskClient, word: str) -> None:
    ids = []
    for n in range(2):
        made = contacts.post(CONTACTS, json={"values": {"email": f"{word}@x.test", "first_name": f"{n}{word}"}})
        ids.append(made.json["id"])
        contacts.delete(f"{CONTACTS}/{made.json['id']}")
    body = {"objectId": f"{word}@x.test", "idProperty": "email"}
    assert contacts.post(DIALECT + "/gdpr-delete", json=body).status_code == 204
    assert left(system, [word]) == {}
    for ident in ids:
        assert contacts.get(f"{DIALECT}/{ident}?archived=true").status_code == 404


@pytest.mark.parametrize(
    "body",
    [{"objectId": "999999999999"}, {"objectId": "no@body.test", "idProperty": "email"}, {"objectId": "not an id"},
     {"objectId": str(10**30)}],
)  # fmt: skip
def test_nobody_is_erased_without_an_error(contacts: FlaskClient, body: dict[str, str]) -> None:
    assert contacts.post(DIALECT + "/gdpr-delete", json=body).status_code == 204


@pytest.mark.parametrize(
    "body", [{}, {"objectId": ""}, {"objectId": ["1"]}, {"objectId": "x", "idProperty": "firstname"}]
)
def test_refusals(contacts: FlaskClient, body: dict[str, Any]) -> None:
    assert contacts.post(DIALECT + "/gdpr-delete", json=body).status_code == 400


def test_erasing_needs_the_right_to_write(system: System, person: Person) -> None:
    workspace = system.client("workspace")
    made = workspace.post("/api/v1/tokens", json={"name": person.word, "scopes": ["crm.objects.contacts.read"]})
    reader = system.client("contacts", made.json["token"])
    assert reader.post(DIALECT + "/gdpr-delete", json={"objectId": person.id}).status_code == 403
    assert reader.post(f"{CONTACTS}/{person.id}/erase", json={}).status_code == 403
    for method, path in (("get", ""), ("post", "/reapply"), ("post", "/lift")):
        body = {"type": "contact", "attribute": "email", "value": "a@b.test"} if path == "/lift" else {}
        answer = getattr(reader, method)(f"/api/v1/contacts/erasures{path}", json=body)
        assert answer.status_code == 403
    assert person.client.get(f"{CONTACTS}/{person.id}").status_code == 200


@pytest.mark.parametrize("count", [1, 20])
def test_statements_do_not_depend_on_how_many_were_merged(
    system: System, contacts: FlaskClient, word: str, count: int
) -> None:
    ids = [
        contacts.post(CONTACTS, json={"values": {"email": f"{n}@{word}.test", "last_name": word}}).json["id"]
        for n in range(count + 1)
    ]
    contacts.post(f"{CONTACTS}/{ids[0]}/merge", json={"absorb": ids[1:]})
    with system.runtime("contacts").db.counted() as statements:
        assert len(contacts.post(f"{CONTACTS}/{ids[0]}/erase", json={}).json["erased"]) == count + 1
    assert len(own(statements)) == STATEMENTS, "\n".join(own(statements))


# Whom the id means (asked again once all is held); states of both tables; keys; links and what others once had; imports
# three times, log, answers, match keys twice, ledger twice, the values that are gone; rows, traces, history; event.
STATEMENTS = 24


def test_erasing_again_does_nothing(system: System, person: Person) -> None:
    path = f"{CONTACTS}/{person.id}/erase"
    assert person.client.post(path, json={}).json["erased"]
    count = len(events(system))
    assert person.client.post(path, json={}).json == {"erased": {}}
    assert len(events(system)) == count


def test_without_the_block_the_address_is_free_again(
    system: System, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    for part in (system.runtime("contacts").engine.writes, system.runtime("contacts").engine.bulk):
        monkeypatch.setattr(part, "_kept_out", nothing_kept_out)  # as with CRM_ERASURE_BLOCK=0
    person.client.post(DIALECT + "/gdpr-delete", json={"objectId": person.id})
    again = person.client.post(CONTACTS, json={"values": {"email": person.mail}})
    assert again.status_code == 201


class TestBlock:
    def test_an_erased_value_is_refused_everywhere(self, system: System, person: Person) -> None:
        person.client.post(DIALECT + "/gdpr-delete", json={"objectId": person.id})
        made = person.client.post(DIALECT, json={"properties": {"email": f" {person.mail.upper()} "}})
        assert made.status_code == 400
        assert made.json["errors"][0]["code"] == "ERASED_VALUE"
        assert "erased on request" in made.json["message"]
        assert person.mail not in made.json["message"]
        other = person.create({"first_name": "Other"})
        changed = person.client.patch(f"{CONTACTS}/{other}", json={"values": {"email": person.mail}})
        assert changed.status_code == 400
        further = {"hs_additional_emails": f"else@x.test; {person.mail.upper()}"}
        for body in ({"properties": further}, {"properties": {**further, "email": f"fresh{person.mail}"}}):
            path, verb = (DIALECT, "POST") if "email" in body["properties"] else (f"{DIALECT}/{other}", "PATCH")
            refused = person.client.open(path, method=verb, json=body)
            assert refused.status_code == 400
            (error,) = refused.json["errors"]
            assert (error["code"], error["context"]["propertyName"]) == ("ERASED_VALUE", ["hs_additional_emails"])
        inputs = [{"id": person.mail, "properties": {"email": person.mail}, "objectWriteTraceId": "1"},
                  {"id": f"free{person.mail}", "properties": {}, "objectWriteTraceId": "2"}]  # fmt: skip
        batch = person.client.post(DIALECT + "/batch/upsert", json={"inputs": inputs})
        assert batch.status_code == 207
        assert batch.json["errors"][0]["context"]["objectWriteTraceId"] == ["1"]
        assert len(batch.json["results"]) == 1
        runtime = system.runtime("contacts")
        items = [BulkItem({"email": person.mail}), BulkItem({"email": f"fine{person.mail}"}),
                 BulkItem({"email": f"new{person.mail}", **further}),
                 BulkItem(further, Ref(id=int(other)), "update")]  # fmt: skip
        outcomes = runtime.engine.bulk.write("contact", items, Context())
        assert [one.outcome for one in outcomes] == ["rejected", "created", "rejected", "rejected"]
        assert outcomes[3].errors[0].name == "hs_additional_emails"
        assert outcomes[0].errors[0].code == "ERASED_VALUE"

    def test_a_value_nobody_has_is_kept_out_as_well(self, contacts: FlaskClient, word: str) -> None:
        body = {"objectId": f"{word}@x.test", "idProperty": "email"}
        assert contacts.post(DIALECT + "/gdpr-delete", json=body).status_code == 204
        made = contacts.post(CONTACTS, json={"values": {"email": f"{word}@x.test"}})
        assert made.status_code == 400

    def test_lifting(self, person: Person) -> None:
        person.client.post(DIALECT + "/gdpr-delete", json={"objectId": person.id})
        wanted = {"type": "contacts", "attribute": "email", "value": person.mail.upper()}
        path = "/api/v1/contacts/erasures/lift"
        assert person.client.post(path, json=wanted).json == {"lifted": True}
        assert person.client.post(path, json=wanted).json == {"lifted": False}
        assert person.client.post(CONTACTS, json={"values": {"email": person.mail}}).status_code == 201
        wrong = {"type": "contacts", "attribute": "first_name", "value": "x"}
        assert person.client.post(path, json=wrong).status_code == 400

    def test_another_secret_before_the_old_one(self, person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
        runtime = person.system.runtime("contacts")
        person.client.post(DIALECT + "/gdpr-delete", json={"objectId": person.id})
        new, old = Secret.of("a new one"), _secrets()[0]
        for secrets, status in (([new, old], 400), ([old], 400), ([new], 201)):
            monkeypatch.setattr(runtime.erasure, "_secrets", lambda secrets=secrets: secrets)
            assert person.client.post(CONTACTS, json={"values": {"email": person.mail}}).status_code == status
