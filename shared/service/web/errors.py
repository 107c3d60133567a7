"""Errors as HTTP answers: one table from the house's errors to status and body.

Use `error_body` for a whole answer and `standard_error` for one entry of a batch's `errors`. Doors raise errors of
`shared.kernel.errors` and never make error answers themselves. Texts of unexpected exceptions are never shown.
"""

from __future__ import annotations

from functools import singledispatch
from typing import Any

from shared.bus.cursor import FeedGone
from shared.kernel import json
from shared.kernel.errors import (
    AlreadyExists,
    Conflict,
    CrmError,
    FieldError,
    Forbidden,
    Invalid,
    InvalidValues,
    NotFound,
    RateLimited,
    Unauthenticated,
    Unavailable,
    VersionMismatch,
)

PORTAL_ID = 1  # one installation is one portal; clients only echo the number

STATUS: dict[type[CrmError], int] = {
    Invalid: 400,
    Unauthenticated: 401,
    Forbidden: 403,
    NotFound: 404,
    Conflict: 409,
    AlreadyExists: 409,
    VersionMismatch: 412,
    RateLimited: 429,
    FeedGone: 410,
    Unavailable: 503,
}

PROTOCOL_CATEGORY: dict[int, str] = {
    400: "VALIDATION_ERROR",
    401: "INVALID_AUTHENTICATION",
    403: "MISSING_SCOPES",
    404: "OBJECT_NOT_FOUND",
    405: "METHOD_NOT_ALLOWED",
    406: "NOT_ACCEPTABLE",
    408: "REQUEST_TIMEOUT",
    409: "CONFLICT",
    411: "LENGTH_REQUIRED",
    412: "PRECONDITION_FAILED",
    413: "PAYLOAD_TOO_LARGE",
    414: "URI_TOO_LONG",
    415: "UNSUPPORTED_MEDIA_TYPE",
    422: "VALIDATION_ERROR",
    429: "RATE_LIMITS",
    431: "HEADERS_TOO_LARGE",
    500: "INTERNAL_ERROR",
    503: "SERVICE_UNAVAILABLE",
}


class ProtocolError(CrmError):
    """The HTTP exchange itself is wrong (status 4xx such as 413 or 415). Raise it in doors only, never below them."""

    def __init__(self, status: int, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers or {}
        self.category = PROTOCOL_CATEGORY.get(status, "VALIDATION_ERROR" if status < 500 else "INTERNAL_ERROR")


def status_of(error: CrmError) -> int:
    """The HTTP status of an error; 500 for a class nobody listed."""
    if isinstance(error, ProtocolError):
        return error.status
    return next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), 500)


def headers_of(error: CrmError) -> dict[str, str]:
    """Headers that belong to the status: Retry-After, WWW-Authenticate and those of the exchange."""
    if isinstance(error, ProtocolError):
        return error.headers
    if isinstance(error, RateLimited):
        return {"Retry-After": str(error.retry_after)}
    if isinstance(error, Unavailable):
        return {"Retry-After": "1"}
    if isinstance(error, Unauthenticated):
        return {"WWW-Authenticate": "Bearer"}
    return {}


def error_body(error: CrmError, correlation: str) -> dict[str, Any]:
    """The body of an error answer: status, message, correlationId, category, and what the kind of error adds."""
    body = {
        "status": "error",
        "message": error.message,
        "correlationId": correlation,
        "category": error.category,
    }
    body.update(_details(error))
    return body


def standard_error(error: CrmError, **context: list[str]) -> dict[str, Any]:
    """One entry of a batch's `errors`: all keys present; `context` adds to it (objectWriteTraceId=[..], ids=[..])."""
    details = _details(error)
    return {
        "status": "error",
        "category": error.category,
        "message": details.pop("message", error.message),
        "context": {**details.pop("context", {}), **context},
        "errors": details.pop("errors", []),
        "links": {},
    }


@singledispatch
def _details(_error: CrmError) -> dict[str, Any]:
    return {}


@_details.register
def _(error: Invalid) -> dict[str, Any]:
    return {"errors": [_entry(one) | {"in": one.name} for one in error.errors]}


@_details.register
def _(error: InvalidValues) -> dict[str, Any]:
    listed = json.dumps([_listed(one) for one in error.errors]).decode()
    return {
        "message": f"Property values were not valid: {listed}",
        "errors": [_entry(one) for one in error.errors],
    }


@_details.register
def _(error: NotFound) -> dict[str, Any]:
    return {"context": {"ids": list(error.ids)}} if error.ids else {}


@_details.register
def _(error: Conflict) -> dict[str, Any]:
    context = {}
    if error.existing_id is not None:
        context["existingId"] = [str(error.existing_id)]
    if error.attribute is not None:
        context["propertyName"] = [error.attribute]
    return {"context": context} if context else {}


@_details.register
def _(error: Forbidden) -> dict[str, Any]:
    entry = {"message": error.message, "context": {"requiredGranularScopes": list(error.scopes)}}
    return {"errors": [entry]}


@_details.register
def _(_error: RateLimited) -> dict[str, Any]:
    return {"errorType": "RATE_LIMIT", "policyName": "TEN_SECONDLY_ROLLING"}


def _entry(one: FieldError) -> dict[str, Any]:
    context = {"propertyName": [one.name]}
    if one.nearest:
        context["nearest"] = list(one.nearest)
    return {"message": one.message, "code": one.code, "context": context}


def _listed(one: FieldError) -> dict[str, Any]:
    return {
        "isValid": False,
        "message": one.message,
        "error": one.code,
        "name": one.name,
        "localizedErrorMessage": one.message,
        "portalId": PORTAL_ID,
    }
