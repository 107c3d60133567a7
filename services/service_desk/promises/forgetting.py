"""What is kept of erased tickets besides: their clocks, with what conditions asked of them; what was done about them,
by triggers too; and what customers said of that."""

from __future__ import annotations

from collections.abc import Collection

from services.service_desk.promises.keeping import TICKET
from shared.kernel.db import Connection

_TICKETS = """
with actions as (delete from sla_action where ticket_id = any(%(ids)s::bigint[])),
said as (delete from sla_said where ticket_id = any(%(ids)s::bigint[])),
linked as (delete from sla_linked where ticket_id = any(%(ids)s::bigint[])),
fired as (delete from desk_fired where ticket_id = any(%(ids)s::bigint[])),
due as (delete from desk_due where ticket_id = any(%(ids)s::bigint[])),
surveys as (delete from desk_survey where ticket_id = any(%(ids)s::bigint[]))
delete from sla_clock where ticket_id = any(%(ids)s::bigint[])
"""


def forget(connection: Connection, entity_type: str, ids: Collection[int]) -> None:
    """Take erased tickets out, in the transaction of the erasure. When somebody wrote stays with a ticket that stays:
    clocks ran by it, and it says nothing about anybody."""
    if entity_type == TICKET:
        connection.run(_TICKETS, {"ids": list(ids)})
