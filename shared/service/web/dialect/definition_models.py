"""Shapes of definitions, owners and the account in the wire dialect, for the OpenAPI document only."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from shared.service.web.dialect.models import BatchAnswer, Paging, Shape


class Option(Shape):
    label: str
    value: str
    displayOrder: int = -1
    hidden: bool = False
    description: str = ""


class PropertyPatch(Shape):
    label: str | None = None
    type: str | None = None
    fieldType: str | None = None
    groupName: str | None = None
    description: str | None = None
    displayOrder: int | None = None
    hidden: bool | None = None
    formField: bool | None = None
    options: list[Option] | None = None


class PropertyInput(PropertyPatch):
    name: str
    hasUniqueValue: bool = False


class ModificationMetadata(Shape):
    archivable: bool
    readOnlyDefinition: bool
    readOnlyValue: bool
    readOnlyOptions: bool


class Property(Shape):
    name: str
    label: str
    type: str
    fieldType: str
    groupName: str
    description: str
    options: list[Option]
    displayOrder: int
    hasUniqueValue: bool
    hidden: bool
    formField: bool
    hubspotDefined: bool
    calculated: bool
    externalOptions: bool
    referencedObjectType: str | None = None
    dataSensitivity: str
    modificationMetadata: ModificationMetadata
    archived: bool
    archivedAt: str | None = None
    createdAt: str
    updatedAt: str


class PropertyList(Shape):
    results: list[Property]


class PropertyBatchInput(Shape):
    inputs: list[PropertyInput]


class NameItem(Shape):
    name: str


class NameBatch(Shape):
    inputs: list[NameItem]
    archived: bool = False


class PropertyBatchAnswer(BatchAnswer):
    results: list[Property]  # type: ignore[assignment]


class GroupPatch(Shape):
    label: str | None = None
    displayOrder: int | None = None


class GroupInput(GroupPatch):
    name: str


class Group(Shape):
    name: str
    label: str
    displayOrder: int
    archived: bool


class GroupList(Shape):
    results: list[Group]


class Labels(Shape):
    singular: str
    plural: str


class SchemaPatch(Shape):
    labels: Labels | None = None
    primaryDisplayProperty: str | None = None
    secondaryDisplayProperties: list[str] | None = None
    requiredProperties: list[str] | None = None
    searchableProperties: list[str] | None = None
    description: str | None = None
    clearDescription: bool = False


class SchemaInput(SchemaPatch):
    name: str
    properties: list[PropertyInput] = Field(default_factory=list)
    associatedObjects: list[str] = Field(default_factory=list)


class Schema(Shape):
    id: str
    name: str
    objectTypeId: str
    fullyQualifiedName: str
    labels: Labels
    description: str
    primaryDisplayProperty: str | None = None
    secondaryDisplayProperties: list[str]
    requiredProperties: list[str]
    searchableProperties: list[str]
    properties: list[Property]
    associations: list[dict[str, Any]]
    archived: bool
    createdAt: str
    updatedAt: str


class SchemaList(Shape):
    results: list[Schema]


class Team(Shape):
    id: str
    name: str
    primary: bool


class Owner(Shape):
    id: str
    email: str | None = None
    firstName: str | None = None
    lastName: str | None = None
    type: str
    userId: int | None = None
    userIdIncludingInactive: int | None = None
    createdAt: str
    updatedAt: str
    archived: bool
    teams: list[Team] | None = None


class OwnerPage(Shape):
    results: list[Owner]
    paging: Paging | None = None


class Account(Shape):
    portalId: int
    accountType: str
    timeZone: str
    companyCurrency: str
    additionalCurrencies: list[str]
    utcOffset: str
    utcOffsetMilliseconds: int
    uiDomain: str
    dataHostingLocation: str
