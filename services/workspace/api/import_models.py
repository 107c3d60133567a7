"""Bodies of the import doors, for the document."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, Field


class KeyBody(BaseModel):
    column: str | int
    attribute: str


class ColumnBody(BaseModel):
    column: str | int = Field(description="Its header, or its number from 0")
    attribute: str = Field(description="Any name of an attribute of the target")
    blank: Literal["keep", "clear"] | None = Field(None, description="What an empty cell means here")
    date_format: Literal["DMY", "MDY", "YMD", "ISO", "SERIAL"] | None = None
    decimal: Literal[".", ","] | None = None
    values: dict[str, str] = Field(default_factory=dict, description="Cell -> what is meant; an empty text clears")


class LinkBody(BaseModel):
    column: str | int
    type: str
    attribute: str = Field("id", description="By whose value the entity to link to is found")
    relation: int | None = Field(None, description="An association type id besides the plain one")
    missing: Literal["reject", "create", "left"] = "reject"
    values: dict[str, str] = Field(default_factory=dict, description="A name in a cell and what is meant instead")


class EffectiveBody(BaseModel):
    column: str | int
    date_format: Literal["DMY", "MDY", "YMD", "ISO", "SERIAL"] | None = None


class NewAttributeBody(BaseModel):
    name: str
    label: str = ""
    type: str = "string"
    options: list[str] = Field(default_factory=list)
    unique: bool = False


class MappingBody(BaseModel):
    """Which column goes where."""

    mode: Literal["create", "update", "upsert"] | None = None
    key: KeyBody | None = Field(None, description="The column by which rows find the entity they update")
    id_column: str | int | None = Field(None, description="A column of entity ids")
    columns: list[ColumnBody] = Field(default_factory=list)
    set: dict[str, str] = Field(default_factory=dict, description="Values that every row gets")
    links: list[LinkBody] = Field(default_factory=list)
    blanks: list[str] = Field(default_factory=list, description="Words that mean no value, such as Select")
    blank: Literal["keep", "clear"] = "keep"
    effective_at: EffectiveBody | None = None
    create_attributes: list[NewAttributeBody] = Field(
        default_factory=list, description="Attributes to be made before the first row"
    )


class FileBody(BaseModel):
    name: str
    size: int
    format: str | None
    encoding: str
    delimiter: str
    sheet: str
    sheets: list[str]
    columns: int
    rows: int
    notes: list[str]


class CountsBody(BaseModel):
    """What a phase has come to: rows = created + updated + unchanged + rejected when it is done."""

    state: str
    rows: int
    done: int
    created: int
    updated: int
    unchanged: int
    rejected: int
    errors: int
    rows_per_second: float
    eta_seconds: float | None
    started_at: datetime
    finished_at: datetime | None
    reason: str


class ImportBody(BaseModel):
    """An import."""

    id: str
    name: str
    type: str
    service: str
    state: str = Field(
        description="uploading, reading, ready, checking, running, paused, canceling, done, canceled, failed, "
        "undoing or undone"
    )
    origin: str
    file: FileBody
    mapping: MappingBody | None
    phase: str | None
    dry: CountsBody | None
    run: CountsBody | None
    undo: CountsBody | None
    error: str
    created_at: datetime
    updated_at: datetime


class ImportPage(BaseModel):
    """Imports, the newest first unless `after` is given."""

    results: list[ImportBody]
    next_after: str | None = None
    next_before: str | None = None


class ProfileBody(BaseModel):
    """What the file's columns hold, and a mapping that can be used as it is."""

    columns: list[dict[str, Any]]
    rows: int
    refused: int
    notes: list[str]
    remembered: bool
    proposal: MappingBody
    explained: list[dict[str, Any]]
    questions: list[str]


class ImportErrorBody(BaseModel):
    line: int
    column: str
    attribute: str
    code: str
    message: str
    value: str | None


class ImportErrorPage(BaseModel):
    """Errors of rows by line."""

    results: list[ImportErrorBody]
    next_after: str | None = None


class SampleList(BaseModel):
    """What a dry run foresees for some rows: changed values as [old, new]."""

    results: list[dict[str, Any]]


class KeptPage(BaseModel):
    """What an undo left alone, since somebody changed it: without an attribute the entity itself."""

    results: list[dict[str, str]]
    next_after: str | None = None


class SavedMapping(BaseModel):
    name: str
    type: str
    mapping: MappingBody


class SavedMappingPage(BaseModel):
    results: list[SavedMapping]
    next_after: str | None = None
