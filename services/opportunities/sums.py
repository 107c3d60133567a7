"""Amounts that are the sum of line items: of the deals and the quotes that those are linked to.

Worked out anew from what there is, so that hearing something twice, or late, changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from services.opportunities.domain.money import total
from services.opportunities.rules.amounts import CALCULATED, LINE_ITEMS, home_among
from shared.contracts.event import ERASED, LINK, MERGED, RESTORED, UNMERGED, Event
from shared.kernel.clock import new_id
from shared.kernel.context import SYSTEM, Context
from shared.kernel.db import Connection
from shared.kernel.json import dumps
from shared.kernel.telemetry import logger
from shared.service.home import Entity, Home

LINE = "line_item"
_AT_ONCE = 500
_MOVING = frozenset({MERGED, UNMERGED, RESTORED})
"""What becomes of entities, besides values and links, by which they come to other lines: a merge tells itself of the
links that it moved, and of who is archived no sum is kept. Whom an undone merge gives back is told of as restored."""
_log = logger("sums")


@dataclass(frozen=True, slots=True)
class Summed:
    """A type whose amounts may be sums. ahead, back: its relation with line items, from it and from them. names: what
    is summed. sources: where its amount comes from while it is a sum; None: nobody has said."""

    type: str
    ahead: int
    back: int
    names: tuple[str, ...]
    sources: frozenset[object]


DEAL = Summed("deal", 19, 20, ("amount", "mrr", "arr", "acv", "tcv"), frozenset({LINE_ITEMS}))
QUOTE = Summed("quote", 67, 68, ("amount",), frozenset({LINE_ITEMS, None}))
EVERY = (DEAL, QUOTE)


def concerned(connection: Connection, home: Home, events: Iterable[Event], what: Summed) -> list[int]:
    """The deals, or quotes, whose sum may be another after these events."""
    found, lines = set(), set()
    source = home.type(what.type).attributes["amount_source"].key
    for one in events:
        if one.kind == LINK:
            found |= _linked(one.detail, what)
        elif one.entity_id is None:
            continue
        elif one.entity_type == LINE:
            lines.add(one.entity_id)
            if one.kind == ERASED:
                found |= {int(other) for relation, _, other in one.detail.get("links", ()) if relation == what.back}
        elif one.entity_type == what.type and (one.kind in _MOVING or source in one.changed):
            found.add(one.entity_id)
    if lines:
        found |= {ident for _, (_, ident) in home.linked(connection, LINE, sorted(lines), [what.type])}
    return sorted(found)


def roll_up(connection: Connection, home: Home, ids: Sequence[int], correlation: str | None, what: Summed) -> int:
    """Bring those up to date whose amounts are sums; how many changed."""
    changed = 0
    if not ids:
        return changed
    home_currency = home_among(one.detail for one in home.fresh(DEAL.type).attributes["currency"].options)
    for begin in range(0, len(ids), _AT_ONCE):
        found = home.read(what.type, ids[begin : begin + _AT_ONCE], ("amount_source", "amount", "currency"))
        rolled = {ident: one for ident, one in found.items() if one.values.get("amount_source") in what.sources}
        if not rolled:
            continue
        lines_of: dict[int, list[int]] = {ident: [] for ident in rolled}
        for ident, (_, line) in home.linked(connection, what.type, sorted(rolled), [LINE]):
            lines_of[ident].append(line)
        every = sorted({line for several in lines_of.values() for line in several})
        lines = home.read(LINE, every, (*what.names, "currency")) if every else {}
        sums = {
            ident: summed(
                one.values.get("currency") or home_currency,
                [lines[line] for line in lines_of[ident] if line in lines],
                what.names,
            )
            for ident, one in rolled.items()
            if lines_of[ident] or _is_sum(one)
        }
        context = Context(SYSTEM, CALCULATED, correlation=correlation or new_id())
        changed += home.keep(connection, what.type, sums, context)
    return changed


def summed(currency: object, lines: Sequence[Entity], names: Sequence[str]) -> dict[str, Decimal | None]:
    """What lines come to together; unknown where one of them is in another currency than that of the deal or quote,
    and where it is more than an attribute holds."""
    foreign = any(one.values.get("currency") not in (None, currency) for one in lines)
    if foreign:
        return dict.fromkeys(names)
    found = {name: total(_number(one.values, name) for one in lines) for name in names}
    if None in found.values():
        _log.warning("sum_too_large", lines=[one.id for one in lines[:10]])
    return found


def _is_sum(one: Entity) -> bool:
    """Whether it has no lines but an amount that followed them, or somebody said that it is their sum."""
    return one.values.get("amount_source") == LINE_ITEMS or one.values.get("amount") is not None


def _number(values: Mapping[str, Any], name: str) -> Decimal:
    found = values.get(name)
    return Decimal(0) if found is None else Decimal(dumps(found).decode())


def _linked(detail: Mapping[str, Any], what: Summed) -> set[int]:
    """The deal, or quote, of a link with a line item, from whichever side it was told."""
    ends = {"from": what.ahead, "to": what.back}
    return {
        int(detail[end]["id"])
        for end, relation in ends.items()
        if detail.get("relation") == relation and detail[end]["type"] == what.type
    }
