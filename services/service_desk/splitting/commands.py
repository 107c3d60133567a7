"""Some of what was said about a ticket becomes a ticket of its own, in one transaction.

The new ticket began when the first of it was said, and what was said is about it from now on, whoever asks: its clocks
and those of the ticket it was split from are worked out anew, as if it had always been so. What was done about promises
before stays done. Both histories name the other ticket, and a label links the two. What it was linked to besides
(contacts, companies, deals) the new ticket is linked to as well. Merging undoes it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from services.service_desk.mail import outbox
from services.service_desk.promises import rows
from services.service_desk.promises.instants import aware, from_text
from services.service_desk.promises.keeping import ENTRY, TICKET
from services.service_desk.reopening import open_stage
from shared.kernel.context import Context
from shared.kernel.db import Connection
from shared.kernel.errors import CrmError, ErrorList, FieldError, Invalid, NotFound
from shared.service.entities import LinkTo
from shared.service.home import Home, State
from shared.service.relations import SPLIT_OFF

if TYPE_CHECKING:
    from shared.service.runtime import Runtime

SOURCE = "SPLIT"
MOST = 500
_TAKEN_ALONG = (
    "subject", "pipeline", "category", "priority", "source", "owner_id", "queue_id", "requester_email",
    "requester_name",
)  # fmt: skip
_LINKED = ("contact", "company", "deal")
_SAID = """
update sla_said set ticket_id = %(new)s where ticket_id = any(%(old)s::bigint[]) and entry_id = any(%(ids)s::bigint[])
"""


@dataclass(frozen=True, slots=True)
class Split:
    """What came of it: the new ticket, and what moved there."""

    ticket: int
    entries: tuple[int, ...]


def split(service: Runtime, ctx: Context, ticket: int, entries: Sequence[int], values: Mapping[str, object]) -> Split:
    """Make a ticket of these entries. values: what is to be different about it.

    Raises NotFound without the ticket, Invalid with everything that is wrong with entries and values; then nothing has
    changed.
    """
    home = Home(service.engine, service.engine.publish, service.engine.judge)
    context = replace(ctx, source=SOURCE, source_id=str(ticket))
    service.engine.relations.ready()
    return home.at_once(lambda connection: _split(service, home, connection, context, ticket, entries, values))


def _split(
    service: Runtime,
    home: Home,
    connection: Connection,
    context: Context,
    ticket: int,
    entries: Sequence[int],
    values: Mapping[str, object],
) -> Split:
    old = home.states(connection, TICKET, [ticket], lock=True).get(ticket)
    if old is None:
        raise NotFound(TICKET, [str(ticket)])
    family = home.family(connection, TICKET, ticket)
    found = home.states(connection, ENTRY, sorted(set(entries)), lock=True)
    errors = _strangers(home, family, entries, found)
    since = _began(home, found.values())
    made = _made(
        home, connection, replace(context, effective_at=since), {**_given(service, home, old), **values}, errors
    )
    errors.raise_if_any()
    assert made is not None
    moved = tuple(sorted(found))
    kept = Home(service.engine)  # what was said stays where it was said, by the rules: this is the one exception
    kept.keep(connection, ENTRY, {one: {"ticket_id": made.id} for one in moved}, context)
    kept.keep(
        connection, TICKET, {ticket: {"split_ids": _joined(_value(home, TICKET, old, "split_ids"), made.id)}}, context
    )
    kept.keep(connection, TICKET, {made.id: {"split_from_id": ticket}}, context)
    connection.run(_SAID, {"new": made.id, "old": family, "ids": list(moved)})
    rows.redo(connection, [ticket, made.id])
    outbox.move(connection, moved, made.id)
    _link(service, home, connection, context, ticket, made.id)
    return Split(made.id, moved)


def _strangers(home: Home, family: Sequence[int], asked: Sequence[int], found: Mapping[int, State]) -> ErrorList:
    """What is wrong with the chosen entries."""
    errors = ErrorList()
    for place, ident in enumerate(asked):
        state = found.get(ident)
        if state is None or int(_value(home, ENTRY, state, "ticket_id")) not in family:
            message = f"entries[{place}]: {ident} is no entry of this ticket"
            errors.add(f"entries[{place}]", "INVALID_OPTION", message)
    return errors


def _made(
    home: Home, connection: Connection, context: Context, values: Mapping[str, object], errors: ErrorList
) -> State | None:
    """The new ticket; None when it cannot be made as asked, which is noted."""
    try:
        return home.create(connection, TICKET, [values], context)[0]
    except Invalid as refused:
        errors.errors += [replace(one, name=f"values.{one.name}") for one in refused.errors]
    except CrmError as refused:
        errors.errors.append(FieldError("values", refused.category, refused.message))
    return None


def _given(service: Runtime, home: Home, old: State) -> dict[str, object]:
    """What the new ticket has of the old one. It stands where somebody has to look at it."""
    found = {name: _value(home, TICKET, old, name) for name in _TAKEN_ALONG}
    pipeline = found["pipeline"]
    stage = None if pipeline is None else open_stage(home.type(TICKET), str(pipeline))
    return {name: value for name, value in {**found, "stage": stage}.items() if value is not None}


def _began(home: Home, states: Any) -> datetime | None:
    said = [_value(home, ENTRY, one, "said_at") or one.created_at for one in states]
    return aware(min(from_text(one) for one in said)) if said else None


def _link(service: Runtime, home: Home, connection: Connection, context: Context, old: int, new: int) -> None:
    live = home.type(TICKET)
    linked = home.linked(connection, TICKET, [old], _LINKED)
    pairs = [(old, LinkTo(TICKET, new, (SPLIT_OFF,)))]
    pairs += [(new, LinkTo(to_type, to_id)) for _, (to_type, to_id) in linked]
    service.engine.links.write(connection, live, pairs, context)


def _joined(known: object, ident: int) -> str:
    return ";".join([*(str(known).split(";") if known else ()), str(ident)])


def _value(home: Home, type_name: str, state: State, name: str) -> Any:
    return state.values.get(home.type(type_name).attributes[name].key)
