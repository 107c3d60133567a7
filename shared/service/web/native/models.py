"""Bodies of the native door as models, for the OpenAPI document only: nothing is parsed with them."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from shared.service.web.native.link_models import LinkWanted


class Strict(BaseModel):
    """A request body: unknown keys are refused."""

    model_config = ConfigDict(extra="forbid")


class WriteEntity(Strict):
    """Values to write, by attribute name (null clears), and entities to link to in the same step."""

    values: dict[str, Any] = Field(default_factory=dict)
    links: list[LinkWanted] = Field(default_factory=list)
    effective_at: datetime | None = Field(None, description="When it counts from; needs `crm.effective.write`")


class RestoreEntity(Strict):
    """How to restore."""

    without_taken: bool = Field(False, description="Leave out unique values that another entity has taken meanwhile")


class HistoryItem(BaseModel):
    """One former or present value, as text."""

    value: str
    at: datetime
    source: str
    source_id: str | None
    actor: str | None
    version: int


class EntityOut(BaseModel):
    """An entity as it is."""

    id: str
    type: str
    version: int
    created_at: datetime
    updated_at: datetime
    archived: bool
    values: dict[str, Any]
    archived_at: datetime | None = None
    history: dict[str, list[HistoryItem]] | None = None


class EntityList(BaseModel):
    """A page of entities; `next_cursor` is missing on the last one."""

    results: list[EntityOut]
    next_cursor: str | None = None


class SortBy(Strict):
    """One sort key."""

    attribute: str
    direction: Literal["asc", "desc"] = "asc"


class QueryBody(Strict):
    """What to look for. Everything may be left out."""

    filter: dict[str, Any] | None = Field(
        None,
        description='A condition {"attribute", "operator", "value" | "values" | "high_value"}, {"and": [..]}, '
        '{"or": [..]}, {"not": ..} or {"text": "words"}',
    )
    text: str = Field("", description="Words that occur in searchable attributes")
    sorts: list[SortBy | str] = Field(default_factory=list, description='"name", "-name" or objects')
    attributes: list[str] | None = None
    limit: int = Field(50, ge=1, le=200)
    cursor: str | None = None
    total: Literal["exact", "estimated", "none"] = "none"


class QueryPage(EntityList):
    """A page of a query; `total` as far as it was asked for."""

    total: int | None = None


class ExportBody(Strict):
    """What to export, and as what. Everything may be left out."""

    format: Literal["csv", "ndjson", "xlsx"] = "csv"
    attributes: list[str] | None = None
    filter: dict[str, Any] | None = Field(None, description="As in a query")
    text: str = Field("", description="Words that occur in searchable attributes")
    sorts: list[SortBy | str] = Field(default_factory=list, description='"name", "-name" or objects')
    archived: bool = False
    labels: bool = False
    links: list[str] = Field(default_factory=list)


class ManyIds(Strict):
    """Entities by id, or by values of a unique attribute with `by`."""

    ids: list[str] = Field(max_length=200)
    by: str | None = None
    attributes: list[str] | None = None
    history: list[str] = Field(default_factory=list)
    archived: bool = False


class ArchiveMany(Strict):
    """Entities to archive, by id."""

    ids: list[str] = Field(max_length=200)


class Found(BaseModel):
    """What was found, in the order asked for, and what was not."""

    results: list[EntityOut]
    missing: list[str]


class CreateMany(Strict):
    """Entities to create. `partial` writes the good ones and reports the others."""

    inputs: list[WriteEntity] = Field(max_length=200)
    partial: bool = False


class UpdateOne(WriteEntity):
    """Values for one entity; `version` makes it conditional."""

    id: str
    version: int | None = None


class UpdateMany(Strict):
    """Entities to change."""

    inputs: list[UpdateOne] = Field(max_length=200)
    partial: bool = False


class UpsertMany(Strict):
    """Entities to create or change, told apart by the unique attribute `by`, which every input's values hold."""

    by: str
    inputs: list[WriteEntity] = Field(max_length=200)
    partial: bool = False


class ItemProblem(BaseModel):
    """What was wrong with one input."""

    index: int
    status: str
    category: str
    message: str
    errors: list[dict[str, Any]]


class UpsertOut(EntityOut):
    """An entity that was created (`new`) or changed."""

    new: bool | None = None


class Written(BaseModel):
    """What was written, in input order; `errors` only when some input was refused (status 207)."""

    results: list[UpsertOut]
    errors: list[ItemProblem] | None = None
