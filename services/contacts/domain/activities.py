"""What activities mean, whatever keeps them: which tasks are open, and what an activity says about a customer.

An activity is, for a customer, a contact made (or one to come, while its instant lies ahead), something else that was
done, something planned, or nothing: a meeting that was called off was no contact.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

COMPLETED = "COMPLETED"
OPEN_STATUSES = ("NOT_STARTED", "IN_PROGRESS", "WAITING", "DEFERRED")

PLANNED, CONTACT, OTHER, VOID = "planned", "contact", "other", "void"
"""Phases of an activity: planned and open; a contact with the customer; anything else done; called off or failed."""

Values = Mapping[str, Any]
_CALLED_OFF = frozenset({"CANCELED", "NO_SHOW", "RESCHEDULED"})
_NOT_REACHED = frozenset({"BOUNCED", "FAILED"})


def is_open(status: str | None) -> bool:
    """Whether a task of this status is still to be done; one without a status is."""
    return status != COMPLETED


def _task(values: Values) -> str:
    return PLANNED if is_open(values.get("status")) else OTHER


def _meeting(values: Values) -> str:
    return VOID if values.get("outcome") in _CALLED_OFF else CONTACT


def _email(values: Values) -> str:
    return VOID if values.get("status") in _NOT_REACHED else CONTACT


def _call(values: Values) -> str:
    return VOID if values.get("status") == "CANCELED" else CONTACT


_PHASES: Mapping[str, Callable[[Values], str]] = {
    "note": lambda _: OTHER,
    "task": _task,
    "meeting": _meeting,
    "call": _call,
    "email": _email,
    "communication": lambda _: CONTACT,
    "postal_mail": lambda _: CONTACT,
}
TYPES = tuple(_PHASES)
"""Names of the entity types that are activities."""

_TITLES = ("subject", "title", "body", "text")
_TELLING = ("status", "outcome", "direction", "priority", "channel", "owner_id")
_LONGEST = 200
_TAGS = re.compile(r"<[^<>]*>")


def phase(type_name: str, values: Values) -> str:
    """What an activity is for the customers it is linked to. Raises KeyError for types that are no activities."""
    return _PHASES[type_name](values)


def stands_at(values: Values) -> Any:
    """The instant at which an activity stands: when it was completed, begins, took place or is due; None for none."""
    return values.get("completed_at") or values.get("starts_at") or values.get("occurs_at")


def title(values: Values) -> str | None:
    """A line that says what an activity is about: its subject or title, else how its text begins."""
    for name in _TITLES:
        text = values.get(name)
        if text:
            return shortened(" ".join(_TAGS.sub(" ", str(text)).split()))
    return None


def shortened(text: str) -> str:
    """At most 200 characters of a text."""
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def summary(values: Values) -> dict[str, Any]:
    """What a timeline shows of an activity: a line, and its states."""
    told = {"title": title(values), **{name: values.get(name) for name in _TELLING}}
    return {name: value for name, value in told.items() if value is not None}


def ends_before_it_begins(starts_at: datetime | None, ends_at: datetime | None) -> bool:
    """Whether a meeting would end before it begins."""
    return starts_at is not None and ends_at is not None and ends_at < starts_at
