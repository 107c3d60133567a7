"""Bodies of the native definition doors as models, for the OpenAPI document only: nothing is parsed with them."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field


class Strict(BaseModel):
    """A request body: unknown keys are refused."""

    model_config = ConfigDict(extra="forbid")


class NewOption(Strict):
    """One choice; a value alone or a label alone is enough."""

    value: str = ""
    label: str = ""
    display_order: int = -1
    hidden: bool = False
    description: str = ""


class ChangeAttribute(Strict):
    """What of an attribute can be changed."""

    label: str | None = None
    type: str | None = Field(None, description="string, long_text, number, boolean, date, datetime, enumeration, ...")
    group: str | None = None
    description: str | None = None
    field_type: str | None = None
    options: list[NewOption | str] | None = Field(None, description="Replaces the offered choices")
    unique: bool | None = None
    searchable: bool | None = None
    required: bool | None = None
    hidden: bool | None = None
    form_field: bool | None = None
    display_order: int | None = None


class NewAttribute(ChangeAttribute):
    """An attribute to be; a label is enough."""

    name: str | None = Field(None, description="Made from the label when left out")
    reference: str | None = Field(None, description="For type `reference`: the entity type it points to")


class OptionOut(BaseModel):
    """One choice."""

    value: str
    label: str
    display_order: int
    hidden: bool
    description: str


class AttributeOut(BaseModel):
    """An attribute in force."""

    name: str
    wire_name: str
    label: str
    type: str
    group: str
    description: str
    field_type: str
    options: list[OptionOut]
    reference: str | None
    unique: bool
    searchable: bool
    required: bool
    read_only: bool
    hidden: bool
    form_field: bool
    default: bool
    builtin: bool
    indexed: bool
    display_order: int
    archived: bool
    created_at: datetime | None = None
    updated_at: datetime | None = None
    archived_at: datetime | None = None


class AttributeList(BaseModel):
    """The attributes of an entity type."""

    results: list[AttributeOut]


class ChangeType(Strict):
    """What of an entity type can be changed."""

    label: str | None = None
    plural_label: str | None = None
    description: str | None = None
    primary_display: str | None = None
    secondary_display: list[str] | None = None
    required: list[str] | None = None
    searchable: list[str] | None = None


class NewType(ChangeType):
    """An entity type to be; a label is enough."""

    name: str | None = None
    plural: str | None = None
    attributes: list[NewAttribute] | None = None


class TypeOut(BaseModel):
    """An entity type in force."""

    name: str
    plural: str
    label: str
    plural_label: str
    wire_id: str
    description: str
    primary_display: str | None
    secondary_display: list[str]
    required: list[str]
    searchable: list[str]
    builtin: bool
    archived: bool
    attributes: list[AttributeOut] | None = None


class TypeList(BaseModel):
    """The entity types of a service."""

    results: list[TypeOut]
