"""Tickets that an action gives out: from a pool, or by the rules of assignment, in the transaction of the action.

Whoever nobody can take at the moment waits, as if somebody had asked for it; see the kit's assignment.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from services.service_desk.promises.keeping import TICKET
from services.service_desk.queues.routing import ASSIGNED
from shared.kernel.errors import FieldError, Invalid
from shared.service.assignment import Giving
from shared.service.assignment.choosing import Reason
from shared.service.home import State

if TYPE_CHECKING:
    from services.service_desk.macros.deeds import Deed, Hand

_WRONG = {
    Reason.NO_POOL: "there is no such pool of tickets",
    Reason.NO_RULE: "no rule of assignment fits",
    Reason.EMPTY: "nobody in the pool gets anything",
}


def given_out(hand: Hand, deeds: Sequence[Deed], changed: Mapping[int, State]) -> dict[int, State]:
    """Give out what is to be given out; tickets as they are then, with those that were changed before. Raises Invalid
    with everything that waiting would not help with, and what rules refuse."""
    asked = {one.ticket: one.give[0] for one in deeds if one.give is not None}
    if not asked:
        return dict(changed)
    giving = Giving.beside(hand.home, ASSIGNED)
    giving.ready(TICKET)
    given = giving.give(hand.connection, TICKET, asked, hand.context, automatic=False)
    errors = [
        FieldError("assign", "INVALID_OPTION", f"ticket {one.entity}: {_WRONG[one.reason]}")
        for one in given
        if one.reason in _WRONG
    ]
    if errors:
        raise Invalid(errors)
    return {**changed, **hand.home.states(hand.connection, TICKET, sorted(asked))}
