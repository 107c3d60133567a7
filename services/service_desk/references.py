"""Owners and queues that something declared earlier names: whether they are there when it is acted upon.

Whoever declares something now is refused what is not there; what was declared before that was so, or has gone since, is
found out here, at use. By the replica at hand, in the transaction of the write: nobody is waited for. Not for doors.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from shared.kernel.db import Connection
from shared.kernel.errors import FieldError
from shared.service.foreign import made_up
from shared.service.home import LiveType
from shared.service.replicas import PEOPLE

QUEUE = "queue"
_DIGITS = 19


def lost(connection: Connection, live: LiveType, several: Iterable[Mapping[str, object]]) -> list[FieldError]:
    """What values name that is not there; one statement for each kind of it, none where nothing is named."""
    asked: dict[str, dict[int, str]] = {}
    for values in several:
        for name, value in values.items():
            attribute = live.find(name)
            reference = attribute.reference if attribute is not None else ""
            text = str(value).strip()
            if reference in (*PEOPLE, QUEUE) and text.isdecimal() and len(text) < _DIGITS:
                asked.setdefault(reference, {})[int(text)] = name
    return [
        FieldError(names[ident], "INVALID_OPTION", f"{ident} is not the id of any {reference}")
        for reference, names in asked.items()
        for ident in sorted(made_up(connection, reference, names))
    ]
