"""The timeline is a function of what happened: told in order, shuffled, twice, in pieces, or made without the log."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest

from services.contacts.timeline.rebuilding import rebuild_own
from shared.contracts.event import ENTITY_KINDS, Event
from shared.service.home import Home
from tests.integration.timeline.conftest import Desk, events
from tests.integration.timeline.test_deals import said

KINDS = ("notes", "calls", "tasks", "meetings")
SINGULAR = {"notes": "note", "calls": "call", "tasks": "task", "meetings": "meeting"}


class Life:
    """Random things that happen to a few people, companies and deals."""

    def __init__(self, desk: Desk, seed: int) -> None:
        self.desk = desk
        self.draw = random.Random(seed)
        self.people = [desk.make("contacts", first_name=f"P{n}", email=f"p{seed}.{n}@example.com") for n in range(4)]
        self.firms = [desk.make("companies", name=f"F{n}") for n in range(2)]
        self.done: list[tuple[str, int]] = []
        self.deals = [desk.deal(name=f"D{n}") for n in range(2)]
        self.links: list[Event] = []
        self.clock = 1000 * (seed + 1)

    def happen(self, times: int) -> None:
        steps = (
            self.note, self.note, self.note, self.edit, self.move, self.link, self.unlink, self.archive, self.merge,
            self.deal_moves, self.deal_link, self.deal_link,
        )  # fmt: skip
        for _ in range(times):
            self.draw.choice(steps)()
        erased = {"objectId": str(self.people[-1])}
        answer = self.desk.client().post("/crm/v3/objects/contacts/gdpr-delete", json=erased)
        assert answer.status_code == 204, answer.text

    def end(self) -> tuple[str, int]:
        return self.draw.choice(
            [*(("contacts", one) for one in self.people), *(("companies", one) for one in self.firms)]
        )

    def note(self) -> None:
        kind = self.draw.choice(KINDS)
        ends = {self.end() for _ in range(self.draw.randint(1, 2))}
        try:
            when = f"20{self.draw.randint(10, 40)}-01-01T00:00:00.000Z"
            self.done.append((kind, self.desk.activity(kind, *sorted(ends), occurs_at=when)))
        except AssertionError:
            pass  # one of them is archived

    def edit(self) -> None:
        if self.done:
            kind, ident = self.draw.choice(self.done)
            values = {"occurs_at": f"20{self.draw.randint(10, 40)}-02-02T00:00:00.000Z"}
            self.desk.client().patch(f"/api/v1/objects/{kind}/{ident}", json={"values": values})

    def move(self) -> None:
        values = self.draw.choice(({"city": "Paris"}, {"lifecycle_stage": "customer"}, {"city": None, "phone": "1"}))
        kind, ident = self.end()
        self.desk.client().patch(f"/api/v1/objects/{kind}/{ident}", json={"values": values})

    def link(self) -> None:
        path = f"/crm/v4/objects/contacts/{self.draw.choice(self.people)}/associations/default/companies"
        self.desk.client().put(f"{path}/{self.draw.choice(self.firms)}")

    def unlink(self) -> None:
        start, ident = self.draw.choice([*self.done, ("contacts", self.people[0])])
        to, other = self.end()
        if start != to:
            self.desk.client().delete(f"/crm/v4/objects/{start}/{ident}/associations/{to}/{other}")

    def archive(self) -> None:
        kind, ident = self.draw.choice([*self.done, self.end()])
        if self.draw.random() < 0.5:
            self.desk.client().delete(f"/api/v1/objects/{kind}/{ident}")
        else:
            self.desk.client().post(f"/api/v1/objects/{kind}/{ident}/restore")

    def merge(self) -> None:
        one, other = self.draw.sample(self.people[:-1], 2)
        if self.draw.random() < 0.6:
            self.desk.client().post(f"/api/v1/objects/contacts/{one}/merge", json={"absorb": [str(other)]})
        else:
            self.desk.client().post(f"/api/v1/objects/contacts/{one}/unmerge", json={})

    def deal_moves(self) -> None:
        stage = self.draw.choice(("qualifiedtobuy", "contractsent", "presentationscheduled"))
        self.desk.change_deal(self.draw.choice(self.deals), stage=stage)

    def deal_link(self) -> None:
        self.clock += 1
        who = ("contact", self.draw.choice(self.people))
        deal = ("deal", self.draw.choice(self.deals))
        ends = (who, deal) if self.draw.random() < 0.5 else (deal, who)
        self.links.append(said(*ends, live=self.draw.random() < 0.7, clock=self.clock))


def told(desk: Desk) -> list[tuple[str, Event]]:
    """All that was told, with its source; what another service says of types comes first, as it always does."""
    own = [("contacts", one) for one in events(desk.runtime.feed, "entity", "link")]
    theirs = [("opportunities", one) for one in events(desk.deals.feed, "deal") if one.kind in ENTITY_KINDS]
    return [*own, *theirs, *(("opportunities", one) for one in desk.said)]


def apply(desk: Desk, pieces: Iterator[list[tuple[str, Event]]]) -> None:
    timeline = desk.timeline()
    for piece in pieces:
        for source in ("contacts", "opportunities"):
            batch = [one for origin, one in piece if origin == source]
            with desk.db.transaction() as connection:
                timeline.apply(connection, source, batch)


def in_pieces(given: list[Any], draw: random.Random) -> Iterator[list[Any]]:
    while given:
        size = draw.randint(1, 40)
        yield given[:size]
        given = given[size:]


@pytest.mark.parametrize("seed", range(3))
def test_in_any_order_and_any_number_of_times(desk: Desk, seed: int) -> None:
    life = Life(desk, seed)
    for _ in range(3):
        life.happen(15)
        desk.catch_up()
    apply(desk, iter([[("opportunities", one) for one in life.links]]))
    desk.said += life.links
    desk.catch_up()
    expected, shown = desk.rows(), values(desk, life)
    assert len(expected) > 30
    everything = told(desk)
    for times in (1, 2):
        desk.forget_lines()
        shuffled = everything * times
        life.draw.shuffle(shuffled)
        apply(desk, in_pieces(shuffled, life.draw))
        assert desk.rows() == expected
        assert values(desk, life) == shown


def values(desk: Desk, life: Life) -> list[Any]:
    names = "activity_count", "last_contacted_at", "last_activity_at", "next_activity_at"
    found = [
        desk.client().get(f"/api/v1/objects/{kind}/{one}?attributes={','.join(names)}").get_json()
        for kind, ids in (("contacts", life.people), ("companies", life.firms))
        for one in ids
    ]
    return [one.get("values", {}).get(name) for one in found for name in names]


def test_lines_are_what_an_independent_count_says(desk: Desk) -> None:
    """Each live activity once with each customer it is linked to; each telling version once."""
    life = Life(desk, 77)
    life.happen(40)
    desk.catch_up()
    lines = {(row[0], row[1], row[4], row[6]) for row in desk.rows() if row[4] in SINGULAR.values()}
    expected = set()
    for kind, ident in life.done:
        if desk.client().get(f"/api/v1/objects/{kind}/{ident}").status_code != 200:
            continue
        for subject, plural in (("contact", "contacts"), ("company", "companies")):
            page = desk.client().get(f"/crm/v4/objects/{kind}/{ident}/associations/{plural}").get_json()
            expected |= {(subject, int(one["toObjectId"]), SINGULAR[kind], ident) for one in page["results"]}
    mine = {(kind, ident) for kind, ident in life.done}
    assert {one for one in lines if any(one[3] == ident for _, ident in mine)} >= expected
    live = {("contact", one) for one in life.people} | {("company", one) for one in life.firms}
    archived = {one for one in live if desk.client().get(f"/api/v1/objects/{one[0]}/{one[1]}").status_code != 200}
    relevant = {one for one in lines if (one[0], one[1]) in live - archived}
    assert relevant == {one for one in expected if (one[0], one[1]) in live - archived}


def test_without_the_log_it_is_made_of_what_is_there(desk: Desk) -> None:
    life = Life(desk, 99)
    life.happen(40)
    desk.catch_up()

    def own() -> list[Any]:
        """Lines that do not need the log; links that were undone and details of merges are lost with it."""
        rows = [row for row in desk.rows() if row[8] == "contacts" and row[4] not in ("linked", "unlinked")]
        return [row for row in rows if row[5] != "deal" and row[0] != "deal"]

    def without_details(rows: list[Any]) -> list[Any]:
        bare = ("created", "merged", "unmerged")
        return [(*row[:7], *row[8:13], None if row[4] in bare else row[13]) for row in rows]

    expected = own()
    desk.forget_lines()
    home = Home.of(desk.db)
    rebuild_own(home, desk.timeline(), desk.db)
    assert without_details(own()) == without_details(expected)
    rebuild_own(home, desk.timeline(), desk.db)
    assert without_details(own()) == without_details(expected)
    desk.followed["contacts.timeline"].rebuild(desk.db)
    assert len(own()) == len(expected)
