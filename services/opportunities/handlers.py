"""What opportunities hears of itself: line items, and who they belong to, for deals whose amount is their sum; and what
currencies are worth, for deals that are valued anew then (`commands.revaluing`).

The sum follows the write within moments: whoever changes a line item is not held up by the deals it is in. It is worked
out anew from what there is, so that hearing something twice, or late, changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from services.opportunities import leads
from services.opportunities.commands import revaluing
from services.opportunities.domain.money import total
from services.opportunities.pipelines import PIPELINES
from services.opportunities.rules import RULES
from services.opportunities.rules.amounts import CALCULATED, LINE_ITEMS, home_among
from shared.contracts.event import ERASED, LINK, Event
from shared.kernel.clock import new_id
from shared.kernel.config import Settings
from shared.kernel.context import SYSTEM, Context
from shared.kernel.db import Connection, Database
from shared.kernel.json import dumps
from shared.kernel.telemetry import logger
from shared.service.entities import DomainJudge
from shared.service.following import Subscription, beside
from shared.service.home import Entity, Home

OWN = "opportunities"
DEAL, LINE = "deal", "line_item"
# The built-in relations of deals and line items, one per direction.
OF_DEAL, OF_LINE = 19, 20
SUMMED = ("amount", "mrr", "arr", "acv", "tcv")
_AT_ONCE = 500
_log = logger("sums")


def subscriptions(settings: Settings) -> tuple[Subscription, ...]:
    """The followers of line items, and of people whom deals were made of."""
    home = Home.of(beside(settings, OWN), judge=DomainJudge(RULES, PIPELINES))
    return follower(home), leads.follower(home)


def follower(home: Home) -> Subscription:
    """The same over a database at hand."""

    def hear(connection: Connection, events: Sequence[Event]) -> None:
        roll_up(connection, home, concerned(connection, home, events), events[-1].correlation if events else None)
        revaluing.hear(connection, events)

    def rebuild(database: Database) -> None:
        for after, upto in home.ranges(DEAL):
            with database.transaction() as connection:
                roll_up(connection, home, home.ids(connection, DEAL, after, upto), None)

    types = frozenset({DEAL, LINE, LINK})
    return Subscription(name=f"{OWN}.sums", source=OWN, handler=hear, types=types, rebuild=rebuild)


def concerned(connection: Connection, home: Home, events: Iterable[Event]) -> list[int]:
    """The deals whose sum may be another after these events."""
    deals, lines = set(), set()
    source = home.type(DEAL).attributes["amount_source"].key
    for one in events:
        if one.kind == LINK:
            deals |= _linked_deals(one.detail)
        elif one.entity_id is None:
            continue
        elif one.entity_type == LINE:
            lines.add(one.entity_id)
            if one.kind == ERASED:
                deals |= {int(other) for relation, _, other in one.detail.get("links", ()) if relation == OF_LINE}
        elif one.entity_type == DEAL and source in one.changed:
            deals.add(one.entity_id)
    if lines:
        deals |= {deal for _, (_, deal) in home.linked(connection, LINE, sorted(lines), [DEAL])}
    return sorted(deals)


def roll_up(connection: Connection, home: Home, deals: Sequence[int], correlation: str | None) -> int:
    """Bring the amounts of those deals up to date that are sums; how many changed."""
    changed = 0
    home_currency = home_among(one.detail for one in home.type(DEAL).attributes["currency"].options)
    for begin in range(0, len(deals), _AT_ONCE):
        found = home.read(DEAL, deals[begin : begin + _AT_ONCE], ("amount_source", "currency"))
        rolled = {ident: one for ident, one in found.items() if one.values.get("amount_source") == LINE_ITEMS}
        if not rolled:
            continue
        of_deal: dict[int, list[int]] = {ident: [] for ident in rolled}
        for deal, (_, line) in home.linked(connection, DEAL, sorted(rolled), [LINE]):
            of_deal[deal].append(line)
        every = sorted({line for several in of_deal.values() for line in several})
        lines = home.read(LINE, every, (*SUMMED, "currency")) if every else {}
        sums = {
            ident: summed(
                one.values.get("currency") or home_currency, [lines[line] for line in of_deal[ident] if line in lines]
            )
            for ident, one in rolled.items()
        }
        context = Context(SYSTEM, CALCULATED, correlation=correlation or new_id())
        changed += home.keep(connection, DEAL, sums, context)
    return changed


def summed(currency: object, lines: Sequence[Entity]) -> dict[str, Decimal | None]:
    """What lines come to together; unknown where one of them is in another currency than the deal, and where it is
    more than an attribute holds. currency: of the deal, the home currency where it has none."""
    foreign = any(one.values.get("currency") not in (None, currency) for one in lines)
    if foreign:
        return dict.fromkeys(SUMMED)
    found = {name: total(_number(one.values, name) for one in lines) for name in SUMMED}
    if None in found.values():
        _log.warning("sum_too_large", lines=[one.id for one in lines[:10]])
    return found


def _number(values: Mapping[str, Any], name: str) -> Decimal:
    found = values.get(name)
    return Decimal(0) if found is None else Decimal(dumps(found).decode())


def _linked_deals(detail: Mapping[str, Any]) -> set[int]:
    """The deal of a link between a deal and a line item, from whichever side it was told."""
    ends = {"from": OF_DEAL, "to": OF_LINE}
    return {
        int(detail[end]["id"])
        for end, relation in ends.items()
        if detail.get("relation") == relation and detail[end]["type"] == DEAL
    }
