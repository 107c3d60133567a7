"""What a handler cannot take is put aside with its reason, keeps its order, and comes back when it is asked for."""

from __future__ import annotations

import threading

import psycopg
import pytest

from shared.bus.account import accounts
from shared.bus.client import DirectSource
from shared.bus.dead_letters import Gap, letters
from shared.bus.feed import Feed
from shared.bus.following import ATTEMPTS, Follower
from shared.bus.settling import Settled, replay, skip
from shared.kernel.errors import Unavailable
from tests.integration.bus.conftest import event, following, note, seen, write


@pytest.fixture
def picky():
    """A handler that refuses some entities, and what it refuses."""
    refused: set[int] = {2}

    def handle(connection, events):
        note(connection, events)
        if any(one.entity_id in refused for one in events):
            raise ValueError("a person's own words")

    return handle, refused


@pytest.fixture
def follower(database, here, picky):
    with here.connect() as connection:
        connection.run("truncate dead_letter")
    return Follower(here, DirectSource({"contacts": Feed(database)}), following(handler=picky[0]))


def persist(follower):
    """Try until the page goes through; how often it failed."""
    failures = 0
    while True:
        try:
            follower.catch_up(threading.Event())
        except (ValueError, psycopg.Error, Unavailable, Gap) as error:
            follower.failed(error)
            failures += 1
            assert failures < 10
        else:
            return failures


def kept(here):
    with here.connect() as connection:
        return letters(connection)


def test_one_bad_event_does_not_stop_the_others(database, here, follower):
    write(database, event(1), event(2), event(3))
    assert persist(follower) == ATTEMPTS
    assert seen(here) == [1, 3]
    [letter] = kept(here)
    assert (letter.entity_id, letter.behind, letter.error) == (2, False, "ValueError")


def test_what_follows_about_the_same_entity_waits_behind_it(database, here, follower, picky):
    write(database, event(2, 1), event(3))
    persist(follower)
    picky[1].clear()
    write(database, event(2, 2), event(4))
    assert persist(follower) == 0
    assert seen(here) == [3, 4]
    assert [one.behind for one in kept(here)] == [False, True]
    assert replay(here, follower.subscription.name, follower.subscription.handler, kept(here)[1].id).events == 2
    assert seen(here) == [2, 3, 2, 4]
    assert kept(here) == []
    write(database, event(2, 3))
    persist(follower)
    assert seen(here) == [2, 3, 2, 4, 2]


def test_a_replay_that_fails_again_changes_nothing_but_the_count(database, here, follower):
    write(database, event(2, 1), event(2, 2))
    persist(follower)
    first, second = kept(here)
    with pytest.raises(ValueError, match="words"):
        replay(here, follower.subscription.name, follower.subscription.handler, first.id)
    assert [one.attempts for one in kept(here)] == [first.attempts + 1, second.attempts]
    assert seen(here) == []


def test_skipping_gives_exactly_one_up_and_applies_what_waited(database, here, follower, picky):
    write(database, event(2, 1), event(2, 2), event(2, 3))
    persist(follower)
    name, handler = follower.subscription.name, follower.subscription.handler
    assert skip(here, name, handler, kept(here)[1].id) == Settled(skipped=1, left=2)
    assert seen(here) == [], "what lies before it is not what was given up"
    refusing = skip(here, name, handler, kept(here)[0].id)
    assert refusing == Settled(skipped=1, left=1, error="ValueError")
    assert [one.behind for one in kept(here)] == [False], "it no longer waits for another"
    picky[1].clear()
    assert skip(here, name, handler, kept(here)[0].id) == Settled(skipped=1)
    assert seen(here) == []
    with here.connect() as connection:
        [account] = accounts(connection)
    assert account.balanced
    assert (account.told, account.applied, account.put_aside, account.skipped) == (3, 0, 0, 3)


def test_behind_what_was_given_up_an_entity_is_taken_over(database, here, follower, picky):
    """Who keeps versions cannot take the ones behind a gap: the entity is made what its source has first."""
    standing: list[int] = []

    def keep(connection, events):
        for one in events:
            if picky[1]:
                raise ValueError("a constraint")
            if one.version > sum(standing) + 1:
                raise Gap(f"version {one.version} came before an earlier one")
            note(connection, [one])

    def renew(entity_type, ident):
        assert (entity_type, ident) == ("contact", 2)
        return lambda _connection: standing.append(2)

    follower.subscription = following(handler=keep)
    write(database, event(2, 1), event(2, 2))
    persist(follower)
    picky[1].clear()
    name, first = follower.subscription.name, kept(here)[0].id
    assert skip(here, name, keep, first, renew) == Settled(skipped=1, applied=1, taken_over=True)
    assert (seen(here), kept(here)) == ([2], [])
    write(database, event(2, 3))
    assert persist(follower) == 0, "later ones fit"
    standing.clear()
    write(database, event(2, 4))
    persist(follower)
    [letter] = kept(here)
    with pytest.raises(Gap):
        replay(here, name, keep, letter.id)
    assert "came before" in kept(here)[0].error
    standing.append(1)
    assert replay(here, name, keep, letter.id, renew) == Settled(applied=1, taken_over=True)


def test_a_failure_that_passes_by_itself_puts_nothing_aside(database, here, follower):
    attempts = []

    def away(connection, events):
        attempts.append(1)
        if len(attempts) <= ATTEMPTS + 2:
            raise Unavailable("a neighbour is away")
        note(connection, events)

    follower.subscription = following(handler=away)
    write(database, event(1))
    assert persist(follower) == ATTEMPTS + 2
    assert seen(here) == [1]
    assert kept(here) == []


def test_the_words_of_foreign_errors_are_not_kept(database, here, follower):
    write(database, event(2))
    persist(follower)
    with here.connect() as connection:
        assert connection.row("select count(*) from dead_letter where error like '%words%'") == (0,)
