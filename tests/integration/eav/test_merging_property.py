"""Merging and then undoing it is the identity: on rows of all tables, links, unique keys, and on what look-ups find.

Random people, firms and links; merges in chains, by random rules, of people and of firms; every undoing is compared
with what was there before its merge, and in between every id and value must lead to the survivor.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from shared.eav.entity import View
from shared.eav.merging.rules import FILL, LONGEST, NEWEST, SURVIVOR, MergeRules
from shared.eav.requests import Ref, Update
from shared.kernel.db import Database
from shared.kernel.errors import CrmError
from tests.factories.asking import CONTEXT
from tests.factories.examples import ASKED, examples
from tests.factories.merging import ALL, FIRM, PERSON, People
from tests.factories.snapshots import snapshot

_numbers = itertools.count(1)
TEXTS = View("text", ALL.attributes)
_TEXTS = st.sampled_from(["Ada", "Ädä", "李", "ada;b", "x" * 200, "\U0001f469", " spaced "])
_VALUES = st.fixed_dictionaries(
    {},
    optional={
        "email": st.integers(0, 9).map(lambda n: f"p{n}@%s.test"),
        "number": st.integers(0, 9).map(lambda n: f"{n} of %s"),
        "first": _TEXTS,
        "last": _TEXTS,
        "age": st.integers(0, 5),
        "tags": st.lists(st.sampled_from(["new", "done", "预计"]), min_size=1, max_size=3, unique=True),
        "note": _TEXTS,
        "met": st.sampled_from(["2020-01-01", "2024-02-29"]),
        "other_emails": st.sampled_from(["z@x.test", "z@x.test;p1@%s.test", "Z@X.test; y@x.test;"]),
    },
)
_RULES = st.sampled_from([SURVIVOR, FILL, NEWEST, LONGEST])


@pytest.fixture(scope="module")
def people(database: Database) -> Iterator[People]:
    made = People(database)
    warm = made.people(
        {"email": "warm@x.test", "number": "w", "first": "a", "last": "b", "age": 1, "met": "2020-01-01"},
        {"email": "warmer@x.test", "other_emails": "x@y.test"},
    )
    made.merge(*warm)
    made.merge(made.firm(), made.firm(), name=FIRM)
    return made


class World:
    """One example: entities, links, and the merges done to them."""

    def __init__(self, people: People, data: st.DataObject) -> None:
        self.people = people
        self.data = data
        self.mark = f"example{next(_numbers)}"
        self.lives = [people.engine.catalog.type(one) for one in (PERSON, FIRM)]
        self.ids = {PERSON: [], FIRM: [people.firm(str(n)) for n in range(3)]}
        for drawn in data.draw(st.lists(_VALUES, min_size=3, max_size=6)):
            values = self._own(drawn)
            self._try(lambda values=values: self.ids[PERSON].append(people.person(**values)))
        for ident in self.ids[PERSON]:
            change = data.draw(st.one_of(st.none(), _VALUES))
            if change is not None:
                update = [Update(Ref(ident), self._own(change))]
                self._try(lambda update=update: people.engine.writes.update(PERSON, update, CONTEXT, ALL))
        for _ in range(data.draw(st.integers(0, 8))):
            self._link()
        self.merges: list[tuple[str, int, tuple[int, ...], Any, Any]] = []

    def _own(self, values: dict[str, Any]) -> dict[str, Any]:
        """Values that no other example has."""
        return {name: one % self.mark if isinstance(one, str) and "%s" in one else one for name, one in values.items()}

    def _try(self, step: Any) -> None:
        """Values may be taken, links impossible: then there is one thing less."""
        try:
            step()
        except CrmError:
            return

    def _link(self) -> None:
        draw = self.data.draw
        start = draw(st.sampled_from([PERSON, FIRM]))
        end = draw(st.sampled_from([PERSON, FIRM]))
        if not self.ids[start] or not self.ids[end]:
            return
        labels = {(PERSON, FIRM): [1], (FIRM, PERSON): [2], (FIRM, FIRM): [13, 14]}.get((start, end), [])
        chosen = draw(st.lists(st.sampled_from(labels), max_size=1)) if labels else []
        a, b = draw(st.sampled_from(self.ids[start])), draw(st.sampled_from(self.ids[end]))
        self._try(lambda: self.people.link(a, end, b, *chosen, from_type=start))

    def look(self) -> tuple[Any, Any]:
        """What is stored, and what look-ups find."""
        with self.people.database.connect() as connection:
            stored = snapshot(connection, self.lives)
        read = self.people.engine.reads.read(PERSON, [Ref(one) for one in self.ids[PERSON]], TEXTS)
        found = [
            one and (one.id, {name: text for name, text in one.values.items() if "updated" not in name}) for one in read
        ]
        keys = [
            self.people.find("email", *(f"p{n}@{self.mark}.test" for n in range(10))),
            self.people.find("number", *(f"{n} of {self.mark}" for n in range(10))),
        ]
        return stored, (found, keys)

    def merge(self) -> None:
        """Merge some that are still entities of their own."""
        draw = self.data.draw
        name = draw(st.sampled_from([PERSON, PERSON, FIRM]))
        if len(self.ids[name]) < 2:
            return
        chosen = draw(st.permutations(self.ids[name]))[: draw(st.integers(2, 3))]
        by_attribute = {}
        if name == PERSON:
            rule = st.one_of(_RULES, st.sampled_from(chosen))
            by_attribute = draw(st.dictionaries(st.sampled_from(["email", "first", "note", "tags"]), rule, max_size=3))
        before = self.look()
        survivor, *absorbed = chosen
        merged = self.people.merge(survivor, *absorbed, rules=MergeRules(draw(_RULES), by_attribute), name=name)
        if merged.merge_id is not None:
            self.merges.append((name, survivor, merged.absorbed, merged.merge_id, before))
            self._check(name, merged.entity.id, chosen, before)

    def _check(self, name: str, survivor: int, chosen: list[int], before: Any) -> None:
        """Every id of the merged, and every unique value any of them had, leads to the survivor."""
        assert {one.id for one in self.people.read(*chosen, name=name) if one} == {survivor}
        _, (_, old) = before
        _, (_, new) = self.look()
        for was, now in zip(old, new, strict=True):
            if name == PERSON:
                family = {survivor, *self.merges[-1][2]}
                assert [survivor if one in family else one for one in was] == now

    def undo(self) -> None:
        """Undo all, the latest first; each time everything is as it was."""
        while self.merges:
            name, survivor, _, merge_id, before = self.merges.pop()
            undone = self.people.unmerge(survivor, name, merge_id)
            assert not undone.kept
            assert self.look() == before


@given(data=st.data())
@settings(
    max_examples=examples(60),
    derandomize=not ASKED,
    deadline=None,
    database=None,
    phases=list(Phase) if ASKED else [Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_undoing_is_the_identity(people: People, data: st.DataObject) -> None:
    world = World(people, data)
    for _ in range(data.draw(st.integers(1, 4))):
        world.merge()
    world.undo()
