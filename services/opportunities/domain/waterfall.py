"""Why the pipeline of a period is another than it was: deal by deal, so that the parts sum exactly.

The pipeline is what is open and closes in the period. What a deal contributes changes for a reason that has a name:

* it came: `new` (did not exist), `reopened` (was over), `pulled_in` (closed in another period), `joined` (belonged to
  somebody else, or to another pipeline);
* it was worth more or less: `grown`, `shrunk`;
* it went: `won`, `lost`, `slipped` (closes in another period now), `handed_on` (belongs to somebody else), `removed`.

A deal that came and went between the two days counts as both, so that `won` is all that was won of the period.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from services.opportunities.domain.forecast import LOST, NOTHING, WON, Deal, Scope
from services.opportunities.domain.money import exact

CAME = ("new", "reopened", "pulled_in", "joined")
CHANGED = ("grown", "shrunk")
WENT = ("won", "lost", "slipped", "handed_on", "removed")
PARTS = (*CAME, *CHANGED, *WENT)
Step = tuple[str, Decimal]


@dataclass(frozen=True, slots=True)
class Part:
    """One reason: how many deals, and by how much they changed the pipeline; and which deals."""

    count: int = 0
    amount: Decimal = NOTHING
    deals: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Waterfall:
    """opening + all parts = closing, always."""

    opening: Decimal
    parts: Mapping[str, Part]
    closing: Decimal


@exact
def waterfall(before: Mapping[int, Deal], after: Mapping[int, Deal], scope: Scope) -> Waterfall:
    """From the deals as they stood on one day to those of another."""
    parts = dict.fromkeys(PARTS, Part())
    for ident in sorted(before.keys() | after.keys()):
        for name, amount in _steps(before.get(ident), after.get(ident), scope):
            part = parts[name]
            parts[name] = Part(part.count + 1, part.amount + amount, (*part.deals, ident))
    return Waterfall(_worth(before, scope), parts, _worth(after, scope))


def _worth(deals: Mapping[int, Deal], scope: Scope) -> Decimal:
    return sum((one.amount for one in deals.values() if _inside(one, scope)), NOTHING)


def _inside(deal: Deal | None, scope: Scope) -> bool:
    return deal is not None and not deal.end and scope.period(deal) and scope.whose(deal)


def _steps(before: Deal | None, after: Deal | None, scope: Scope) -> Iterator[Step]:
    """What one deal did to the pipeline. The steps sum to what it adds after minus what it added before."""
    was, is_ = _inside(before, scope), _inside(after, scope)
    passed = after is not None and _ended_here(before, after, scope)
    if not (was or is_ or passed):
        return
    if not was:
        yield _came(before, scope), _entry(before, after)
    yield from _grew(_entry(before, after) if not was else _amount(before), _amount(after) if after else None)
    if not is_:
        yield _went(after, scope), -(_amount(after) if after is not None else _amount(before))


def _ended_here(before: Deal | None, after: Deal, scope: Scope) -> bool:
    """Whether it came to its end between the two days as a deal of the period that was not in the pipeline before."""
    ended_before = before is not None and before.end == after.end
    return bool(after.end) and not ended_before and scope.period(after) and scope.whose(after)


def _amount(deal: Deal | None) -> Decimal:
    return NOTHING if deal is None else deal.amount


def _entry(before: Deal | None, after: Deal | None) -> Decimal:
    """What it was worth when it came: as it was known before, else as it is now."""
    return _amount(after) if before is None else before.amount


def _grew(was: Decimal, now: Decimal | None) -> Iterator[Step]:
    if now is not None and now != was:
        yield ("grown" if now > was else "shrunk"), now - was


def _came(before: Deal | None, scope: Scope) -> str:
    if before is None:
        return "new"
    if before.end:
        return "reopened"
    return "pulled_in" if not scope.period(before) else "joined"


def _went(after: Deal | None, scope: Scope) -> str:
    if after is None:
        return "removed"
    if not scope.whose(after):
        return "handed_on"
    if after.end:
        return {WON: "won", LOST: "lost"}[after.end]
    return "slipped"
