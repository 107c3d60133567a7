"""What a look at the log leaves open, so that the next looks can be cheap. Pure; see shared/bus/ticks.py.

A look establishes: every id drawn so far belongs to an event already ticked, to nothing (rolled back), or to one of
certain transactions that were in progress. As long as no further id is drawn and none of these ends, there cannot be
news, whatever the rest of the cluster commits. The transactions in progress are those a snapshot lists, and those
between its end and the newest transaction id assigned by then: a snapshot does not list them.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A pg_snapshot: transactions below `end` that are not `listed` have ended; above, nothing is known to have."""

    end: int
    listed: frozenset[int]

    @classmethod
    def parse(cls, text: str) -> Snapshot:
        """Of PostgreSQL's text `xmin:xmax:a,b`."""
        _, end, listed = text.split(":")
        return cls(int(end), frozenset(map(int, listed.split(",")) if listed else ()))


@dataclass(frozen=True, slots=True)
class Outstanding:
    """All ids up to `drawn` are settled, save those of transactions `listed` or with low <= id <= high."""

    drawn: int
    listed: frozenset[int]
    low: int
    high: int

    @classmethod
    def after_look(cls, drawn: int, seen: Snapshot, newest: int) -> Outstanding:
        """After a look with snapshot `seen`, `drawn` read before it, `newest` a transaction id assigned after both.

        That transaction is the looker's own and draws no id.
        """
        return cls(drawn, seen.listed, seen.end, newest - 1)

    def after_another(self, seen: Snapshot) -> Outstanding:
        """After a further full look, with no id drawn since: what is still open of what was."""
        still = frozenset(one for one in seen.listed if one in self.listed or self.low <= one <= self.high)
        return Outstanding(self.drawn, still, max(self.low, seen.end), self.high)

    def quiet(self, drawn: int, now: Snapshot) -> bool:
        """Whether nothing can have been committed by the time of `now` that was not by the look."""
        if drawn != self.drawn or not self.listed <= now.listed:
            return False
        ended_below = min(self.high + 1, now.end)
        running = sum(1 for one in now.listed if self.low <= one < ended_below)
        return running == max(0, ended_below - self.low)
