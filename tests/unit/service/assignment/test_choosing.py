"""Who can take something at all, and why nobody can."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.service.assignment.choosing import Agent, Reason, Room, choose
from shared.service.assignment.shares import Member

NOW = datetime(2030, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
MEMBERS = [Member(1), Member(2)]


def room(*agents: Agent, gone: frozenset[int] = frozenset(), **opened: int) -> Room:
    return Room({one.owner: one for one in agents}, {int(name[1:]): n for name, n in opened.items()}, NOW, gone)


@pytest.mark.parametrize(
    ("here", "skills", "reason"),
    [
        (room(gone=frozenset({1, 2})), (), Reason.EMPTY),
        (room(Agent(1, skills=frozenset({"a"}))), ("b",), Reason.UNSKILLED),
        (room(*(Agent(n, away_from=NOW - HOUR) for n in (1, 2))), (), Reason.AWAY),
        (room(*(Agent(n, 1) for n in (1, 2)), n1=1, n2=1), (), Reason.FULL),
        (room(Agent(1, 1), Agent(2, away_until=NOW + HOUR), n1=1), (), Reason.FULL),
    ],
)
def test_nobody_can_take_it(here: Room, skills: tuple[str, ...], reason: Reason):
    choice, after = choose(MEMBERS, here, skills)
    assert (choice.owner, choice.reason) == (None, reason)
    assert after == MEMBERS


@pytest.mark.parametrize(
    ("begin", "end", "away"),
    [(None, None, False), (NOW, None, True), (NOW + HOUR, None, False), (None, NOW, False), (None, NOW + HOUR, True)],
)
def test_away_is_from_an_instant_to_before_another(begin: datetime | None, end: datetime | None, away: bool):
    assert Agent(1, away_from=begin, away_until=end).away(NOW) is away


def test_the_last_one_comes_first_where_they_can():
    assert choose(MEMBERS, room(), sticky=2)[0].reason is Reason.STICKY
    full = choose(MEMBERS, room(Agent(2, 0)), sticky=2)[0]
    assert (full.owner, full.reason, full.out) == (1, Reason.TURN, {"full": 1})
    assert choose([Member(1), Member(2, 0)], room(), sticky=2)[0].owner == 1


def test_who_was_away_is_not_made_up_to_and_who_lacked_a_skill_is():
    away, back = room(Agent(2, away_from=NOW)), room()
    members = MEMBERS
    for _ in range(10):
        _, members = choose(members, away)
    got = []
    for _ in range(4):
        choice, members = choose(members, back)
        got.append(choice.owner)
    assert abs(got.count(1) - got.count(2)) <= 1
    members, skilled = MEMBERS, room(Agent(1, skills=frozenset({"a"})))
    for _ in range(3):
        _, members = choose(members, skilled, ("a",))
    assert [choose(members, skilled)[0].owner] == [2]


@given(st.lists(st.tuples(st.integers(1, 5), st.integers(0, 4)), min_size=1, max_size=6), st.integers(0, 40))
def test_nobody_gets_more_than_they_can_take(shares: list[tuple[int, int]], count: int):
    members = [Member(n, weight) for n, (weight, _) in enumerate(shares)]
    opened: dict[int, int] = {}
    here = Room({n: Agent(n, capacity) for n, (_, capacity) in enumerate(shares)}, opened, NOW)
    for _ in range(count):
        choice, members = choose(members, here)
        if choice.owner is not None:
            opened[choice.owner] = opened.get(choice.owner, 0) + 1
    assert all(opened.get(n, 0) <= capacity for n, (_, capacity) in enumerate(shares))
    assert sum(opened.values()) == min(count, sum(capacity for _, capacity in shares))
