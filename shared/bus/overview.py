"""How a service's bus is doing, for operators and metrics: its log, its readers, whom it follows, what is put aside."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from shared.bus.account import Account, accounts
from shared.bus.state import ConsumerState, states
from shared.kernel.clock import now
from shared.kernel.db import Connection

_LOG = "select id, total, at from tick order by id desc limit 1"
# Behind: events of later ticks; of the reader's own tick nothing is known, so that it may be that many more.
_READERS = """select r.name, r.seen_at, r.epoch = e.epoch, head.total - coalesce(
        (select t.total from tick t where t.id = r.tick - 1),
        (select t.total - t.n from tick t order by t.id limit 1))
from feed_reader r cross join feed_epoch e cross join (select total from tick order by id desc limit 1) head
order by r.name"""
_LETTERS = """select subscription, (array_agg(error order by behind, id desc))[1], min(at) from dead_letter
group by subscription"""
_FOLLOWED = "select subscription, as_of from watermark"


@dataclass(frozen=True, slots=True)
class Reader:
    """Somebody who follows this log under a name. `lost`: of another epoch, so that it has to rebuild."""

    name: str
    seen_at: datetime
    behind: int
    lost: bool


@dataclass(frozen=True, slots=True)
class Letters:
    """Why the latest event was put aside that does not only wait for another, and since when any lies aside."""

    error: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Followed:
    """One subscription of this service. lag_seconds: how old the newest moment is up to which nothing is missing, but
    for what is put aside."""

    state: ConsumerState
    lag_seconds: float | None
    account: Account | None
    letter: Letters | None = None


@dataclass(frozen=True, slots=True)
class Overview:
    """The whole. `events`: ever appended to the log."""

    tick: int
    events: int
    last_event: datetime
    readers: tuple[Reader, ...]
    follows: tuple[Followed, ...]


def overview(connection: Connection) -> Overview:
    """Six statements, whatever there is."""
    head = connection.row(_LOG)
    assert head is not None
    moment = now()
    lags = {
        name: max(0.0, (moment - as_of.replace(tzinfo=UTC)).total_seconds())
        for name, as_of in connection.rows(_FOLLOWED)
    }
    sums = {one.subscription: one for one in accounts(connection)}
    put_aside = {name: Letters(error, since.replace(tzinfo=UTC)) for name, error, since in connection.rows(_LETTERS)}
    follows = [
        Followed(one, lags.get(one.subscription), sums.get(one.subscription), put_aside.get(one.subscription))
        for one in states(connection)
    ]
    readers = tuple(
        Reader(name, seen.replace(tzinfo=UTC), max(0, behind), not same)
        for name, seen, same, behind in connection.rows(_READERS)
    )
    return Overview(head[0], head[1], head[2].replace(tzinfo=UTC), readers, tuple(follows))
