"""Bodies of the forecast doors as models, for the OpenAPI document only: nothing is parsed with them."""

from __future__ import annotations

from datetime import date, datetime

from pydantic import BaseModel, Field


class TotalOut(BaseModel):
    """How many deals, what they are worth in home currency, and that times their probability."""

    count: int
    amount: float
    weighted: float


class _Period(BaseModel):
    begins: date = Field(alias="from")
    to: date
    pipeline: str | None = None
    owner: str | None = None
    team: str | None = None


class GroupOut(BaseModel):
    """One group by forecast category: PIPELINE, BEST_CASE, COMMIT, CLOSED, OMIT."""

    group: str | None
    categories: dict[str, TotalOut]


class ForecastOut(_Period):
    """A forecast as of an instant."""

    as_of: datetime
    results: list[GroupOut]


class PartOut(BaseModel):
    """One reason, and the ids of its first hundred deals."""

    part: str
    count: int
    amount: float
    deals: list[str]


class WaterfallOut(_Period):
    """opening + the amounts of all parts = closing."""

    since: datetime
    until: datetime
    opening: float
    parts: list[PartOut]
    closing: float


class SubmissionIn(_Period):
    """A forecast to stand for. `call`: the amount, where it is another than the totals say."""

    call: float | None = None
    note: str = ""


class SubmissionOut(SubmissionIn):
    """A forecast as it was submitted: what the deals said at that moment, and what its owner said."""

    id: str
    categories: dict[str, TotalOut]
    actor: str
    submitted_at: datetime


class SubmissionList(BaseModel):
    """Submissions of one period."""

    results: list[SubmissionOut]
