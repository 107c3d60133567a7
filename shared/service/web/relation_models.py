"""Bodies of the native relation doors as models, for the OpenAPI document only: nothing is parsed with them."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", populate_by_name=True)


class NewRelation(_Strict):
    """A label for links from one type to another; without inverse_label both ends read the same."""

    from_: str = Field(alias="from")
    to: str
    name: str
    label: str | None = None
    inverse_label: str | None = None


class ChangeRelation(_Strict):
    """What to change; limit null takes it away."""

    label: str | None = None
    inverse_label: str | None = None
    limit: int | None = Field(None, ge=1)


class RelationOut(BaseModel):
    """One direction of a kind of link. plain: every linked pair has it; single: an entity has at most one."""

    id: int
    inverse: int
    from_: str = Field(alias="from")
    to: str
    name: str
    label: str | None
    builtin: bool
    plain: bool
    single: bool
    limit: int | None


class RelationList(BaseModel):
    """Relations."""

    results: list[RelationOut]
