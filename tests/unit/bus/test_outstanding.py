"""Cheap looks at the log: never quiet when there is news, quiet again once everything has settled."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.bus.outstanding import Outstanding, Snapshot


@pytest.mark.parametrize(
    ("text", "end", "listed"),
    [("10:10:", 10, set()), ("10:12:10", 12, {10}), ("10:20:10,14,19", 20, {10, 14, 19})],
)
def test_a_snapshot_is_read(text, end, listed):
    assert Snapshot.parse(text) == Snapshot(end, frozenset(listed))


class Cluster:
    """Transaction ids as PostgreSQL hands them out; ids of the log; a ticker that looks."""

    def __init__(self) -> None:
        self.next_xid = 100
        self.ended = 99
        self.open: dict[int, int] = {}
        self.drawn = 0
        self.news = 0
        self.known: Outstanding | None = None

    def snapshot(self) -> Snapshot:
        return Snapshot(self.ended + 1, frozenset(xid for xid in self.open if xid <= self.ended))

    def begin(self, _: int) -> None:
        self.open[self.next_xid] = 0
        self.next_xid += 1

    def write(self, which: int) -> None:
        if self.open:
            self.drawn += 1
            self.open[sorted(self.open)[which % len(self.open)]] += 1

    def end(self, which: int, committed: bool) -> None:
        if self.open:
            xid = sorted(self.open)[which % len(self.open)]
            written = self.open.pop(xid)
            self.ended = max(self.ended, xid)
            self.news += written if committed else 0

    def commit(self, which: int) -> None:
        self.end(which, True)

    def rollback(self, which: int) -> None:
        self.end(which, False)

    def look(self, _: int) -> None:
        """As Ticker.tick does."""
        if self.known is not None and self.known.quiet(self.drawn, self.snapshot()):
            assert self.news == 0
            return
        drawn, seen, news = self.drawn, self.snapshot(), self.news
        self.news = 0
        if not news and self.known is not None and self.known.drawn == drawn:
            self.known = self.known.after_another(seen)
            return
        own, self.next_xid = self.next_xid, self.next_xid + 1
        self.known = Outstanding.after_look(drawn, seen, own)
        self.ended = max(self.ended, own)


STEPS = st.lists(
    st.tuples(st.sampled_from(["begin", "write", "commit", "rollback", "look"]), st.integers(0, 5)), max_size=80
)


@given(STEPS)
def test_quiet_is_never_wrong(steps):
    cluster = Cluster()
    for name, which in steps:
        getattr(cluster, name)(which)
    cluster.look(0)


@given(STEPS)
def test_others_do_not_disturb_once_all_writers_are_done(steps):
    cluster = Cluster()
    for name, which in steps:
        getattr(cluster, name)(which)
    while cluster.open:
        cluster.commit(0)
    cluster.look(0)
    cluster.look(0)
    for _ in range(3):
        cluster.begin(0)
        assert cluster.known.quiet(cluster.drawn, cluster.snapshot())
        cluster.commit(0)
        assert cluster.known.quiet(cluster.drawn, cluster.snapshot())
