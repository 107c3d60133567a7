"""Every error has one status and one JSON shape."""

from __future__ import annotations

import json

import pytest

from shared.bus.cursor import FeedGone
from shared.kernel import errors as e
from shared.service.web.errors import ProtocolError, error_body, headers_of, standard_error, status_of


@pytest.mark.parametrize(
    ("error", "status", "category"),
    [
        (e.Invalid.one("a", "C", "m"), 400, "VALIDATION_ERROR"),
        (e.InvalidValues([e.FieldError("a", "C", "m")]), 400, "VALIDATION_ERROR"),
        (e.Unauthenticated("m"), 401, "INVALID_AUTHENTICATION"),
        (e.Unauthenticated("m", expired=True), 401, "EXPIRED_AUTHENTICATION"),
        (e.Forbidden(["s"]), 403, "MISSING_SCOPES"),
        (e.NotFound("contact", ["1"]), 404, "OBJECT_NOT_FOUND"),
        (e.Conflict("m"), 409, "CONFLICT"),
        (e.AlreadyExists("m"), 409, "OBJECT_ALREADY_EXISTS"),
        (e.VersionMismatch(1, 2), 412, "PRECONDITION_FAILED"),
        (e.RateLimited("m", 3), 429, "RATE_LIMITS"),
        (e.Unavailable("m"), 503, "SERVICE_UNAVAILABLE"),
        (FeedGone("m"), 410, "FEED_GONE"),
        (ProtocolError(415, "m"), 415, "UNSUPPORTED_MEDIA_TYPE"),
    ],
)
def test_status_and_shape(error: e.CrmError, status: int, category: str) -> None:
    body = error_body(error, "c-1")
    assert status_of(error) == status
    assert (body["status"], body["category"], body["correlationId"]) == ("error", category, "c-1")
    assert isinstance(body["message"], str)
    entry = standard_error(error, objectWriteTraceId=["t"])
    assert set(entry) == {"status", "category", "message", "context", "errors", "links"}
    assert entry["context"]["objectWriteTraceId"] == ["t"]


def test_bad_values_have_the_worded_message() -> None:
    error = e.InvalidValues(
        [e.FieldError("email", "INVALID_EMAIL", 'not "mail"'), e.FieldError("x", "NO", "no", ("y",))]
    )
    body = error_body(error, "c")
    prefix = "Property values were not valid: "
    assert body["message"].startswith(prefix)
    first = json.loads(body["message"].removeprefix(prefix))[0]
    assert set(first) == {"isValid", "message", "error", "name", "localizedErrorMessage", "portalId"}
    assert (first["isValid"], first["error"], first["name"]) == (False, "INVALID_EMAIL", "email")
    assert body["errors"][0] == {
        "message": 'not "mail"',
        "code": "INVALID_EMAIL",
        "context": {"propertyName": ["email"]},
    }
    assert body["errors"][1]["context"]["nearest"] == ["y"]
    assert standard_error(error)["message"] == body["message"]


def test_scopes_existing_ids_and_headers_are_told() -> None:
    forbidden = error_body(e.Forbidden(["crm.a", "crm.b"]), "c")
    assert forbidden["errors"][0]["context"]["requiredGranularScopes"] == ["crm.a", "crm.b"]
    assert error_body(e.Conflict("m", existing_id=7), "c")["context"]["existingId"] == ["7"]
    limited = e.RateLimited("m", 3)
    assert error_body(limited, "c")["policyName"] == "TEN_SECONDLY_ROLLING"
    assert headers_of(limited) == {"Retry-After": "3"}
    assert headers_of(e.Unauthenticated("m")) == {"WWW-Authenticate": "Bearer"}
    assert headers_of(ProtocolError(405, "m", {"Allow": "GET"})) == {"Allow": "GET"}
