"""Bodies of merging and erasing in the wire dialect, for the OpenAPI document only."""

from __future__ import annotations

from shared.service.web.dialect.models import Shape


class MergeInput(Shape):
    primaryObjectId: str
    objectIdToMerge: str


class EraseInput(Shape):
    objectId: str
    idProperty: str | None = None
