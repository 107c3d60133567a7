"""Contacts with its timeline, and a service of deals beside it, in this process; followers are pulled by hand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from services.contacts.handlers import followers
from services.contacts.timeline.following import Timeline
from services.opportunities.manifest import MANIFEST as OPPORTUNITIES
from shared.bus.client import DirectSource
from shared.bus.consumer import pull
from shared.bus.feed import Feed
from shared.contracts.event import Event
from shared.kernel.config import Settings
from shared.service.home import Home
from tests.integration.service.conftest import ADMIN, System, application, system  # noqa: F401 (a fixture)

WHEN = "2026-03-02T09:30:00.000Z"


@dataclass
class Desk:
    """Two services, and what the timeline makes of their logs."""

    system: System
    deals_app: Any
    settings: Settings
    followed: dict[str, Any] = field(default_factory=dict)
    said: list[Event] = field(default_factory=list)
    """What no log has, but the timeline was told."""

    @property
    def runtime(self) -> Any:
        return self.system.runtime("contacts")

    @property
    def db(self) -> Any:
        return self.runtime.db

    @property
    def deals(self) -> Any:
        return self.deals_app.extensions["crm"]

    def timeline(self) -> Timeline:
        return Timeline(Home.of(self.db))

    def client(self, token: str = ADMIN) -> Any:
        return self.system.client("contacts", token)

    def deals_client(self) -> Any:
        made = self.deals_app.test_client()
        made.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {ADMIN}"
        return made

    def post(self, path: str, body: Any, client: Any = None) -> Any:
        answer = (client or self.client()).post(path, json=body)
        assert answer.status_code in (200, 201), answer.text
        return answer.get_json()

    def make(self, kind: str, **values: Any) -> int:
        return int(self.post(f"/api/v1/objects/{kind}", {"values": values})["id"])

    def change(self, kind: str, ident: int, **values: Any) -> Any:
        answer = self.client().patch(f"/api/v1/objects/{kind}/{ident}", json={"values": values})
        assert answer.status_code == 200, answer.text
        return answer.get_json()

    def deal(self, **values: Any) -> int:
        return int(self.post("/api/v1/objects/deals", {"values": values}, self.deals_client())["id"])

    def change_deal(self, ident: int, **values: Any) -> None:
        answer = self.deals_client().patch(f"/api/v1/objects/deals/{ident}", json={"values": values})
        assert answer.status_code == 200, answer.text

    def link(self, from_type: str, from_id: int, to_type: str, to_id: int) -> None:
        path = f"/crm/v4/objects/{from_type}/{from_id}/associations/default/{to_type}/{to_id}"
        answer = self.client().put(path)
        assert answer.status_code == 200, answer.text

    def unlink(self, from_type: str, from_id: int, to_type: str, to_id: int) -> None:
        path = f"/crm/v4/objects/{from_type}/{from_id}/associations/{to_type}/{to_id}"
        assert self.client().delete(path).status_code == 204

    def activity(self, kind: str, *links: tuple[str, int], **values: Any) -> int:
        ident = self.make(kind, **{"occurs_at": WHEN, **values})
        for to_type, to_id in links:
            self.link(kind, ident, to_type, to_id)
        return ident

    def catch_up(self) -> None:
        """Apply everything that lies on both logs, also what that made."""
        feeds = DirectSource({"contacts": self.runtime.feed, "opportunities": self.deals.feed})
        here = [one for one in self.followed.values() if one.source != "service_desk"]
        for one in (*here, self.followed["contacts.timeline"]):
            while pull(self.db, feeds, one).behind:
                pass

    def read(self, kind: str, ident: int, **asked: Any) -> Any:
        answer = self.client(asked.pop("token", ADMIN)).get(f"/api/v1/timeline/{kind}/{ident}", query_string=asked)
        assert answer.status_code == 200, answer.text
        return answer.get_json()

    def kinds(self, kind: str, ident: int, **asked: Any) -> list[str]:
        return [one["kind"] for one in self.read(kind, ident, **asked)["results"]]

    def values(self, kind: str, ident: int, *names: str) -> list[Any]:
        asked = {"attributes": ",".join(names)}
        found = self.client().get(f"/api/v1/objects/{kind}/{ident}", query_string=asked).get_json()["values"]
        return [found[name] for name in names]

    def rows(self) -> list[Any]:
        """The whole timeline as it is kept."""
        with self.db.connect() as connection:
            return connection.rows(
                "select subject_type, subject_id, at, key, kind, ref_type, ref_id, recorded_at, service, actor, source,"
                " source_id, phase, data::text from timeline_entry order by 1, 2, 3, 4"
            )

    def forget_lines(self) -> None:
        """A timeline that nobody has told anything."""
        with self.db.connect() as connection:
            connection.run("truncate timeline_entry, timeline_link, timeline_gone, timeline_turn, timeline_said")


def events(feed: Feed, *types: str) -> list[Event]:
    """Everything on a log."""
    found: list[Event] = []
    after: str | None = None
    while True:
        page = feed.read(after, types=types or None, limit=500).page()
        found += page.events
        after = str(page.next)
        if page.up_to_date:
            return found


@pytest.fixture(scope="module")
def desk(system: System, new_database: Any, redis_url: str) -> Iterator[Desk]:  # noqa: F811
    with pytest.MonkeyPatch.context() as monkeypatch:
        deals = application(OPPORTUNITIES, new_database(OPPORTUNITIES), redis_url, monkeypatch)
        monkeypatch.setenv("CONTACTS_DATABASE_URL", system.runtime("contacts").db.url)
        settings = Settings(redis_url=redis_url)
        made = Desk(
            system,
            deals,
            settings,
            {one.name: one for one in followers(Home.of(system.runtime("contacts").db), settings)},
        )
        yield made
        made.deals.db.dispose()
