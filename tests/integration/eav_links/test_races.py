"""Links written at once: pairs, registers, limits and trees hold, and no link leads to what was archived meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from shared.eav.engine import Engine
from shared.eav.links import labels
from shared.eav.links.asked import LinkOutcome, Unlink
from shared.eav.links.relations import RelationDef
from shared.eav.requests import Draft, LinkTo, Ref, Update
from shared.kernel.db import Database
from shared.kernel.errors import Invalid, NotFound
from tests.factories.asking import CONTEXT, IDS
from tests.factories.linking import (
    PARENT,
    PLAIN,
    PLAIN_BACK,
    PRIMARY,
    PRIMARY_BACK,
    Told,
    audit_links,
    link,
    linked_engine,
    links,
    rows,
    some,
)
from tests.factories.racing import Pause, at_once, paused, until_blocked

ROUNDS = 5


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    """Threads for writes that wait."""
    with ThreadPoolExecutor(4) as pool:
        yield pool


@pytest.fixture
def halted(database: Database, threads: ThreadPoolExecutor) -> Callable[..., tuple[Pause, Future[Any]]]:
    """Runs a step up to just before its commit."""

    def run(step: Callable[[Engine], Any]) -> tuple[Pause, Future[Any]]:
        def engine(of: Database, pause: Pause) -> Engine:
            return linked_engine(of, publish=pause, publish_links=pause)

        return paused(database, step, threads, engine)

    return run


def test_one_pair_is_linked_once(engine: Engine, told: Told):
    for _ in range(ROUNDS):
        (person,), (firm,) = some(engine, "contact", 1), some(engine, "company", 1)
        told.taken()
        ends = (("contact", person, "company", firm), ("company", firm, "contact", person))
        done = at_once(8, lambda n, ends=ends: link(engine, *ends[n % 2]))
        assert sum(isinstance(one, LinkOutcome) and one.new for one in done) == 1, done
        assert len({(min(one.from_id, one.to_id), one.relation in (1, 2), one.live) for one in told.changes}) == 2
        assert len(told.taken()) == 2
    audit_links(engine)


def test_one_of_two_primaries_wins(engine: Engine, told: Told):
    for _ in range(ROUNDS):
        (person,), firms = some(engine, "contact", 1), some(engine, "company", 8)
        done = at_once(8, lambda n, firms=firms, person=person: link(engine, "contact", person, "company", firms[n], 1))
        assert all(isinstance(one, LinkOutcome) for one in done), done
        found = links(engine, "contact", person, "company")
        assert sorted(found) == firms
        (primary,) = [one for one, relations in found.items() if PRIMARY in relations]
        lives = [one for one in told.changes if one.relation == PRIMARY and one.from_id == person]
        assert max(lives, key=lambda one: one.clock).to_id in (primary, *firms)
        last: dict[int, bool] = {}
        for one in sorted(lives, key=lambda one: one.clock):
            last[one.to_id] = one.live
        assert [firm for firm, live in last.items() if live] == [primary], "what was told, in order, is what there is"
        told.changes.clear()
    audit_links(engine)


def test_the_first_of_two_first_ones_is_primary(engine: Engine):
    for _ in range(ROUNDS):
        (person,), firms = some(engine, "contact", 1), some(engine, "company", 6)
        at_once(6, lambda n, firms=firms, person=person: link(engine, "company", firms[n], "contact", person))
        found = links(engine, "contact", person, "company")
        assert sorted(found.values()) == sorted([(PLAIN, PRIMARY), *[(PLAIN,)] * 5], key=len) or (
            sum(PRIMARY in one for one in found.values()) == 1 and sorted(found) == firms
        )
    audit_links(engine)


def test_who_waits_for_a_register_sees_what_the_other_wrote(
    engine: Engine, database: Database, halted: Callable[..., Any], threads: ThreadPoolExecutor
):
    (person,), (one, other) = some(engine, "contact", 1), some(engine, "company", 2)
    pause, first = halted(lambda mine: link(mine, "contact", person, "company", one))
    second = threads.submit(link, engine, "company", other, "contact", person, PRIMARY_BACK)
    assert until_blocked(database, done=second)
    pause.go()
    first.result()
    second.result()
    assert links(engine, "contact", person, "company") == {one: (PLAIN,), other: (PLAIN, PRIMARY)}


def test_many_link_to_one_company_at_once(engine: Engine, halted: Callable[..., Any]):
    people, (firm,) = some(engine, "contact", 2), some(engine, "company", 1)
    pause, first = halted(lambda mine: link(mine, "contact", people[0], "company", firm))
    link(engine, "contact", people[1], "company", firm)
    assert set(links(engine, "company", firm, "contact")) == {people[1]}
    pause.go()
    first.result()
    assert set(links(engine, "company", firm, "contact")) == set(people)


@pytest.mark.parametrize("name", ["contact", "company"])
def test_archive_waits_for_a_link(
    engine: Engine, database: Database, halted: Callable[..., Any], threads: ThreadPoolExecutor, name: str
):
    (person,), (firm,) = some(engine, "contact", 1), some(engine, "company", 1)
    pause, linking = halted(lambda mine: link(mine, "contact", person, "company", firm))
    end = Ref(person if name == "contact" else firm)
    gone = threads.submit(engine.writes.archive, name, [end], CONTEXT)
    assert until_blocked(database, done=gone)
    pause.go()
    linking.result()
    gone.result()
    assert (PLAIN, person, firm) in rows(database)
    engine.writes.restore(name, end.id or 0, CONTEXT, IDS)
    assert links(engine, "contact", person, "company") == {firm: (PLAIN, PRIMARY)}


@pytest.mark.parametrize("name", ["contact", "company"])
def test_nobody_links_to_what_is_being_archived(
    engine: Engine, database: Database, halted: Callable[..., Any], threads: ThreadPoolExecutor, name: str
):
    (person,), (firm,) = some(engine, "contact", 1), some(engine, "company", 1)
    end = person if name == "contact" else firm
    pause, gone = halted(lambda mine: mine.writes.archive(name, [Ref(end)], CONTEXT))
    linking = threads.submit(link, engine, "contact", person, "company", firm)
    draft = Draft({}, links=(LinkTo(name, end),))
    other = "company" if name == "contact" else "contact"
    creating = threads.submit(engine.writes.create, other, [draft], CONTEXT, IDS)
    assert until_blocked(database, done=linking, count=2)
    pause.go()
    gone.result()
    for waiting in (linking, creating):
        with pytest.raises(NotFound, match=str(end)):
            waiting.result()
    assert not [one for one in rows(database) if end in one]


def erase(engine: Engine, name: str, ident: int) -> object:
    """Erase one entity, and nothing elsewhere."""
    return engine.erasing.erase(name, [Ref(ident)], CONTEXT, lambda *_: {})


@pytest.mark.parametrize("name", ["contact", "company"])
def test_erasing_takes_links_along_that_are_being_made(
    engine: Engine, database: Database, halted: Callable[..., Any], threads: ThreadPoolExecutor, name: str
):
    (person,), (firm,) = some(engine, "contact", 1), some(engine, "company", 1)
    end = person if name == "contact" else firm
    pause, linking = halted(lambda mine: link(mine, "contact", person, "company", firm))
    gone = threads.submit(erase, engine, name, end)
    assert until_blocked(database, done=gone)
    pause.go()
    linking.result()
    gone.result()
    assert not [one for one in rows(database) if end in one]


@pytest.mark.parametrize("name", ["contact", "company"])
def test_nobody_links_to_what_is_being_erased(
    engine: Engine, database: Database, halted: Callable[..., Any], threads: ThreadPoolExecutor, name: str
):
    (person,), (firm,) = some(engine, "contact", 1), some(engine, "company", 1)
    end = person if name == "contact" else firm
    pause, gone = halted(lambda mine: erase(mine, name, end))
    linking = threads.submit(link, engine, "contact", person, "company", firm)
    assert until_blocked(database, done=linking)
    pause.go()
    gone.result()
    with pytest.raises(NotFound, match=str(end)):
        linking.result()
    assert not [one for one in rows(database) if end in one]


def test_an_update_of_a_company_does_not_hold_up_its_links(engine: Engine, halted: Callable[..., Any]):
    (person,), (firm,) = some(engine, "contact", 1), some(engine, "company", 1)
    update = Update(Ref(firm), {"name": "new"})
    pause, changing = halted(lambda mine: mine.writes.update("company", [update], CONTEXT, IDS))
    link(engine, "contact", person, "company", firm)
    pause.go()
    changing.result()
    assert links(engine, "company", firm, "contact")


def test_linked_and_unlinked_at_once(engine: Engine):
    for _ in range(ROUNDS):
        (person,), (firm,) = some(engine, "contact", 1), some(engine, "company", 1)

        def step(n: int, person: int = person, firm: int = firm) -> object:
            if n % 2:
                return engine.links.remove("company", [Unlink(firm, "contact", person)], CONTEXT)
            return link(engine, "contact", person, "company", firm, PRIMARY)

        done = at_once(8, step)
        assert not [one for one in done if isinstance(one, Exception)]
    audit_links(engine)


def test_a_label_that_goes_takes_links_along_that_are_being_made(
    engine: Engine, database: Database, halted: Callable[..., Any], threads: ThreadPoolExecutor
):
    ahead = RelationDef(20001, 20002, "contact", "company", "advises", "Advises")
    back = RelationDef(20002, 20001, "company", "contact", "advised", "Is advised by")
    with database.transaction() as connection:
        labels.put(connection, [ahead, back])
    (person, other), (firm,) = some(engine, "contact", 2), some(engine, "company", 1)
    pause, first = halted(lambda mine: link(mine, "contact", person, "company", firm, ahead.id))

    def remove() -> None:
        with database.transaction() as connection:
            labels.remove(connection, [ahead, back])

    gone = threads.submit(remove)
    assert until_blocked(database, done=gone)
    pause.go()
    first.result()
    gone.result()
    with pytest.raises(Invalid, match="20001: not an association type"):
        link(engine, "contact", other, "company", firm, ahead.id)
    assert links(engine, "contact", person, "company") == {firm: (PLAIN, PRIMARY)}
    assert not [one for one in rows(database) if one[0] in (ahead.id, back.id)]


def test_two_links_apart_do_not_close_a_circle(
    engine: Engine, database: Database, halted: Callable[..., Any], threads: ThreadPoolExecutor
):
    a, b, c, d = some(engine, "company", 4)
    link(engine, "company", a, "company", b, PARENT)
    link(engine, "company", c, "company", d, PARENT)
    pause, first = halted(lambda mine: link(mine, "company", b, "company", c, PARENT))
    second = threads.submit(link, engine, "company", d, "company", a, PARENT)
    assert until_blocked(database, done=second), "they share no entity, and yet one has to see the other's link"
    pause.go()
    first.result()
    with pytest.raises(Invalid, match="stands below"):
        second.result()


@pytest.mark.parametrize("relation", [PLAIN, PLAIN_BACK])
def test_a_limit_is_kept(engine: Engine, database: Database, relation: int):
    most = 3
    defn = engine.relations.get(relation)
    assert defn is not None
    names = (defn.from_type, defn.to_type)
    with database.transaction() as connection:
        labels.limit(connection, defn, most)
    try:
        for _ in range(ROUNDS):
            (one,), others = some(engine, names[0], 1), some(engine, names[1], 8)
            ends = [(names[0], one, names[1], two) if two % 2 else (names[1], two, names[0], one) for two in others]
            done = at_once(8, lambda n, ends=ends: link(engine, *ends[n]))
            refused = [one for one in done if isinstance(one, Invalid)]
            assert len(refused) == len(others) - most, done
            assert {one.errors[0].code for one in refused} == {"LIMIT_EXCEEDED"}
            assert len(links(engine, names[0], one, names[1])) == most
    finally:
        with database.transaction() as connection:
            labels.limit(connection, defn, None)
