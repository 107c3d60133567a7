"""Bodies of merging as models, for the OpenAPI document only: nothing is parsed with them."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, Field

from shared.service.web.native.models import EntityOut, Strict


class TakenFrom(Strict):
    """The value of one of the merged, also when it has none."""

    from_: str = Field(alias="from", description="Its id")


NamedRule = Literal["survivor", "fill", "newest", "longest"]


class MergeEntities(Strict):
    """What to merge into the entity of the path."""

    absorb: list[str] = Field(description="Ids that become part of it", min_length=1, max_length=100)
    rules: dict[str, NamedRule | TakenFrom] = Field(
        default_factory=dict, description="Whose value wins, by attribute name; `*` for all others, else `fill`"
    )
    preview: bool = Field(False, description="Only say what it would come to")


class MovedLink(BaseModel):
    """A link of an absorbed entity; one that is not moved was there already, or must not be."""

    relation: int
    from_: str = Field(alias="from")
    to: str
    moved: bool


class BroughtAlong(BaseModel):
    """A unique value that leads to the survivor without being its own."""

    attribute: str
    value: str
    from_: str = Field(alias="from")


class MergeOut(BaseModel):
    """What a merge came to. `sources`: attribute -> whose value it is; null: gathered from all, or made by a rule."""

    id: str | None = Field(description="Number of the merge; null for a preview, and when all were one already")
    absorbed: list[str]
    sources: dict[str, str | None]
    links: list[MovedLink] = Field(description="The first 1000")
    links_total: int
    unique_values: list[BroughtAlong]


class MergedEntity(EntityOut):
    """The survivor, and how it came to be."""

    merge: MergeOut


class UndoMerge(Strict):
    """Which merge to undo: the latest one, whose number may be given to be sure."""

    merge: str | None = None


class KeptValue(BaseModel):
    """A value that undoing did not touch."""

    id: str
    attribute: str
    reason: str


class UnmergedOut(BaseModel):
    """The entity, and what it consisted of."""

    merge: str
    entity: EntityOut
    restored: list[EntityOut]
    kept: list[KeptValue]
    links_restored: int


class MergeListed(BaseModel):
    """One merge."""

    id: str
    version: int = Field(description="The entity's version that the merge made")
    absorbed: list[str]
    at: datetime
    undone: bool


class MergeList(BaseModel):
    """All merges into an entity, the latest first."""

    results: list[MergeListed]


EXAMPLE: dict[str, Any] = {"absorb": ["2"], "rules": {"*": "fill", "email": "survivor"}, "preview": True}
