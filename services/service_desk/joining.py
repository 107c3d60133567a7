"""The step in every write by which a merged ticket has one conversation: what was said about the absorbed is about the
survivor, whichever of their ids it is said to, and goes back when the merge is undone.

One statement when something is said, a few when tickets are merged; none otherwise. Whoever merges holds the rows of
the clocks before looking for what was said, whoever says something before committing it: nothing is left behind.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from services.service_desk.promises import rows
from services.service_desk.promises.keeping import ENTRY, TICKET
from shared.kernel.context import SYSTEM, Context
from shared.kernel.db import Connection, Database
from shared.service.home import Home
from shared.service.parts import heirs, joined, left, parts_of, refer, where_from
from shared.service.steps import LiveType, Written

_ABOUT = "ticket_id"
_GONE = """
select ticket_id, gone from sla_clock where ticket_id = any(%(ids)s::bigint[]) order by ticket_id for no key update
"""
_BEGUN = "select after from desk_joining for update skip locked"
_BEFORE = """
select a.id from eav_absorbed a join sla_clock c on c.ticket_id = a.id where a.id > %(after)s order by a.id limit %(n)s
"""
_AT_ONCE = 200
CREATE = (
    "create table desk_joining (after bigint primary key)",
    "insert into desk_joining (after) values (0)",
)
"""How far tickets that were merged before are looked through; no row: to their end."""
_SAID = """
update sla_said s set ticket_id = g.ticket_id from unnest(%(entries)s::bigint[], %(tickets)s::bigint[])
    g(entry_id, ticket_id)
where s.entry_id = g.entry_id and s.ticket_id = any(%(before)s::bigint[])
"""


class Joining:
    """Two steps, since clocks move in between: entries are moved before, tickets after. type_of: a type by name."""

    def __init__(self, type_of: Callable[[str], LiveType]) -> None:
        self._type_of = type_of

    def said(self, connection: Connection, live: LiveType, written: Sequence[Written], context: Context) -> None:
        """What is said to the id of an absorbed ticket is said to the survivor; before clocks move."""
        if live.name != ENTRY:
            return
        key = live.attributes[_ABOUT].key
        made = {one.state.id: int(one.state.values[key]) for one in written if one.kind == "created"}
        found = connection.rows(_GONE, {"ids": sorted(set(made.values()))}, prepare=True) if made else []
        absorbed = heirs(connection, self._type_of(TICKET), [ident for ident, gone in found if gone])
        wholes = {entry: absorbed[ticket] for entry, ticket in made.items() if ticket in absorbed}
        after = refer(connection, live, _ABOUT, wholes, context)
        for one in written:
            if one.state.id in after:  # whoever said it is shown where it stands
                now, state = after[one.state.id], one.state
                state.values, state.version, state.updated_at = now.values, now.version, now.updated_at

    def merged(self, connection: Connection, live: LiveType, written: Sequence[Written], context: Context) -> None:
        """What was said about tickets that were merged, or are no longer; after clocks moved."""
        if live.name != TICKET:
            return
        absorbed, released = joined(written), left(written)
        if absorbed:
            entry = self._type_of(ENTRY)
            (survivor,) = set(absorbed.values())  # one merge has one
            found = dict.fromkeys(parts_of(connection, entry, _ABOUT, absorbed), survivor)
            self._move(connection, entry, found, [*absorbed], context)
        if released:
            entry, heads = self._type_of(ENTRY), sorted(set(released.values()))
            found = where_from(connection, entry, _ABOUT, parts_of(connection, entry, _ABOUT, heads), list(released))
            self._move(connection, entry, found, heads, context)

    def _move(
        self,
        connection: Connection,
        entry: LiveType,
        wholes: Mapping[int, int],
        before: Sequence[int],
        context: Context,
    ) -> None:
        refer(connection, entry, _ABOUT, wholes, context)
        if wholes:
            params = {"entries": [*wholes], "tickets": [*wholes.values()], "before": list(before)}
            connection.run(_SAID, params)


def join_earlier(database: Database) -> int:
    """Part of every round: what was said about tickets that were merged before merging moved it, once; how many."""
    with database.transaction() as connection:
        row = connection.row(_BEGUN)
        if row is None:
            return 0
        ids = [one[0] for one in connection.rows(_BEFORE, {"after": row[0], "n": _AT_ONCE})]
        if not ids:
            connection.run("delete from desk_joining")
            return 0
        home = Home.of(database)
        entry, absorbed = home.type(ENTRY), heirs(connection, home.type(TICKET), ids)
        key = entry.attributes[_ABOUT].key
        states = home.states(connection, ENTRY, parts_of(connection, entry, _ABOUT, list(absorbed)))
        wholes = {one.id: absorbed[int(one.values[key])] for one in states.values()}
        refer(connection, entry, _ABOUT, wholes, Context(SYSTEM))
        if wholes:
            params = {"entries": [*wholes], "tickets": [*wholes.values()], "before": ids}
            connection.run(_SAID, params)
            rows.again(connection, sorted(set(wholes.values())))
        connection.run("update desk_joining set after = %(after)s", {"after": ids[-1]})
        return len(wholes)
