"""Errors every floor may raise; the web door alone turns them into HTTP answers.

Use these for anything a caller can cause or act upon. A programming mistake stays an ordinary
Python exception, so that it surfaces as a 500 with a correlation id and a trace in the log.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class FieldError:
    """One thing wrong with one named input: `code` is for machines, `nearest` are known names close to a wrong one.

    warning: it does not refuse the write; whoever wrote is told where there is a place to tell it, such as an import.
    """

    name: str
    code: str
    message: str
    nearest: tuple[str, ...] = ()
    warning: bool = False


class CrmError(Exception):
    """Root of all errors that a caller can cause. Raise a subclass, never this."""

    category = "INTERNAL_ERROR"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class Invalid(CrmError):
    """Input was refused. Carries every error found, never only the first."""

    category = "VALIDATION_ERROR"

    def __init__(self, errors: Sequence[FieldError], message: str | None = None) -> None:
        self.errors = tuple(errors)
        super().__init__(message or "; ".join(error.message for error in self.errors))

    @classmethod
    def one(cls, name: str, code: str, message: str, nearest: Sequence[str] = ()) -> Invalid:
        """An Invalid with a single error."""
        return cls([FieldError(name, code, message, tuple(nearest))])


class InvalidValues(Invalid):
    """Attribute values of an entity were refused (the wire dialect words this case specially)."""


class NotFound(CrmError):
    """Nothing there under the given ids. `what` is an entity type or a kind of definition."""

    category = "OBJECT_NOT_FOUND"

    def __init__(self, what: str, ids: Sequence[str] = (), message: str | None = None) -> None:
        self.what = what
        self.ids = tuple(str(one) for one in ids)
        super().__init__(message or f"{what} not found: {', '.join(self.ids) or '?'}")


class Conflict(CrmError):
    """The write collides with something that exists; `existing_id` names it when it is an entity."""

    category = "CONFLICT"

    def __init__(self, message: str, *, existing_id: int | None = None, attribute: str | None = None) -> None:
        super().__init__(message)
        self.existing_id = existing_id
        self.attribute = attribute


class AlreadyExists(CrmError):
    """A definition (attribute, group, entity type) of that name exists."""

    category = "OBJECT_ALREADY_EXISTS"


class VersionMismatch(CrmError):
    """The caller's If-Match names another version than the stored one."""

    category = "PRECONDITION_FAILED"

    def __init__(self, expected: int, actual: int) -> None:
        super().__init__(f"version {expected} was expected, the entity is at version {actual}")
        self.expected = expected
        self.actual = actual


class Unauthenticated(CrmError):
    """No token, or one that is unknown, revoked (`INVALID_AUTHENTICATION`) or expired (`EXPIRED_AUTHENTICATION`)."""

    category = "INVALID_AUTHENTICATION"

    def __init__(self, message: str, *, expired: bool = False) -> None:
        super().__init__(message)
        if expired:
            self.category = "EXPIRED_AUTHENTICATION"


class Forbidden(CrmError):
    """The token is good but lacks a scope; `scopes` are the ones that would do."""

    category = "MISSING_SCOPES"

    def __init__(self, scopes: Sequence[str]) -> None:
        self.scopes = tuple(scopes)
        super().__init__(f"This token lacks a required scope: {', '.join(self.scopes)}")


class RateLimited(CrmError):
    """Too many requests; `retry_after` is in seconds."""

    category = "RATE_LIMITS"

    def __init__(self, message: str, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Unavailable(CrmError):
    """A part this request needs is down right now; trying again later may work."""

    category = "SERVICE_UNAVAILABLE"


@dataclass(slots=True)
class ErrorList:
    """Collects field errors so that all of them are answered at once; `raise_if_any` ends the collecting."""

    errors: list[FieldError] = field(default_factory=list)

    def add(self, name: str, code: str, message: str, nearest: Sequence[str] = ()) -> None:
        """Note one error and go on."""
        self.errors.append(FieldError(name, code, message, tuple(nearest)))

    def raise_if_any(self, kind: type[Invalid] = Invalid) -> None:
        """Raise `kind` with everything noted, or do nothing."""
        if self.errors:
            raise kind(self.errors)
