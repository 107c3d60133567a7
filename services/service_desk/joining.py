"""The step in every write by which a merged ticket has one conversation: what was said about the absorbed is about the
survivor, whichever of their ids it is said to, and goes back when the merge is undone.

One statement when something is said, a few when tickets are merged; none otherwise. Whoever merges holds the rows of
the clocks before looking for what was said, whoever says something before committing it: nothing is left behind.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from services.service_desk.promises.keeping import ENTRY, TICKET
from shared.kernel.context import Context
from shared.kernel.db import Connection
from shared.service.parts import heirs, joined, left, parts_of, refer, where_from
from shared.service.steps import LiveType, Written

_ABOUT = "ticket_id"
_GONE = """
select ticket_id, gone from sla_clock where ticket_id = any(%(ids)s::bigint[]) order by ticket_id for no key update
"""
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
        rows = connection.rows(_GONE, {"ids": sorted(set(made.values()))}, prepare=True) if made else []
        absorbed = heirs(connection, self._type_of(TICKET), [ident for ident, gone in rows if gone])
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
