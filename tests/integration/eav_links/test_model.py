"""Any history of links, labels, primaries, parents, archives and restores ends as a plain Python model says it does."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)

from shared.eav.engine import Engine
from shared.eav.entity import Entity
from shared.eav.install import install
from shared.eav.links import labels
from shared.eav.links.asked import LinkItem, LinkOutcome, Unlink
from shared.eav.links.relations import RelationDef
from shared.eav.requests import Draft, LinkTo, Ref
from shared.kernel.db import Database
from tests.factories.asking import CONTEXT, IDS
from tests.factories.examples import examples
from tests.factories.linking import (
    CHILD,
    FIRMS,
    PARENT,
    PLAIN,
    PLAIN_BACK,
    PRIMARY,
    PRIMARY_BACK,
    Told,
    audit_links,
    define,
    linked_engine,
    rows,
)

MOST = 12
ADVISES, ADVISED, PARTNER = 10001, 10002, 10003
INVERSE = {PLAIN: PLAIN_BACK, PRIMARY: PRIMARY_BACK, ADVISES: ADVISED, FIRMS: FIRMS, PARENT: CHILD, PARTNER: PARTNER}
INVERSE |= {back: ahead for ahead, back in INVERSE.items()}
MADE = (
    RelationDef(ADVISES, ADVISED, "contact", "company", "advises", "Advises"),
    RelationDef(ADVISED, ADVISES, "company", "contact", "advised", "Is advised by"),
    RelationDef(PARTNER, PARTNER, "company", "company", "partner", "Partner"),
)


@dataclass
class Model:
    """Links as a set of rows, by rules said once more and differently: row by row, with no plan, no locks, no SQL."""

    rows: set[tuple[int, int, int]] = field(default_factory=set)
    live: dict[int, bool] = field(default_factory=dict)
    firm: set[int] = field(default_factory=set)

    def pair(self, a: int, b: int) -> set[int]:
        """The relations from a to b."""
        return {relation for relation, start, end in self.rows if (start, end) == (a, b)}

    def add(self, relation: int, a: int, b: int) -> None:
        """One row and its mirror, whoever held a register before."""
        for one, start in ((relation, a), (INVERSE[relation], b)):
            if one in (PRIMARY, PARENT):
                for held in [row for row in self.rows if row[:2] == (one, start)]:
                    self.drop(*held)
        self.rows |= {(relation, a, b), (INVERSE[relation], b, a)}

    def drop(self, relation: int, a: int, b: int) -> None:
        """One row and its mirror."""
        self.rows -= {(relation, a, b), (INVERSE[relation], b, a)}

    def above(self, firm: int) -> set[int]:
        """A company and all that stand above it."""
        found = {firm}
        for _ in self.live:
            found |= {end for relation, start, end in self.rows if relation == PARENT and start in found}
        return found

    def link(self, a: int, b: int, asked: Sequence[int], exact: bool) -> bool:
        """Whether it can be, and then is, linked."""
        if a == b or not (self.live[a] and self.live[b]):
            return False
        before = set(self.rows)
        new = not self.pair(a, b)
        if exact:
            for relation in self.pair(a, b) - {*asked, PLAIN, PLAIN_BACK, FIRMS, PRIMARY, PRIMARY_BACK}:
                self.drop(relation, a, b)
        self.rows |= {(FIRMS, a, b), (FIRMS, b, a)} if {a, b} <= self.firm else self._plain(a, b)
        for relation in asked:
            child, parent = (a, b) if relation == PARENT else (b, a)
            if relation in (PARENT, CHILD) and child in self.above(parent):
                self.rows = before
                return False
            if relation not in self.pair(a, b):
                self.add(relation, a, b)
        person, firm = (b, a) if a in self.firm else (a, b)
        if new and person not in self.firm:
            holders = {end for relation, start, end in self.rows if (relation, start) == (PRIMARY, person)}
            if not any(self.live[one] for one in holders):
                self.add(PRIMARY, person, firm)
        return True

    def _plain(self, a: int, b: int) -> set[tuple[int, int, int]]:
        relation = PLAIN_BACK if a in self.firm else PLAIN
        return {(relation, a, b), (INVERSE[relation], b, a)}

    def unlink(self, a: int, b: int, asked: Sequence[int] | None) -> None:
        """Drop labels, or everything."""
        plain = {PLAIN, PLAIN_BACK, FIRMS}
        for relation in self.pair(a, b):
            if asked is None or relation in asked or plain & set(asked):
                self.drop(relation, a, b)

    def shown(self, ident: int, firms: bool) -> dict[int, set[int]]:
        """What is seen of an entity's links to companies or to people."""
        ends = {end for _, start, end in self.rows if start == ident and (end in self.firm) is firms and self.live[end]}
        return {end: self.pair(ident, end) for end in ends}


