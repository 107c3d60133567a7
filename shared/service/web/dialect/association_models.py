"""Shapes of the wire dialect's bodies of associations, for the OpenAPI document. Never run on a request."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, RootModel

from shared.service.web.dialect.models import BatchError, IdItem, Paging, Shape

Category = Literal["HUBSPOT_DEFINED", "USER_DEFINED", "INTEGRATOR_DEFINED"]


class Spec(Shape):
    associationCategory: Category
    associationTypeId: int


class Specs(RootModel[list[Spec]]):
    """The association types that a pair is to have."""


class LabelSpec(Shape):
    category: Category
    typeId: int
    label: str | None


class LinkedRecord(Shape):
    toObjectId: int
    associationTypes: list[LabelSpec]


class LinkedPage(Shape):
    results: list[LinkedRecord]
    paging: Paging | None = None


class LinkedId(Shape):
    id: str
    type: str


class LinkedIdPage(Shape):
    results: list[LinkedId]
    paging: Paging | None = None


class LabelledPair(Shape):
    fromObjectTypeId: str
    fromObjectId: int
    toObjectTypeId: str
    toObjectId: int
    labels: list[str]


class DefaultLink(Shape):
    from_: IdItem = Field(alias="from")
    to: IdItem
    associationSpec: Spec


class _Batch(Shape):
    status: Literal["COMPLETE"]
    startedAt: str
    completedAt: str
    numErrors: int | None = None
    errors: list[BatchError] | None = None


class DefaultLinks(_Batch):
    results: list[DefaultLink]


class LabelledPairs(_Batch):
    results: list[LabelledPair]


class Pair(Shape):
    from_: IdItem = Field(alias="from")
    to: IdItem


class TypedPair(Pair):
    types: list[Spec]


class NamedPair(Pair):
    type: str


class ManyTo(Shape):
    from_: IdItem = Field(alias="from")
    to: list[IdItem]


class PageOf(IdItem):
    after: str | None = None


class Pairs(Shape):
    inputs: list[Pair]


class TypedPairs(Shape):
    inputs: list[TypedPair]


class NamedPairs(Shape):
    inputs: list[NamedPair]


class ManyTos(Shape):
    inputs: list[ManyTo]


class PagesOf(Shape):
    inputs: list[PageOf]


class LinkedOf(Shape):
    from_: IdItem = Field(alias="from")
    to: list[LinkedRecord]
    paging: Paging | None = None


class LinkedBatch(_Batch):
    results: list[LinkedOf]


class LinkedIdsOf(Shape):
    from_: IdItem = Field(alias="from")
    to: list[LinkedId]
    paging: Paging | None = None


class LinkedIdBatch(_Batch):
    results: list[LinkedIdsOf]


class NamedPairBatch(_Batch):
    results: list[NamedPair]


class NamedType(Shape):
    id: str
    name: str


class NamedTypes(Shape):
    results: list[NamedType]


class Labels(Shape):
    results: list[LabelSpec]


class LabelInput(Shape):
    name: str
    label: str
    inverseLabel: str | None = None


class LabelPatch(Shape):
    associationTypeId: int
    label: str
    inverseLabel: str | None = None


class Limit(Shape):
    category: Category
    typeId: int
    maxToObjectIds: int


class Limits(Shape):
    inputs: list[Limit]


class LimitOf(Shape):
    category: Category
    typeId: int


class LimitsOf(Shape):
    inputs: list[LimitOf]


class SetLimit(Shape):
    category: Category
    typeId: int
    label: str | None = None
    userEnforcedMaxToObjectIds: int | None = None


class SetLimits(Shape):
    results: list[SetLimit]


class SetLimitBatch(_Batch):
    results: list[SetLimit]


class SchemaLinkInput(Shape):
    fromObjectTypeId: str
    toObjectTypeId: str
    name: str | None = None


class SchemaLink(Shape):
    id: str
    fromObjectTypeId: str
    toObjectTypeId: str
    name: str | None = None
