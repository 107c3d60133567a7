"""The step in every write of an entry by which it takes its files: those that it names, uploaded by who writes it.

Nothing where an entry names none; rows of files have nothing to claim. What is claimed stays: see `rules.entries`.
"""

from __future__ import annotations

from collections.abc import Sequence

from services.service_desk.attachments import store
from services.service_desk.rules.entries import IMPORT
from shared.kernel.context import Context
from shared.kernel.db import Connection
from shared.kernel.errors import Invalid
from shared.service.steps import LiveType, Written

IDS = "attachment_ids"
_DIGITS = 18


def claim(connection: Connection, live: LiveType, written: Sequence[Written], context: Context) -> None:
    """Entries that were made take their files. Raises Invalid."""
    if live.name != store.ENTRY or context.source == IMPORT:
        return
    key = live.attributes[IDS].key
    for one in written:
        text = one.state.values.get(key) if one.kind == "created" else None
        if text is not None:
            store.claim(connection, one.state.id, _ids(str(text)), context.actor.id)


def _ids(text: str) -> list[int]:
    parts = [part.strip() for part in text.split(";") if part.strip()]
    if not all(part.isascii() and part.isdigit() and len(part) <= _DIGITS for part in parts):
        raise Invalid.one(IDS, "INVALID_OPTION", f"{IDS} must be ids of files, separated by semicolons")
    return [int(part) for part in parts]
