"""Who follows a ticket: its attribute `followers`, read and changed one at a time, and kept the other way round.

The attribute is what counts, whichever door wrote it; the table beside it answers what somebody follows, and is written
in the same transaction. A write that leaves followers alone costs nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from services.service_desk.promises.keeping import TICKET
from services.service_desk.rules.following import parted
from shared.kernel.context import Context
from shared.kernel.db import Connection
from shared.kernel.errors import NotFound
from shared.kernel.json import dumps
from shared.service.home import Home
from shared.service.steps import LiveType, Written

FOLLOWERS = "followers"
_KEEP = """
with told as (
    select ticket_id, owner_id from json_to_recordset(%(rows)s::json) as r(ticket_id bigint, owner_id bigint)),
gone as (
    delete from desk_follower f where ticket_id = any(%(ids)s::bigint[])
        and not exists (select 1 from told t where t.ticket_id = f.ticket_id and t.owner_id = f.owner_id))
insert into desk_follower (owner_id, ticket_id) select owner_id, ticket_id from told order by 1, 2
on conflict do nothing
"""
_FOLLOWED = """
select ticket_id from desk_follower where owner_id = %(owner)s order by ticket_id desc limit %(limit)s
"""
_OF = "select ticket_id, owner_id from desk_follower where ticket_id = any(%(ids)s::bigint[]) order by 1, 2"


def keep(connection: Connection, live: LiveType, written: Sequence[Written], context: Context) -> None:
    """The step in every write: who follows what, the other way round."""
    if live.name != TICKET:
        return
    key = live.attributes[FOLLOWERS].key
    now = {one.state.id: one.state.values.get(key) for one in written if key in one.changed}
    if now:
        rows = [{"ticket_id": ident, "owner_id": owner} for ident, text in now.items() for owner in parted(text)]
        connection.run(_KEEP, {"rows": dumps(rows).decode(), "ids": list(now)}, prepare=True)


def change(home: Home, ident: int, changed: Callable[[list[int]], list[int]], context: Context) -> list[int]:
    """Other followers of a ticket, worked out from those it has while nobody else changes them. Raises NotFound."""

    def work(connection: Connection) -> list[int]:
        found = home.states(connection, TICKET, [ident], lock=True).get(ident)
        if found is None:
            raise NotFound(TICKET, [str(ident)])
        before = parted(found.values.get(home.type(TICKET).attributes[FOLLOWERS].key))
        after = changed(before)
        if after != before:
            text = ";".join(map(str, after)) or None
            home.keep(connection, TICKET, {ident: {FOLLOWERS: text}}, context)
        return after

    return home.at_once(work)


def followed(connection: Connection, owner: int, limit: int) -> list[int]:
    """The tickets that an owner follows, the newest first."""
    return [row[0] for row in connection.rows(_FOLLOWED, {"owner": owner, "limit": limit})]


def followers(connection: Connection, ids: Sequence[int]) -> list[tuple[Any, ...]]:
    """(ticket, owner) of everybody who follows one of these."""
    return connection.rows(_OF, {"ids": list(ids)}, prepare=True)
