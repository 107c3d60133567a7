"""Two services that change the same links at once agree in the end, whatever the order in which they hear of it.

What is told of entities comes in order, as the log gives it, some of it again; what is told of links comes in any
order, late and more than once. Ids of the two services are the same numbers, so that nobody takes one for the other.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field

import pytest

from shared.contracts.event import LINK, Event
from shared.eav.links import labels
from shared.eav.links.relations import RelationDef
from shared.kernel.db import Database
from shared.kernel.errors import CrmError
from shared.service.entities import View
from shared.service.replica.catalogs import Catalogs
from shared.service.replica.fold import fold
from shared.service.replica.said import create_statement
from shared.service.replica.schema import create_statements
from tests.factories.apart import BACK, EVERYBODY, PLAIN, PRIMARY, PRIMARY_BACK, Apart, Side

BUYER, BUYS = 10_777, 10_778
RELATIONS = (PLAIN, BACK, PRIMARY, PRIMARY_BACK, BUYER, BUYS)
SEEDS = [int(one) for one in os.environ.get("SEEDS", "1,2,3,4,5,6,7,8").split(",")]
STEPS = 60


@dataclass
class Post:
    """What one side has yet to hear from the other."""

    reader: Side
    teller: Side
    chance: random.Random
    cursor: str = "start"
    ordered: list[Event] = field(default_factory=list)
    loose: list[Event] = field(default_factory=list)
    heard: list[Event] = field(default_factory=list)

    def fetch(self) -> bool:
        """Take what was told since; whether there was anything."""
        page = self.teller.runtime.feed.read(self.cursor, types=None, limit=1000).page()
        self.cursor = str(page.next)
        for one in page.events:
            (self.loose if one.kind == LINK else self.ordered).append(one)
        return bool(page.events)

    def deliver(self) -> None:
        """Hand over some of it."""
        count = self.chance.randint(0, len(self.ordered))
        told, self.ordered = self.ordered[:count], self.ordered[count:]
        self.chance.shuffle(self.loose)
        some = self.chance.randint(0, len(self.loose))
        links, self.loose = self.loose[:some], self.loose[some:]
        again = self.chance.sample(self.heard, min(len(self.heard), self.chance.randint(0, 3)))
        page = [*told]
        for one in [*links, *again]:
            page.insert(self.chance.randint(0, len(page)), one)
        self.heard += [*told, *links]
        (keeper,) = self.reader.keepers.values()
        with self.reader.runtime.db.transaction() as connection:
            keeper(connection, page)


@dataclass
class World:
    """Some companies and deals, and what happens to them."""

    apart: Apart
    chance: random.Random
    companies: list[int]
    deals: list[int]

    def of(self, rows: set[tuple[int, int, int]]) -> set[tuple[int, int, int]]:
        """The links among them."""
        starts = {(one, deal) for one in (PLAIN, PRIMARY, BUYER) for deal in self.deals}
        starts |= {(one, company) for one in (BACK, PRIMARY_BACK, BUYS) for company in self.companies}
        return {row for row in rows if row[:2] in starts}

    def happen(self) -> None:
        """One thing, on either side; what is refused is fine."""
        kinds = [self.link, self.link, self.link, self.unlink, self.unlink, self.label, self.archive, self.merge]
        with suppress(CrmError):
            self.chance.choice(kinds)()

    def _ends(self) -> tuple[Side, str, int, str, int, dict[int, int]]:
        deal, company = self.chance.choice(self.deals), self.chance.choice(self.companies)
        if self.chance.random() < 0.5:
            return self.apart.sales, "deal", deal, "company", company, {PRIMARY: PRIMARY, BUYER: BUYER}
        return self.apart.people, "company", company, "deal", deal, {PRIMARY: PRIMARY_BACK, BUYER: BUYS}

    def link(self) -> None:
        side, start, one, end, other, _ = self._ends()
        side.link(start, one, end, other)

    def label(self) -> None:
        side, start, one, end, other, known = self._ends()
        side.link(start, one, end, other, known[self.chance.choice([PRIMARY, BUYER])], exact=self.chance.random() < 0.3)

    def unlink(self) -> None:
        side, start, one, end, other, known = self._ends()
        side.unlink(start, one, end, other, *([known[BUYER]] if self.chance.random() < 0.3 else []))

    def archive(self) -> None:
        side, kind, ids = self._side()
        ident = self.chance.choice(ids)
        side.archive(kind, ident)
        if self.chance.random() < 0.7:
            side.restore(kind, ident)

    def merge(self) -> None:
        side, kind, ids = self._side()
        survivor, absorbed = self.chance.sample(ids, 2)
        side.runtime.merging.merge(EVERYBODY, kind, survivor, [absorbed], View("json", ()))
        if self.chance.random() < 0.6:
            side.runtime.merging.unmerge(EVERYBODY, kind, survivor, View("json", ()))

    def _side(self) -> tuple[Side, str, list[int]]:
        if self.chance.random() < 0.5:
            return self.apart.sales, "deal", self.deals
        return self.apart.people, "company", self.companies


@dataclass
class Listener:
    """A third service that keeps both logs' links, as reporting does, and hears of neither before the other."""

    database: Database
    catalogs: Catalogs = field(default_factory=Catalogs)
    reached: dict[str, str] = field(default_factory=dict)

    def links(self, apart: Apart, chance: random.Random) -> set[tuple[int, int, int]]:
        """All links, after everything was heard."""
        behind = [apart.people, apart.sales]
        while behind:
            side = chance.choice(behind)
            after = self.reached.get(side.name, "start")
            page = side.runtime.feed.read(after, types=None, limit=chance.randint(1, 200)).page()
            with self.database.transaction() as connection:
                fold(connection, self.catalogs, side.name, page.events)
            self.reached[side.name] = str(page.next)
            if page.up_to_date:
                behind.remove(side)
        with self.database.connect() as connection:
            rows = connection.rows("select relation, from_id, to_id from fact_link")
            return {(row[0], row[1], row[2]) for row in rows if row[0] in RELATIONS}


