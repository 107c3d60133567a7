"""Where a deal stands: how probable it is, whether it is over, and what is to be said of its end."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

CERTAIN = Decimal(1)
OMITTED, PIPELINE, CLOSED = "OMIT", "PIPELINE", "CLOSED"
OTHER = "other"


@dataclass(frozen=True, slots=True)
class Standing:
    """What the stage of a deal says. A deal in no stage is open and of unknown probability.

    category: the forecast category of open deals in this stage.
    """

    probability: Decimal | None = None
    closed: bool = False
    category: str = PIPELINE

    @property
    def won(self) -> bool:
        """Over, and to our favour."""
        return self.closed and self.probability == CERTAIN

    @property
    def lost(self) -> bool:
        """Over, and not to our favour."""
        return self.closed and not self.won


def in_force(standing: Standing, by_hand: Decimal | None) -> Decimal | None:
    """The probability that counts: the one by hand sticks through all stages until it is cleared. What is over is
    certain either way; the one by hand is back in force when the deal is opened again."""
    return standing.probability if standing.closed or by_hand is None else by_hand


def category(standing: Standing, by_hand: str | None) -> str:
    """The forecast category that counts. Won deals are closed, lost ones omitted, whatever was said by hand.
    An open deal is in no closed category, not even by what was said by hand while it was over."""
    if standing.closed:
        return CLOSED if standing.won else OMITTED
    return by_hand if by_hand and by_hand != CLOSED else standing.category


def days_between(begun: datetime, ended: datetime) -> int:
    """Whole days from one instant to another, never below 0."""
    return max((ended - begun).days, 0)


def lacking(reason: str | None, note: str | None) -> str | None:
    """What a lost deal still has to say of its loss: `reason`, `note` (which goes with the reason other), or None."""
    if not (reason or "").strip():
        return "reason"
    return "note" if (reason or "").strip().casefold() == OTHER and not (note or "").strip() else None
