"""Of all that was asked about a ticket, and what was answered: which of it the ticket itself tells. Pure.

Each question is about one cycle and keeps its answer; only what is shown of a ticket moves on to its latest question.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple


class Told(NamedTuple):
    """One question and its answer. agent: whose ticket it was when it was asked, None for nobody."""

    asked: datetime
    id: int
    agent: int | None = None
    score: Decimal | None = None
    comment: str | None = None
    answered: datetime | None = None


def latest(questions: Iterable[Told]) -> Told | None:
    """The question that was asked last, answered or not; of two at one instant the later one made. In whatever order
    they come and however they are brought together: merged tickets tell what either would."""
    return max(questions, default=None, key=lambda one: (one.asked, one.id))