class Links(RuleBasedStateMachine):
    """The engine beside the model."""

    engine: Engine
    told: Told
    people: Bundle[int] = Bundle("people")
    firms: Bundle[int] = Bundle("firms")

    def __init__(self) -> None:
        super().__init__()
        self.model = Model()
        self.replica: dict[tuple[int, int, int], int] = {}
        self.told.changes.clear()

    def _create(self, name: str, links: tuple[LinkTo, ...], count: int) -> list[int]:
        done = self.engine.writes.create(name, [Draft({}, links=links)] * count, CONTEXT, IDS, partial=True)
        return [one.id for one in done if isinstance(one, Entity)]

    @initialize(target=firms)
    def first_firms(self) -> object:
        """Companies to begin with: few, so that steps meet."""
        return multiple(*(ident for _ in range(2) for ident in self.made_firms([])))

    @initialize(target=people)
    def first_people(self) -> object:
        """People to begin with."""
        return multiple(*self.made_people([], advises=False))

    @precondition(lambda self: len(self.model.live) < MOST)
    @rule(target=people, firms=st.lists(firms, max_size=3, unique=True), advises=st.booleans())
    def new_people(self, firms: list[int], advises: bool) -> object:
        """Two people with the same companies."""
        return multiple(*self.made_people(firms, advises))

    def made_people(self, firms: list[int], advises: bool) -> list[int]:
        """Made in the engine and in the model."""
        asked = (ADVISES,) if advises else ()
        made = self._create("contact", tuple(LinkTo("company", one, asked) for one in firms), 2)
        assert len(made) == (2 if all(self.model.live[one] for one in firms) else 0)
        for ident in made:
            self.model.live[ident] = True
            assert all(self.model.link(ident, one, asked, exact=False) for one in firms)
        return made

    @precondition(lambda self: len(self.model.live) < MOST)
    @rule(target=firms, parents=st.lists(firms, max_size=1))
    def new_firms(self, parents: list[int]) -> object:
        """Two companies, under another one perhaps."""
        return multiple(*self.made_firms(parents))

    def made_firms(self, parents: list[int]) -> list[int]:
        """Made in the engine and in the model."""
        made = self._create("company", tuple(LinkTo("company", one, (PARENT,)) for one in parents), 2)
        assert len(made) == (2 if all(self.model.live[one] for one in parents) else 0)
        for ident in made:
            self.model.live[ident] = True
            self.model.firm.add(ident)
            assert all(self.model.link(ident, one, (PARENT,), exact=False) for one in parents)
        return made

    @rule(
        pairs=st.lists(st.tuples(people, firms), min_size=1, max_size=4),
        asked=st.sets(st.sampled_from([PLAIN, PRIMARY, ADVISES])),
        back=st.booleans(),
        exact=st.booleans(),
    )
    def link_people(self, pairs: list[tuple[int, int]], asked: set[int], back: bool, exact: bool) -> None:
        """People to companies, asked from either side."""
        if back:
            self._link("company", "contact", [(b, a) for a, b in pairs], [INVERSE[one] for one in sorted(asked)], exact)
        else:
            self._link("contact", "company", pairs, sorted(asked), exact)

    @rule(
        pairs=st.lists(st.tuples(firms, firms), min_size=1, max_size=4),
        asked=st.sets(st.sampled_from([FIRMS, PARENT, CHILD, PARTNER]), max_size=3),
        exact=st.booleans(),
    )
    def link_firms(self, pairs: list[tuple[int, int]], asked: set[int], exact: bool) -> None:
        """Companies to companies."""
        self._link("company", "company", pairs, sorted(asked), exact)

    def _link(self, start: str, end: str, pairs: Sequence[tuple[int, int]], asked: Sequence[int], exact: bool) -> None:
        items = [LinkItem(a, LinkTo(end, b, tuple(asked))) for a, b in pairs]
        # Archived ends are found out before anything is linked; the rest happens in order.
        done = self.engine.links.put(start, items, CONTEXT, partial=True, exact=exact)
        labelled = [one for one in asked if one not in (PLAIN, PLAIN_BACK, FIRMS)]
        for (a, b), outcome in zip(pairs, done, strict=True):
            assert self.model.link(a, b, labelled, exact) is isinstance(outcome, LinkOutcome), (a, b, outcome)
        for (a, b), outcome in zip(pairs, done, strict=True):
            if isinstance(outcome, LinkOutcome):
                assert set(outcome.relations) == self.model.pair(a, b)

    @rule(
        pair=st.one_of(st.tuples(people, firms), st.tuples(firms, people), st.tuples(firms, firms)),
        labels=st.one_of(st.none(), st.integers(0, 3)),
    )
    def unlink(self, pair: tuple[int, int], labels: int | None) -> None:
        """Take labels, or everything, away, whether or not it is there."""
        a, b = pair
        names = ["company" if one in self.model.firm else "contact" for one in pair]
        offered = [one.id for one in self.engine.relations.between(*names)]
        asked = None if labels is None else tuple(offered[labels % len(offered) :][:2])
        self.engine.links.remove(names[0], [Unlink(a, names[1], b, asked)], CONTEXT)
        self.model.unlink(a, b, asked)

    @rule(ident=st.one_of(people, firms))
    def archive(self, ident: int) -> None:
        """Put aside: links are hidden."""
        self.engine.writes.archive("company" if ident in self.model.firm else "contact", [Ref(ident)], CONTEXT)
        self.model.live[ident] = False

    @rule(ident=st.one_of(people, firms))
    def restore(self, ident: int) -> None:
        """Bring back: so are its links."""
        if not self.model.live[ident]:
            name = "company" if ident in self.model.firm else "contact"
            self.engine.writes.restore(name, ident, CONTEXT, IDS)
            self.model.live[ident] = True

    @invariant()
    def shows_what_the_model_says(self) -> None:
        """Every entity's pages."""
        for name, firms in (("contact", False), ("company", True)):
            ids = [one for one in self.model.live if (one in self.model.firm) is firms]
            for other in ("contact", "company"):
                if name == other == "contact":
                    continue
                found = self.engine.links.pages(name, ids, other)
                seen = {one: {end.to_id: set(end.relations) for end in listed} for one, (listed, _) in found.items()}
                live = [one for one in ids if self.model.live[one]]
                assert seen == {one: self.model.shown(one, other == "company") for one in live}

    @invariant()
    def stores_and_tells_what_the_model_says(self) -> None:
        """Every row, and a copy made of what was told."""
        mine = {row for row in rows(self.engine.database) if row[1] in self.model.live}
        assert mine == self.model.rows
        for one in self.told.changes:
            for row in ((one.relation, one.from_id, one.to_id), (one.inverse, one.to_id, one.from_id)):
                assert self.replica.get(row, 0) < one.clock
                self.replica[row] = one.clock if one.live else -one.clock
        self.told.changes.clear()
        assert {row for row, clock in self.replica.items() if clock > 0} == mine


@pytest.fixture(scope="module")
def machine(new_database: Callable[[], str]) -> Iterator[type[Links]]:
    """The machine on a database of its own."""
    database = Database(new_database(), pool_size=4)
    install(database)
    told = Told()
    engine = linked_engine(database, publish_links=told)
    define(engine)
    with database.transaction() as connection:
        labels.put(connection, MADE)
    engine.relations.refresh()
    yield type("Links", (Links,), {"engine": engine, "told": told})
    audit_links(engine)
    database.dispose()


def test_any_history(machine: type[Links]):
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples(60),
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        ),
    )
