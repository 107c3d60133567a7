"""Merging in the wire dialect: two records of a type become one. The primary's values win, gaps are filled."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Response

from shared.kernel.errors import ErrorList, Invalid, NotFound
from shared.service.web.dialect import bodies, merging_models, models, names, present
from shared.service.web.operation import Operation, answer
from shared.service.web.request import context, json_object

if TYPE_CHECKING:
    from shared.service.runtime import Runtime


def merge(service: Runtime, type: str) -> Response:
    """Merge one record into another; the answer is the survivor, which an id merged earlier stands for as well."""
    kind = names.entity_type(type)
    body = json_object()
    errors = ErrorList()
    asked = [bodies.text(body, name, errors, required=True) for name in ("primaryObjectId", "objectIdToMerge")]
    errors.raise_if_any()
    ids = [names.entity_id(one) for one in asked]
    missing = [one for one, ident in zip(asked, ids, strict=True) if ident is None]
    if missing:
        raise NotFound(kind, missing)
    primary, other = (one or 0 for one in ids)
    if primary == other:
        raise Invalid.one("objectIdToMerge", "DUPLICATE_ID", f"record {primary} cannot be merged with itself")
    done = service.merging.merge(context(), kind, primary, [other], present.AFTER_CREATE)
    return answer(present.record(done.entity), 200, present.change_headers(service, kind, done.entity))


OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "POST",
        "/crm/v3/objects/{type}/merge",
        "mergeObjects",
        "Merge two records",
        merge,
        body=merging_models.MergeInput,
        response=models.Record,
        example={"primaryObjectId": "1", "objectIdToMerge": "2"},
        tag="Objects",
    ),
)
