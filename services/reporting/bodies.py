"""Bodies of reporting's requests and answers, for its document only."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field


class QuestionBody(BaseModel):
    """What to ask of a metric; everything may be left out."""

    by: list[str] | str = []
    where: dict[str, Any] = {}
    period: str | None = None
    series: str | None = None
    pivot: str | None = None
    compare: str | None = None
    as_of: str | None = None
    sort: str | None = None
    top: int | None = None


class AnythingBody(QuestionBody):
    """A question, and what it is about; dimensions are those that it names."""

    entity_type: str
    filter: dict[str, Any] | None = None
    measure: dict[str, Any] = {}
    dimensions: list[dict[str, Any] | str] | None = None
    time: dict[str, Any] | None = None
    label: str = ""
    unit: str = ""


class GroupBody(BaseModel):
    """A group: some of the dimensions with their values, null for what has none."""

    group: dict[str, str | None] = {}


class ExplainBody(GroupBody):
    """A group, a period of the metric's time, and whether to tell the events behind each entity."""

    period: str | None = None
    events: bool = False


class ChangesBody(GroupBody):
    """A group, and the days in which it changed."""

    period: str = "today"


class DefinitionBody(BaseModel):
    """What a metric is."""

    name: str
    label: str = ""
    description: str = ""
    entity_type: str = ""
    filter: dict[str, Any] | None = None
    measure: dict[str, Any] = {}
    dimensions: list[dict[str, Any] | str] = []
    time: dict[str, Any] | None = None
    unit: str = ""


class DefinitionChange(BaseModel):
    """What of a metric becomes something else; its name and its entity type stay."""

    label: str = ""
    description: str = ""
    filter: dict[str, Any] | None = None
    measure: dict[str, Any] = {}
    dimensions: list[dict[str, Any] | str] = []
    time: dict[str, Any] | None = None
    unit: str = ""


class MetricDocument(BaseModel):
    """A metric with its state."""

    name: str
    label: str
    measure: dict[str, Any]
    version: int
    state: str


class MetricList(BaseModel):
    """All metrics in service."""

    results: list[MetricDocument]


class AnswerDocument(BaseModel):
    """Groups with their values, and how fresh they are. `n` of a row: how many entities are in the group; of an average
    those with a value, of a ratio its divisor's. incomplete: `put_aside` changes that could not be taken in `since` an
    instant are missing in it."""

    metric: str | None
    definition_version: int | None
    as_of: str | None
    lag_ms: int | None
    verified_at: str | None
    precomputed: bool
    unit: str
    rows: list[dict[str, Any]]
    series: str | None = None
    pivot: str | None = None
    columns: list[str | None] | None = None
    total: dict[str, Any] | None = None
    others: dict[str, Any] | None = None
    not_converted: list[dict[str, Any]] | None = None
    catching_up: int | None = None
    incomplete: dict[str, Any] | None = None
    as_of_day: str | None = Field(default=None, description="The past day that was asked about")
    known_from: str | None = Field(
        default=None,
        description="With as_of: since which day changes are counted; before it every answer is nothing; null: not yet",
    )
    dimensions: list[str]
    labels: dict[str, dict[str, str]] | None = None


class Explanation(BaseModel):
    """Entities that make up a group."""

    results: list[dict[str, Any]]
    next_after: str | None = None


class ChangesDocument(BaseModel):
    """A number before and after, and what made the difference."""

    metric: str
    before: str
    after: str
    parts: list[dict[str, Any]]


class StartedDocument(BaseModel):
    """Whether a run began; not when one was under way."""

    started: bool


class VerifiedDocument(BaseModel):
    """What a verification found: `group` by its dimensions, `in` total, days or values, `day`, `stored`, `right`; of
    many the first, and how many there are besides."""

    groups: int
    wrong_groups: int
    wrong: list[dict[str, Any]]
    more: int
