"""Foreign data needs foreign rights, at every surface: one table.

Reading what belongs to another service needs the right to read its type: refused where it is asked for by name, left
out where it would only be shown. Writing a link needs the right to write both ends.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from shared.service.tokens import token_hash
from tests.factories.apart import Apart

V3, V4, NATIVE = "/crm/v3/objects", "/crm/v4", "/api/v1/objects"
SPEC = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 3}]
TOKEN_ROW = """insert into service_token (id, name, hash, scopes, created_at, version)
values (%(id)s, 'rights', %(hash)s, %(scopes)s, now() at time zone 'UTC', 1)"""
Web = Any


@dataclass(frozen=True)
class World:
    """A deal, a contact linked to it, and one that is not."""

    deal: int
    contact: int
    other: int


@dataclass(frozen=True)
class Surface:
    """One way to ask. without: what it answers to who has no right on contacts; None: 200 without the foreign part,
    which `shown` finds in the body."""

    name: str
    ask: Callable[[Web, World], Any]
    without: int | None = 403
    shown: Callable[[dict[str, Any]], object] = lambda _body: True


def search(web: Web, name: str, value: object) -> Any:
    filters = [{"propertyName": name, "operator": "EQ", "value": str(value)}]
    return web.post(f"{V3}/deals/search", json={"filterGroups": [{"filters": filters}]})


def query(web: Web, name: str, value: object) -> Any:
    condition = {"not": {"or": [{"attribute": name, "operator": "EQ", "value": str(value)}]}}
    return web.post(f"{NATIVE}/deals/query", json={"filter": condition})


def export(web: Web, name: str, value: object) -> Any:
    condition = json.dumps({"attribute": name, "operator": "EQ", "value": str(value)})
    return web.get(f"{NATIVE}/deals/export", query_string={"format": "ndjson", "filter": condition, "attributes": "id"})


def batch(world: World) -> dict[str, Any]:
    return {"inputs": [{"from": {"id": str(world.deal)}, "to": {"id": str(world.other)}, "types": SPEC}]}


def old_batch(world: World) -> dict[str, Any]:
    ends = {"from": {"id": str(world.deal)}, "to": {"id": str(world.other)}}
    return {"inputs": [{**ends, "type": "deal_to_contact"}]}


def with_links(world: World) -> list[dict[str, Any]]:
    return [{"to": {"id": str(world.other)}, "types": SPEC}]


READS = (
    Surface("v4 list", lambda web, w: web.get(f"{V4}/objects/deals/{w.deal}/associations/contacts")),
    Surface(
        "v4 batch read",
        lambda web, w: web.post(f"{V4}/associations/deals/contacts/batch/read", json={"inputs": [{"id": str(w.deal)}]}),
    ),
    Surface("v3 list", lambda web, w: web.get(f"{V3}/deals/{w.deal}/associations/contacts")),
    Surface(
        "v3 batch read",
        lambda web, w: web.post(
            "/crm/v3/associations/deals/contacts/batch/read", json={"inputs": [{"id": str(w.deal)}]}
        ),
    ),
    Surface("native links", lambda web, w: web.get(f"{NATIVE}/deals/{w.deal}/links/contacts")),
    Surface("search by link", lambda web, w: search(web, "associations.contact", w.contact)),
    Surface("search by value", lambda web, w: search(web, "contact.email", "ada@rights.example")),
    Surface("query by link", lambda web, w: query(web, "associations.contact", w.contact)),
    Surface("query by value", lambda web, w: query(web, "contact.name", "Ada")),
    Surface("query showing", lambda web, w: web.post(f"{NATIVE}/deals/query", json={"attributes": ["contact.name"]})),
    Surface("list showing", lambda web, w: web.get(f"{NATIVE}/deals?attributes=name,contact.name")),
    Surface("record showing", lambda web, w: web.get(f"{NATIVE}/deals/{w.deal}?attributes=contact.name")),
    Surface("export by value", lambda web, w: export(web, "contact.name", "Ada")),
    Surface(
        "shown with a record",
        lambda web, w: web.get(f"{V3}/deals/{w.deal}?associations=contacts"),
        without=None,
        shown=lambda body: body["associations"],
    ),
    Surface(
        "shown in a list",
        lambda web, w: web.get(f"{V3}/deals?associations=contacts"),
        without=None,
        shown=lambda body: any(one["associations"] for one in body["results"]),
    ),
)
WRITES = (
    Surface(
        "v4 put", lambda web, w: web.put(f"{V4}/objects/deals/{w.deal}/associations/contacts/{w.other}", json=SPEC)
    ),
    Surface(
        "v4 default", lambda web, w: web.put(f"{V4}/objects/deals/{w.deal}/associations/default/contacts/{w.other}")
    ),
    Surface("v4 delete", lambda web, w: web.delete(f"{V4}/objects/deals/{w.deal}/associations/contacts/{w.other}")),
    Surface(
        "v4 batch create", lambda web, w: web.post(f"{V4}/associations/deals/contacts/batch/create", json=batch(w))
    ),
    Surface(
        "v4 batch archive",
        lambda web, w: web.post(
            f"{V4}/associations/deals/contacts/batch/archive",
            json={"inputs": [{"from": {"id": str(w.deal)}, "to": [{"id": str(w.other)}]}]},
        ),
    ),
    Surface(
        "v3 batch create",
        lambda web, w: web.post("/crm/v3/associations/deals/contacts/batch/create", json=old_batch(w)),
    ),
    Surface(
        "v3 batch archive",
        lambda web, w: web.post("/crm/v3/associations/deals/contacts/batch/archive", json=old_batch(w)),
    ),
    Surface("native put", lambda web, w: web.put(f"{NATIVE}/deals/{w.deal}/links/contacts/{w.other}", json={})),
    Surface("native delete", lambda web, w: web.delete(f"{NATIVE}/deals/{w.deal}/links/contacts/{w.other}")),
    Surface(
        "create with links",
        lambda web, w: web.post(f"{V3}/deals", json={"properties": {"name": "x"}, "associations": with_links(w)}),
    ),
    Surface(
        "batch create with links",
        lambda web, w: web.post(
            f"{V3}/deals/batch/create",
            json={"inputs": [{"properties": {"name": "x"}, "associations": with_links(w)}]},
        ),
    ),
    Surface(
        "native create with links",
        lambda web, w: web.post(
            f"{NATIVE}/deals", json={"values": {"name": "x"}, "links": [{"type": "contact", "id": str(w.other)}]}
        ),
    ),
)
CASES = [(one, "read") for one in READS] + [(one, "write") for one in WRITES]


@pytest.fixture(scope="module")
def world(apart: Apart) -> World:
    contact = apart.people.create("contact", name="Ada", email="ada@rights.example")
    other, deal = apart.people.create("contact"), apart.sales.create("deal")
    apart.settle()
    apart.sales.link("deal", deal, "contact", contact)
    return World(deal, contact, other)


@pytest.fixture(scope="module")
def clients(apart: Apart) -> Callable[..., Web]:
    """Clients of sales that may do these things."""
    made: dict[tuple[str, ...], Web] = {}

    def client(*scopes: str) -> Web:
        if scopes not in made:
            token = f"crm_rights_{len(made)}_" + "0" * 48
            given = {"id": 1000 + len(made), "hash": token_hash(token), "scopes": list(scopes)}
            with apart.sales.runtime.db.connect() as connection:
                connection.run(TOKEN_ROW, given)
            made[scopes] = apart.sales.client(token)
        return made[scopes]

    return client


@pytest.mark.parametrize(("surface", "mode"), CASES, ids=[f"{mode}: {one.name}" for one, mode in CASES])
def test_foreign_rights(surface: Surface, mode: str, world: World, clients: Callable[..., Web]):
    own = ("crm.objects.deals.read", "crm.objects.deals.write")
    less = ("crm.objects.contacts.read",) if mode == "write" else ()
    allowed = surface.ask(clients(*own, *less, f"crm.objects.contacts.{mode}"), world)
    assert 200 <= allowed.status_code < 300, allowed.get_data(as_text=True)
    assert surface.shown(allowed.get_json(silent=True) or {}), "the case shows nothing in any case"
    refused = surface.ask(clients(*own, *less), world)
    if surface.without is None:
        assert refused.status_code == 200
        assert not surface.shown(refused.get_json())
    else:
        assert refused.status_code == surface.without, refused.get_data(as_text=True)
        assert f"crm.objects.contacts.{mode}" in refused.get_data(as_text=True)


@pytest.mark.parametrize(("surface", "mode"), CASES, ids=[f"{mode}: {one.name}" for one, mode in CASES])
def test_own_rights(surface: Surface, mode: str, world: World, clients: Callable[..., Web]):
    foreign = ("crm.objects.contacts.read", "crm.objects.contacts.write")
    assert surface.ask(clients(*foreign), world).status_code == 403
