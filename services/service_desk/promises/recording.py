"""What clocks came to, as entities (`ticket_clock`) that reports are made of: written once a clock has ended.

Part of the round that lets tickets tell how their clocks stand, in its transaction, many at once; found by what was
recorded of a ticket before, so that whoever is killed or comes twice writes nothing twice. Whose a ticket was, how
urgent and where is taken from its history at the instant at which the clock ended: what moves later moves no number.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple
from zlib import crc32

from services.service_desk.domain.outcomes import Outcome, Which, mark, outcomes
from services.service_desk.domain.progress import Promise
from services.service_desk.promises.acting import SOURCE
from services.service_desk.promises.books import Loaded, promise_of
from services.service_desk.promises.instants import aware, ms
from services.service_desk.promises.keeping import TICKET
from services.service_desk.promises.rows import Row
from shared.kernel.context import SYSTEM, Context
from shared.kernel.db import Connection
from shared.kernel.errors import Invalid
from shared.kernel.json import dumps
from shared.service.home import Home, Life
from shared.service.steps import LiveType, State, Written

CLOCK = "ticket_clock"
_ABOUT = "ticket_id"
_AS_IT_WAS = ("owner_id", "team_id", "queue_id", "priority", "pipeline")
_TAKEN = frozenset({"archived", "absorbed"})
# What another round has told meanwhile, under what it knew later, is left alone.
_RECORDED = """
select g.id, coalesce(t.mark, 0), coalesce(t.clocks, '{}')
from unnest(%(ids)s::bigint[], %(seqs)s::int[]) g(id, seq) join sla_clock c on c.ticket_id = g.id
left join sla_told t on t.ticket_id = g.id where c.shown < g.seq
"""
_RECORD = """
insert into sla_told (ticket_id, mark, clocks)
select ticket_id, mark, clocks
from json_to_recordset(%(rows)s::json) as r(ticket_id bigint, mark bigint, clocks bigint[])
on conflict (ticket_id) do update set mark = excluded.mark, clocks = excluded.clocks
"""
_FORGET = "delete from sla_told where ticket_id = any(%(ids)s::bigint[])"


class _Change(NamedTuple):
    """What is to be written of some tickets' clocks. whose: the tickets of those made."""

    made: list[dict[str, Any]]
    kept: dict[int, dict[str, Any]]
    gone: list[int]
    clocks: dict[int, list[int]]


def record(connection: Connection, home: Home, loaded: Loaded, found: Sequence[Row], *, archived: bool = False) -> int:
    """Write what clocks of these tickets (archived: of archived ones) came to since it was last recorded; of how many
    tickets. The caller holds the tickets. One statement when there is nothing."""
    params = {"ids": [one.ticket for one in found], "seqs": [one.seq for one in found]}
    before = {row[0]: row[1:] for row in connection.rows(_RECORDED, params, prepare=True)}
    marks = {one.ticket: _mark(one) for one in found if one.ticket in before}
    news = {ident for ident, told in marks.items() if told != before[ident][0]}
    if not news:
        return 0
    context = Context(SYSTEM, SOURCE)
    there = _there(connection, home, [one for ident in news for one in before[ident][1]])
    change = _change(connection, home, loaded, [one for one in found if one.ticket in news], there, archived)
    made = home.keeper.make(connection, CLOCK, change.made, context, [one["ended_at"] for one in change.made])
    for one, ident in zip(change.made, made, strict=True):
        change.clocks[one[_ABOUT]].append(ident)
    home.keep(connection, CLOCK, change.kept, context)
    home.keeper.discard(connection, CLOCK, change.gone, context)
    rows = [{"ticket_id": one, "mark": marks[one], "clocks": clocks} for one, clocks in change.clocks.items()]
    connection.run(_RECORD, {"rows": dumps(rows).decode()}, prepare=True)
    return len(news)


def forget(connection: Connection, entity_type: str, ids: Collection[int]) -> None:
    """Tickets are erased; their clocks are parts of them and go by themselves."""
    if entity_type == TICKET:
        connection.run(_FORGET, {"ids": list(ids)})


