"""Shapes of the wire dialect's bodies, for the OpenAPI document. Never run on a request: doors parse by hand."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Text = str | None


class Shape(BaseModel):
    """Unknown fields are ignored everywhere."""

    model_config = ConfigDict(extra="ignore")


class NextPage(Shape):
    after: str
    link: str | None = None


class Paging(Shape):
    next: NextPage


class PastValue(Shape):
    value: str
    timestamp: str
    sourceType: str
    sourceId: str | None = None
    sourceLabel: str | None = None
    updatedByUserId: int | None = None


class RecordInput(Shape):
    properties: dict[str, Any] = Field(default_factory=dict)
    associations: list[dict[str, Any]] | None = None


class Record(Shape):
    id: str
    properties: dict[str, Text]
    createdAt: str
    updatedAt: str
    archived: bool = False
    archivedAt: str | None = None
    propertiesWithHistory: dict[str, list[PastValue]] | None = None
    objectWriteTraceId: str | None = None


class UpsertedRecord(Record):
    new: bool


class RecordPage(Shape):
    results: list[Record]
    paging: Paging | None = None


class SearchPage(RecordPage):
    total: int


class CreateItem(RecordInput):
    objectWriteTraceId: str | None = None


class IdItem(Shape):
    id: str


class UpdateItem(CreateItem):
    id: str
    idProperty: str | None = None


class CreateBatch(Shape):
    inputs: list[CreateItem]


class ReadBatch(Shape):
    inputs: list[IdItem]
    properties: list[str] = Field(default_factory=list)
    propertiesWithHistory: list[str] = Field(default_factory=list)
    idProperty: str | None = None


class UpdateBatch(Shape):
    inputs: list[UpdateItem]


class ArchiveBatch(Shape):
    inputs: list[IdItem]


class BatchError(Shape):
    status: str
    category: str
    message: str
    context: dict[str, list[str]]
    errors: list[dict[str, Any]]
    links: dict[str, str]


class BatchAnswer(Shape):
    status: Literal["COMPLETE"]
    results: list[Record]
    startedAt: str
    completedAt: str
    numErrors: int | None = None
    errors: list[BatchError] | None = None


class UpsertAnswer(BatchAnswer):
    results: list[UpsertedRecord]  # type: ignore[assignment]


class Filter(Shape):
    propertyName: str
    operator: str
    value: Any = None
    values: list[Any] | None = None
    highValue: Any = None


class FilterGroup(Shape):
    filters: list[Filter]


class Search(Shape):
    filterGroups: list[FilterGroup] = Field(default_factory=list)
    filters: list[Filter] = Field(default_factory=list)
    query: str = ""
    sorts: list[Any] = Field(default_factory=list)
    properties: list[str] = Field(default_factory=list)
    limit: int = 10
    after: str = "0"
