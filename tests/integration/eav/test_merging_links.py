"""Merging: what becomes of links, and how many statements it takes."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest

from shared.eav.links.asked import Unlink
from shared.eav.merging.rules import NEWEST, MergeRules
from shared.kernel.db import Database
from tests.factories.asking import CONTEXT
from tests.factories.merging import FIRM, PERSON, People

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def people(database: Database) -> Iterator[People]:
    made = People(database)
    # Every attribute has its slot: what merges take is counted without it.
    warm = made.people(
        {"email": "warm@x.test", "number": "w", "first": "a", "last": "b", "age": 1, "met": "2020-01-01"},
        {"email": "warmer@x.test", "other_emails": "x@y.test"},
    )
    made.merge(*warm)
    return made


@pytest.fixture
def mail() -> str:
    """An address nobody has."""
    return f"p{next(_numbers)}@x.test"


class TestLinks:
    def test_links_are_united_and_given_back(self, people: People) -> None:
        a, b, friend = people.people({}, {}, {})
        shared, mine, theirs = people.firm(), people.firm(), people.firm()
        for ident, firm in ((a, mine), (a, shared), (b, theirs), (b, shared)):
            people.link(ident, FIRM, firm)
        people.link(b, PERSON, friend)
        people.link(a, PERSON, b)
        before = [people.linked(one, kind) for one in (a, b, friend) for kind in (FIRM, PERSON)]
        people.merge(a, b)
        assert people.linked(a, FIRM) == {mine: (279, 1), shared: (279,), theirs: (279,)}
        assert people.linked(a, PERSON) == {friend: (449,)}
        assert people.linked(friend, PERSON) == {a: (449,)}
        people.unmerge(a)
        assert [people.linked(one, kind) for one in (a, b, friend) for kind in (FIRM, PERSON)] == before

    def test_a_register_that_is_free_is_taken_over(self, people: People) -> None:
        a, b = people.people({}, {})
        firm = people.firm()
        people.link(b, FIRM, firm)
        people.merge(a, b)
        assert people.linked(a, FIRM) == {firm: (279, 1)}

    def test_no_circle_closes_in_a_tree(self, people: People) -> None:
        top, middle, low = (people.firm(name) for name in ("top", "middle", "low"))
        people.link(middle, FIRM, top, 14, from_type=FIRM)
        people.link(low, FIRM, middle, 14, from_type=FIRM)
        people.merge(top, low, name=FIRM)
        assert people.linked(middle, FIRM, FIRM) == {top: (450, 14)}
        people.unmerge(top, FIRM)
        assert people.linked(low, FIRM, FIRM) == {middle: (450, 14)}

    def test_what_was_unlinked_since_stays_so(self, people: People) -> None:
        a, b = people.people({}, {})
        kept, gone = people.firm(), people.firm()
        for firm in (kept, gone):
            people.link(b, FIRM, firm)
        people.merge(a, b)
        people.engine.links.remove(PERSON, [Unlink(a, FIRM, gone)], CONTEXT)
        people.unmerge(a)
        assert set(people.linked(b, FIRM)) == {kept}
        assert people.linked(a, FIRM) == {}

    def test_links_of_an_absorbed_id_are_the_survivors(self, people: People) -> None:
        a, b = people.people({}, {})
        firm, other = people.firm(), people.firm()
        people.merge(a, b)
        people.link(b, FIRM, firm)
        assert set(people.linked(a, FIRM)) == {firm}
        assert set(people.linked(b, FIRM)) == {firm}
        people.merge(other, firm, name=FIRM)
        people.link(b, FIRM, firm, 1)
        assert people.linked(b, FIRM) == {other: (279, 1)}


class TestStatements:
    @pytest.mark.parametrize("count", [2, 40])
    def test_the_number_depends_on_nothing(self, people: People, count: int, mail: str) -> None:
        own = {"last": "Last", "tags": ["new", "done"]}
        drafts = [{"email": f"{n}{mail}", "first": f"First {n}", **own} for n in range(count)]
        ids = people.people({}, *drafts)
        firms = [people.firm() for _ in range(3)]
        for n, ident in enumerate(ids[1:]):
            people.link(ident, FIRM, firms[n % 3])
        people.engine.catalog.refresh()
        with people.database.counted() as statements:
            people.merge(*ids, rules=MergeRules(by_attribute={"last": NEWEST}))
        assert len(statements) == MERGING, "\n".join(statements)
        with people.database.counted() as statements:
            people.unmerge(ids[0])
        assert len(statements) == UNDOING, "\n".join(statements)


# Two banks: rows are locked before they are read. Links: read, unlinked, linked, noted. Keys: two; options: one.
LOCK_AND_READ, SINCE, LINKS, KEYS, MOVE, CHANGE, SIDES, RECORD = 2, 1, 1 + 3, 1, 1, 1, 3, 1
MERGING = LOCK_AND_READ + SINCE + LINKS + KEYS + MOVE + CHANGE + SIDES + RECORD
UNDOING = 2 + 1 + 1 + 1 + 1 + 1 + CHANGE + SIDES + MOVE + 1 + 3