def guard(_: Connection, live: LiveType, written: Sequence[Written], context: Context) -> None:
    """The step in every write: nobody takes away what reports are made of, but by erasing its ticket."""
    if live.name == CLOCK and context.source != SOURCE and any(one.kind in _TAKEN for one in written):
        raise Invalid.one("id", "READ_ONLY_VALUE", "what a clock came to stays: it goes when its ticket is erased")


def _change(
    connection: Connection,
    home: Home,
    loaded: Loaded,
    found: Sequence[Row],
    there: dict[int, dict[Which, int]],
    archived: bool,
) -> _Change:
    """From what is known of tickets, and what was recorded of them."""
    live = home.type(TICKET)
    keys = {name: live.attributes[name].key for name in _AS_IT_WAS}
    ids, asked = [one.ticket for one in found], list(keys.values())
    lives = {one.id: one for one in home.lives(connection, TICKET, ids, asked, archived=archived)}
    change = _Change([], {}, [], {})
    for row in found:
        if row.ticket not in lives:
            continue
        life, old = lives[row.ticket], there.get(row.ticket, {})
        told = outcomes(row.progress, ms(life.since))
        kept = change.clocks[row.ticket] = []
        for one, standing in zip(told, _standing(life, keys, [one.ended for one in told]), strict=True):
            values = {**standing, **_values(loaded, row.ticket, one)}
            ident = old.pop(one.which, None)
            if ident is None:
                change.made.append(values)
            else:
                change.kept[ident] = values
                kept.append(ident)
        change.gone.extend(old.values())
    return change


def _there(connection: Connection, home: Home, ids: Sequence[int]) -> dict[int, dict[Which, int]]:
    """What was recorded: {ticket: {which clock: id}}."""
    if not ids:
        return {}
    about, *which = (home.type(CLOCK).attributes[name].key for name in (_ABOUT, "target", "cycle", "round"))
    found: dict[int, dict[Which, int]] = {}
    for state in home.states(connection, CLOCK, ids).values():
        found.setdefault(int(state.values[about]), {})[_which(state, which)] = state.id
    return found


def _which(state: State, keys: Sequence[str]) -> Which:
    target, cycle, number = (state.values[key] for key in keys)
    return target, int(cycle), int(number)


def _mark(row: Row) -> int:
    told = list(mark(row.progress))
    return crc32(dumps(told)) + 1 if told else 0


def _values(loaded: Loaded, ticket: int, one: Outcome) -> dict[str, Any]:
    return {
        "ticket_id": ticket,
        "target": one.target.value,
        "cycle": Decimal(one.cycle),
        "round": Decimal(one.round),
        "started_at": aware(one.started),
        "ended_at": aware(one.ended),
        "reopened_at": None if one.reopened is None else aware(one.reopened),
        "outcome": one.verdict.value,
        "business_time": _number(one.business),
        "calendar_time": _number(one.calendar),
        "paused_time": Decimal(one.paused),
        "breached_at": None if one.breached is None else aware(one.breached),
        **_promise(loaded, one.promise, one.ended if one.breached is None else one.breached),
    }


def _promise(loaded: Loaded, promise: Promise | None, at: int) -> dict[str, Any]:
    told = promise_of(loaded, promise, at) or {}
    return {
        "promised_time": _number(told.get("promised_ms")),
        "policy": told.get("policy"),
        "policy_version": _number(told.get("version")),
        "calendar": told.get("calendar"),
        "calendar_version": _number(told.get("calendar_version")),
    }


def _standing(life: Life, keys: Mapping[str, str], instants: Sequence[int]) -> list[dict[str, Any]]:
    """How a ticket stood at instants that follow one another in any order: of changes at one instant, after them."""
    at = ms(life.since)
    changes: list[tuple[int, Mapping[str, Sequence[Any]]]] = []
    for moment, changed in life.changes:
        at = max(at, ms(moment))  # versions never go back in time: see `folding.steps_of`
        changes.append((at, changed))
    found = []
    for instant in instants:
        values = dict(life.values)
        for since, changed in reversed(changes):
            if since <= instant:
                break
            values.update({key: old for key, (old, _) in changed.items()})
        found.append({name: _read(name, values.get(key)) for name, key in keys.items()})
    return found


def _read(name: str, value: Any) -> Any:
    return int(value) if value is not None and name.endswith("_id") else value


def _number(value: int | None) -> Decimal | None:
    return None if value is None else Decimal(value)
