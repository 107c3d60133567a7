"""Erasing in the wire dialect: a record on request, for good. 204 whether or not there was one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Response

from shared.kernel.errors import ErrorList
from shared.service.web.dialect import bodies, merging_models, names
from shared.service.web.operation import Operation, no_content
from shared.service.web.request import context, json_object

if TYPE_CHECKING:
    from shared.service.runtime import Runtime


def erase(service: Runtime, type: str) -> Response:
    """Erase one record by id or by a unique property."""
    kind = names.entity_type(type)
    body = json_object()
    errors = ErrorList()
    given = bodies.text(body, "objectId", errors, required=True)
    key = bodies.text(body, "idProperty", errors)
    errors.raise_if_any()
    ref = names.ref_of(given, key)
    if ref is not None:
        service.erasure.erase(context(), kind, ref)
    return no_content()


OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "POST",
        "/crm/v3/objects/{type}/gdpr-delete",
        "eraseObject",
        "Erase a record for good",
        erase,
        204,
        body=merging_models.EraseInput,
        example={"objectId": "ada@example.org", "idProperty": "email"},
        tag="Objects",
    ),
)
