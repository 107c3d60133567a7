"""Bodies of the native link doors as models, for the OpenAPI document only: nothing is parsed with them."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class LinkWanted(_Strict):
    """An entity to be linked to, with relations by id, name or label besides the plain one."""

    type: str
    id: str
    relations: list[str | int] = Field(default_factory=list)


class RelationOut(BaseModel):
    """One direction of a kind of link; every linked pair has the plain one."""

    id: int
    name: str
    label: str | None
    plain: bool


class LinkOut(BaseModel):
    """A linked entity and all relations that lead to it."""

    id: str
    type: str
    relations: list[RelationOut]


class LinkedOut(LinkOut):
    """The same with the values that the entity is shown by. pending: its home has not told of it yet."""

    values: dict[str, Any]
    pending: bool


class LinkUndone(BaseModel):
    """A link that was undone, because the other end's home knows of no such entity."""

    id: str
    at: str
    reason: str


class LinkList(BaseModel):
    """A page of linked entities; `next_cursor` is missing on the last one."""

    results: list[LinkedOut]
    next_cursor: str | None = None
    undone: list[LinkUndone] = Field(default_factory=list)


class PutLink(_Strict):
    """The relations that the pair is to have besides the plain one, by id, name or label."""

    relations: list[str | int] | None = None


class PutLinkOut(LinkOut):
    """The pair as it is now; `new` when it was not linked before."""

    new: bool