@pytest.fixture(scope="module")
def listener(new_database: Callable[[], str]) -> Iterator[Listener]:
    made = Listener(Database(new_database()))
    with made.database.connect() as connection:
        for statement in (*create_statements(), create_statement()):
            connection.run(statement)
    yield made
    made.database.dispose()


@pytest.fixture(scope="module", autouse=True)
def buyers(apart: Apart) -> None:
    """A label that people made, known to both."""
    made = [
        RelationDef(BUYER, BUYS, "deal", "company", "buyer", "Buyer", builtin=False),
        RelationDef(BUYS, BUYER, "company", "deal", "buys", "Buys", builtin=False),
    ]
    for side in (apart.people, apart.sales):
        with side.runtime.db.transaction() as connection:
            labels.put(connection, made)
        side.runtime.catalog.refresh()


@pytest.mark.parametrize("seed", SEEDS)
def test_both_agree_in_the_end(apart: Apart, people: Side, sales: Side, listener: Listener, seed: int):
    chance = random.Random(seed)
    posts = [Post(people, sales, chance), Post(sales, people, chance)]
    companies, deals = [people.create("company") for _ in range(4)], [sales.create("deal") for _ in range(4)]
    world = World(apart, chance, companies, deals)
    while any(post.fetch() for post in posts):
        for post in posts:
            post.deliver()
    for _ in range(STEPS):
        world.happen()
        if chance.random() < 0.4:
            post = chance.choice(posts)
            post.fetch()
            post.deliver()
    while any(post.fetch() or post.ordered or post.loose for post in posts):
        for post in posts:
            post.deliver()
    ours, theirs = world.of(people.rows(*RELATIONS)), world.of(sales.rows(*RELATIONS))
    assert ours == theirs, (sorted(ours - theirs), sorted(theirs - ours))
    _check(ours)
    assert world.of(listener.links(apart, chance)) == ours


def _check(rows: set[tuple[int, int, int]]) -> None:
    """Labels are on linked pairs only, rows come in both directions, and nobody has two primary companies."""
    inverse = {PLAIN: BACK, PRIMARY: PRIMARY_BACK, BUYER: BUYS}
    inverse |= {back: ahead for ahead, back in inverse.items()}
    assert rows == {(inverse[relation], other, one) for relation, one, other in rows}
    for label, plain in ((PRIMARY, PLAIN), (BUYER, PLAIN)):
        assert {row[1:] for row in rows if row[0] == label} <= {row[1:] for row in rows if row[0] == plain}
    carriers = [one for relation, one, _ in rows if relation == PRIMARY]
    assert len(carriers) == len(set(carriers))
