"""Merging: whose value wins, where ids, unique values and links lead then, what is refused, what undoing keeps."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from shared.eav.bulk.items import BulkItem
from shared.eav.entity import View
from shared.eav.holdings import holdings
from shared.eav.merging.rules import LONGEST, NEWEST, SURVIVOR, MergeRules
from shared.eav.requests import Draft, Query, Ref, Update, Upsert
from shared.kernel.db import Database
from shared.kernel.errors import Conflict, Invalid, NotFound
from tests.factories.asking import CONTEXT
from tests.factories.merging import ALL, FIRM, PERSON, People
from tests.factories.snapshots import snapshot

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


def values(people: People, ident: int) -> dict[str, object]:
    (found,) = people.read(ident)
    assert found is not None
    return {name: value for name, value in found.values.items() if value is not None}


class TestValues:
    def test_the_primary_wins_and_gaps_are_filled(self, people: People, mail: str) -> None:
        a = people.person(email=mail, first="Ada", note="long")
        b = people.person(email=f"b{mail}", first="Eve", last="Byron", tags=["new"], met="2024-02-29")
        merged = people.merge(a, b)
        found = values(people, a)
        assert found["first"] == "Ada"
        assert found["last"] == "Byron"
        assert found["tags"] == ["new"]
        assert found["email"] == mail
        assert found["other_emails"] == f"b{mail}"
        assert found["merged_ids"] == str(b)
        assert merged.sources["last"] == b
        assert merged.sources["first"] == a
        assert merged.sources["other_emails"] is None
        assert "score" not in merged.sources

    @pytest.mark.parametrize(
        ("rule", "expected"), [(SURVIVOR, "Ada"), (NEWEST, "Adelaide"), (LONGEST, "Augusta Ada"), (1, "Adelaide")]
    )
    def test_each_rule_takes_its_value(self, people: People, rule: str | int, expected: str) -> None:
        ids = people.people({"first": "Old"}, {"first": "Old"}, {"first": "Augusta Ada"})
        for ident, name in ((ids[0], "Ada"), (ids[1], "Adelaide")):
            people.engine.writes.update(PERSON, [Update(Ref(ident), {"first": name})], CONTEXT, ALL)
        wanted = ids[rule] if isinstance(rule, int) else rule
        merged = people.merge(*ids, rules=MergeRules(by_attribute={"first_w": wanted}))
        assert merged.entity.values["first"] == expected
        assert values(people, ids[0])["first"] == expected

    def test_the_survivors_rule_keeps_its_gaps(self, people: People) -> None:
        a, b = people.people({}, {"first": "Eve", "age": 3})
        people.merge(a, b, rules=MergeRules(SURVIVOR, {"age": b}))
        assert "first" not in values(people, a)
        assert "age" in values(people, a)

    def test_a_chosen_gap_is_a_gap(self, people: People) -> None:
        a, b = people.people({"first": "Ada"}, {})
        people.merge(a, b, rules=MergeRules(by_attribute={"first": b}))
        assert "first" not in values(people, a)

    def test_every_wrong_rule_is_told(self, people: People) -> None:
        a, b = people.people({}, {})
        wrong = {"frist": SURVIVOR, "first": "best", "age": 10**9, "score": SURVIVOR, "other_emails": SURVIVOR}
        with pytest.raises(Invalid) as caught:
            people.merge(a, b, rules=MergeRules("worst", wrong))  # type: ignore[arg-type]
        assert [one.name for one in caught.value.errors] == [
            "rules", "rules.frist", "rules.first", "rules.age", "rules.score", "rules.other_emails",
        ]  # fmt: skip
        assert caught.value.errors[1].nearest == ("first",)
        assert people.read(b)[0].id == b  # type: ignore[union-attr]

    def test_preview_changes_nothing_and_tells_what_will_be(self, people: People, mail: str) -> None:
        a, b = people.people({"email": mail}, {"email": f"b{mail}", "first": "Eve"})
        firm = people.firm()
        people.link(b, FIRM, firm)
        lives = [people.engine.catalog.type(one) for one in (PERSON, FIRM)]
        with people.database.connect() as connection:
            before = snapshot(connection, lives)
        told = people.engine.merges.merge(PERSON, a, [b], CONTEXT, ALL, preview=True)
        with people.database.connect() as connection:
            assert snapshot(connection, lives) == before
        done = people.merge(a, b)
        assert told.merge_id is None
        assert done.merge_id is not None
        assert {**told.entity.values, "updated_at": None} == {**done.entity.values, "updated_at": None}
        assert (told.sources, told.absorbed, told.links, told.keys) == (
            done.sources, done.absorbed, done.links, done.keys,
        )  # fmt: skip
        assert told.keys == (("email", f"b{mail}", b),)
        assert {one.other for one in told.links} == {firm}


class TestMeaning:
    def test_an_absorbed_id_means_the_survivor_everywhere(self, people: People, mail: str) -> None:
        a, b, c = people.people({"email": mail}, {"email": f"b{mail}"}, {"email": f"c{mail}"})
        people.merge(b, c)
        people.merge(a, b)
        assert [one.id for one in people.read(a, b, c) if one] == [a, a, a]
        assert people.find("email", mail, f"b{mail}", f"c{mail}") == [a, a, a]
        people.engine.writes.update(PERSON, [Update(Ref(c), {"first": "By C"})], CONTEXT, ALL)
        assert values(people, a)["first"] == "By C"
        refs = [Ref(attribute="email", value=f"b{mail}")]
        people.engine.writes.update(PERSON, [Update(refs[0], {"last": "By mail"})], CONTEXT, ALL)
        assert values(people, a)["last"] == "By mail"
        with pytest.raises(Invalid, match="named twice"):
            people.engine.writes.update(PERSON, [Update(Ref(a), {}), Update(Ref(c), {})], CONTEXT, ALL)
        people.engine.writes.archive(PERSON, [Ref(b)], CONTEXT)
        assert people.read(a, b, c) == [None, None, None]
        found = people.engine.reads.read(PERSON, [Ref(c)], ALL, archived=True)[0]
        assert found is not None
        assert found.id == a
        assert people.find("email", f"b{mail}") == [None]
        people.engine.writes.restore(PERSON, c, CONTEXT, ALL)
        assert people.find("email", mail, f"b{mail}", f"c{mail}") == [a, a, a]

    def test_absorbed_ones_are_in_no_list(self, people: People, mail: str) -> None:
        a, b = people.people({"email": mail}, {"email": f"b{mail}"})
        people.merge(a, b)
        for archived in (False, True):
            listed, _ = people.engine.reads.list(PERSON, ALL, limit=1000, archived=archived)
            assert b not in {one.id for one in listed}
        assert b not in {one.id for one in people.engine.reads.query(PERSON, Query(limit=1000), ALL).entities}

    def test_copies_are_told_of_absorbed_ones(self, people: People) -> None:
        """Else a copy made now would meet a version it cannot place when the merge is undone."""
        a, b = people.people({}, {"first": "Eve"})
        people.merge(a, b)
        live = people.engine.catalog.type(PERSON)
        with people.database.connect() as connection:
            held = {one.id: one for one in holdings(connection, live, after=a - 1, limit=10)}
        assert (held[b].version, held[b].archived, held[b].values) == (2, True, {live.attributes["first"].key: "Eve"})

    def test_an_address_that_was_brought_along_is_taken(self, people: People, mail: str) -> None:
        a, b = people.people({"email": mail}, {"email": f"b{mail}"})
        people.merge(a, b)
        with pytest.raises(Conflict) as caught:
            people.person(email=f"b{mail}")
        assert caught.value.existing_id == a

    def test_an_upsert_by_such_an_address_does_not_change_the_own_one(self, people: People, mail: str) -> None:
        a, b = people.people({"email": mail}, {"email": f"b{mail}"})
        people.merge(a, b)
        by = Ref(attribute="email", value=f"B{mail}")
        given = {"email": f"B{mail}", "first": "New"}
        (found,) = people.engine.writes.upsert(PERSON, [Upsert(by, given)], CONTEXT, ALL)
        assert found.id == a  # type: ignore[union-attr]
        assert values(people, a)["email"] == mail
        assert values(people, a)["first"] == "New"

    def test_a_bulk_write_by_such_an_address_does_not_change_the_own_one(self, people: People, mail: str) -> None:
        a, b = people.people({"email": mail}, {"email": f"b{mail}"})
        people.merge(a, b)
        by = Ref(attribute="email", value=f"B{mail}")
        items = [BulkItem({"email": f"b{mail}", "first": "New"}, by)]
        for outcome in ("updated", "unchanged"):
            (found,) = people.engine.bulk.write(PERSON, items, CONTEXT)
            assert (found.id, found.outcome) == (a, outcome)
        assert values(people, a)["email"] == mail
        assert people.find("email", mail, f"b{mail}") == [a, a]

    def test_such_an_address_can_become_the_own_one_and_both_stay(self, people: People, mail: str) -> None:
        a, b = people.people({"email": mail}, {"email": f"b{mail}"})
        people.merge(a, b)
        people.engine.writes.update(PERSON, [Update(Ref(a), {"email": f"b{mail}"})], CONTEXT, ALL)
        assert people.find("email", f"b{mail}", mail) == [a, None]
        people.engine.writes.update(PERSON, [Update(Ref(a), {"email": None})], CONTEXT, ALL)
        assert people.find("email", f"b{mail}") == [None]

    def test_a_swap_does_not_free_an_address_that_was_brought_along(self, people: People, mail: str) -> None:
        a, b, c = people.people({"email": mail}, {"email": f"b{mail}"}, {})
        people.merge(a, b)
        updates = [Update(Ref(a), {"email": f"a{mail}"}), Update(Ref(c), {"email": f"b{mail}"})]
        with pytest.raises(Conflict) as caught:
            people.engine.writes.update(PERSON, updates, CONTEXT, ALL)
        assert caught.value.existing_id == a

    def test_the_other_value_of_the_survivor_leads_to_it(self, people: People, mail: str) -> None:
        a, b = people.people({"email": mail}, {"email": f"b{mail}"})
        people.merge(a, b, rules=MergeRules(by_attribute={"email": b}))
        assert values(people, a)["email"] == f"b{mail}"
        assert values(people, a)["other_emails"] == mail
        assert people.find("email", mail, f"b{mail}") == [a, a]
        people.unmerge(a)
        assert people.find("email", mail, f"b{mail}") == [a, b]

    def test_history_tells_of_it(self, people: People, mail: str) -> None:
        a, b = people.people({"email": mail}, {"email": f"b{mail}", "first": "Eve"})
        people.merge(a, b)
        (found,) = people.engine.reads.read(PERSON, [Ref(b)], View("json", (), ("first", "email")))
        assert found is not None
        assert found.history is not None
        assert [(one.value, one.source, one.version) for one in found.history["first"]] == [("Eve", "MERGE_OBJECTS", 2)]
        assert [one.value for one in found.history["email"]] == [mail]


class TestRefusals:
    def test_same_id_twice(self, people: People) -> None:
        a, b = people.people({}, {})
        for absorbed in ((a,), (b, b), (b, a), ()):
            with pytest.raises(Invalid):
                people.merge(a, *absorbed)

    def test_unknown_and_archived_ids_are_named(self, people: People) -> None:
        a, b = people.people({}, {})
        people.engine.writes.archive(PERSON, [Ref(b)], CONTEXT)
        with pytest.raises(NotFound) as caught:
            people.merge(a, b, 10**15)
        assert caught.value.ids == (str(b), str(10**15))
        firm = people.firm()
        with pytest.raises(NotFound):
            people.merge(a, firm)

    def test_merging_again_changes_nothing(self, people: People) -> None:
        a, b = people.people({"first": "Ada"}, {"last": "Byron"})
        version = people.merge(a, b).entity.version
        for pair in ((a, b), (b, a)):
            again = people.merge(*pair)
            assert again.merge_id is None
            assert (again.entity.id, again.entity.version) == (a, version)

    def test_only_the_latest_merge_is_undone(self, people: People) -> None:
        a, b, c = people.people({}, {}, {})
        first, second = people.merge(a, b), people.merge(a, c)
        with pytest.raises(Conflict, match=str(second.merge_id)):
            people.unmerge(a, merge_id=first.merge_id)
        assert people.unmerge(a, merge_id=second.merge_id).restored[0].id == c
        assert people.unmerge(c if people.read(c)[0] is None else b).restored[0].id == b
        with pytest.raises(NotFound, match="nothing was merged"):
            people.unmerge(a)


class TestUndoing:
    def test_what_changed_since_is_kept_and_listed(self, people: People, mail: str) -> None:
        a, b = people.people({"email": mail, "first": "Ada"}, {"email": f"b{mail}", "last": "Byron", "age": 3})
        people.merge(a, b)
        changes = {"last": "Lovelace", "first": "Countess", "other_emails": f"b{mail};new@x.test"}
        people.engine.writes.update(PERSON, [Update(Ref(a), changes)], CONTEXT, ALL)
        undone = people.unmerge(b)
        assert [(one.id, one.attribute) for one in undone.kept] == [(a, "last")]
        found = values(people, a)
        assert (found["first"], found["last"], found["other_emails"]) == ("Countess", "Lovelace", "new@x.test")
        assert "age" not in found
        assert "merged_ids" not in found
        assert values(people, b)["last"] == "Byron"

    def test_an_address_the_survivor_took_over_stays_with_it(self, people: People, mail: str) -> None:
        a, b = people.people({"email": mail}, {"email": f"b{mail}", "first": "Eve"})
        people.merge(a, b)
        people.engine.writes.update(PERSON, [Update(Ref(a), {"email": f"b{mail}"})], CONTEXT, ALL)
        undone = people.unmerge(a)
        assert [(one.id, one.attribute) for one in undone.kept] == [(b, "email")]
        assert people.find("email", f"b{mail}") == [a]
        assert "email" not in values(people, b)

    def test_an_address_somebody_else_has_by_now(self, people: People, mail: str) -> None:
        a, b = people.people({"email": mail}, {"email": f"b{mail}"})
        people.merge(a, b)
        people.engine.writes.archive(PERSON, [Ref(a)], CONTEXT)
        c = people.person(email=f"b{mail}")
        with pytest.raises(Conflict) as caught:
            people.engine.writes.restore(PERSON, a, CONTEXT, ALL)
        assert caught.value.existing_id == c
        people.engine.writes.restore(PERSON, a, CONTEXT, ALL, without_taken=True)
        assert values(people, a)["email"] == mail
        people.unmerge(a)
        assert people.find("email", mail, f"b{mail}") == [a, c]
        assert "email" not in values(people, b)


class TestRaces:
    def test_opposite_merges_end_in_one_entity(self, people: People) -> None:
        for _ in range(10):
            a, b = people.people({"first": "A"}, {"first": "B"})
            with ThreadPoolExecutor(2) as pool:
                done = [pool.submit(people.merge, *pair) for pair in ((a, b), (b, a))]
                outcomes = [one.result() for one in done]
            assert sorted(one.merge_id is None for one in outcomes) == [False, True]
            assert len({one.entity.id for one in outcomes}) == 1
            assert len({one.id for one in people.read(a, b) if one}) == 1

    def test_a_write_to_an_entity_that_is_being_absorbed_reaches_the_survivor(self, people: People) -> None:
        for n in range(10):
            a, b = people.people({}, {})

            def write(ident: int = b, name: str = f"Name {n}") -> object:
                return people.engine.writes.update(PERSON, [Update(Ref(ident), {"first": name})], CONTEXT, ALL)

            with ThreadPoolExecutor(2) as pool:
                done = [pool.submit(people.merge, a, b), pool.submit(write)]
                for one in done:
                    one.result()
            assert values(people, b)["first"] == f"Name {n}"


def test_drafts_are_what_they_say(people: People) -> None:
    """An absorbed id is never given out again, nor created anew."""
    a, b = people.people({}, {})
    people.merge(a, b)
    (made,) = people.engine.writes.create(PERSON, [Draft({})], CONTEXT, ALL)
    assert made.id > b  # type: ignore[union-attr]
