"""One service desk for all tests of what is done by itself, and the consumer that does it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from services.contacts.manifest import MANIFEST as CONTACTS
from services.service_desk.manifest import MANIFEST as DESK
from services.service_desk.triggers.following import Acting
from shared.bus.client import DirectSource
from shared.bus.consumer import pull
from shared.contracts.event import from_document
from shared.kernel.db import Connection
from shared.service.mirrors.declare import sources
from shared.service.mirrors.following import mirror_subscription
from shared.service.mirrors.keeper import Keeper
from tests.integration.service.conftest import ADMIN, application
from tests.integration.service_desk.conftest import ENTRIES, Desk, serving

ROOT = "/api/v1/service_desk"
TRIGGERS = f"{ROOT}/triggers"


class Following:
    """The consumer, handed everything that was told since the last time."""

    def __init__(self, desk: Desk) -> None:
        self.desk, self.acting, self.last = desk, Acting(desk.runtime.db, desk.runtime.settings), 0

    def page(self, connection: Connection, last: int | None = None) -> list[Any]:
        """Events behind a place."""
        sql = "select id, body from outbox where id > %(last)s order by id"
        rows = connection.rows(sql, {"last": self.last if last is None else last})
        if rows and last is None:
            self.last = rows[-1][0]
        return [from_document({**body, "id": ident}) for ident, body in rows]

    def __call__(self) -> None:
        """Apply what is new, and what follows from it, until nothing does."""
        for _ in range(50):
            with self.desk.runtime.db.transaction() as connection:
                events = self.page(connection)
                if not events:
                    return
                self.acting.hear(connection, events)
        raise AssertionError("triggers go on and on")


@pytest.fixture(scope="package")
def desk(new_database: Callable[[], str], redis_url: str) -> Iterator[Desk]:
    """The service."""
    with serving(new_database, redis_url) as found:
        yield found


@pytest.fixture(scope="package")
def follow(desk: Desk) -> Following:
    """The consumer."""
    return Following(desk)


@pytest.fixture(autouse=True)
def alone(desk: Desk, follow: Following) -> Iterator[None]:
    """Triggers of one test are none of another's, nor is what happened before it."""
    follow()
    yield
    for one in desk.ask("GET", TRIGGERS)["results"]:
        desk.ask("DELETE", f"{TRIGGERS}/{one['name']}", 204)


def declare(desk: Desk, kind: str, status: int = 201, **body: Any) -> Any:
    """A canned reply, macro or trigger."""
    return desk.ask("POST", f"{ROOT}/{kind}", status, **body)


def codes(answer: dict[str, Any]) -> set[str]:
    """What is wrong."""
    return {one["code"] for one in answer["errors"]}


def said(desk: Desk, ticket: str) -> list[dict[str, Any]]:
    """What was said about a ticket."""
    condition = {"attribute": "ticket_id", "operator": "EQ", "value": ticket}
    names = ["author", "visibility", "body", "said_for"]
    body = {"filter": condition, "sorts": ["id"], "attributes": names}
    return [one["values"] for one in desk.ask("POST", f"{ENTRIES}/query", **body)["results"]]


def fired(desk: Desk, ticket: str, trigger: str = "") -> list[dict[str, Any]]:
    """The ledger, the earliest first."""
    path = f"{TRIGGERS}/fired?ticket={ticket}" + (f"&trigger={trigger}" if trigger else "")
    return list(reversed(desk.ask("GET", path)["results"]))


@pytest.fixture(scope="package")
def contact(desk: Desk, new_database: Callable[..., str], redis_url: str) -> Iterator[Callable[..., str]]:
    """Makes or changes contacts in their own service, and has the desk hear of them."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        app = application(CONTACTS, new_database(CONTACTS), redis_url, monkeypatch)
    home, client = app.extensions["crm"], app.test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {ADMIN}"
    keeper = Keeper(DESK.name, CONTACTS.name, sources(DESK.mirrors)[CONTACTS.name], heeding=DESK.heeding)

    def ask(path: str) -> Any:
        return client.get(path, headers={"Authorization": f"Bearer {desk.runtime.settings.service_token}"}).get_json()

    following = mirror_subscription(keeper, ask)

    def hear() -> None:
        while pull(desk.runtime.db, DirectSource({CONTACTS.name: home.feed}), following).behind:
            pass

    def make(ident: str = "", **values: object) -> str:
        path = "/api/v1/objects/contacts" + (f"/{ident}" if ident else "")
        answer = client.open(path, method="PATCH" if ident else "POST", json={"values": values})
        assert answer.status_code == (200 if ident else 201), answer.text
        hear()
        return str(answer.json["id"])

    hear()  # what contacts have, before anybody asks for it
    yield make
    home.db.dispose()
    if home.redis is not None:
        home.redis.close()


def linked(desk: Desk, contact: str, at: str | None = None, **values: object) -> str:
    """A ticket of a contact's."""
    ident = desk.ticket(at, **values)
    desk.ask("PUT", f"/crm/v4/objects/tickets/{ident}/associations/default/contacts/{contact}")
    return ident
